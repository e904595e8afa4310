"""npm's ``package-lock.json`` and ``npm-shrinkwrap.json``, lockfileVersion 2 and 3.

Source: npm documentation, "package-lock.json"; what is ordinary follows ``@npmcli/arborist`` (``shrinkwrap.js``,
``load-virtual.js``). Only ``packages`` is read, as npm 7 and later do. What npm could not have written is refused; what
it could have written but deserves a look becomes a finding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from vxsec.errors import FormatError
from vxsec.formats.lockfiles.contract import LockfileFormat, unsupported
from vxsec.formats.lockfiles.npm_tree import tree_facts
from vxsec.formats.strict_json import parse_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.dependency import LockedPackage, Lockfile
from vxsec.model.digest import digest_bytes
from vxsec.model.package import is_npm_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMAT", "parse_npm_package_lock"]

_ID: Final = "npm-package-lock"
_READ: Final = (2, 3)
_SHOWN: Final = 120
_FLAGS: Final = ("link", "inBundle", "dev", "optional", "hasInstallScript", "hasShrinkwrap")
_TEXTS: Final = ("name", "version", "resolved", "integrity")
_RANGES: Final = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")
_PLAIN_SEGMENT: Final = re.compile(r"[^\x00-\x1f\x7f\\]+\Z")
_MAX_PATH: Final = 1024
"""Characters: deeper than any file system lets npm unpack a package, and bounds the walk from folder to folder."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_NONE: Final[Mapping[str, str]] = {}


