"""Whether files are what they claim: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.timestamps import render_time
from vxsec.report.escape import escape_text
from vxsec.report.lines import SHOWN_FAILURES, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.report.verification import FileVerdict, SignatureVerdict, VerifyReport
    from vxsec.report.lines import Paint

__all__ = ["render_verify", "verify_document"]

_SHOWN_REJECTED = 3
_SUPPLIED = " (from "


def render_verify(report: VerifyReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """One line per file; for a refusal the reason, each signature that did not count, and the next step."""
    if report.as_of is not None:
        yield f"judged as of {render_time(report.as_of)}, not now"
    if report.trust is not None and (verbose or _SUPPLIED in report.trust.source):
        yield f"by the trust root {escape_text(report.trust.source)}{'' if report.trust.signed else ' (unsigned)'}"
    for file in report.files:
        yield from _verdict_lines(file, verbose=verbose, paint=paint)
    if len(report.files) > 1:
        good = sum(1 for file in report.files if file.verified)
        yield f"{good} of {len(report.files)} files verified"


def _verdict_lines(file: FileVerdict, *, verbose: bool, paint: Paint) -> Iterator[str]:
    name = escape_text(file.file)
    if file.verified:
        kinds = ", ".join(map(escape_text, file.predicate_types)) or "bare signature"
        yield f"{paint('verified', 'good')}  {name}  by {', '.join(map(escape_text, file.signed_by))} ({kinds})"
    else:
        yield f"{paint('NOT VERIFIED', 'bad')}  {name}  [{escape_text(file.code)}] {escape_text(file.message)}"
    if verbose or not file.verified:
        shown = SHOWN_FAILURES if verbose else _SHOWN_REJECTED
        for item in file.rejected[:shown]:
            yield f"    not counted [{escape_text(item.code)}] {escape_text(item.source)}: {escape_text(item.message)}"
        if len(file.rejected) > shown:
            yield f"    and {len(file.rejected) - shown} more" + ("" if verbose else " (-v shows them)")
    if verbose:
        for signature in file.signatures:
            yield from _check_lines(signature)
    if file.hint is not None and not file.verified:
        yield f"    next: {escape_text(file.hint)}"


def _check_lines(signature: SignatureVerdict) -> Iterator[str]:
    """Every check of one signature: what passed, what failed, what was not run."""
    who = f" by {escape_text(signature.signer)}" if signature.signer else ""
    yield f"    {signature.kind} in {escape_text(signature.source)}{who}: {escape_text(signature.code)}"
    for time in signature.times:
        yield f"        signed before {render_time(time.at)}, says {escape_text(time.authority)}"
    for check in signature.checks:
        told = escape_text(check.message) + (f" [{escape_text(check.code)}]" if check.code else "")
        yield f"        {check.status.value:<8} {check.id}: {told}"


def verify_document(report: VerifyReport) -> dict[str, object]:
    """``urn:vxsec:schema:verify:v1``."""
    return {
        "schema": schema_name("verify"),
        "verdict": "verified" if report.exit_status == 0 else "not-verified",
        "exitStatus": report.exit_status,
        "asOf": report.as_of is not None,
        "at": render_time(report.as_of) if report.as_of is not None else None,
        "rehearsal": report.rehearsal,
        "trust": {"source": report.trust.source, "sha256": report.trust.sha256, "signed": report.trust.signed}
        if report.trust is not None
        else None,
        "files": [_file(item) for item in report.files],
    }


def _file(item: FileVerdict) -> dict[str, object]:
    return {
        "file": item.file,
        "sha256": item.sha256,
        "sha512": item.sha512,
        "verified": item.verified,
        "code": item.code,
        "message": item.message,
        "hint": item.hint,
        "signedBy": list(item.signed_by),
        "predicateTypes": list(item.predicate_types),
        "rejected": [{"code": r.code, "message": r.message, "source": r.source} for r in item.rejected],
        "signatures": [_signature(one) for one in item.signatures],
        "findings": [
            {"code": one.code, "severity": one.severity.value, "message": one.message, "where": one.where}
            for one in item.findings
        ],
    }


def _signature(item: SignatureVerdict) -> dict[str, object]:
    identity = item.identity
    return {
        "source": item.source,
        "kind": item.kind,
        "counted": item.counted,
        "code": item.code,
        "message": item.message,
        "evidence": item.evidence or None,
        "signer": item.signer,
        "predicateType": item.predicate_type,
        "identity": {"subject": identity.subject, "issuer": identity.issuer, "claims": dict(identity.claims)}
        if identity is not None
        else None,
        "times": [
            {"source": time.source.value, "at": render_time(time.at), "authority": time.authority}
            for time in item.times
        ],
        "checks": [
            {
                "id": check.id,
                "status": check.status.value,
                "code": check.code,
                "message": check.message,
                "evidence": check.evidence,
            }
            for check in item.checks
        ],
    }
