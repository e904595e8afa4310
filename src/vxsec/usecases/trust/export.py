"""A trust repository in one file, for sites without a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.formats.trust_export import render_trust_export
from vxsec.host.clock import utc_now
from vxsec.host.files import write_atomic
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.trust import TrustChange
from vxsec.model.trust_repository import DELEGATED_ROLES
from vxsec.usecases.trust.commit import open_repository
from vxsec.usecases.trust.draft import ROLES
from vxsec.usecases.trust.files import disk_name

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import datetime

    from vxsec.model.verified import VerifiedTrust

    PathLike = str | os.PathLike[str]

__all__ = ["export_trust"]

_NOT_PINNED = (
    "nobody said which first root is meant: what was written is whole, and whose it is was not shown; "
    "compare the digest with the one you were given, or give it: --trust-root SHA256"
)


def export_trust(
    path: PathLike, output: PathLike, *, root_sha256: str | None = None, now: datetime | None = None
) -> TrustChange:
    """Write everything that a walk from any of its roots needs into one file, which ``--trust FILE`` reads.

    Guarantees: only what verifies is written; the same state gives the same bytes; ``output`` is written whole or not at all.

    Args:
        path: A repository, in a folder or exported.
        output: The file.
        root_sha256: The digest of its first root.
        now: When; the clock if not given.

    Raises:
        UsageError: It is no repository, or the file cannot be written; ``file.too-large``: nobody could read it.
        VerificationError: ``tuf.*``.
    """
    opened = open_repository(path, now=now or utc_now(), root_sha256=root_sha256)
    names = _names(opened.verified, opened.fetch)
    found = {name: opened.fetch(name) for name in names}
    files = {disk_name(name): data for name, data in found.items() if data is not None}
    data = render_trust_export(files)
    if len(data) > DEFAULT_LIMITS.tuf_export_bytes:
        raise UsageError(
            f"the export would have {len(data)} bytes, and at most {DEFAULT_LIMITS.tuf_export_bytes} are ever read",
            code="file.too-large",
            where=str(output),
            hint="take large databases out (vxsec trust add DIR --role databases --remove NAME --signer KEY), and carry them "
            "beside the export: vxsec db import FILE",
        )
    write_atomic(output, data)
    return TrustChange(
        path=str(output),
        first_root_sha256=opened.verified.pinned_sha256,
        written=(str(output),),
        versions=tuple(
            (name, opened.verified.roles[name].version, opened.verified.roles[name].expires) for name in ROLES
        ),
        notes=() if opened.pinned else (_NOT_PINNED,),
    )


def _names(trust: VerifiedTrust, fetch: Callable[[str], bytes | None]) -> list[str]:
    """Every root there is, the current file of every other role, and every target."""
    roots = [f"{number}.root.json" for number in range(1, trust.roles["root"].version + 1)]
    roles = [f"{trust.roles[role].version}.{role}.json" for role in ("snapshot", "targets", *DELEGATED_ROLES)]
    return [
        *(name for name in roots if fetch(name) is not None),
        "timestamp.json",
        *roles,
        *(f"targets/{path}" for path in trust.files),
    ]
