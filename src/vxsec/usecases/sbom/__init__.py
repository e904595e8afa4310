"""Make, check, compare, attest and find again the SBOM of a package."""
