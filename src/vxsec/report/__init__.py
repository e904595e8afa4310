"""A Decision or Report as text or JSON."""
