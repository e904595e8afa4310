"""Is a trust repository whole, and what in it will expire: 30, 14 and 3 days ahead."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.formats.timestamps import render_time
from vxsec.host.clock import utc_now
from vxsec.model.report.trust import TrustCheck, TrustFinding, TrustLevel
from vxsec.usecases.trust.commit import open_repository, parse_documents
from vxsec.usecases.trust.draft import LIFETIMES, ROLES
from vxsec.usecases.trust.grants import holders_by_key
from vxsec.verification.tuf import verify_trust

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from datetime import datetime

    from vxsec.formats.trust_revocations import Revocations
    from vxsec.model.trust import TrustRoot
    from vxsec.model.verified import VerifiedTrust

__all__ = ["check_trust_repository", "expiry_findings"]

_DAYS = ((TrustLevel.NOW, 3), (TrustLevel.SOON, 14), (TrustLevel.NOTICE, 30))
_DAY = timedelta(days=1)


def check_trust_repository(
    path: str | os.PathLike[str],
    *,
    root_sha256: str | None = None,
    minimum_version: int | None = None,
    now: datetime | None = None,
) -> TrustCheck:
    """Verify everything in a repository, every role and file, and say what is to be done.

    Args:
        path: A folder or an export.
        root_sha256: The digest of the first root, given from outside of it; without it that the repository is the right
            one is not shown, which is told.
        minimum_version: The least version of ``timestamp`` that is believed.
        now: When it is judged; the clock if not given.

    Raises:
        UsageError: It is no repository.
        VerificationError: ``tuf.*``.
        ConfigurationError: Its documents do not load.
    """
    moment = now or utc_now()
    opened = open_repository(path, now=moment, root_sha256=root_sha256)
    if minimum_version is not None:
        verify_trust(
            opened.fetch,
            now=moment,
            root_sha256=opened.verified.pinned_sha256,
            minimum_version=minimum_version,
            unsafe_stale=True,
        )
    root, revocations = parse_documents(opened.verified.files, source=str(path))
    findings = [
        *expiry_findings(opened.verified, now=moment),
        *_few_keys(opened.verified, root),
        *_key_windows(root, revocations, now=moment),
    ]
    order = list(TrustLevel)
    return TrustCheck(
        source=str(path),
        first_root_sha256=opened.verified.pinned_sha256,
        pinned=opened.pinned,
        versions=tuple(
            (name, opened.verified.roles[name].version, opened.verified.roles[name].expires) for name in ROLES
        ),
        findings=tuple(sorted(findings, key=lambda item: -order.index(item.level))),
    )


def expiry_findings(trust: VerifiedTrust, *, now: datetime) -> Iterator[TrustFinding]:
    """What is expired or will be, role by role, of the roles that were walked.

    A role that is renewed every few weeks anyway (``timestamp``, ``snapshot``) is told of when half its time is over at the
    earliest.
    """
    for name, role in trust.roles.items():
        level = _level(role.expires - now, short=LIFETIMES[name] / 2)
        if level is None:
            continue
        past = level is TrustLevel.EXPIRED
        yield TrustFinding(
            level=level,
            code="trust.role-expired" if past else "trust.role-expires",
            subject=name,
            message=f"{name} {'expired' if past else 'expires'} at {render_time(role.expires)}",
            fix="vxsec trust refresh DIR --signer KEY" + ("" if name == "timestamp" else f" --role {name}"),
        )


def _few_keys(trust: VerifiedTrust, root: TrustRoot) -> Iterator[TrustFinding]:
    """A role that one lost key would end, or that one person signs with two keys."""
    holders = holders_by_key(root)
    keys = trust.roles["root"]
    if keys.threshold == len(keys.keys):
        yield TrustFinding(
            level=TrustLevel.NOTICE,
            code="trust.no-spare-key",
            subject="root",
            message=f"root needs all of its {len(keys.keys)} keys: one that is lost is the end of it",
            fix="vxsec trust rotate DIR --role root --add-key SPARE.pub --signer KEY",
        )
    for name, role in trust.roles.items():
        people = {holders.get(spki, spki) for spki in role.keys}
        if len(people) < role.threshold:
            yield TrustFinding(
                level=TrustLevel.NOTICE,
                code="trust.one-holder",
                subject=name,
                message=f"{name} asks for {role.threshold} keys, and {len(people)} holder has them all",
                fix=f"vxsec trust rotate DIR --role {name} --add-key OTHER.pub --signer KEY",
            )


def _key_windows(root: TrustRoot, revocations: Revocations, *, now: datetime) -> Iterator[TrustFinding]:
    """Keys of people and machines that will end, unless they are revoked or their holder has a later one with the same roles."""
    revoked = {item.key for item in (*root.key_revocations, *revocations.keys)}
    for key in root.keys:
        level = _level(key.valid_until - now)
        followed = any(
            other.holder.id == key.holder.id
            and set(key.roles) <= set(other.roles)
            and other.valid_from <= key.valid_until < other.valid_until
            and other.id not in revoked
            for other in root.keys
        )
        if level is None or key.id in revoked or followed:
            continue
        word = "ended" if level is TrustLevel.EXPIRED else "ends"
        yield TrustFinding(
            level=level,
            code="trust.key-expired" if level is TrustLevel.EXPIRED else "trust.key-expires",
            subject=key.id,
            message=f"key {key.id} of {key.holder.id} {word} at {render_time(key.valid_until)}, and none follows it",
            fix="list a successor in the identities document, then: vxsec trust add DIR FILE --role identities --signer KEY",
        )


def _level(left: timedelta, *, short: timedelta | None = None) -> TrustLevel | None:
    if left <= timedelta(0):
        return TrustLevel.EXPIRED
    for level, days in _DAYS:
        bound = days * _DAY
        if left <= (bound if short is None else min(bound, max(short, 3 * _DAY))):
            return level
    return None
