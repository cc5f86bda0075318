"""Publications to Opendatasoft portals: there is no draft, so what rollback goes back to is noted before."""
