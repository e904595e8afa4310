"""Whether a statement is about a file: by digest, and for npm and our own predicates by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import VerificationError
from vxsec.formats.statement import STRONG_DIGESTS
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE, SCAN_PREDICATE, Statement, Subject

if TYPE_CHECKING:
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef
    from vxsec.model.verified import VerifiedStatement

__all__ = ["subject_names", "subject_states", "verify_statement_subject"]

_OWN_PREDICATES = frozenset({RELEASE_PREDICATE, APPROVAL_PREDICATE, SCAN_PREDICATE})
_PURL = "pkg:"
_SHOWN = 120


def verify_statement_subject(
    verified: VerifiedStatement, *, digests: Digests, package: PackageRef | None = None
) -> Subject:
    """The subject of ``verified`` that is the file with these digests.

    Guarantees: at least one of SHA-256 and SHA-512 is stated, and every one stated is the file's. With ``package`` the
    subject's name must be that package's purl where the statement is one of ours, or the name is a purl.

    Raises:
        VerificationError: ``signature.subject-mismatch``.
    """
    statement = verified.statement
    same_bytes = [subject for subject in statement.subjects if subject_states(subject, digests)]
    for subject in same_bytes:
        if package is None or _name_agrees(subject, statement, package):
            return subject
    if same_bytes:
        names = ", ".join(repr((subject.name or "")[:_SHOWN]) for subject in same_bytes[:3])
        raise VerificationError(
            f"expected the signed name to be {package.purl if package else ''!r}, found {names}",
            code="signature.subject-mismatch",
        )
    raise VerificationError(
        f"expected a statement about sha256 {digests.sha256}, found one about other bytes",
        code="signature.subject-mismatch",
        hint="sign the file again, or restore the file that was signed",
    )


def subject_states(subject: Subject, digests: Digests) -> bool:
    """Whether ``subject`` is these bytes: a strong digest is stated, and every strong one stated agrees."""
    stated = [(name, subject.digest[name]) for name in STRONG_DIGESTS if name in subject.digest]
    ours = {"sha256": digests.sha256, "sha512": digests.sha512}
    return bool(stated) and all(ours[name] == value for name, value in stated)


def subject_names(subject: Subject, package: PackageRef) -> bool:
    """Whether the subject's name is a purl of ``package``; escapes that purl writers do or leave out make no difference."""
    from urllib.parse import unquote  # 4 ms, and most statements never come here

    body = (subject.name or "").removeprefix(f"{_PURL}{package.ecosystem}/")
    path, at, version = body.rpartition("@")
    return (
        body != subject.name
        and at == "@"
        and not {"?", "#"} & set(body)
        and (unquote(path), unquote(version)) == (package.name, package.version)
    )


def _name_agrees(subject: Subject, statement: Statement, package: PackageRef) -> bool:
    if statement.predicate_type in _OWN_PREDICATES:
        return subject.name == package.purl
    return not (subject.name or "").startswith(_PURL) or subject_names(subject, package)
