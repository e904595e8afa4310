"""SBOMs made, checked, compared and extracted: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.report.escape import escape_text
from vxsec.report.lines import count, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vxsec.model.finding import Finding
    from vxsec.model.report.sbom import BuiltSbom, ExtractedSbom, SbomCheck, SbomVerification
    from vxsec.report.lines import Paint

__all__ = [
    "built_document",
    "check_document",
    "extracted_document",
    "render_built",
    "render_check",
    "render_extracted",
    "render_verification",
    "verification_document",
]

_STYLES = {"high": "bad", "medium": "warn", "low": "dim"}


def render_built(made: Sequence[BuiltSbom]) -> Iterator[str]:
    """What was made, and where it is."""
    for one in made:
        components = count(one.components, "component")
        yield f"made  {escape_text(one.path or '')}  for {escape_text(str(one.package))}, {components}"
        yield from (f"    note: {escape_text(note)}" for note in one.notes)


def render_check(check: SbomCheck, *, paint: Paint = plain) -> Iterator[str]:
    """Every finding, and the verdict."""
    bom = check.bom
    about = escape_text(bom.root.name) if bom.root is not None else "nothing named"
    components = count(len(bom.components), "component")
    yield f"{escape_text(check.source)}: CycloneDX {escape_text(bom.spec_version)} about {about}, {components}"
    yield from _finding_lines(check.findings, paint)
    if check.missing:
        yield f"  {paint('missing', 'warn')} minimum elements: {escape_text(', '.join(check.missing))}"
    sound = check.exit_status == 0
    yield paint("SOUND" if sound else "NOT SOUND", "good" if sound else "bad")


def render_verification(verification: SbomVerification, *, paint: Paint = plain) -> Iterator[str]:
    """Whether the SBOM is about these bytes."""
    yield f"{escape_text(verification.source)} and {escape_text(verification.file)}"
    yield f"  package {escape_text(str(verification.package))}, sha256 {verification.sha256}"
    yield from _finding_lines(verification.mismatches, paint)
    yield from (f"  {paint('drift', 'bad')} {escape_text(line)}" for line in verification.drift or ())
    if verification.exit_status == 0:
        also = " and the lockfile" if verification.drift is not None else ""
        yield paint(f"MATCHES the bytes{also}", "good")
    else:
        yield paint("DOES NOT MATCH", "bad")


def render_extracted(extracted: ExtractedSbom) -> Iterator[str]:
    """Where it was written and whose word it is."""
    yield f"written  {escape_text(extracted.path or '')}, attested by {escape_text(extracted.signed_by)}"
    yield f"    from {escape_text(extracted.source)}"


def built_document(made: Sequence[BuiltSbom]) -> dict[str, object]:
    """``urn:vxsec:schema:sbom-made:v1``."""
    return {
        "schema": schema_name("sbom-made"),
        "files": [
            {"purl": one.package.purl, "path": one.path, "components": one.components, "notes": list(one.notes)}
            for one in made
        ],
    }


def check_document(check: SbomCheck) -> dict[str, object]:
    """``urn:vxsec:schema:sbom-check:v1``."""
    return {
        "schema": schema_name("sbom-check"),
        "file": check.source,
        "verdict": "sound" if check.exit_status == 0 else "not-sound",
        "exitStatus": check.exit_status,
        "specVersion": check.bom.spec_version,
        "components": len(check.bom.components),
        "findings": [_finding(item) for item in check.findings],
        "missingElements": list(check.missing),
    }


def verification_document(verification: SbomVerification) -> dict[str, object]:
    """``urn:vxsec:schema:sbom-verification:v1``."""
    return {
        "schema": schema_name("sbom-verification"),
        "file": verification.file,
        "sbom": verification.source,
        "verdict": "matches" if verification.exit_status == 0 else "does-not-match",
        "exitStatus": verification.exit_status,
        "purl": verification.package.purl,
        "sha256": verification.sha256,
        "mismatches": [_finding(item) for item in verification.mismatches],
        "drift": None if verification.drift is None else list(verification.drift),
    }


def extracted_document(extracted: ExtractedSbom) -> dict[str, object]:
    """``urn:vxsec:schema:sbom-extracted:v1``."""
    return {
        "schema": schema_name("sbom-extracted"),
        "path": extracted.path,
        "signedBy": extracted.signed_by,
        "source": extracted.source,
    }


def _finding_lines(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    for finding in sorted(findings, key=lambda item: -item.severity.rank):
        where = f" {escape_text(finding.where)}:" if finding.where else ""
        level = paint(finding.severity.value, _STYLES[finding.severity.value])
        yield f"  {level} [{escape_text(finding.code)}]{where} {escape_text(finding.message)}"


def _finding(item: Finding) -> dict[str, object]:
    return {"code": item.code, "severity": item.severity.value, "message": item.message, "where": item.where}
