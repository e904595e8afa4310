"""Version ordering and ranges, pure, one ecosystem per file."""
