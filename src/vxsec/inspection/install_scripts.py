"""What npm runs when a package is installed, and a digest that changes whenever that changes.

npm (``@npmcli/arborist`` ``rebuild``, ``@npmcli/run-script``) runs ``preinstall``, ``install`` and ``postinstall`` of the
installed package.json, and ``node-gyp rebuild`` as ``install`` where a file ``binding.gyp`` lies beside it, neither
``preinstall`` nor ``install`` is there, and ``gypfile`` is not false.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from vxsec.formats.strict_json import dump_json
from vxsec.model.evidence import InstallScript
from vxsec.model.package import NPM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vxsec.model.artifact import Artifact

__all__ = ["install_digest", "install_scripts"]

_EVENTS = ("preinstall", "install", "postinstall")
_BINDING = "binding.gyp"
_GYP_COMMAND = "node-gyp rebuild"
_DOMAIN = "vxsec/install-scripts/v1"
_QUOTED = re.compile(r"[\s\"']+")
_SHELL = re.compile(r"[\s\"'`;&|()<>=$]+")
_NODE_ENDINGS = ("", ".js", ".cjs", ".mjs", ".json", ".node", "/index.js", "/package.json")


def install_scripts(artifact: Artifact) -> tuple[InstallScript, ...]:
    """The commands npm runs when it installs the artifact, in the order of the events; none for other ecosystems."""
    if artifact.package.ecosystem != NPM:
        return ()
    scripts = artifact.manifest.strings("scripts")
    found = [
        InstallScript(event=event, command=scripts[event], implicit=False) for event in _EVENTS if scripts.get(event)
    ]
    explicit = any(script.event != "postinstall" for script in found)
    if not explicit and artifact.manifest.document.get("gypfile") is not False and _bindings(artifact):
        found.append(InstallScript(event="install", command=_GYP_COMMAND, implicit=True))
    return tuple(sorted(found, key=lambda script: _EVENTS.index(script.event)))


def install_digest(artifact: Artifact, scripts: Sequence[InstallScript]) -> str | None:
    """SHA-256 (hex) over the scripts, the other scripts they name, and the files these name; None without scripts.

    A file is named by a word of the command: as written, without a leading ``./``, or as Node finds it (``.js`` and the
    like appended). What those files load in turn is not followed.
    """
    if not scripts:
        return None
    named = dict(_named_scripts(artifact.manifest.strings("scripts"), scripts))
    digests = {file.path: file.sha512 for file in artifact.files}
    commands = [*(script.command for script in scripts), *named.values()]
    files = {path for command in commands for word in _words(command) for path in _candidates(word) if path in digests}
    if any(script.implicit for script in scripts):
        files.update(_bindings(artifact))
    canonical = {
        "domain": _DOMAIN,
        "scripts": [[script.event, script.command, script.implicit] for script in scripts],
        "named": sorted([name, command] for name, command in named.items()),
        "files": sorted([path, digests[path]] for path in files),
    }
    return hashlib.sha256(dump_json(canonical)).hexdigest()


def _bindings(artifact: Artifact) -> tuple[str, ...]:
    """The file npm looks for; in any case of letters, because some file systems find it so."""
    return tuple(file.path for file in artifact.files if file.path.lower() == _BINDING)


def _named_scripts(all_scripts: Mapping[str, str], scripts: Sequence[InstallScript]) -> Iterator[tuple[str, str]]:
    """Other scripts of the package that the install scripts name (``npm run build``), and those these name."""
    seen = {script.event for script in scripts}
    pending = [script.command for script in scripts]
    while pending:
        for word in _words(pending.pop()):
            for name in (f"pre{word}", word, f"post{word}"):
                if name in all_scripts and name not in seen:
                    seen.add(name)
                    pending.append(all_scripts[name])
                    yield name, all_scripts[name]


def _words(command: str) -> set[str]:
    return {*_QUOTED.split(command), *_SHELL.split(command)} - {""}


def _candidates(word: str) -> Iterator[str]:
    parts: list[str] = []
    for part in word.replace("\\", "/").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    path = "/".join(parts)
    for ending in _NODE_ENDINGS:
        yield (path + ending).removeprefix("/")