def parse_npm_package_lock(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Lockfile:
    """Read a lockfile of version 2 or 3 into the packages it would install.

    Guaranteed: every path is the root, a folder below it, or ``[FOLDER/]node_modules/NAME[/node_modules/NAME …]`` with
    legal names; every value has the type npm writes; ``Lockfile.findings`` name each entry whose real name is not the
    one its path says and which no dependent asked for by ``npm:``, and each one without a strong integrity.

    Args:
        data: The file's bytes.
        where: What the file is called in an error.
        limits: Bounds on bytes, depth and entries.

    Raises:
        NothingToJudgeError: ``lockfile.unsupported`` for another lockfileVersion.
        FormatError: ``lockfile.type``, ``lockfile.root-missing``, ``lockfile.too-many``, ``lockfile.path``,
            ``lockfile.name``, ``lockfile.link`` or ``json.*``.
    """
    document = _object(parse_json(data, where=where, limits=limits, max_bytes=limits.lockfile_bytes), where)
    version = document.get("lockfileVersion")
    if not isinstance(version, int) or isinstance(version, bool):
        _refuse("type", "expected a whole number as lockfileVersion, found something else", where)
    if version not in _READ:
        raise unsupported(f"npm's lockfileVersion {version} (2 and 3 are)", where=where)
    packages = _object(document.get("packages"), f"{where}: packages")
    if len(packages) > limits.lockfile_packages:
        _refuse("too-many", f"expected at most {limits.lockfile_packages} entries, found {len(packages)}", where)
    if "" not in packages:
        _refuse("root-missing", 'expected an entry "" for the project itself, found none', where)
    reader = _Reader(where)
    entries = [reader.entry(path, value) for path, value in packages.items()]
    facts = tree_facts({entry.path: entry for entry in entries}, frozenset(reader.shrinkwrapped))
    return Lockfile(
        format=_ID,
        format_version=str(version),
        sha512=digest_bytes(data).sha512,
        root=facts.packages[""],
        workspaces=_workspaces(_object(packages[""], where).get("workspaces"), where),
        packages=tuple(entry for path, entry in facts.packages.items() if path),
        findings=facts.findings,
    )


FORMAT = LockfileFormat(id=_ID, filenames=("package-lock.json", "npm-shrinkwrap.json"), parse=parse_npm_package_lock)


class _Reader:
    """Reads entries of one file; names already found legal are not judged again."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._names: set[str] = set()
        self.shrinkwrapped: list[str] = []

    def entry(self, path: str, value: object) -> LockedPackage:
        where = f"{self._where}: {path[:_SHOWN]!r}"
        installed_as = self._installed_as(path, where)
        fields = _object(value, where)
        name, version, resolved, integrity = (_text(fields, key, where) for key in _TEXTS)
        link, in_bundle, dev, optional, script, shrinkwrap = (_flag(fields, key, where) for key in _FLAGS)
        if name is not None and (path or name):
            self._check_name(name, where)
        if link and resolved is None:
            _refuse("link", "expected a link to say where it leads (resolved), found nothing", where)
        if shrinkwrap:
            self.shrinkwrapped.append(path)
        dependencies, optionals, peers, devs = (self._ranges(fields, key, where) for key in _RANGES)
        return LockedPackage(
            path=path,
            name=name or (installed_as if path else None),
            installed_as=installed_as,
            version=version,
            resolved=resolved,
            integrity=integrity,
            license=_license(fields),
            link=link,
            in_bundle=in_bundle,
            dev=dev,
            optional=optional,
            has_install_script=script,
            dependencies=dependencies,
            optional_dependencies=optionals,
            peer_dependencies=peers,
            optional_peers=_optional_peers(fields),
            dev_dependencies=devs,
            bundles=_bundles(fields, where),
        )

    def _installed_as(self, path: str, where: str) -> str:
        """The name ``path`` gives, after checking its shape."""
        if not path:
            return ""
        if len(path) > _MAX_PATH:
            _refuse("path", f"expected a path of at most {_MAX_PATH} characters, found {len(path)}", where)
        segments = path.split("/")
        first = segments.index("node_modules") if "node_modules" in segments else len(segments)
        for segment in segments[:first]:
            _check_folder(segment, where)
        if first == len(segments):
            scope = segments[-2] if len(segments) > 1 else ""
            return f"{scope}/{segments[-1]}" if scope.startswith("@") else segments[-1]
        name, position = "", first
        while position < len(segments):
            if segments[position] != "node_modules":
                _refuse("path", "expected node_modules/NAME after node_modules/NAME, found another folder", where)
            width = 2 if segments[position + 1 : position + 2] and segments[position + 1].startswith("@") else 1
            name = "/".join(segments[position + 1 : position + 1 + width])
            self._check_name(name, where)
            position += 1 + width
        return name

    def _check_name(self, name: str, where: str) -> None:
        if name in self._names:
            return
        if not is_npm_name(name):
            _refuse("name", f"expected an npm package name, found {name[:_SHOWN]!r}", where)
        self._names.add(name)

    def _ranges(self, fields: Mapping[str, object], key: str, where: str) -> Mapping[str, str]:
        if key not in fields:
            return _NONE
        stated: dict[str, str] = {}
        for name, text in _object(fields[key], where).items():
            if not isinstance(text, str):
                _refuse("type", f"expected text as the range of {name[:_SHOWN]!r}, found something else", where)
            self._check_name(name, where)
            stated[name] = text
        return stated


def _check_folder(segment: str, where: str) -> None:
    if segment in {"", ".", ".."} or not _PLAIN_SEGMENT.match(segment) or _DRIVE.match(segment):
        _refuse("path", "expected a folder inside the project, found an empty, climbing or absolute path", where)
    if segment.casefold() == "node_modules" or segment == "__proto__":
        _refuse("path", f"expected the folder of a workspace, found {segment[:_SHOWN]!r} in its path", where)


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        _refuse("type", "expected an object, found something else", where)
    return value


def _text(fields: Mapping[str, object], key: str, where: str) -> str | None:
    if key not in fields:
        return None
    value = fields[key]
    return value if isinstance(value, str) else _refuse("type", f"expected text as {key}, found something else", where)


def _flag(fields: Mapping[str, object], key: str, where: str) -> bool:
    value = fields.get(key, False)
    return value if isinstance(value, bool) else _refuse("type", f"expected true or false as {key}", where)


def _license(fields: Mapping[str, object]) -> str | None:
    """A claim copied from the package's manifest, in any of the forms manifests have had; what has none of them is none."""
    value = fields.get("license")
    if isinstance(value, dict):
        value = value.get("type")
    return value if isinstance(value, str) else None


def _optional_peers(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Copied from the package's manifest, too: a peer is optional only where it says so as npm reads it."""
    meta = fields.get("peerDependenciesMeta")
    if not isinstance(meta, dict):
        return ()
    return tuple(name for name, about in meta.items() if isinstance(about, dict) and about.get("optional") is True)


def _bundles(fields: Mapping[str, object], where: str) -> tuple[str, ...]:
    value = fields.get("bundleDependencies", [])
    if isinstance(value, bool):  # npm reads true as "all dependencies"
        return tuple(_object(fields.get("dependencies", {}), where)) if value else ()
    return _strings(value, "bundleDependencies", where)


def _workspaces(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, dict):  # the form of yarn, which npm reads too
        value = value.get("packages")
    return () if value is None else _strings(value, "workspaces", where)


def _strings(value: object, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        _refuse("type", f"expected a list as {key}, found something else", where)
    texts = tuple(item for item in value if isinstance(item, str))
    if len(texts) != len(value):
        _refuse("type", f"expected only text in {key}, found something else", where)
    return texts


def _refuse(reason: str, message: str, where: str) -> NoReturn:
    raise FormatError(message, code=f"lockfile.{reason}", where=where)
