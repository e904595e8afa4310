"""Bytes to values and back: pure, strict, one foreign format per file; the only door for hostile input."""
