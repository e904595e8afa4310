"""pip's installation report as a dependency graph: what one Python package needs to run, on one platform.

The report (``pip install --dry-run --ignore-installed --report FILE dist/x.whl``; pip documentation, "Installation Report",
format version 1) lists every distribution that pip would install, with its metadata and its hashes. The edges are not in
it: they are its ``Requires-Dist`` lines, evaluated here with the report's own ``environment`` and the extras asked for.
So the graph holds for that interpreter and platform, and is a claim like every lockfile.

No URL leaves this reader: an index's address may hold a credential.

Refusals: ``pip-report.version`` ``pip-report.environment`` ``pip-report.name`` ``pip-report.duplicate``
``pip-report.integrity`` ``pip-report.source`` ``pip-report.requirement`` ``pip-report.root`` ``pip-report.unreached``
``pip-report.too-large``, or a ``json.*`` code.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.core_metadata import normalise_pypi_name, read_release
from vxsec.formats.python_license import stated_license
from vxsec.formats.strict_json import read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.package import PYPI, PackageRef
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from packaging.requirements import Requirement

    from vxsec.formats.strict_json import JsonNode

__all__ = ["is_pip_report", "parse_pip_report"]

_ENVIRONMENT = (
    "implementation_name", "implementation_version", "os_name", "platform_machine", "platform_python_implementation",
    "platform_release", "platform_system", "platform_version", "python_full_version", "python_version", "sys_platform",
)  # fmt: skip  # a list of words, not of lines
_HEX_DIGITS = {"sha512": 128, "sha384": 96, "sha256": 64}  # strongest first; weaker ones prove nothing
_HEX = re.compile(r"[0-9a-f]+\Z")
_MAX_EVALUATIONS = 1_000_000
_SHOWN = 120
_NO_EXTRA = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One distribution that pip would install."""

    package: PackageRef
    requested: bool
    extras: frozenset[str]
    requirements: tuple[Requirement, ...]
    source: DependencySource
    integrity: str | None
    license: str | None

    @property
    def key(self) -> str:
        return str(self.package)


def is_pip_report(document: object) -> bool:
    """Whether a parsed JSON document is pip's report, by the members that only it has."""
    return isinstance(document, dict) and "pip_version" in document and "install" in document


def parse_pip_report(
    data: bytes, *, where: str, package: PackageRef | None, limits: Limits = DEFAULT_LIMITS
) -> DependencyGraph:
    """Read a report as the graph of ``package``.

    Guarantees: each distribution is one node; edges are those that this environment and the extras asked for switch on;
    what a node requires and no entry satisfies is in ``unresolved``; where one distribution was asked for, every entry of the
    report is reached from it. No text of the result holds a URL of the report.

    Args:
        data: The report.
        where: What it is called in errors and in the graph's ``source``.
        package: The root. None: the distribution that was asked for, or, where several were, no root and all of them.
        limits: ``lockfile_bytes``, ``lockfile_packages`` and the ``json_…`` bounds.

    Raises:
        FormatError: One of the codes in the module's docstring.
    """
    root = read_json(data, where=where, limits=limits, max_bytes=limits.lockfile_bytes)
    version = root["version"]
    if version.string() != "1":
        raise _error("version", f"expected a report of version '1', found {version.string()[:_SHOWN]!r}", version.where)
    environment = _read_environment(root["environment"])
    items = _read_items(root["install"], limits)
    requested = [item for item in items.values() if item.requested]
    chosen = _choose_root(items, requested, package, where)
    starts = [chosen] if chosen is not None else requested
    edges, unresolved = _Resolver(items, environment, where).run(starts)
    unreached = items.keys() - edges.keys()
    if unreached and len(requested) <= 1:
        names = ", ".join(sorted(unreached)[:5])
        raise _error("unreached", f"nothing that was asked for needs {names[:_SHOWN]}", where)
    return DependencyGraph(
        root=chosen.package if chosen else None,
        root_needs=edges[chosen.package.name] if chosen else tuple(sorted(item.key for item in requested)),
        dependencies=tuple(
            sorted(
                (_node(items[name], edges[name]) for name in edges if items[name] is not chosen), key=lambda n: n.key
            )
        ),
        unresolved=tuple(sorted(unresolved)),
        source=where,
        root_license=chosen.license if chosen else None,
    )


