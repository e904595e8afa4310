"""Commands that a package installs, and where they point: inside the package, or somewhere they must not.

npm cleans ``bin`` before it links (``@npmcli/package-json``); other installers and older npm linked what was written
(CVE-2019-16775, CVE-2019-16776).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["bin_findings"]

_DRIVE = re.compile(r"[A-Za-z]:")
_SHOWN = 80


def bin_findings(
    document: Mapping[str, object], *, files: Collection[str] | None, where: str = ""
) -> tuple[Finding, ...]:
    """Every command whose name or target leaves the package (``bin.outside``), or whose file is not there (``bin.missing``).

    Args:
        document: package.json, or a registry's copy of it, as written.
        files: The paths in the tarball; None leaves out whether the files are there.
        where: What comes before ``bin`` in a finding's place.
    """
    return tuple(_findings(document, files, where))


def _findings(document: Mapping[str, object], files: Collection[str] | None, where: str) -> Iterator[Finding]:
    for place, name, target in _commands(document):
        at = f"{where}{place}"
        if _leaves(name):
            yield _finding(
                "bin.outside", Severity.HIGH, f"the command {name[:_SHOWN]!r} is a path out of its folder", at
            )
        if _leaves(target):
            yield _finding("bin.outside", Severity.HIGH, f"{target[:_SHOWN]!r} lies outside the package", at)
        elif files is not None and place != "directories.bin" and not _is_there(target, files):
            yield _finding("bin.missing", Severity.MEDIUM, f"{target[:_SHOWN]!r} is not in the tarball", at)


def _commands(document: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Field, command name and target, each as written."""
    commands = document.get("bin")
    if isinstance(commands, str) and commands:
        yield "bin", "", commands
    elif isinstance(commands, list):
        yield from (("bin", "", target) for target in commands if isinstance(target, str))
    elif isinstance(commands, Mapping):
        for name, target in commands.items():
            if isinstance(target, str):
                yield f"bin.{str(name)[:_SHOWN]}", str(name), target
    directories = document.get("directories")
    folder = directories.get("bin") if isinstance(directories, Mapping) else None
    if isinstance(folder, str):
        yield "directories.bin", "", folder


def _leaves(path: str) -> bool:
    """Whether some system reads it as a path that does not stay below its folder; at no point, even if it comes back."""
    plain = path.replace("\\", "/")
    if plain.startswith("/") or _DRIVE.match(plain) or "\0" in plain:
        return True
    depth = 0
    for part in plain.split("/"):
        depth += -1 if part == ".." else 0 if part in {"", "."} else 1
        if depth < 0:
            return True
    return False


def _is_there(target: str, files: Collection[str]) -> bool:
    return posixpath.normpath(target.replace("\\", "/")) in files


def _finding(code: str, severity: Severity, message: str, where: str) -> Finding:
    return Finding(code=code, severity=severity, message=message, where=where)
