"""Collect what rules need about a subject: one file per kind of raw material."""
