"""The outside world behind small ports, knowing nothing of the domain."""
