"""Signing in: credentials of every kind, the OAuth 2 server flow, API keys, and sessions of browsers."""
