"""What was signed and approved: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.report.escape import escape_text
from vxsec.report.lines import plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vxsec.model.report.signing import Approval, ReleaseDifference, SignedFile
    from vxsec.report.lines import Paint

__all__ = ["approval_document", "render_differences", "render_signed", "signed_document"]

_SHOWN_FILES = 40


def render_signed(files: Iterable[SignedFile]) -> Iterator[str]:
    """What was signed, and where the bundle is."""
    for file in files:
        kind = escape_text(file.predicate_type or "bare signature")
        yield f"signed  {escape_text(file.file)}  as {escape_text(file.subject)}  ({kind})"
        yield f"    {escape_text(file.bundle)}"
        if file.note is not None:
            yield f"    NOTE: {escape_text(file.note)}"


def render_differences(differences: Sequence[ReleaseDifference], *, paint: Paint = plain) -> Iterator[str]:
    """What a person approves: files and manifest fields that change for those who install."""
    for item in differences:
        against = (
            f"against {escape_text(str(item.previous))}" if item.previous is not None else escape_text(item.note or "")
        )
        yield f"{paint(escape_text(str(item.package)), 'good')}  {against}"
        for field in item.manifest:
            yield f"    ~ package.json {escape_text(field.field)}: {escape_text(field.registry)} -> {escape_text(field.tarball)}"
        for mark, paths in (("+", item.added), ("-", item.removed), ("~", item.changed)):
            for path in paths[:_SHOWN_FILES]:
                yield f"    {mark} {escape_text(path)}"
            if len(paths) > _SHOWN_FILES:
                yield f"    {mark} and {len(paths) - _SHOWN_FILES} more"
        if item.previous is not None and not (item.manifest or item.added or item.removed or item.changed):
            same = item.previous == item.package
            yield "    these bytes are live already" if same else "    nothing but the version changes"


def signed_document(files: Iterable[SignedFile]) -> dict[str, object]:
    """``urn:vxsec:schema:signed:v1``."""
    return {"schema": schema_name("signed"), "files": [_signed(item) for item in files]}


def approval_document(approval: Approval) -> dict[str, object]:
    """``urn:vxsec:schema:approval:v1``."""
    return {
        "schema": schema_name("approval"),
        "files": [_signed(item) for item in approval.files],
        "pushed": list(approval.pushed),
        "differences": [
            {
                "purl": item.package.purl,
                "previous": item.previous.purl if item.previous is not None else None,
                "note": item.note,
                "added": list(item.added),
                "removed": list(item.removed),
                "changed": list(item.changed),
                "manifest": [{"field": d.field, "previous": d.registry, "now": d.tarball} for d in item.manifest],
            }
            for item in approval.differences
        ],
    }


def _signed(item: SignedFile) -> dict[str, object]:
    return {
        "file": item.file,
        "subject": item.subject,
        "predicateType": item.predicate_type,
        "keyHint": item.key_hint,
        "bundle": item.bundle,
        "note": item.note,
    }
