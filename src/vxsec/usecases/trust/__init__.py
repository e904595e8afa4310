"""The trust repository: making it, changing it, reading it, and saying what is in it."""
