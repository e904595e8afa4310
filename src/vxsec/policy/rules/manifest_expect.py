"""The manifest is the one of a package that may go to this registry.

Why: One line of package.json decides where a package goes: ``publishConfig.registry`` of a template sends private code to
another registry, and ``private: true`` says that it was never meant to go anywhere. A ``repository`` that is not the team's
is how a copied package is told from the real one. Ranges such as ``workspace:^`` cannot be installed by anyone.

Fix: Correct package.json as the refusal says, pack with ``pnpm pack`` (it writes the real versions in place of workspace
ranges), then sign and gate the new file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from vxsec.errors import ConfigurationError
from vxsec.formats.hosted_git import parse_hosted_git
from vxsec.formats.redact import redact_urls
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.model.decision import Phase
from vxsec.policy.next_command import inspect_step, is_file
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass

__all__ = ["RULE", "Parameters"]

_SHOWN = 160
_LISTED = 5
_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>[^/:\s]+):(?P<path>[^\s]+)\Z")
_FIELDS = ("author", "description", "engines", "exports", "files", "license", "repository", "types")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What package.json must say."""

    repository: str | None = parameter(
        doc="The repository that must be stated; spellings of one address count as the same.", default=None
    )
    registry: str | None = parameter(
        doc="The URL that publishConfig.registry must be. Left out, one that is there must be the URL of the package's "
        "registry in the trust document.",
        default=None,
    )
    engines: str | None = parameter(doc="What engines.node must be, letter for letter.", default=None)
    required: tuple[str, ...] = parameter(
        doc="Fields that must be there and say something.", default=(), choices=_FIELDS
    )
    allow_private: bool = parameter(doc="Whether private: true may stand there.", default=False)

    def __post_init__(self) -> None:
        if self.registry is not None:
            normalise_registry_url(self.registry)
        if self.repository is not None and _place(self.repository) is None:
            raise ConfigurationError(
                f"expected the URL of a repository, found {redact_urls(self.repository)[:_SHOWN]!r}",
                code="policy.value",
            )


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    content = context.evidence.content
    if content is None:
        raise TypeError("content was not collected")
    manifest = content.manifest
    if manifest is None:
        return unknown(
            "manifest.not-read",
            "the package's own manifest was not read",
            expected="its package.json",
            found="none",
            hint=inspect_step(context.evidence.subject, context.phase),
        )
    if content.uninstallable:
        listed = [
            f"{item.field}.{item.name}: {redact_urls(item.range)[:_SHOWN]}" for item in content.uninstallable[:_LISTED]
        ]
        return _failed(
            context, "manifest.uninstallable-range", "ranges that npm can install", ", ".join(listed), "pnpm pack"
        )
    private = manifest.get("private")
    if not parameters.allow_private and private not in (None, False):
        return _failed(
            context, "manifest.private", "no private: true", f"private: {redact_urls(str(private))[:_SHOWN]}"
        )
    return (
        _check_registry(parameters, context, manifest)
        or _check_repository(parameters, context, manifest)
        or _check_fields(parameters, context, manifest)
        or passed("manifest.expected", "the manifest says what it must")
    )


def _check_registry(parameters: Parameters, context: RuleContext, manifest: Mapping[str, object]) -> Outcome | None:
    subject = context.evidence.subject
    listed = context.trust.registry(subject.registry)
    wanted = normalise_registry_url(parameters.registry) if parameters.registry else listed.url if listed else None
    if wanted is None:
        return None
    config = manifest.get("publishConfig")
    if config is not None and not isinstance(config, Mapping):
        return _failed(context, "manifest.registry", f"publishConfig.registry {wanted}", "publishConfig is no object")
    stated = {str(key): value for key, value in (config or {}).items() if _names_registry(str(key))}
    if not stated and parameters.registry is None:
        return None
    for key, value in stated.items():
        if not isinstance(value, str) or _normalised(value) != wanted:
            found = f"publishConfig.{key[:_SHOWN]}: {redact_urls(repr(value))[:_SHOWN]}"
            return _failed(context, "manifest.registry", wanted, found)
    if not stated:
        return _failed(context, "manifest.registry", f"publishConfig.registry {wanted}", "none")
    return None


def _names_registry(key: str) -> bool:
    return key == "registry" or key.endswith(":registry")


def _normalised(url: str) -> str | None:
    try:
        return normalise_registry_url(url)
    except ConfigurationError:
        return None


def _check_repository(parameters: Parameters, context: RuleContext, manifest: Mapping[str, object]) -> Outcome | None:
    if parameters.repository is None:
        return None
    stated = manifest.get("repository")
    url = stated.get("url") if isinstance(stated, Mapping) else stated
    if isinstance(url, str) and _place(url) == _place(parameters.repository):
        return None
    found = repr(redact_urls(url)[:_SHOWN]) if isinstance(url, str) else "none"
    return _failed(context, "manifest.repository", f"repository {redact_urls(parameters.repository)}", found)


def _place(address: str) -> str | None:
    """``host/path`` of a repository however it is written; None where it is no address."""
    hosted = parse_hosted_git(address)
    if hosted is not None:
        owner = f"{hosted.user}/" if hosted.user else ""
        return f"{hosted.host}:{owner}{hosted.project}"
    written = address.strip().partition("#")[0].removeprefix("git+")
    try:
        parts = urlsplit(written)
        host, path = parts.hostname or "", parts.path
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if not host:
        match = _SCP.match(written)
        if match is None:
            return None
        host, path, port = match["host"].lower(), match["path"], ""
    path = path.strip("/").removesuffix(".git")
    return f"{host}{port}/{path}" if path else None


def _check_fields(parameters: Parameters, context: RuleContext, manifest: Mapping[str, object]) -> Outcome | None:
    missing = [field for field in parameters.required if manifest.get(field) in (None, "", [], {}, False)]
    if missing:
        return _failed(context, "manifest.missing-field", ", ".join(parameters.required), f"no {', '.join(missing)}")
    if parameters.engines is None:
        return None
    engines = manifest.get("engines")
    node = engines.get("node") if isinstance(engines, Mapping) else None
    if node == parameters.engines:
        return None
    found = f"engines.node {redact_urls(node)[:_SHOWN]!r}" if isinstance(node, str) else "none"
    return _failed(context, "manifest.engines", f"engines.node {parameters.engines!r}", found)


def _failed(context: RuleContext, code: str, expected: str, found: str, packer: str = "npm pack") -> Outcome:
    """A refusal; whoever only installs cannot mend the manifest."""
    mend = f"correct package.json, {packer}, then sign and gate the new file"
    hint = mend if is_file(context.evidence.subject, context.phase) else "install another version"
    return failed(code, "package.json does not say what it must", expected=expected, found=found, hint=hint)


RULE = Rule(
    id="manifest.expect",
    summary="The manifest is the one of a package that may go to this registry.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.CONTENT}),
    parameters=Parameters,
    check=_check,
)
