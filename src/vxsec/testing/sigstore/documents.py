"""The documents that tell clients about an instance: trusted root, signing configuration, client trust configuration.

Members are those of ``sigstore_trustroot.proto``. sigstore-python refuses members it does not know, so a rehearsal is marked in
one that every client knows and none judges: ``operator``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate
from cryptography.x509.oid import NameOID

from vxsec.formats.trusted_root import REHEARSAL_OPERATOR, TRUSTED_ROOT_MEDIA_TYPE
from vxsec.testing.sigstore.keys import encode, key_details, public_key_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.model.trusted_root import CertificateAuthority, TransparencyLog, TrustedRoot, Window

__all__ = [
    "CLIENT_TRUST_CONFIG_TYPE",
    "SIGNING_CONFIG_TYPE",
    "client_trust_config",
    "signing_config",
    "timestamp_text",
    "trusted_root",
]

SIGNING_CONFIG_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
CLIENT_TRUST_CONFIG_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


def trusted_root(root: TrustedRoot) -> dict[str, object]:
    """``TrustedRoot`` v0.1 as JSON; ``root.rehearsal`` decides whether it is marked."""
    operator: dict[str, object] = {"operator": REHEARSAL_OPERATOR} if root.rehearsal else {}
    return {
        "mediaType": TRUSTED_ROOT_MEDIA_TYPE,
        "tlogs": [_log(log) | operator for log in root.logs],
        "certificateAuthorities": [_authority(found) | operator for found in root.certificate_authorities],
        "ctlogs": [_log(log) | operator for log in root.ct_logs],
        "timestampAuthorities": [_authority(found) | operator for found in root.timestamp_authorities],
    }


def signing_config(
    *,
    fulcio: str,
    issuer: str,
    rekor: Sequence[tuple[str, int]],
    timestamps: Sequence[str],
    start: datetime,
) -> dict[str, object]:
    """``SigningConfig`` v0.2 as JSON.

    Args:
        fulcio: URL of the certificate authority.
        issuer: URL of the OIDC issuer.
        rekor: URL and major version of every log; clients take the highest version they know.
        timestamps: URLs of timestamp authorities.
        start: From when all of it is to be used.
    """

    def service(url: str, version: int = 1) -> dict[str, object]:
        valid = {"start": timestamp_text(start)}
        return {"url": url, "majorApiVersion": version, "validFor": valid, "operator": REHEARSAL_OPERATOR}

    document: dict[str, object] = {
        "mediaType": SIGNING_CONFIG_TYPE,
        "caUrls": [service(fulcio)],
        "oidcUrls": [service(issuer)],
        "rekorTlogUrls": [service(url, version) for url, version in rekor],
        "rekorTlogConfig": {"selector": "ANY"},
    }
    if timestamps:
        document |= {"tsaUrls": [service(url) for url in timestamps], "tsaConfig": {"selector": "ANY"}}
    return document


def client_trust_config(root: dict[str, object], signing: dict[str, object]) -> dict[str, object]:
    """``ClientTrustConfig`` v0.1: both documents in one, as ``sigstore --trust-config`` takes it."""
    return {"mediaType": CLIENT_TRUST_CONFIG_TYPE, "trustedRoot": root, "signingConfig": signing}


def timestamp_text(moment: datetime) -> str:
    """RFC 3339 in UTC, as protobuf's JSON writes it."""
    return moment.isoformat(timespec="auto").replace("+00:00", "Z")


def _log(log: TransparencyLog) -> dict[str, object]:
    return {
        "baseUrl": log.base_url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": encode(log.spki),
            "keyDetails": key_details(public_key_of(log.spki)),
            "validFor": _window(log.window),
        },
        "logId": {"keyId": encode(log.log_id)},
    }


def _authority(found: CertificateAuthority) -> dict[str, object]:
    subject = load_der_x509_certificate(found.chain[0]).subject
    names = {item.oid: str(item.value) for item in subject}
    return {
        "subject": {
            "organization": names.get(NameOID.ORGANIZATION_NAME, ""),
            "commonName": names.get(NameOID.COMMON_NAME, ""),
        },
        "uri": found.uri,
        "certChain": {"certificates": [{"rawBytes": encode(item)} for item in found.chain]},
        "validFor": _window(found.window),
    }


def _window(window: Window) -> dict[str, str]:
    found = {"start": timestamp_text(window.start)}
    return found if window.end is None else found | {"end": timestamp_text(window.end)}