def _choose_root(
    items: Mapping[str, _Item], requested: Sequence[_Item], package: PackageRef | None, where: str
) -> _Item | None:
    if not requested:
        raise _error("root", "nothing in the report was asked for", where)
    if package is None:
        return requested[0] if len(requested) == 1 else None
    found = items.get(package.name) if package.ecosystem == PYPI else None
    if found is None or found.package != package or not found.requested:
        names = ", ".join(item.key for item in requested[:5])
        raise _error("root", f"expected a report about {package}, found one about {names[:_SHOWN]}", where)
    return found


def _node(item: _Item, needs: tuple[str, ...]) -> Dependency:
    return Dependency(
        key=item.key,
        package=item.package,
        label=item.key,
        source=item.source,
        integrity=item.integrity,
        license=item.license,
        needs=needs,
    )


# -- edges --------------------------------------------------------------------------------------------------------------


class _Resolver:
    """Follows requirements from the roots, until no extra adds anything; every (distribution, extra) is looked at once."""

    def __init__(self, items: Mapping[str, _Item], environment: Mapping[str, str], where: str) -> None:
        self._items = items
        self._environment = environment
        self._where = where
        self._needs: dict[str, set[str]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._unresolved: set[str] = set()
        self._left = _MAX_EVALUATIONS

    def run(self, starts: Sequence[_Item]) -> tuple[dict[str, tuple[str, ...]], set[str]]:
        """Needs by name for every distribution reached, and what nothing satisfies."""
        pending = [(item.package.name, extra) for item in starts for extra in (_NO_EXTRA, *sorted(item.extras))]
        while pending:
            name, extra = pending.pop()
            if (name, extra) in self._seen:
                continue
            self._seen.add((name, extra))
            needs = self._needs.setdefault(name, set())
            for requirement in self._wanted(self._items[name], extra):
                target = self._items.get(_project(requirement, self._where))
                if target is None or not requirement.specifier.contains(target.package.version, prereleases=True):
                    self._unresolved.add(_asked_for(requirement, self._where))
                    continue
                needs.add(target.key)
                extras = (_NO_EXTRA, *(_extra(text, self._where) for text in sorted(requirement.extras)))
                pending.extend((target.package.name, item) for item in extras)
        return {name: tuple(sorted(needs)) for name, needs in self._needs.items()}, self._unresolved

    def _wanted(self, item: _Item, extra: str) -> Iterator[Requirement]:
        """The requirements that hold here; with an extra, those that it switches on as well."""
        from packaging.markers import UndefinedComparison
        from packaging.version import InvalidVersion

        self._left -= len(item.requirements)
        if self._left < 0:
            raise _error("too-large", f"more than {_MAX_EVALUATIONS} requirements to evaluate", self._where)
        for requirement in item.requirements:
            try:
                if requirement.marker is None or requirement.marker.evaluate({**self._environment, "extra": extra}):
                    yield requirement
            except (UndefinedComparison, KeyError, InvalidVersion) as error:  # KeyError: a variable of lockfiles only
                raise _error(
                    "requirement", f"{item.key} has a requirement that cannot be evaluated", self._where
                ) from error


def _project(requirement: Requirement, where: str) -> str:
    return normalise_pypi_name(requirement.name, where=where)


def _asked_for(requirement: Requirement, where: str) -> str:
    wanted = "a direct reference" if requirement.url else str(requirement.specifier) or "*"
    return f"{_project(requirement, where)}@{wanted}"


def _extra(text: str, where: str) -> str:
    return normalise_pypi_name(text, where=where)


# -- entries ------------------------------------------------------------------------------------------------------------


def _read_environment(node: JsonNode) -> dict[str, str]:
    """All of it, because what is missing would be filled in from the machine that reads the report."""
    missing = [name for name in _ENVIRONMENT if node.get(name) is None]
    if missing:
        raise _error("environment", f"the environment does not say {', '.join(missing)}", node.where)
    return {name: node[name].string() for name in _ENVIRONMENT}


def _read_items(node: JsonNode, limits: Limits) -> dict[str, _Item]:
    items: dict[str, _Item] = {}
    for entry in node.items():
        if len(items) == limits.lockfile_packages:
            raise _error("too-large", f"more than {limits.lockfile_packages} entries", node.where)
        item = _read_item(entry)
        if item.package.name in items:
            raise _error("duplicate", f"two entries for {item.package.name}", entry.where)
        items[item.package.name] = item
    return items


def _read_item(node: JsonNode) -> _Item:
    metadata = node["metadata"]
    name, version, extras, info = (
        metadata["name"],
        metadata["version"],
        node.get("requested_extras"),
        node["download_info"],
    )
    try:
        package = PackageRef(
            name=normalise_pypi_name(name.string(), where=name.where),
            version=read_release(version.string(), where=version.where),
            ecosystem=PYPI,
        )
        wanted = extras.strings() if extras is not None else ()
        asked = frozenset(normalise_pypi_name(text, where=node.where) for text in wanted)
    except FormatError as error:
        if error.code.startswith("metadata."):
            raise _error("name", error.message, error.where or node.where) from error
        raise
    return _Item(
        package=package,
        requested=node["requested"].boolean(),
        extras=asked,
        requirements=tuple(_read_requirements(metadata)),
        source=_read_source(info, direct=node["is_direct"].boolean()),
        integrity=_read_integrity(info),
        license=stated_license(
            _optional(metadata, "license_expression"),
            _optional(metadata, "license"),
            _strings(metadata, "classifier"),
        ),
    )


def _read_requirements(metadata: JsonNode) -> Iterator[Requirement]:
    from packaging.requirements import InvalidRequirement, Requirement

    for text in _strings(metadata, "requires_dist"):
        try:
            yield Requirement(text)
        except (InvalidRequirement, RecursionError) as error:
            raise _error("requirement", "expected a requirement as Python defines it", metadata.where) from error


def _read_source(info: JsonNode, *, direct: bool) -> DependencySource:
    """What kind of place it came from (direct URL data structure, PyPA specification); the URL itself is not kept."""
    kinds = [kind for kind in ("archive_info", "vcs_info", "dir_info") if info.get(kind) is not None]
    if len(kinds) != 1:
        raise _error("source", "expected one of archive_info, vcs_info and dir_info", info.where)
    url = info["url"].string()
    if kinds[0] == "vcs_info":
        return DependencySource.GIT if info["vcs_info"]["vcs"].string() == "git" else DependencySource.URL
    if kinds[0] == "dir_info":
        return DependencySource.FILE
    if not direct:
        return DependencySource.REGISTRY
    return DependencySource.FILE if url.lower().startswith("file:") else DependencySource.URL


def _read_integrity(info: JsonNode) -> str | None:
    """The strongest hash stated, as SRI text; ``hash`` is the form that older versions of pip write alone."""
    archive = info.get("archive_info")
    if archive is None:
        return None
    stated: dict[str, str] = {}
    hashes, single = archive.get("hashes"), archive.get("hash")
    if hashes is not None:
        stated = {algorithm: value.string() for algorithm, value in hashes.members()}
    elif single is not None:
        algorithm, _, value = single.string().partition("=")
        stated = {algorithm: value}
    for algorithm, digits in _HEX_DIGITS.items():
        if algorithm in stated:
            value = stated[algorithm].lower()
            if len(value) != digits or not _HEX.match(value):
                raise _error("integrity", f"expected {digits} hex digits of {algorithm}", archive.where)
            return f"{algorithm}-{base64.b64encode(bytes.fromhex(value)).decode('ascii')}"
    return None


def _strings(node: JsonNode, key: str) -> tuple[str, ...]:
    found = node.get(key)
    return found.strings() if found is not None else ()


def _optional(node: JsonNode, key: str) -> str | None:
    found = node.get(key)
    return found.string() if found is not None else None


def _error(reason: str, message: str, where: str) -> FormatError:
    return FormatError(message, code=f"pip-report.{reason}", where=where)
