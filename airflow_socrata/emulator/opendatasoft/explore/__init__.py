"""The reading part of the Explore API v2.1."""
