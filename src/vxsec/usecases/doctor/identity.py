"""``doctor identity``: what a certificate says, beside what was expected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, NothingToJudgeError, UsageError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.certificate import read_certificate
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import Bundle
from vxsec.model.report.identity import ExpectedIdentity, IdentityComparison, IdentityReport
from vxsec.model.verification import CertificateIdentity
from vxsec.usecases.trust_source import load_trust
from vxsec.verification.identity import explain_identity

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from vxsec.usecases.trust_source import Trust

    PathLike = str | os.PathLike[str]

__all__ = ["compare_identities"]

_NEAREST = 5


def compare_identities(
    bundles: Sequence[PathLike],
    *,
    identity: str | None = None,
    issuer: str | None = None,
    trust: Trust | None = None,
    unsafe_rehearsal: bool = False,
) -> IdentityReport:
    """Say how each certificate's identity differs from the one expected, or from those of a trust root.

    Nothing is verified here: it tells what to correct, not what to believe.

    Args:
        bundles: Bundle files, at least one.
        identity: The subject expected, with ``issuer``.
        issuer: The issuer expected.
        trust: A trust root, whose identities are expected instead; of many the nearest are told.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: No bundles, or neither an identity nor a trust root; unreadable files.
        NothingToJudgeError: ``identity.no-certificate``: no bundle holds a certificate.
    """
    if not bundles:
        raise UsageError("expected a bundle to look at", code="usage.no-files", hint="add --bundle FILE.sigstore.jsonl")
    wanted: list[tuple[str, str, str | None]] = []
    if trust is not None:
        root = load_trust(trust, unsafe_rehearsal=unsafe_rehearsal)
        wanted = [(one.subject, one.issuer, holder.id) for holder in root.holders for one in holder.identities]
    elif identity is not None and issuer is not None:
        wanted = [(identity, issuer, None)]
    if not wanted:
        raise UsageError(
            "expected an identity to compare with, found none",
            code="verify.identity",
            hint="give --identity SUBJECT and --issuer URL, or --trust FILE with identities in it",
        )
    found = [
        IdentityComparison(source=source, found=one, expected=_compare(one, wanted))
        for path in bundles
        for source, one in _identities(path)
    ]
    if not found:
        raise NothingToJudgeError(
            "no bundle here holds a certificate: they were signed with keys",
            code="identity.no-certificate",
            hint="verify a key's signature with: vxsec verify FILE --key KEY.pub",
        )
    return IdentityReport(comparisons=tuple(found))


def _identities(path: PathLike) -> list[tuple[str, CertificateIdentity]]:
    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)
    found: list[tuple[str, CertificateIdentity]] = []
    for number, item in enumerate(read_bundle_document(data, where=str(path)), start=1):
        if not isinstance(item, Bundle) or not item.certificates:
            continue
        try:
            certificate = read_certificate(item.certificates[0], where=f"{path}:{number}")
        except FormatError:
            continue
        subject = certificate.alternative_names[0].value if certificate.alternative_names else ""
        found.append(
            (
                f"{path}:{number}",
                CertificateIdentity(subject=subject, issuer=certificate.oidc_issuer or "", claims=certificate.claims),
            )
        )
    return found


def _compare(found: CertificateIdentity, wanted: Sequence[tuple[str, str, str | None]]) -> tuple[ExpectedIdentity, ...]:
    compared = [
        ExpectedIdentity(
            subject=subject,
            issuer=issuer,
            holder=holder,
            differences=explain_identity(found, subject=subject, issuer=issuer),
        )
        for subject, issuer, holder in wanted
    ]
    return tuple(sorted(compared, key=lambda item: (len(item.differences), item.subject))[:_NEAREST])
