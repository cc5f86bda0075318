"""The life of one publication: open, load, check, publish, prove, or back."""
