"""The store: datasets as chains of numbered copies, one writer at a time, one transaction per write."""
