"""Public kit for users' own CI: a loopback npm registry and an artifact factory."""
