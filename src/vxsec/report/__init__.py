"""A Decision or Report as text for people and JSON for machines; one file per kind."""
