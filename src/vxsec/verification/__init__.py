"""The only room that may conclude "verified"."""
