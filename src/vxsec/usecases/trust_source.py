"""Loading the trust root, whichever form it is given in."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from vxsec.errors import ConfigurationError, UsageError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from vxsec.model.trust import TrustRoot

__all__ = ["PathLike", "PolicySource", "Trust", "TrustSource", "load_key_file", "load_trust"]

PathLike: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSource:
    """Where the trust root is, and what was given about it from outside of it.

    Args:
        path: An identities document, a trust repository, or the one-file export of one.
        root_sha256: The digest (hex) of the repository's first root.
        minimum_version: The lowest version of its ``timestamp`` that is fresh enough, where no state is kept.
        origin: What supplied it where that was not the caller: named in every decision.
    """

    path: PathLike
    root_sha256: str | None = None
    minimum_version: int | None = None
    origin: str | None = None

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySource:
    """A policy that was not named by the caller, and what supplied it (``origin``): named in every decision."""

    path: PathLike
    origin: str

    def __str__(self) -> str:
        return str(self.path)


Trust: TypeAlias = PathLike | TrustSource
"""What every use case takes as its trust root."""


def load_trust(
    source: Trust,
    *,
    now: datetime | None = None,
    as_of: bool = False,
    unsafe_rehearsal: bool = False,
    load_key: Callable[[str], bytes] | None = None,
) -> TrustRoot:
    """Load the trust root.

    A repository is verified from the root whose digest was given, and is never older than what this machine has seen of it;
    an identities document by itself is marked as unsigned.

    Args:
        source: A path, or more about it.
        now: The time that the freshness of a repository is judged at; the clock if not given.
        as_of: ``now`` is another time than now: nothing is remembered.
        unsafe_rehearsal: Accept a rehearsal root.
        load_key: Gives the bytes of a file by the name that an identities document writes; :func:`load_key_file` if None.

    Raises:
        UsageError: The file or a file it names is missing or unreadable; ``tuf.no-root``: no digest was given for a
            repository.
        ConfigurationError: It is malformed, or is a rehearsal root and the caller did not pass ``unsafe_rehearsal=True``
            (``trust.rehearsal``).
        VerificationError: ``tuf.*``: the repository does not verify.
        UndecidedError: ``tuf.expired``: it is stale.
    """
    from vxsec.usecases.trust.files import is_trust_repository

    given = source if isinstance(source, TrustSource) else TrustSource(path=source)
    trust = (
        _load_repository(given, now=now, as_of=as_of)
        if is_trust_repository(given.path)
        else _load_document(given, load_key)
    )
    if given.origin is not None:
        trust = replace(trust, source=f"{trust.source} (from {given.origin})")
    if trust.rehearsal and not unsafe_rehearsal:
        raise ConfigurationError(
            "this is a rehearsal root: its keys were made for a demonstration",
            code="trust.rehearsal",
            where=str(given.path),
            hint="give the real trust document with --trust",
        )
    return trust


def _load_document(given: TrustSource, load_key: Callable[[str], bytes] | None) -> TrustRoot:
    from vxsec.formats.trust_document import parse_trust_document

    if given.root_sha256 is not None or given.minimum_version is not None:
        raise UsageError(
            "the digest of a first root belongs to a trust repository, found a single document",
            code="trust.no-repository",
            where=str(given.path),
            hint="leave --trust-root out, or give the repository's folder with --trust",
        )
    data = read_bounded(given.path, max_bytes=DEFAULT_LIMITS.yaml_bytes)
    return parse_trust_document(
        data, source=str(given.path), load_key=load_key or (lambda name: load_key_file(name, trust=given.path))
    )


def _load_repository(given: TrustSource, *, now: datetime | None, as_of: bool) -> TrustRoot:
    from vxsec.formats.trust_document import parse_trust_document
    from vxsec.formats.trust_revocations import parse_revocations_document
    from vxsec.host.clock import utc_now
    from vxsec.model.trust_repository import IDENTITIES_PATH, REVOCATIONS_PATH
    from vxsec.usecases.trust.load import load_remembering

    if given.root_sha256 is None:
        raise UsageError(
            "a trust repository is verified from the digest of its first root, and none was given",
            code="tuf.no-root",
            where=str(given.path),
            hint="add --trust-root SHA256, as you were given it from outside of the repository",
        )
    loaded = load_remembering(
        given.path,
        now=now or utc_now(),
        root_sha256=given.root_sha256,
        minimum_version=given.minimum_version,
        environ=os.environ,
        as_of=as_of,
    )
    # The name says how a document is written, so it is that of the file within, not of the export.
    trust = parse_trust_document(
        loaded.identities, source=f"{given.path}: {IDENTITIES_PATH}", load_key=loaded.load_file
    )
    revoked = parse_revocations_document(
        loaded.revocations,
        source=f"{given.path}: {REVOCATIONS_PATH}",
        keys=trust.keys,
        holders=trust.holders,
        trusted_roots=trust.trusted_roots,
    )
    by_version = loaded.verified.fresh_by == "minimum-version"
    return replace(
        trust,
        signed=True,
        source=f"{given.path} (fresh by its version alone)" if by_version else str(given.path),
        key_revocations=(*trust.key_revocations, *revoked.keys),
        identity_revocations=(*trust.identity_revocations, *revoked.identities),
        digest_revocations=(*trust.digest_revocations, *revoked.digests),
        log_revocations=(*trust.log_revocations, *revoked.logs),
    )


def load_key_file(name: str, *, trust: PathLike) -> bytes:
    """The bytes of a file that the trust document ``trust`` names.

    Raises:
        UsageError: Missing or unreadable.
    """
    folder = Path(trust).parent
    try:
        return read_bounded(folder / name, max_bytes=DEFAULT_LIMITS.small_file_bytes)
    except UsageError as error:
        if error.code != "file.missing":
            raise
        hint = f"put it there, or correct file: in {trust}: a key file's path starts at the folder of that document"
        raise UsageError(error.message, code=error.code, where=error.where, hint=hint) from error
