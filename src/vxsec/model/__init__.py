"""Frozen values, standard library only, no input or output."""
