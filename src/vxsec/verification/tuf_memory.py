"""What a client remembers of a trust repository from walk to walk, and what is held against the next one.

Beside the versions of the TUF specification (5.3.5, 5.4.3, 5.5.5) these are digests: a version that was seen is one file, and
another one with the same number was signed by somebody who did not know of it, or did not want it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.errors import VerificationError
from vxsec.model.trust_repository import RememberedVersions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vxsec.model.verified import VerifiedTrust

__all__ = ["FRESHNESS", "check_remembered", "fingerprints", "key_was_taken_away", "remembered_versions", "rollback"]

FRESHNESS = ("timestamp", "snapshot")
"""The roles that an online key signs; what is remembered of them ends with such a key."""


def remembered_versions(trust: VerifiedTrust, earlier: RememberedVersions | None = None) -> RememberedVersions:
    """What to remember of a repository after a walk, so that the next one is not led back.

    Args:
        trust: What the walk proved.
        earlier: What is remembered already; never lowered, unless ``trust`` has recovered from a stolen key (5.3.11).
    """
    versions = {name: trust.roles[name].version for name in FRESHNESS} | dict(trust.listed)
    keys = {name: fingerprints(trust.roles[name].keys) for name in FRESHNESS}
    number = trust.roles["root"].version
    if earlier is not None and earlier.root > number:
        return earlier
    digests = dict(trust.digests)
    if earlier is not None and not key_was_taken_away(earlier, keys):
        for name, version in earlier.versions.items():
            if version > versions.get(name, 0):
                versions[name] = version
                digests.pop(name, None)
                digests.update({name: earlier.digests[name]} if name in earlier.digests else {})
    return RememberedVersions(root=number, versions=versions, keys=keys, digests=digests)


def check_remembered(role: str, version: int, digest: str, remembered: RememberedVersions | None) -> None:
    """A role is not older than remembered, and the version remembered is the same file.

    Args:
        role: Its name.
        version: The version found.
        digest: The SHA-256 (hex) of the file found.
        remembered: What was seen, if anything counts.

    Raises:
        VerificationError: ``tuf.rollback`` or ``tuf.fork``.
    """
    if remembered is None:
        return
    seen = remembered.root if role == "root" else remembered.versions.get(role, 0)
    if version < seen:
        raise rollback(role, seen, version)
    if version == seen and remembered.digests.get(role, digest) != digest:
        raise VerificationError(
            f"{role}: version {version} is another file than the one that this machine has seen",
            code="tuf.fork",
            hint="get the current state of the repository; if the one seen was a change of yours that never became public, "
            "remove what is remembered of it (vxsec/trust in your state folder)",
        )


def fingerprints(spkis: Sequence[bytes]) -> tuple[str, ...]:
    """What is remembered of keys: the SHA-256 (hex) of each, sorted."""
    return tuple(sorted(hashlib.sha256(spki).hexdigest() for spki in spkis))


def key_was_taken_away(remembered: RememberedVersions, keys: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a key of ``timestamp`` or ``snapshot`` that was remembered is no longer theirs (5.3.11)."""
    return any(set(remembered.keys.get(name, ())) - set(keys[name]) for name in FRESHNESS)


def rollback(role: str, least: int, found: int) -> VerificationError:
    """The error for a version that is too low."""
    return VerificationError(
        f"{role}: expected version {least} or later, found {found or 'none'}",
        code="tuf.rollback",
        hint="get the current state of the repository: this one is older than what was seen, or asked for",
    )
