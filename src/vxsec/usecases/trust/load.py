"""A trust repository, verified: the identities and revocations in it, and what a decision says about where they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.model.trust_repository import IDENTITIES_PATH, REVOCATIONS_PATH
from vxsec.usecases.trust.files import open_files
from vxsec.usecases.trust.memory import recall_versions, remember_versions
from vxsec.values import dataclass
from vxsec.verification.tuf import verify_trust

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.trust_repository import RememberedVersions
    from vxsec.model.verified import VerifiedTrust

    PathLike = str | os.PathLike[str]

__all__ = ["LOADED_ROLES", "LoadedTrust", "load_remembering", "load_trust_repository"]

LOADED_ROLES = ("identities", "revocations")
"""What every command that asks whom to believe walks; the other roles are walked where they are needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTrust:
    """A verified repository: the two documents that say whom to believe, and what was verified.

    ``notes`` are sentences for people: where the versions seen could not be remembered, say.
    """

    source: str
    identities: bytes
    revocations: bytes
    verified: VerifiedTrust
    notes: tuple[str, ...] = ()

    def load_file(self, name: str) -> bytes:
        """A file that the identities document names, such as a key: a target of the same role, and as verified as the document.

        Raises:
            UsageError: ``file.missing``.
        """
        try:
            return self.verified.target("identities", f"identities/{name.removeprefix('./')}")
        except VerificationError as error:
            raise UsageError(
                f"the trust repository has no file {name[:120]!r} beside its identities document",
                code="file.missing",
                where=self.source,
                hint="sign the document in again, and the files it names come with it: "
                "vxsec trust add DIR FILE --role identities --signer KEY",
            ) from error


def load_trust_repository(
    path: PathLike,
    *,
    now: datetime,
    root_sha256: str | None = None,
    root: bytes | None = None,
    remembered: RememberedVersions | None = None,
    minimum_version: int | None = None,
    roles: Sequence[str] = LOADED_ROLES,
    unsafe_stale: bool = False,
) -> LoadedTrust:
    """Read and verify a trust repository in a folder or an export.

    Guarantees: every byte returned was verified from the root given; nothing is written.

    Args:
        path: The folder, or the one file that ``trust export`` made.
        now: When it is judged.
        root_sha256: SHA-256 (hex) of the first root, given out of band; as the others in
            :func:`vxsec.verification.tuf.verify_trust`.
        root: Or that root itself.
        remembered: The highest versions seen before.
        minimum_version: The least version of ``timestamp`` that is believed.
        roles: The delegated roles to walk; identities and revocations among them.
        unsafe_stale: Judge no expiry.

    Raises:
        UsageError: ``tuf.no-root``; no such folder or file, or not readable.
        VerificationError: As ``verify_trust``.
        UndecidedError: ``tuf.expired``.
    """
    verified = verify_trust(
        _open(path),
        now=now,
        root_sha256=root_sha256,
        root=root,
        roles=roles,
        remembered=remembered,
        minimum_version=minimum_version,
        unsafe_stale=unsafe_stale,
    )
    return LoadedTrust(
        source=str(path),
        identities=verified.target("identities", IDENTITIES_PATH),
        revocations=verified.target("revocations", REVOCATIONS_PATH),
        verified=verified,
    )


def load_remembering(
    path: PathLike,
    *,
    now: datetime,
    root_sha256: str,
    minimum_version: int | None = None,
    environ: Mapping[str, str],
    as_of: bool = False,
) -> LoadedTrust:
    """Load as :func:`load_trust_repository` does, on a machine with state: never older than what it has seen.

    Args:
        path: As there.
        now: As there.
        root_sha256: As there; what is remembered is filed under it.
        minimum_version: As there.
        environ: Where the user's state folder is looked up (``XDG_STATE_HOME``, ``HOME``).
        as_of: ``now`` is another time than now: nothing is remembered, and nothing remembered is held against it.

    Raises:
        ConfigurationError: ``trust.state``: what was remembered cannot be read.
        VxsecError: As :func:`load_trust_repository`.
    """
    if as_of:
        return load_trust_repository(path, now=now, root_sha256=root_sha256, minimum_version=minimum_version)
    loaded = load_trust_repository(
        path,
        now=now,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        remembered=recall_versions(root_sha256, environ=environ),
    )
    note = remember_versions(loaded.verified, environ=environ)
    return (
        loaded
        if note is None
        else LoadedTrust(
            source=loaded.source,
            identities=loaded.identities,
            revocations=loaded.revocations,
            verified=loaded.verified,
            notes=(note,),
        )
    )


def _open(path: PathLike) -> Callable[[str], bytes | None]:
    try:
        return open_files(path)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where) from error
