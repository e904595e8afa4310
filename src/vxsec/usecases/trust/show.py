"""What a trust repository says, and what changed between two states of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.host.clock import utc_now
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.trust import RoleReport, TrustDifference, TrustReport
from vxsec.usecases.trust.commit import open_repository, parse_documents
from vxsec.usecases.trust.draft import ROLES
from vxsec.usecases.trust.files import is_trust_repository
from vxsec.usecases.trust.grants import document_grants, fingerprint, holders_by_key, metadata_grants
from vxsec.usecases.trust.identities import read_identities

if TYPE_CHECKING:
    import os
    from datetime import datetime

    from vxsec.model.report.trust import Grant

    PathLike = str | os.PathLike[str]

__all__ = ["diff_trust", "show_trust"]


def show_trust(path: PathLike, *, root_sha256: str | None = None, now: datetime | None = None) -> TrustReport:
    """Say what a repository (a folder or an export) holds: who signs what, who may do what, which files.

    Guarantees: everything told verifies, stale or not; whether from the right root is told as ``pinned``.

    Args:
        path: The repository.
        root_sha256: The digest of its first root, given from outside of it.
        now: When; the clock if not given.

    Raises:
        UsageError: It is no repository.
        VerificationError: ``tuf.*``.
        ConfigurationError: Its documents do not load.
    """
    opened = open_repository(path, now=now or utc_now(), root_sha256=root_sha256)
    root, revocations = parse_documents(opened.verified.files, source=str(path))
    holders = holders_by_key(root)
    roles = tuple(
        RoleReport(
            name=name,
            version=opened.verified.roles[name].version,
            expires=opened.verified.roles[name].expires,
            threshold=opened.verified.roles[name].threshold,
            keys=tuple((fingerprint(spki), holders.get(spki)) for spki in opened.verified.roles[name].keys),
        )
        for name in ROLES
    )
    return TrustReport(
        source=str(path),
        first_root_sha256=opened.verified.pinned_sha256,
        pinned=opened.pinned,
        roles=roles,
        grants=tuple(sorted({*metadata_grants(opened.verified, holders), *document_grants(root, revocations)})),
    )


def diff_trust(before: PathLike, after: PathLike, *, now: datetime | None = None) -> TrustDifference:
    """Say who and what gained or lost something from one state to the other.

    Each is a repository, in a folder or exported, or an identities document alone; what an identities document cannot say is
    left out of both.

    Raises:
        UsageError: One of them cannot be read.
        VerificationError: A repository does not verify.
        ConfigurationError: A document does not load.
    """
    whole = is_trust_repository(before) and is_trust_repository(after)
    old, new = (_grants(path, now or utc_now(), whole=whole) for path in (before, after))
    return TrustDifference(
        before=str(before),
        after=str(after),
        gained=tuple(sorted(new - old)),
        lost=tuple(sorted(old - new)),
        unpinned=tuple(str(path) for path in (before, after) if is_trust_repository(path)),
    )


def _grants(path: PathLike, now: datetime, *, whole: bool) -> set[Grant]:
    if not is_trust_repository(path):
        read_bounded(path, max_bytes=DEFAULT_LIMITS.yaml_bytes)
        root, _ = read_identities(path)
        return set(document_grants(root, None))
    opened = open_repository(path, now=now)
    root, revocations = parse_documents(opened.verified.files, source=str(Path(path)))
    grants = set(document_grants(root, revocations))
    return grants | set(metadata_grants(opened.verified, holders_by_key(root))) if whole else grants
