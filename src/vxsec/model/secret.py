"""The kinds of credentials that are looked for: stable names, because policies write them."""

from __future__ import annotations

__all__ = ["SECRET_DETECTORS"]

SECRET_DETECTORS = (
    "artifactory",
    "aws",
    "azure-storage",
    "basic-auth",
    "github",
    "gitlab",
    "jwt",
    "npm",
    "openai",
    "private-key",
    "pypi",
    "sendgrid",
    "slack",
    "stripe",
)
