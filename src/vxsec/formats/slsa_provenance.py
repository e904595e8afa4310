"""SLSA provenance v1: how an artifact was built (https://slsa.dev/spec/v1.0/provenance).

Members that the specification does not name are ignored, as it demands. A predicate is the builder's word: what may be
believed of it is compared with the certificate in ``vxsec.verification.provenance``.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import json_errors_as
from vxsec.formats.strict_json import JsonNode
from vxsec.formats.timestamps import parse_time, render_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vxsec.model.attestation import Statement

__all__ = [
    "GITHUB_BUILD_TYPES",
    "GITLAB_BUILD_TYPE",
    "LOCAL_BUILD_TYPE",
    "SLSA_PROVENANCE",
    "Material",
    "Provenance",
    "WorkflowSource",
    "build_provenance_predicate",
    "read_provenance_predicate",
    "workflow_source",
    "workflow_uri",
]

SLSA_PROVENANCE = "https://slsa.dev/provenance/v1"
GITHUB_BUILD_TYPES = (
    "https://actions.github.io/buildtypes/workflow/v1",
    "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
)
"""What GitHub's own tools write and, for npm, the older name: the same members mean the same in both."""
GITLAB_BUILD_TYPE = "urn:vxsec:build:gitlab-ci:v1"
"""A job of GitLab CI in the members of GitHub's build type, with ``workflow.path`` the configuration's path."""
LOCAL_BUILD_TYPE = "urn:vxsec:build:local:v1"
"""A build on somebody's machine: ``externalParameters`` is empty, ``internalParameters.git.dirty`` says whether the tree
differed from the commit. It claims no builder that anybody operates."""

_WITH_WORKFLOW = (*GITHUB_BUILD_TYPES, GITLAB_BUILD_TYPE)
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """in-toto ``ResourceDescriptor`` as far as provenance needs it; digests are as written."""

    uri: str
    digest: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """A provenance predicate; every word in it is its signer's."""

    build_type: str
    builder_id: str
    external_parameters: Mapping[str, object] = field(default_factory=dict)
    internal_parameters: Mapping[str, object] = field(default_factory=dict)
    resolved_dependencies: tuple[Material, ...] = ()
    invocation_id: str | None = None
    started_on: datetime | None = None
    finished_on: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSource:
    """Which workflow of which repository ran, and what else its build type records; None where it says nothing.

    ``workflow_uri`` names repository, path and ref of the workflow as certificates do.
    """

    repository: str
    ref: str
    workflow_uri: str
    commit: str | None
    event: str | None
    runner: str | None
    repository_id: str | None
    owner_id: str | None


def read_provenance_predicate(
    statement: Statement, *, where: str = "predicate", limits: Limits = DEFAULT_LIMITS
) -> Provenance:
    """Read the predicate of a provenance statement.

    Guarantees: build type and builder are URIs, a build does not finish before it started, and it has no more dependencies
    than ``limits`` allow.

    Raises:
        FormatError: ``provenance.type`` for another predicate type, ``provenance.malformed``.
    """
    if statement.predicate_type != SLSA_PROVENANCE:
        raise FormatError(
            f"expected a predicate of type {SLSA_PROVENANCE}, found {statement.predicate_type[:_SHOWN]!r}",
            code="provenance.type",
            where=where,
        )
    with json_errors_as("provenance.malformed"):
        return _read_root(JsonNode(value=dict(statement.predicate), where=where), limits)


def build_provenance_predicate(provenance: Provenance) -> dict[str, object]:
    """Write the predicate; what is not known is left out."""
    definition: dict[str, object] = {
        "buildType": provenance.build_type,
        "externalParameters": dict(provenance.external_parameters),
    }
    if provenance.internal_parameters:
        definition["internalParameters"] = dict(provenance.internal_parameters)
    if provenance.resolved_dependencies:
        definition["resolvedDependencies"] = [
            {"uri": item.uri} | ({"digest": dict(item.digest)} if item.digest else {})
            for item in provenance.resolved_dependencies
        ]
    metadata = {
        "invocationId": provenance.invocation_id,
        "startedOn": provenance.started_on and render_time(provenance.started_on),
        "finishedOn": provenance.finished_on and render_time(provenance.finished_on),
    }
    known = {name: value for name, value in metadata.items() if value is not None}
    details: dict[str, object] = {"builder": {"id": provenance.builder_id}} | ({"metadata": known} if known else {})
    return {"buildDefinition": definition, "runDetails": details}


