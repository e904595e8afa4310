"""Where the user's own configuration may lie: not where whoever wrote the project that is judged could have put it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["account_home", "check_place"]


def account_home() -> str | None:
    """The home folder of this process's account as the system knows it, whatever the environment says."""
    import pwd  # only where there is a configuration

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:  # a container's number without a name
        return None


def check_place(
    path: Path, *, environ: Mapping[str, str], cwd: str | os.PathLike[str] | None, account: str | None
) -> None:
    """Refuse a configuration that the environment moved to where others decide what is in it.

    A project's ``.envrc``, or a step of a pipeline, may set ``XDG_CONFIG_HOME`` or ``HOME`` and bring a configuration that
    trusts its own author. What lies below the account's own home folder at the usual place is the user's in any case.

    Args:
        path: The configuration, which is there.
        environ: ``CI``, ``HOME`` and ``XDG_CONFIG_HOME`` are looked at.
        cwd: The folder that the command runs in; None where it is gone.
        account: The account's home folder.

    Raises:
        ConfigurationError: ``config.place``.
    """
    if account is not None and path == Path(account, ".config", "vxsec", "config.toml"):
        return
    base, home = environ.get("XDG_CONFIG_HOME", ""), environ.get("HOME", "")
    moved = base.startswith("/") and os.path.realpath(base) != os.path.realpath(f"{home}/.config")
    if moved and environ.get("CI", "").lower() not in {"", "0", "false"}:
        raise _misplaced(path, "in CI, XDG_CONFIG_HOME decides whom vxsec believes")
    for folder in _projects(cwd) if cwd is not None else ():
        if any(place.is_relative_to(folder) for place in (path, Path(os.path.realpath(path)))):
            raise _misplaced(path, f"the configuration lies in the project that the command runs in ({folder})")


def _projects(cwd: str | os.PathLike[str]) -> Iterator[Path]:
    """The folder that the command runs in and the root of its repository, as named and as they are; ``/`` is no project."""
    for start in dict.fromkeys((Path(os.path.abspath(cwd)), Path(os.path.realpath(cwd)))):  # noqa: PTH100 - links are kept
        root = next((folder for folder in (start, *start.parents) if os.path.lexists(folder / ".git")), start)
        yield from (folder for folder in dict.fromkeys((start, root)) if folder != Path("/"))


def _misplaced(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError(
        f"{message}, and not you",
        code="config.place",
        where=str(path),
        hint="keep it in ~/.config/vxsec of your own account and leave XDG_CONFIG_HOME and HOME as they are, or say on the "
        "command line what it says: --trust, --trust-root, --policy",
    )
