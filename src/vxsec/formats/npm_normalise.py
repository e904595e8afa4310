"""The manifest npm puts into a publish, derived from the tarball's own package.json.

``npm publish ./x.tgz`` (npm 11) reads the package.json inside with ``@npmcli/package-json`` ``prepare`` and sends the result
as ``versions[v]``. :func:`normalise_manifest` does the same steps in the same order, so that a registry's copy can be told
from an invented one.

Left out on purpose: ``gitHead`` (the tarball has no git folder), ``_resolved`` and ``_from`` (a path on the publisher's
machine), ``_integrity`` (``dist.integrity`` says it), ``_nodeVersion`` and ``_npmVersion`` (no npm was involved).
"""

from __future__ import annotations

import copy
import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vxsec.formats.hosted_git import parse_hosted_git
from vxsec.formats.npm_people import normalise_display_fields

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["NO_README", "normalise_manifest"]

NO_README = "ERROR: No README data found!"
"""What npm sends for a package without a readme."""

_GYP_COMMAND = "node-gyp rebuild"
_BIN_PREFIX = re.compile(r"(?:\.[/\\])?node_modules[/\\].bin[\\/]")
_README = re.compile(r"README(?:\..*)?\Z", re.IGNORECASE)
_MARKDOWN = re.compile(r"\.m?a?r?k?d?o?w?n?\Z", re.IGNORECASE)
_MAN_PAGE = re.compile(r".*\.[0-9]\Z")

_Document = dict[str, object]


def normalise_manifest(
    document: Mapping[str, object], *, files: Collection[str], texts: Mapping[str, str] | None = None
) -> _Document:
    """Give what npm 11 would send for a tarball with this package.json and these files.

    Args:
        document: The parsed package.json; it is not changed.
        files: The paths in the tarball, relative to its top directory.
        texts: Contents of README and AUTHORS files by path. Without them ``readme``, ``readmeFilename``, a description
            taken from the readme and ``contributors`` taken from AUTHORS are left out: a registry shows them, nothing
            runs them.

    Source: ``@npmcli/package-json`` 7, ``lib/normalize.js`` (``prepareSteps``) and ``lib/normalize-data.js``.
    """
    data = copy.deepcopy(dict(document))
    _add_implied_scripts(data, files)
    if texts is not None:
        _add_texts(data, files, texts)
    _normalise_man(data, files)
    _normalise_bin(data, files)
    _add_types(data, files)
    for key in [key for key in data if key.startswith("_")]:
        del data[key]
    if data.get("name") and data.get("version"):
        data["_id"] = f"{data['name']}@{data['version']}"
    _normalise_bundled(data)
    _normalise_scripts(data)
    _normalise_repository(data)
    _normalise_dependencies(data)
    normalise_display_fields(data)
    _complete_bundled(data)
    if texts is not None and not data.get("readme"):
        data["readme"] = NO_README
    return data


def _secured_path(ref: str) -> str:
    """A path as npm makes it safe: slashes only, no climbing out, nothing in front (``secureAndUnixifyPath``)."""
    plain = re.sub(r"[\\:]", "/", ref)
    inside = posixpath.normpath("/" + plain).lstrip("/")
    return inside + "/" if inside and plain.endswith("/") else inside


def _add_implied_scripts(data: _Document, files: Collection[str]) -> None:
    scripts = data.get("scripts") or {}
    if not isinstance(scripts, dict):
        return
    gyp = any(path.endswith(".gyp") and "/" not in path and not path.startswith(".") for path in files)
    if gyp and not scripts.get("install") and not scripts.get("preinstall") and data.get("gypfile") is not False:
        scripts["install"] = _GYP_COMMAND
        data["scripts"] = scripts
        data["gypfile"] = True
    if not scripts.get("start") and any(path == "server.js" or path.startswith("server.js/") for path in files):
        scripts["start"] = "node server.js"
        data["scripts"] = scripts


def _add_texts(data: _Document, files: Collection[str], texts: Mapping[str, str]) -> None:
    if not data.get("contributors") and "AUTHORS" in texts:
        lines = (re.sub(r"^\s*#.*$", "", line).strip() for line in re.split(r"\r?\n", texts["AUTHORS"]))
        data["contributors"] = [line for line in lines if line]
    if data.get("readme"):
        return
    found: str | None = None
    for path in sorted(path for path in files if "/" not in path and _README.match(path)):
        if _MARKDOWN.search(path):
            found = path
            break
        if path.endswith("README"):
            found = path
    if found is not None and found in texts:
        data["readme"], data["readmeFilename"] = texts[found], found
    data["readme"] = data.get("readme") or NO_README


def _normalise_man(data: _Document, files: Collection[str]) -> None:
    directory = _directory(data, "man")
    if directory and not data.get("man"):
        data["man"] = [path for path in _below(_secured_path(directory), files) if _MAN_PAGE.match(path)]
    man = data.pop("man", None)
    pages = man if isinstance(man, list) else [man]
    secured = [_secured_path(page) for page in pages if isinstance(page, str) and page]
    if secured:
        data["man"] = secured


