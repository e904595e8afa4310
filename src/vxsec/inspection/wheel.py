"""From a wheel to an artifact, and what it does beside putting modules where they are imported from.

Reasons: those of ``formats.wheel`` and ``formats.zip_archive``.

Findings: ``wheel.entry-points`` and ``wheel.scripts`` (commands it installs), ``wheel.outside`` (files beside the modules),
all low; ``wheel.startup`` (a ``.pth`` file, ``sitecustomize`` or ``usercustomize``: code that runs at every start of the
interpreter), medium.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.wheel import read_wheel_file
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.artifact import Artifact
from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.formats.wheel import Wheel
    from vxsec.model.digest import Digests

__all__ = ["read_wheel"]

_ENTRY_POINTS = "entry_points.txt"
_COMMANDS = frozenset({"console_scripts", "gui_scripts"})
_STARTUP = ("sitecustomize", "usercustomize")
_SHOWN = 120
_NAMED = 5


def read_wheel(data: bytes, *, filename: str, digests: Digests, limits: Limits = DEFAULT_LIMITS) -> Artifact:
    """Read a wheel once and strictly.

    The artifact's files have the paths they have in the archive, so its ``root`` is empty; a file without stated permissions
    has those that installers give it.

    Raises:
        TarballError: With every reason found.
    """
    wheel = read_wheel_file(data, limits=limits, keep=lambda path, size: _is_entry_points(path, size, limits))
    return Artifact(
        filename=filename,
        data=data,
        digests=digests,
        manifest=wheel.manifest,
        root="",
        files=wheel.files,
        unpacked_size=wheel.unpacked_size,
        findings=tuple(_findings(wheel)),
    )


def _is_entry_points(path: str, size: int, limits: Limits) -> bool:
    return path.endswith(f".dist-info/{_ENTRY_POINTS}") and size <= limits.manifest_bytes


def _findings(wheel: Wheel) -> Iterator[Finding]:
    for path, content in wheel.kept.items():
        commands = sorted(_commands(content.decode("utf-8", "replace")))
        if commands:
            yield _finding("wheel.entry-points", f"installs {_listed(commands)} as commands", path)
    inside = {scheme: [*_below(wheel, scheme)] for scheme in ("scripts", "data", "headers")}
    if inside["scripts"]:
        yield _finding("wheel.scripts", f"installs {_listed(inside['scripts'])} as commands", inside["scripts"][0])
    outside = [*inside["data"], *inside["headers"]]
    if outside:
        yield _finding("wheel.outside", f"installs {len(outside)} files beside the modules", outside[0])
    for file in wheel.files:
        if _runs_at_start(file.path, wheel):
            yield Finding(
                code="wheel.startup",
                severity=Severity.MEDIUM,
                message="runs at every start of the interpreter, imported or not",
                where=file.path,
            )


def _below(wheel: Wheel, scheme: str) -> Iterator[str]:
    if wheel.data_folder is not None:
        prefix = f"{wheel.data_folder}/{scheme}/"
        yield from (file.path for file in wheel.files if file.path.startswith(prefix))


def _runs_at_start(path: str, wheel: Wheel) -> bool:
    """Python's ``site`` reads ``.pth`` files beside the modules and imports two names; where ``data`` lands nobody knows."""
    top, _, rest = path.partition("/")
    if top == wheel.data_folder:
        scheme, _, path = rest.partition("/")
        if scheme == "data":
            return path.lower().endswith(".pth")
    folder, slash, _ = path.partition("/")
    stem = folder if slash else folder.partition(".")[0]
    return (not slash and path.lower().endswith(".pth")) or stem.lower() in _STARTUP


def _commands(text: str) -> Iterator[str]:
    """Names of the commands in entry_points.txt (PyPA entry points specification: an INI file)."""
    section = ""
    for line in text.splitlines():
        entry = line.strip()
        if entry.startswith("[") and entry.endswith("]"):
            section = entry[1:-1].strip()
        elif section in _COMMANDS and "=" in entry and not entry.startswith(("#", ";")):
            yield entry.partition("=")[0].strip()


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(name[:_SHOWN] for name in names[:_NAMED]) + more


def _finding(code: str, message: str, where: str) -> Finding:
    return Finding(code=code, severity=Severity.LOW, message=message, where=where)
