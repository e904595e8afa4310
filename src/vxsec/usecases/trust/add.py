"""Putting files into a trust repository, and taking them out: an identities document, policies, waivers, databases."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.host.clock import utc_now
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.usecases.trust.commit import commit, open_to_change
from vxsec.usecases.trust.draft import read_draft
from vxsec.usecases.trust.identities import read_identities

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.report.trust import TrustChange
    from vxsec.usecases.trust.draft import Draft

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["ADDABLE_ROLES", "add_trust"]

ADDABLE_ROLES = ("identities", "policies", "waivers", "databases")


def add_trust(
    directory: PathLike,
    files: Sequence[PathLike] = (),
    *,
    role: str,
    signers: Sequence[str],
    remove: Sequence[str] = (),
    root_sha256: str | None = None,
    minimum_version: int | None = None,
    password: Password = None,
    propose: bool = False,
    now: datetime | None = None,
    environ: Mapping[str, str] | None = None,
) -> TrustChange:
    """Sign files into a role.

    For ``identities`` the one file is the identities document: it takes the place of the one before, and the files that it
    names (keys, trusted roots) those of before. For the other roles each file gets its own name below the role's folder.

    Args:
        directory: The repository.
        files: What to put in.
        role: One of :data:`ADDABLE_ROLES`.
        signers: As many of the role's keys as it needs, and one of ``snapshot`` and ``timestamp``.
        remove: Names of files to take out.
        root_sha256: The digest of the first root; what the user's own configuration says if not given, and nothing else.
        minimum_version: The least version of ``timestamp`` that is believed.
        password: For encrypted keys.
        propose: Put it by for the others to sign, in place of failing where signatures lack.
        now: When it is signed; the clock if not given.
        environ: Where the user's state and configuration are looked up; the process's own if not given.

    Raises:
        UsageError: ``trust.role``, ``trust.target-name``, ``trust.target-missing``, and as ``commit``.
        ConfigurationError: The identities document does not load, or no longer fits what is revoked.
        VerificationError: ``tuf.*``: the repository does not verify as it is.
    """
    if role not in ADDABLE_ROLES:
        raise UsageError(
            f"expected one of {', '.join(ADDABLE_ROLES)}, found {role[:80]!r}",
            code="trust.role",
            hint="to take trust away: vxsec trust revoke DIR --key ID --reason compromised --signer KEY",
        )
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
    if role == "identities":
        _replace_identities(draft, files, remove)
    else:
        for name in remove:
            draft.remove_target(role, _path(role, name))
        for file in files:
            data = read_bounded(file, max_bytes=DEFAULT_LIMITS.tuf_target_bytes)
            draft.set_target(role, _path(role, PurePath(file).name), data)
    return commit(opened, draft, now=moment, propose=propose)


def _replace_identities(draft: Draft, files: Sequence[PathLike], remove: Sequence[str]) -> None:
    if len(files) != 1 or remove:
        raise UsageError(
            f"expected one identities document, found {len(files)} files",
            code="trust.role",
            hint="give the document alone: the files it names come with it, and those it no longer names go",
        )
    _, found = read_identities(files[0])
    for path, data in found.items():
        draft.set_target("identities", path, data)
    for path in set(draft.targets["identities"]) - set(found):
        draft.remove_target("identities", path)


def _path(role: str, name: str) -> str:
    return name if name.startswith(f"{role}/") else f"{role}/{name}"
