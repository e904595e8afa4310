"""Reads the ``.npmrc`` files that count for a project. Nothing here writes one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError
from vxsec.formats.npmrc import NpmConfig, merge_npmrc, parse_npmrc
from vxsec.host.files import read_if_exists
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from vxsec.formats.npmrc import NpmrcFile

__all__ = ["load_npm_config"]


def load_npm_config(
    *,
    project_dir: str | Path,
    environ: Mapping[str, str],
    unsafe_tls: Collection[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> NpmConfig:
    """Read the project's ``.npmrc``, then the user's; the project's lines win, as in npm.

    The user file is the one that ``NPM_CONFIG_USERCONFIG`` (in either case) names, else ``~/.npmrc``; only there
    ``${ENV}`` is expanded. npm's global and built-in files and ``npm_config_*`` variables are not read.

    Args:
        project_dir: The folder whose ``.npmrc`` counts.
        environ: The environment: variables to expand, ``HOME``, proxies.
        unsafe_tls: Registry URLs whose certificate the caller was told not to check.
        limits: Bound on a file's bytes.

    Raises:
        UsageError: ``file.*`` where a file is there and cannot be read.
        ConfigurationError: ``npmrc.encoding``, ``npmrc.strict-ssl``.
    """
    home = environ.get("HOME") or None
    project = Path(project_dir) / ".npmrc"
    named = environ.get("NPM_CONFIG_USERCONFIG") or environ.get("npm_config_userconfig")
    user = Path(named) if named else Path(home) / ".npmrc" if home else None
    files: list[NpmrcFile] = []
    same = user is not None and user.absolute() == project.absolute()
    if not same:  # in the home folder there is one file, and it is the user's
        files += _read(project, expand=None, limits=limits)
    if user is not None:
        files += _read(user, expand=environ.get, limits=limits)
    proxies = {
        name: value
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
        if (value := environ.get(name.lower()) or environ.get(name))
    }
    return merge_npmrc(files, proxies=proxies, home=home, unsafe_tls=unsafe_tls)


def _read(path: Path, *, expand: Callable[[str], str | None] | None, limits: Limits) -> list[NpmrcFile]:
    data = read_if_exists(path, max_bytes=limits.npmrc_bytes)
    if data is None:
        return []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError("not UTF-8", code="npmrc.encoding", where=str(path)) from error
    return [parse_npmrc(text, where=str(path), expand=expand)]
