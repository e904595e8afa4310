"""A Sigstore instance in Python for tests."""
