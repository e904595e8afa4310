"""Predicate types by the short names people know them by.

The URIs are those of in-toto's attestation framework, SLSA, cosign, npm and PyPI. A short name is only a way to write the
URI: what is signed and compared is always the URI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.npm_attestations import NPM_PUBLISH_PREDICATE
from vxsec.formats.pep740 import PYPI_PUBLISH_PREDICATE
from vxsec.formats.slsa_provenance import SLSA_PROVENANCE
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE
from vxsec.model.sbom import CYCLONEDX_PREDICATE
from vxsec.model.scan import SCAN_PREDICATE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PREDICATE_TYPES", "predicate_type_uri"]

PREDICATE_TYPES: Mapping[str, str] = {
    "slsa-provenance": SLSA_PROVENANCE,
    "cyclonedx": CYCLONEDX_PREDICATE,
    "spdx": "https://spdx.dev/Document",
    "openvex": "https://openvex.dev/ns",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
    "vsa": "https://slsa.dev/verification_summary/v1",
    "link": "https://in-toto.io/attestation/link/v0.3",
    "test-result": "https://in-toto.io/attestation/test-result/v0.1",
    "npm-publish": NPM_PUBLISH_PREDICATE,
    "pypi-publish": PYPI_PUBLISH_PREDICATE,
    "release": RELEASE_PREDICATE,
    "approval": APPROVAL_PREDICATE,
    "scan": SCAN_PREDICATE,
}


def predicate_type_uri(text: str) -> str:
    """The URI that ``text`` is short for, or ``text`` itself."""
    return PREDICATE_TYPES.get(text, text)
