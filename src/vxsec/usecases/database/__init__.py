"""Fill the advisory database, and say what is in it."""