def workflow_source(provenance: Provenance, *, where: str = "predicate") -> WorkflowSource | None:
    """What a build of a workflow says about its source; None for a build type that has no workflow.

    Raises:
        FormatError: ``provenance.malformed``.
    """
    if provenance.build_type not in _WITH_WORKFLOW:
        return None
    with json_errors_as("provenance.malformed"):
        workflow = JsonNode(value=dict(provenance.external_parameters), where=f"{where}.externalParameters")["workflow"]
        internal = JsonNode(value=dict(provenance.internal_parameters), where=f"{where}.internalParameters")
        run = _run(internal, gitlab=provenance.build_type == GITLAB_BUILD_TYPE)
        repository, ref, path = (workflow[member].string() for member in ("repository", "ref", "path"))
        return WorkflowSource(
            repository=repository,
            ref=ref,
            workflow_uri=workflow_uri(provenance.build_type, repository=repository, ref=ref, path=path),
            commit=_commit(provenance, repository),
            event=_text(run, "event_name"),
            runner=_text(run, "runner_environment"),
            repository_id=_text(run, "repository_id"),
            owner_id=_text(run, "repository_owner_id"),
        )


def workflow_uri(build_type: str, *, repository: str, ref: str, path: str) -> str:
    """How certificates name a workflow: GitLab sets a second slash between project and path."""
    slashes = "//" if build_type == GITLAB_BUILD_TYPE else "/"
    return f"{repository}{slashes}{path}@{ref}"


def _read_root(root: JsonNode, limits: Limits) -> Provenance:
    definition, details = root["buildDefinition"], root["runDetails"]
    internal, metadata = definition.get("internalParameters"), details.get("metadata")
    started, finished = _time(metadata, "startedOn"), _time(metadata, "finishedOn")
    if started is not None and finished is not None and finished < started:
        raise FormatError("finished before it started", code="provenance.malformed", where=details.where)
    dependencies = definition.get("resolvedDependencies")
    return Provenance(
        build_type=_uri(definition["buildType"]),
        builder_id=_uri(details["builder"]["id"]),
        external_parameters=definition["externalParameters"].mapping(),
        internal_parameters={} if internal is None else internal.mapping(),
        resolved_dependencies=() if dependencies is None else _read_materials(dependencies, limits),
        invocation_id=_text(metadata, "invocationId"),
        started_on=started,
        finished_on=finished,
    )


def _read_materials(node: JsonNode, limits: Limits) -> tuple[Material, ...]:
    listed = node.array(most=limits.provenance_materials, code="provenance.malformed", what="dependencies")
    return tuple(map(_read_material, listed))


def _read_material(node: JsonNode) -> Material:
    digest = node.get("digest")
    return Material(
        uri=_text(node, "uri") or "",
        digest={} if digest is None else {name: value.string() for name, value in digest.members()},
    )


def _commit(provenance: Provenance, repository: str) -> str | None:
    """The one commit of the repository among the dependencies; None where there is none.

    A repository is the same in another case, and with ``.git`` at the end: two commits of it would leave open which was
    built.
    """
    plain = f"git+{repository}".casefold().rstrip("/").removesuffix(".git").rstrip("/")
    ours = tuple(plain + end for end in ("", "/", ".git", ".git/"))
    found = {
        item.digest["gitCommit"]
        for item in provenance.resolved_dependencies
        if "gitCommit" in item.digest and _is_of(item.uri.casefold(), ours)
    }
    if len(found) > 1:
        raise FormatError(
            f"expected one commit of {repository[:_SHOWN]!r} among the dependencies, found {len(found)}",
            code="provenance.malformed",
        )
    return found.pop() if found else None


def _is_of(uri: str, repositories: tuple[str, ...]) -> bool:
    return uri in repositories or uri.startswith(tuple(f"{one}@" for one in repositories))


def _run(internal: JsonNode, *, gitlab: bool) -> JsonNode | None:
    """What the build type records of the run; the other service's words beside it would say something else to others."""
    name, other = ("gitlab", "github") if gitlab else ("github", "gitlab")
    if internal.get(other) is not None:
        raise FormatError(
            f"expected no {other} in a build of {'GitLab' if gitlab else 'GitHub'}",
            code="provenance.malformed",
            where=internal.where,
        )
    return internal.get(name)


def _uri(node: JsonNode) -> str:
    text = node.string()
    if ":" not in text:
        raise FormatError(f"expected a URI, found {text[:_SHOWN]!r}", code="provenance.malformed", where=node.where)
    return text


def _text(node: JsonNode | None, member: str) -> str | None:
    value = None if node is None else node.get(member)
    return None if value is None else value.string()


def _time(node: JsonNode | None, member: str) -> datetime | None:
    value = None if node is None else node.get(member)
    return None if value is None else parse_time(value.string(), where=value.where)
