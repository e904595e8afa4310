"""Loading the trust root, whichever form it is given in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from vxsec.errors import ConfigurationError, UsageError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from vxsec.model.trust import TrustRoot

__all__ = ["PathLike", "Trust", "TrustSource", "load_key_file", "load_trust"]

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


Trust: TypeAlias = PathLike | TrustSource
"""What every use case takes as its trust root."""


def load_trust(
    source: Trust,
    *,
    now: datetime | None = None,
    unsafe_rehearsal: bool = False,
    load_key: Callable[[str], bytes] | None = None,
) -> TrustRoot:
    """Load the trust root.

    Args:
        source: A path, or more about it.
        now: The time that the freshness of a repository is judged at; the clock if not given.
        unsafe_rehearsal: Accept a rehearsal root.
        load_key: Gives the bytes of a file by the name that an identities document writes; :func:`load_key_file` if None.

    Raises:
        UsageError: The file or a file it names is missing or unreadable.
        ConfigurationError: It is malformed, is a directory (``trust.directory-unsupported``), or is a rehearsal root
            and the caller did not pass ``unsafe_rehearsal=True`` (``trust.rehearsal``).
    """
    from vxsec.formats.trust_document import parse_trust_document

    given = source if isinstance(source, TrustSource) else TrustSource(path=source)
    path = Path(given.path)
    if path.is_dir():
        raise ConfigurationError(
            "a trust repository in a directory is not supported by this version",
            code="trust.directory-unsupported",
            where=str(path),
            hint="give the identities document itself: --trust FILE",
        )
    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.yaml_bytes)
    trust = parse_trust_document(
        data, source=str(path), load_key=load_key or (lambda name: load_key_file(name, trust=path))
    )
    if trust.rehearsal and not unsafe_rehearsal:
        raise ConfigurationError(
            "this is a rehearsal root: its keys were made for a demonstration",
            code="trust.rehearsal",
            where=str(path),
            hint="give the real trust document with --trust",
        )
    return trust


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
