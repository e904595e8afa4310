"""Everything that speaks HTTP to an npm registry."""
