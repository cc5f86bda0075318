"""Triggers: the long waits, off the workers."""
