"""Sensors: they look, and change nothing."""
