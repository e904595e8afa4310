"""What a registry signed, and what became of verifying it: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.strict_json import dump_json
from vxsec.formats.timestamps import render_time
from vxsec.model.verification import CheckStatus
from vxsec.report.escape import escape_text
from vxsec.report.lines import SHOWN_FAILURES, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vxsec.model.npm import NpmSignature
    from vxsec.model.report.npm import PackumentVerdict, RegistrySignature
    from vxsec.report.lines import Paint

__all__ = [
    "registry_signed_document",
    "render_packument_verdict",
    "render_registry_signed",
]

_STYLES = {CheckStatus.PASSED: "good", CheckStatus.FAILED: "bad", CheckStatus.NOT_RUN: "dim"}


def render_registry_signed(made: Sequence[RegistrySignature]) -> Iterator[str]:
    """Each signature, and the ``dist.signatures`` to serve."""
    for item in made:
        yield f"signed  {escape_text(item.file)}  as {escape_text(str(item.package))}  by {escape_text(item.keyid)}"
        yield f"    integrity {item.integrity}"
        yield f"    dist.signatures {escape_text(dump_json(_signatures(item.signatures)).decode('utf-8'))}"


def registry_signed_document(made: Sequence[RegistrySignature]) -> dict[str, object]:
    """``urn:vxsec:schema:registrysigned:v1``."""
    return {
        "schema": schema_name("registrysigned"),
        "files": [
            {
                "file": item.file,
                "name": item.package.name,
                "version": item.package.version,
                "integrity": item.integrity,
                "keyid": item.keyid,
                "signatures": _signatures(item.signatures),
            }
            for item in made
        ],
    }


def render_packument_verdict(
    verdict: PackumentVerdict, *, verbose: bool = False, paint: Paint = plain
) -> Iterator[str]:
    """The verdict, each check, and what else is worth knowing of the packument."""
    if verdict.as_of is not None:
        yield f"judged as of {render_time(verdict.as_of)}, not now"
    name, signature = escape_text(verdict.file), verdict.signature
    if verdict.verified:
        yield f"{paint('verified', 'good')}  {name}  by {escape_text(signature.signer or '')} (registry signature)"
    else:
        yield f"{paint('NOT VERIFIED', 'bad')}  {name}  [{escape_text(signature.code)}] {escape_text(signature.message)}"
    for check in verdict.checks if verbose or not verdict.verified else ():
        code = f" [{escape_text(check.code)}]" if check.code is not None else ""
        yield f"    {paint(check.status.value, _STYLES[check.status])} {check.id}{code}: {escape_text(check.message)}"
    for finding in verdict.findings[:SHOWN_FAILURES]:
        where = f" {escape_text(finding.where)}:" if finding.where else ""
        yield f"    {finding.severity.value} [{escape_text(finding.code)}]{where} {escape_text(finding.message)}"
    if len(verdict.findings) > SHOWN_FAILURES:
        yield f"    and {len(verdict.findings) - SHOWN_FAILURES} more"


def _signatures(signatures: Sequence[NpmSignature]) -> list[dict[str, str]]:
    return [{"keyid": item.keyid, "sig": item.sig} for item in signatures]
