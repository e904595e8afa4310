"""The user's own configuration, found and read, each value with the place it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from vxsec.errors import ConfigurationError
from vxsec.formats.user_config import parse_user_config
from vxsec.host.protected import read_protected
from vxsec.limits import DEFAULT_LIMITS
from vxsec.usecases.config_place import account_home, check_place
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["Setting", "UserConfig", "config_file", "load_user_config"]

V = TypeVar("V", str, int)
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Generic[V]):
    """A value, and the file and key that gave it: a decision names ``origin`` wherever the value is used."""

    value: V
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserConfig:
    """What the user's configuration says; None where it says nothing, or where there is none."""

    trust: Setting[str] | None = None
    trust_root: Setting[str] | None = None
    trust_minimum_version: Setting[int] | None = None
    policy: Setting[str] | None = None


def config_file(*, environ: Mapping[str, str]) -> Path | None:
    """Where the configuration would be: ``$XDG_CONFIG_HOME/vxsec/config.toml``, else below ``~/.config``; None without a home.

    A relative ``XDG_CONFIG_HOME`` counts as unset, as the XDG base directory specification says. The folder that a command is
    run in is never looked at.
    """
    base, home = environ.get("XDG_CONFIG_HOME", ""), environ.get("HOME", "")
    if base.startswith("/"):
        return Path(base, "vxsec", "config.toml")
    return Path(home, ".config", "vxsec", "config.toml") if home.startswith("/") else None


def load_user_config(
    *, environ: Mapping[str, str], cwd: str | os.PathLike[str] | None = None, account: str | None = None
) -> UserConfig:
    """Read the configuration, if there is one.

    Args:
        environ: Where the user's folders are looked up.
        cwd: The folder that the command runs in; the process's own if not given.
        account: The home folder of the account; what the system knows if not given.

    Raises:
        ConfigurationError: ``config.place``: it lies in the project that the command runs in, or the environment of a CI job
            moved it; ``config.permissions``: somebody else may write it; ``config.unreadable``; or as
            :func:`vxsec.formats.user_config.parse_user_config`.
    """
    path = config_file(environ=environ)
    data = read_protected(path, max_bytes=DEFAULT_LIMITS.small_file_bytes) if path is not None else None
    if path is None or data is None:
        return UserConfig()
    check_place(path, environ=environ, cwd=cwd or _working_folder(), account=account or account_home())
    values = parse_user_config(data, where=str(path))
    home = environ.get("HOME", "")
    return UserConfig(
        trust=_setting(_expanded(values.trust, home, path), path, "trust"),
        trust_root=_setting(values.trust_root, path, "trust-root"),
        trust_minimum_version=_setting(values.trust_minimum_version, path, "trust-minimum-version"),
        policy=_setting(_expanded(values.policy, home, path), path, "policy"),
    )


def _working_folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # removed: nothing lies in it
        return None


def _setting(value: V | None, path: Path, key: str) -> Setting[V] | None:
    return None if value is None else Setting(value=value, origin=f"{path} ({key})")


def _expanded(text: str | None, home: str, path: Path) -> str | None:
    if text is None or not text.startswith("~/"):
        return text
    if not home.startswith("/"):
        raise ConfigurationError(
            f"there is no home folder for {text[:_SHOWN]!r} to begin with",
            code="config.path",
            where=str(path),
            hint="write the whole path, from / on",
        )
    return f"{home}/{text.removeprefix('~/')}"
