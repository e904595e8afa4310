"""``doctor`` on trust: the identities document, the windows of its keys, and the policy."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from vxsec.errors import UsageError, VxsecError
from vxsec.formats.timestamps import render_time
from vxsec.model.decision import Mode
from vxsec.model.report.doctor import Area
from vxsec.model.report.trust import TrustLevel
from vxsec.model.trust import Role
from vxsec.usecases.doctor.notes import Notes
from vxsec.usecases.inputs import load_policy
from vxsec.usecases.trust_source import TrustSource, load_key_file, load_trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from vxsec.model.report.doctor import DoctorFinding
    from vxsec.model.trust import TrustedKey, TrustRoot
    from vxsec.policy.document import Policy
    from vxsec.usecases.trust_source import Trust

__all__ = ["check_policy", "check_trust", "check_windows"]

_TRUST = Notes(Area.TRUST)
_POLICY = Notes(Area.POLICY)
_WRITTEN_BY_INIT = ("vxsec/trust.yaml", "trust.yaml")
_LOADS = "a trust document that loads, with every key file it names"
_OTHER_KINDS = (b"ssh-", b"sk-", b"ecdsa-sha2-", b"-----BEGIN PGP", b"{")
"""How key files of SSH and OpenPGP begin, and trusted roots: the document's reader judges those."""
_DAY = timedelta(days=1)
_NOTICE, _SOON, _NOW = timedelta(days=30), timedelta(days=14), timedelta(days=3)


def check_trust(source: Trust | None, *, project: Path) -> tuple[TrustRoot | None, list[DoctorFinding]]:
    """The trust root where it loads, and what is to be said about the document."""
    if source is None:
        near = next((name for name in _WRITTEN_BY_INIT if os.path.isfile(project / name)), None)  # noqa: PTH113 - it never raises
        none = "write one, or name it with --trust FILE: vxsec init"
        finding = _TRUST.warning(
            "trust-not-given",
            "keys, registries and scopes were not looked at",
            expected="a trust document to hold them against",
            fix=f"name it: vxsec doctor --trust {near}" if near is not None else none,
        )
        return None, [finding]
    broken: list[DoctorFinding] = []
    try:
        path = source.path if isinstance(source, TrustSource) else source
        trust = load_trust(source, load_key=partial(_load_key, source=path, broken=broken))
    except VxsecError as error:
        return None, [
            *broken,
            _TRUST.error("key-file" if error.code == "trust.key" else "trust", error, expected=_LOADS),
        ]
    except OSError as error:  # its folder cannot be entered
        denied = UsageError(f"cannot read: {error.strerror}", code="file.unreadable", where=str(source))
        return None, [_TRUST.error("trust", denied, expected=_LOADS)]
    broken += _expiring(source)
    counted = f"keys: {len(trust.keys)}, holders: {len(trust.holders)}, registries: {len(trust.registries)}"
    return trust, broken or [_TRUST.ok("trust", f"it loads ({counted})", where=trust.source)]


def _expiring(source: Trust) -> Iterator[DoctorFinding]:
    """What of a trust repository ends soon, 30, 14 and 3 days ahead; keys are told of by :func:`check_windows`."""
    from vxsec.usecases.trust.files import is_trust_repository

    if not isinstance(source, TrustSource) or not is_trust_repository(source.path):
        return
    from vxsec.usecases.trust.check import check_trust_repository

    checked = check_trust_repository(source.path, root_sha256=source.root_sha256)
    for finding in checked.findings:
        if not finding.code.startswith("trust.role-"):
            continue
        near = finding.level not in {TrustLevel.NOTICE, TrustLevel.SOON}
        tell = _TRUST.problem if near else _TRUST.warning
        yield tell(
            finding.code.removeprefix("trust."),
            finding.message,
            expected="metadata that is not about to end",
            fix=finding.fix,
            where=checked.source,
        )


def _load_key(name: str, *, source: str | os.PathLike[str], broken: list[DoctorFinding]) -> bytes:
    """A key file's bytes; where there are none, a key that nobody holds, so that everything else is looked at, too.

    Such a root never leaves ``doctor``, which asks who may sign and until when, and verifies nothing.
    """
    from vxsec.formats.public_key import parse_public_key

    try:
        data = load_key_file(name, trust=source)
        if data.lstrip().startswith(_OTHER_KINDS):
            return data
        return parse_public_key(data, where=name)
    except VxsecError as error:
        broken.append(_TRUST.error("key-file", error, expected=_LOADS))
        return _nobodys_key(len(broken))


def _nobodys_key(number: int) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = derive_private_key(number, SECP256R1()).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check_windows(trust: TrustRoot, *, now: datetime) -> Iterator[DoctorFinding]:
    """Each key's window and revocation, then whether some key of each role that signs is good now."""
    revoked = {item.key: item for item in trust.key_revocations}
    good: set[Role] = set()
    for key in trust.keys:
        withdrawn = revoked.get(key.id)
        if withdrawn is not None and withdrawn.since <= now:
            yield _revoked(trust, key, f"{withdrawn.reason.value}, since {render_time(withdrawn.since)}", now)
            continue
        end = min(key.valid_until, withdrawn.since) if withdrawn is not None else key.valid_until
        if key.valid_from <= now < end:
            good.update(key.roles)
        yield (_judge_later if now < key.valid_from else _judge_window)(trust, key, end=end, now=now)
    for role in (Role.MACHINE, Role.HUMAN):
        if role in trust.roles() and role not in good:
            yield _TRUST.problem(
                "role-empty",
                f"no key of role {role.value} is good now",
                expected="one at least: nothing new can be signed",
                fix=f"list a new one under keys: in {trust.source}: vxsec keys generate {role.value}-{now.year}",
                where=trust.source,
            )


