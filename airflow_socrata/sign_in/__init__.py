"""Commands for people: sign in to a portal with a browser, and look after API keys."""
