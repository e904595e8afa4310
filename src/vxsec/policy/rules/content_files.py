"""Nothing is published that nobody meant to publish.

Why: ``npm pack`` takes whatever lies in the folder unless ``files`` in package.json says otherwise. That is how ``.env`` files,
private keys, registry tokens, a repository's history and a build's metafile with every source path have reached the public.
Source maps are left to the policy: many packages ship them on purpose. So are tests.

Fix: List what is published under ``files`` in package.json, pack again, and look at the result with ``vxsec inspect FILE.tgz``.
Where a denied file is meant, write the whole list under ``deny`` without its pattern.
"""

from __future__ import annotations

from vxsec.formats.globs import PathGlob
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.policy.next_command import inspect_step
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed
from vxsec.values import dataclass

__all__ = ["RULE", "Parameters"]

_LISTED = 5
_SHOWN = 160
_MODULES = "node_modules"
_DENIED = (
    ".env*",
    ".npmrc",
    ".pypirc",
    ".netrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "**/.git/**",
    ".DS_Store",
    "**/node_modules/**",
    "metafile-*.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Patterns over the paths of files: ``*``, ``?`` and ``**``; one without ``/`` is about a file's name in any folder."""

    allow: tuple[str, ...] = parameter(
        doc="Where given, every file must match one of these patterns; case counts.", default=()
    )
    deny: tuple[str, ...] = parameter(
        doc="No file may match one of these patterns, in any case of letters; files of bundled dependencies, and of "
        "what these need, may lie in node_modules.",
        default=_DENIED,
    )

    def __post_init__(self) -> None:
        for text in (*self.allow, *self.deny):
            PathGlob(text)


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    content = context.evidence.content
    if content is None:
        raise TypeError("content was not collected")
    allow = [PathGlob(text) for text in parameters.allow]
    deny = [PathGlob(text, fold_case=True) for text in parameters.deny]
    denied: list[str] = []
    extra: list[str] = []
    for file in content.inventory:
        judged = _without_modules(file.path, content.bundled)
        match = next((glob for glob in deny if glob.matches(judged)), None)
        if match is not None:
            denied.append(f"{file.path[:_SHOWN]!r} ({match.text})")
        elif allow and not any(glob.matches(file.path) for glob in allow):
            extra.append(repr(file.path[:_SHOWN]))
    if denied:
        return _failed(context, "files.denied", "files that the policy denies", "no file that matches deny", denied)
    if extra:
        return _failed(context, "files.not-allowed", "files that allow does not list", "only files in allow", extra)
    return passed("files.clean", "only files that may be published", found=f"{len(content.inventory)} files")


def _without_modules(path: str, bundled: frozenset[str]) -> str:
    """The path of a bundled dependency's file without the folders that bundling explains."""
    first, *rest = path.split("/")
    name = "/".join(rest[:2]) if rest and rest[0].startswith("@") else "".join(rest[:1])
    return "/".join(part for part in rest if part != _MODULES) if first == _MODULES and name in bundled else path


def _failed(context: RuleContext, code: str, what: str, expected: str, found: list[str]) -> Outcome:
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return failed(
        code,
        f"{len(found)} {what}" if len(found) > 1 else f"a file: {what}",
        expected=expected,
        found=", ".join(found[:_LISTED]) + more,
        hint=f"leave it out through files in package.json; what is inside: "
        f"{inspect_step(context.evidence.subject, context.phase)}",
    )


RULE = Rule(
    id="content.files",
    summary="Nothing is published that nobody meant to publish.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.CONTENT}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)
