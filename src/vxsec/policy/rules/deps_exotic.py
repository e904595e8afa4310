"""Dependencies come from a registry, unless the policy names them.

Why: A git branch, a tarball behind a URL or a folder on somebody's disk has no version, no integrity that a registry keeps and
no history: what is fetched tomorrow may be something else, and npm runs a git dependency's own scripts to build it. Worms have
used such a range to bring in what no scanner of the registry sees.

Fix: Depend on a published version. Where the source is meant, add the dependency's name to ``allowGit``, ``allowUrl`` or
``allowFile``. At install the lockfile is judged (give it with ``--lockfile package-lock.json``), at publish the manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.globs import text_matches
from vxsec.formats.lockfiles.source import SourceKind, is_registry_tarball, source_kind
from vxsec.formats.npm_spec import SpecKind, spec_kind
from vxsec.formats.redact import redact_urls
from vxsec.model.decision import Phase
from vxsec.policy.next_command import add_to_list, inspect_step, quoted
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vxsec.model.dependency import LockedPackage

__all__ = ["RULE", "Parameters"]

_FIELDS = ("dependencies", "optionalDependencies", "peerDependencies")
"""What an installer of the package resolves; ``devDependencies`` it does not."""
_LISTED = 5
_SHOWN = 160
_ALIAS = "npm:"
_KINDS = {
    SpecKind.REGISTRY: None,
    SpecKind.ALIAS: "alias",
    SpecKind.WORKSPACE: "file",
    SpecKind.FILE: "file",
    SpecKind.GIT: "git",
    SpecKind.URL: "url",
}

_Source = tuple[str, str, str]
"""A kind (git, url, file, alias), the dependency's name, the text that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Names of dependencies as the manifest writes them; ``*`` stands for any text."""

    allow_git: tuple[str, ...] = parameter(doc="Dependencies that may come from git.", default=())
    allow_url: tuple[str, ...] = parameter(doc="Dependencies that may come from a URL of no registry.", default=())
    allow_file: tuple[str, ...] = parameter(
        doc="Dependencies that may come from a folder, a file or the workspace.", default=()
    )
    allow_alias: tuple[str, ...] = parameter(
        doc="Dependencies that may be another package under this name (npm:NAME@RANGE): the other package is judged under "
        "its own name, so all may.",
        default=("*",),
    )

    def allowed(self, kind: str) -> tuple[str, ...]:
        """The names that may come from a source of this kind."""
        return {"git": self.allow_git, "url": self.allow_url, "file": self.allow_file, "alias": self.allow_alias}[kind]


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    if context.phase is Phase.PUBLISH:
        content = context.evidence.content
        if content is None or content.manifest is None:
            return _not_read("its package.json", inspect_step(context.evidence.subject, context.phase))
        sources = list(_of_manifest(content.manifest))
    else:
        lockfile = context.evidence.lockfile
        if lockfile is None or lockfile.entry is None:
            label = quoted(context.evidence.subject.label)
            hint = f"npm install --package-lock-only {label}, then give --lockfile package-lock.json"
            return _not_read("its entry in a lockfile that vxsec reads", hint)
        sources = list(_of_entry(lockfile.entry))
    exotic = [item for item in sources if not any(text_matches(glob, item[1]) for glob in parameters.allowed(item[0]))]
    if not exotic:
        return passed("exotic.none", "dependencies come from a registry, or are named by the policy")
    kind, name, _ = exotic[0]
    listed = [f"{name[:_SHOWN]} from {kind}: {redact_urls(text)[:_SHOWN]!r}" for kind, name, text in exotic[:_LISTED]]
    more = f" and {len(exotic) - _LISTED} more" if len(exotic) > _LISTED else ""
    return failed(
        f"exotic.{kind}",
        "a dependency does not come from a registry" if kind != "alias" else "a dependency is another package",
        expected="versions of a registry, or names that the policy lists",
        found=", ".join(listed) + more,
        hint=f"depend on a published version, or {add_to_list(f'allow{kind.capitalize()}', name)}",
    )


def _not_read(expected: str, hint: str) -> Outcome:
    return unknown(
        "exotic.not-read", "where dependencies come from is not known", expected=expected, found="none", hint=hint
    )


def _of_manifest(manifest: Mapping[str, object]) -> Iterator[_Source]:
    for field in _FIELDS:
        stated = manifest.get(field)
        if isinstance(stated, dict):
            yield from _of_ranges(stated)


def _of_entry(entry: LockedPackage) -> Iterator[_Source]:
    name = entry.name or entry.installed_as
    if entry.link:
        yield "file", name, entry.resolved or "a link"
    elif not entry.in_bundle:
        kind = _kind_of_resolved(entry)
        if kind is not None:
            yield kind, name, entry.resolved or ""
    if entry.name is not None and entry.name != entry.installed_as:
        yield "alias", entry.installed_as, f"{_ALIAS}{entry.name}"
    for ranges in (entry.dependencies, entry.optional_dependencies, entry.peer_dependencies):
        yield from _of_ranges(ranges)


def _kind_of_resolved(entry: LockedPackage) -> str | None:
    match source_kind(entry.resolved):
        case SourceKind.REGISTRY:
            return None
        case SourceKind.GIT:
            return "git"
        case SourceKind.FILE:
            return "file"
        case SourceKind.HTTP if _is_registry_tarball(entry):
            return None
        case _:
            return "url"


def _is_registry_tarball(entry: LockedPackage) -> bool:
    """Whether the URL is one by which a registry serves this name and version."""
    if entry.name is None or entry.version is None:
        return False
    return is_registry_tarball(entry.resolved or "", entry.name, entry.version)


def _of_ranges(ranges: Mapping[str, object]) -> Iterator[_Source]:
    for name, text in ranges.items():
        kind = _kind_of_range(text) if isinstance(text, str) else None
        if kind is not None:
            yield kind, name, str(text)


def _kind_of_range(text: str) -> str | None:
    """What a range points at, or None for versions, ranges and tags; what nobody can read counts as a URL."""
    return _KINDS[spec_kind(text)]


RULE = Rule(
    id="deps.exotic",
    summary="Dependencies come from a registry, unless the policy names them.",
    phases=frozenset({Phase.PUBLISH, Phase.INSTALL}),
    needs=frozenset({EvidenceKind.LOCKFILE}),
    parameters=Parameters,
    check=_check,
    judges_absence=frozenset({EvidenceKind.LOCKFILE}),
)
