"""Changing who may sign for a role, and renewing what will expire."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.formats.public_key import key_hint
from vxsec.host.clock import utc_now
from vxsec.model.trust_repository import DELEGATED_ROLES
from vxsec.usecases.trust.commit import commit, open_to_change
from vxsec.usecases.trust.draft import LIFETIMES, ROLES, key_set, read_draft
from vxsec.usecases.trust.init import read_keys

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from vxsec.model.report.trust import TrustChange
    from vxsec.model.trust_repository import KeySet

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["refresh_trust", "rotate_trust"]

_LEAST_PREFIX = 8


def rotate_trust(
    directory: PathLike,
    *,
    role: str,
    signers: Sequence[str],
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    threshold: int | None = None,
    root_sha256: str | None = None,
    minimum_version: int | None = None,
    password: Password = None,
    propose: bool = False,
    now: datetime | None = None,
    environ: Mapping[str, str] | None = None,
) -> TrustChange:
    """Give a role other keys, or another threshold.

    For ``root`` the next version is signed by the keys before and by the new ones. For ``timestamp``, ``snapshot`` and
    ``targets`` the root signs, for the delegated roles ``targets`` does; the role itself is signed anew with its new keys.

    Args:
        directory: The repository.
        role: Any role.
        signers: Everybody who must sign.
        add: Public key files (or signers) to let in.
        remove: Keys to put out: a public key file, or at least eight digits of the SHA-256 that ``trust show`` writes.
        threshold: How many must sign from now on; as before if not given.
        root_sha256: As in ``add_trust``.
        minimum_version: Likewise.
        password: For encrypted keys.
        propose: Put it by for the others to sign, in place of failing where signatures lack.
        now: When it is signed; the clock if not given.
        environ: As in ``add_trust``.

    Raises:
        UsageError: ``trust.role``, ``trust.key-missing``, ``trust.threshold``, ``trust.nothing-changed``, and as ``commit``.
        VerificationError: ``tuf.*``: the repository does not verify as it is.
    """
    _check_role(role)
    moment = now or utc_now()
    opened = open_to_change(
        directory,
        signers=signers,
        password=password,
        now=moment,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        environ=environ,
    )
    draft = read_draft(opened.fetch, opened.verified)
    before = draft.keys[role]
    added, _ = read_keys(add, password=password)
    gone = {_find_key(name, before) for name in remove}
    spkis = [spki for spki in (*before.spkis, *added) if spki not in gone]
    after = key_set(spkis, before.threshold if threshold is None else threshold, earlier=before.keys)
    if after != before:
        draft.set_keys(role, after)
    return commit(opened, draft, now=moment, propose=propose)


def refresh_trust(
    directory: PathLike,
    *,
    signers: Sequence[str],
    roles: Sequence[str] = (),
    valid_for: timedelta | None = None,
    root_sha256: str | None = None,
    minimum_version: int | None = None,
    password: Password = None,
    propose: bool = False,
    now: datetime | None = None,
    environ: Mapping[str, str] | None = None,
) -> TrustChange:
    """Sign roles anew with a later expiry and nothing else; ``timestamp`` always, ``snapshot`` when half its time is over.

    Args:
        directory: The repository.
        signers: As many of each role's keys as it needs.
        roles: Further roles to renew.
        valid_for: How long the named roles are good, or ``timestamp`` if none is named.
        root_sha256: As in ``add_trust``.
        minimum_version: Likewise.
        password: For encrypted keys.
        propose: Put it by for the others to sign, in place of failing where signatures lack.
        now: When it is signed; the clock if not given.
        environ: As in ``add_trust``.

    Raises:
        UsageError: ``trust.role``, ``trust.lifetime``, and as ``commit``.
        VerificationError: ``tuf.*``: the repository does not verify as it is.
    """
    for role in roles:
        _check_role(role)
    moment = now or utc_now()
    opened = open_to_change(
        directory,
        signers=signers,
        password=password,
        now=moment,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        environ=environ,
    )
    draft = read_draft(opened.fetch, opened.verified)
    draft.touched.update({"timestamp", *roles})
    if opened.verified.roles["snapshot"].expires - moment < LIFETIMES["snapshot"] / 2:
        draft.touched.add("snapshot")
    if valid_for is not None:
        if valid_for.total_seconds() <= 0:
            raise UsageError("expected a duration above zero", code="trust.lifetime", hint="write it like P14D")
        draft.lifetimes.update(dict.fromkeys(roles or ("timestamp",), valid_for))
    return commit(opened, draft, now=moment, propose=propose)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(
            f"expected one of {', '.join(ROLES)}, found {role[:80]!r}",
            code="trust.role",
            hint=f"the roles that hold files are {', '.join(DELEGATED_ROLES)}",
        )


def _find_key(name: str, keys: KeySet) -> bytes:
    """The key of the role that ``name`` means: a public key file, or the beginning of its SHA-256 or key id."""
    if Path(name).is_file():
        wanted = read_keys([name], password=b"")[0][0]
        found = [spki for spki in keys.spkis if spki == wanted]
    else:
        word = name.removeprefix("sha256:").lower()
        found = [
            spki
            for keyid, spki in keys.keys.items()
            if len(word) >= _LEAST_PREFIX
            and (hashlib.sha256(spki).hexdigest().startswith(word) or keyid.startswith(word) or key_hint(spki) == name)
        ]
    if len(set(found)) != 1:
        raise UsageError(
            f"expected a key of the role, found {'none' if not found else 'several'} for {name[:120]!r}",
            code="trust.key-missing",
            hint="give its public key file, or digits of the SHA-256 that vxsec trust show writes",
        )
    return found[0]
