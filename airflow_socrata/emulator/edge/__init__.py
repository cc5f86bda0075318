"""The edge: sign-in, counts, the two shapes of errors; what a client of a portal meets."""
