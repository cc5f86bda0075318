"""SoQL, the portal's query language: parsed by sqlglot, run by the embedded database."""
