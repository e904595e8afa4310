"""One lockfile format per file, plus the table of them."""
