"""The Automation API v1.0."""