def _normalise_bin(data: _Document, files: Collection[str]) -> None:
    directory = _directory(data, "bin")
    if directory and not data.get("bin"):
        data["bin"] = _expanded_bin(_secured_path(directory), files)
        return
    commands = data.pop("bin", None)
    if isinstance(commands, str) and commands and data.get("name"):
        commands = {str(data["name"]): commands}
    elif isinstance(commands, list):
        commands = {_basename(item): item for item in commands if isinstance(item, str)}
    if not isinstance(commands, dict):
        return
    cleaned: _Document = {}
    for key, target in commands.items():
        base = _basename(_secured_path(key))
        if isinstance(target, str) and base and _secured_path(target):
            cleaned[base] = _secured_path(target)
    if cleaned:
        data["bin"] = cleaned


def _expanded_bin(place: str, files: Collection[str]) -> _Document:
    """Every entry below ``directories.bin``, folders included, under its last name: what npm's glob gives."""
    commands: _Document = {}
    for path in _below(place, files):
        inner = path[len(place.rstrip("/")) :].lstrip("/")
        pieces = inner.split("/")
        for depth in range(1, len(pieces) + 1):
            commands.setdefault(pieces[depth - 1], f"{place}/{'/'.join(pieces[:depth])}")
    return commands


def _below(place: str, files: Collection[str]) -> list[str]:
    prefix = place.rstrip("/") + "/" if place else ""
    inside = sorted(path for path in files if path.startswith(prefix))
    return [path for path in inside if not any(part.startswith(".") for part in path[len(prefix) :].split("/"))]


def _add_types(data: _Document, files: Collection[str]) -> None:
    main = data.get("main") or "index.js"
    if not isinstance(main, str) or "types" in data or "typings" in data:
        return
    stem = posixpath.normpath(posixpath.join(posixpath.dirname(main), posixpath.splitext(posixpath.basename(main))[0]))
    if f"{stem}.d.ts" in files:
        data["types"] = f"./{stem}.d.ts"


def _normalise_bundled(data: _Document) -> None:
    if "bundleDependencies" not in data and "bundledDependencies" in data:
        data["bundleDependencies"] = data["bundledDependencies"]
    data.pop("bundledDependencies", None)
    bundled = data.get("bundleDependencies")
    dependencies = data.get("dependencies")
    if bundled is True:
        data["bundleDependencies"] = list(dependencies) if isinstance(dependencies, dict) else []
    elif isinstance(bundled, dict):
        data["bundleDependencies"] = list(bundled)
    elif not isinstance(bundled, list):
        data.pop("bundleDependencies", None)


def _normalise_scripts(data: _Document) -> None:
    scripts = data.get("scripts")
    if isinstance(scripts, dict):
        data["scripts"] = {
            name: _BIN_PREFIX.sub("", command, count=1) if _BIN_PREFIX.match(command) else command
            for name, command in scripts.items()
            if isinstance(command, str)
        }
    elif "scripts" in data and not isinstance(scripts, list | None):
        del data["scripts"]


def _normalise_repository(data: _Document) -> None:
    several = data.get("repositories")
    if isinstance(several, list) and several:
        data["repository"] = several[0]
    repository = data.get("repository")
    if isinstance(repository, str) and repository:
        repository = data["repository"] = {"type": "git", "url": repository}
    if isinstance(repository, dict) and isinstance(repository.get("url"), str):
        hosted = parse_hosted_git(repository["url"])
        if hosted:
            repository["url"] = hosted.https if hosted.form == "shortcut" else str(hosted)


def _normalise_dependencies(data: _Document) -> None:
    for field in ("dependencies", "devDependencies", "optionalDependencies"):
        value = data.get(field)
        if isinstance(value, str) and value:
            value = re.split(r"[\s,]+", value.strip())
        if isinstance(value, list):
            data[field] = dict(_one_dependency(item) for item in value if isinstance(item, str))
    for field in ("dependencies", "devDependencies"):
        ranges = data.get(field)
        if isinstance(ranges, dict):
            data[field] = {
                name: str(parse_hosted_git(text) or text) for name, text in ranges.items() if isinstance(text, str)
            }
        else:
            data.pop(field, None)


def _one_dependency(text: str) -> tuple[str, str]:
    name, *rest = re.split(r"(:?[@\s><=])", text.strip())
    return name, "".join(rest).removeprefix("@").strip()


def _complete_bundled(data: _Document) -> None:
    """A bundled name that is no dependency becomes one, with any version."""
    bundled = data.get("bundleDependencies")
    if not isinstance(bundled, list):
        return
    names = [name for name in bundled if isinstance(name, str) and name]
    data["bundleDependencies"] = names
    if names:
        dependencies = data.setdefault("dependencies", {})
        if isinstance(dependencies, dict):
            for name in names:
                dependencies.setdefault(name, "*")


def _directory(data: _Document, kind: str) -> str | None:
    directories = data.get("directories")
    found = directories.get(kind) if isinstance(directories, Mapping) else None
    return found if isinstance(found, str) else None


def _basename(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