def _judge_later(trust: TrustRoot, key: TrustedKey, *, end: datetime, now: datetime) -> DoctorFinding:
    found = f"key {key.id} of {key.holder.id} is good from {render_time(key.valid_from)} to {render_time(end)}"
    if any(_good(trust, other, now) for other in trust.keys if other.holder.id == key.holder.id):
        return _TRUST.ok("key-later", found, where=trust.source)
    return _TRUST.warning(
        "key-not-yet",
        found,
        expected="a key of this holder that is good now",
        fix=f"wait until then, or write an earlier from: in {trust.source}",
        where=trust.source,
    )


def _judge_window(trust: TrustRoot, key: TrustedKey, *, end: datetime, now: datetime) -> DoctorFinding:
    name = f"key {key.id} of {key.holder.id}"
    left = end - now
    replaced = _successor(trust, key, end=end, now=now)
    when = f"{'expired' if left <= timedelta(0) else 'expires'} {_days(left)} ({render_time(end)})"
    if replaced is not None:
        return _TRUST.ok("key-replaced", f"{name} {when}; {replaced.id} follows it", where=trust.source)
    if left > _NOTICE:
        return _TRUST.ok("key", f"{name} is good until {render_time(end)}", where=trust.source)
    fix = _make_successor(trust, key, now)
    if left <= timedelta(0):
        expected = "a key of this holder that is good now"
        return _TRUST.problem("key-expired", f"{name} {when}", expected=expected, fix=fix, where=trust.source)
    if left <= _NOW:
        expected = "a successor, days ago"
        return _TRUST.problem("key-expires-now", f"{name} {when}", expected=expected, fix=fix, where=trust.source)
    code, expected = (
        ("key-expires-soon", "a successor by now") if left <= _SOON else ("key-expires", "a successor soon")
    )
    return _TRUST.warning(code, f"{name} {when}", expected=expected, fix=fix, where=trust.source)


def _revoked(trust: TrustRoot, key: TrustedKey, why: str, now: datetime) -> DoctorFinding:
    """A revoked key stays listed, because the revocation names it; what matters is whether its holder has another."""
    found = f"key {key.id} of {key.holder.id} is listed and revoked ({why})"
    other = next((k for k in trust.keys if k.holder.id == key.holder.id and _good(trust, k, now)), None)
    if other is not None:
        return _TRUST.ok("key-revoked", f"{found}; {other.id} is in its place", where=trust.source)
    return _TRUST.warning(
        "key-revoked",
        found,
        expected="another key of this holder, or none of its holder any more",
        fix=_make_successor(trust, key, now),
        where=trust.source,
    )


def _good(trust: TrustRoot, key: TrustedKey, now: datetime) -> bool:
    revoked = any(item.key == key.id and item.since <= now for item in trust.key_revocations)
    return key.valid_from <= now < key.valid_until and not revoked


def _successor(trust: TrustRoot, key: TrustedKey, *, end: datetime, now: datetime) -> TrustedKey | None:
    """Another key of the same holder with at least the same roles, good at the end of this one (or now) and beyond it."""
    for other in trust.keys:
        fits = other.id != key.id and other.holder.id == key.holder.id and set(key.roles) <= set(other.roles)
        moment = max(end, now)
        if fits and other.valid_until - moment > _NOW and _good(trust, other, moment):
            return other
    return None


def _make_successor(trust: TrustRoot, key: TrustedKey, now: datetime) -> str:
    name = f"{key.holder.id}-{now.year}"
    return (
        f"let {key.holder.id} make a successor, and list it under keys: in {trust.source}: vxsec keys generate {name}"
    )


def _days(left: timedelta) -> str:
    days = abs(left) // _DAY
    text = "today" if days == 0 else f"{days} day{'' if days == 1 else 's'}"
    if days == 0:
        return text
    return f"in {text}" if left > timedelta(0) else f"{text} ago"


def check_policy(
    source: str | os.PathLike[str] | None,
    *,
    trust: TrustRoot | None,
    now: datetime,
    document: str | os.PathLike[str] | None = None,
) -> tuple[Policy | None, list[DoctorFinding]]:
    """The policy where it loads and fits the trust root, and what is to be said about it.

    Args:
        source: The policy, if one was named.
        trust: The trust root, if it loads.
        now: When the policy is judged.
        document: The trust document that was named, whether it loads or not.
    """
    if source is None:
        return None, []
    where = str(source)
    if trust is None:
        finding = _POLICY.warning(
            "policy-not-read",
            "without a trust document a policy cannot be held against anything",
            expected="both" if document is None else "a trust document that loads",
            fix=f"vxsec doctor --trust FILE --policy {where}"
            if document is None
            else f"mend {document} as told above, then run vxsec doctor again",
            where=where,
        )
        return None, [finding]
    try:
        policy = load_policy(source, trust=trust)
    except VxsecError as error:
        return None, [_POLICY.error("policy", error, expected="a policy that loads and fits the trust document")]
    findings: list[DoctorFinding] = []
    if policy.expires is not None and policy.expires <= now:
        findings.append(
            _POLICY.problem(
                "policy-expired",
                f"it expired at {render_time(policy.expires)}, and denies everything since",
                expected="a policy in force",
                fix="review it, and write a later expires: under metadata:",
                where=where,
            )
        )
    if policy.mode is Mode.WARN:
        findings.append(
            _POLICY.warning(
                "policy-warns",
                "mode: warn lets everything pass",
                expected="mode: enforce, once the warnings are worked through",
                fix="write: mode: enforce",
                where=where,
            )
        )
    rules = sum(len(scope.rules) for scope in policy.scopes)
    return policy, findings or [_POLICY.ok("policy", f"it loads (rules: {rules})", where=where)]
