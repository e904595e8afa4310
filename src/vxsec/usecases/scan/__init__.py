"""Look dependencies up: what is scanned, the scan, and its attestation."""
