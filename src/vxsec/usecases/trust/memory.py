"""What this machine has seen of trust repositories: the highest versions, in the user's state folder.

``$XDG_STATE_HOME/vxsec/trust/SHA256-OF-THE-FIRST-ROOT.json``, else below ``~/.local/state``. A machine without such a folder
is a stateless one, which is said and no error; a file that is there and cannot be read is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, UsageError
from vxsec.formats.trust_state import parse_trust_state, render_trust_state
from vxsec.host.files import locked_folder, read_if_exists, write_atomic
from vxsec.limits import DEFAULT_LIMITS
from vxsec.verification.tuf_memory import remembered_versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.trust_repository import RememberedVersions
    from vxsec.model.verified import VerifiedTrust

__all__ = ["recall_versions", "remember_versions", "state_file"]

_PRIVATE = 0o600


def state_file(root_sha256: str, *, environ: Mapping[str, str]) -> Path | None:
    """Where the versions of the repository with this first root are remembered; None without a home folder.

    A relative ``XDG_STATE_HOME`` counts as unset, as the XDG base directory specification says.
    """
    base, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
    if not base.startswith("/"):
        if not home.startswith("/"):
            return None
        base = f"{home}/.local/state"
    return Path(base, "vxsec", "trust", f"{root_sha256}.json")


def recall_versions(root_sha256: str, *, environ: Mapping[str, str]) -> RememberedVersions | None:
    """What was remembered; None the first time, and on a machine without state.

    Raises:
        ConfigurationError: ``trust.state``: there is a file that cannot be read.
    """
    path = state_file(root_sha256, environ=environ)
    return _read(path) if path is not None else None


def remember_versions(trust: VerifiedTrust, *, environ: Mapping[str, str]) -> str | None:
    """Remember the versions of a verified repository, never lower ones; the note that says why it could not be done.

    Guarantees: written whole or not at all, under a lock; not touched where there is nothing new.

    Raises:
        ConfigurationError: ``trust.state``.
    """
    path = state_file(trust.pinned_sha256, environ=environ)
    if path is None:
        return "there is no home folder: the versions of the trust repository are not remembered"
    if _read(path) == remembered_versions(trust):  # the usual case, without a lock
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked_folder(path.parent):
            earlier = _read(path)
            latest = remembered_versions(trust, earlier)
            if latest != earlier:
                write_atomic(path, render_trust_state(latest), mode=_PRIVATE)
    except ConfigurationError:
        raise
    except (UsageError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error.message
        return f"the versions of the trust repository are not remembered: {path}: {why}"
    return None


def _read(path: Path) -> RememberedVersions | None:
    try:
        data = read_if_exists(path, max_bytes=DEFAULT_LIMITS.small_file_bytes)
    except UsageError as error:
        if isinstance(error.__cause__, NotADirectoryError):  # HOME=/dev/null: no state, and no way to have one
            return None
        raise ConfigurationError(
            f"the versions that were remembered cannot be read: {error.message}",
            code="trust.state",
            where=str(path),
            hint="give yourself the right to read the file",
        ) from error
    return parse_trust_state(data, where=str(path)) if data is not None else None
