"""The Signer contract and its kinds."""
