"""Queries: parsed, checked against the schema, and run on the served fields."""
