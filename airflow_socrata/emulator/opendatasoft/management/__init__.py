"""The Management API v2: the same portal in other words."""
