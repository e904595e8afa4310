"""Facts about an archive's content."""
