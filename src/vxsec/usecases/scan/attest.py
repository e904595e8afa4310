"""A scan as a signed statement about the package that was scanned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.formats.scan_statement import AttestedScan, ScannedFile, build_scan_predicate
from vxsec.model.scan import SCAN_PREDICATE
from vxsec.usecases.sign import attest_subjects, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vxsec.model.report.scan import ScanInput, ScanReport
    from vxsec.model.report.signing import SignedFile
    from vxsec.signing.signer import AnySigner
    from vxsec.usecases.signers import Progress

__all__ = ["attest_report"]


def attest_report(
    report: ScanReport, signers: Sequence[AnySigner], *, scanner: str, progress: Progress | None = None
) -> tuple[SignedFile, ...]:
    """Sign the report of one package archive and append the bundles to ``FILE.sigstore.jsonl``.

    Guarantees: the subject's digests are those of the bytes that were scanned, not of what the file holds by now; everything
    is signed before anything is stored.

    Args:
        report: With exactly one input, a package archive.
        signers: At least one, opened.
        scanner: The tool and its version.
        progress: Told where someone has to do something, such as touching a key.

    Raises:
        FormatError: ``statement.malformed``: the result holds what cannot be written.
        UsageError: The bundle cannot be written.
    """
    (scanned,) = report.inputs
    name = scanned.package.purl if scanned.package is not None else Path(scanned.file).name
    predicate = build_scan_predicate(
        AttestedScan(
            result=report.result, scanned_at=report.scanned_at, scanner=scanner, files=tuple(_files(report, scanned))
        )
    )
    subject = subject_of(name, scanned.digests)
    statements = [(scanned.file, subject, predicate)]
    return attest_subjects(statements, predicate_type=SCAN_PREDICATE, signers=signers, progress=progress)


def _files(report: ScanReport, scanned: ScanInput) -> Iterator[ScannedFile]:
    """The archive, what resolved its dependencies, and npm's audit: by base name, because a path speaks of a machine."""
    yield ScannedFile(name=_base_name(scanned.file), kind=scanned.kind.value, digest=f"sha512:{scanned.digests.sha512}")
    if scanned.dependencies_from is not None and scanned.dependencies_digest is not None:
        yield ScannedFile(
            name=_base_name(scanned.dependencies_from), kind="dependencies", digest=scanned.dependencies_digest
        )
    if report.audit is not None:
        yield ScannedFile(
            name=_base_name(report.audit.file),
            kind=report.audit.kind.value,
            digest=f"sha512:{report.audit.digests.sha512}",
        )


def _base_name(path: str) -> str:
    return Path(path).name.encode("utf-8", "backslashreplace").decode("utf-8") or "file"
