"""vxsec's own predicates: a machine's release, a person's approval (TRUST.md, "Signatures").

They are strict: a member that an old verifier does not know may restrict what the statement allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError
from vxsec.formats.statement import as_statement_error, build_statement, nonempty_text
from vxsec.formats.strict_json import JsonNode
from vxsec.formats.timestamps import parse_time, render_time
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE, Statement, Subject
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef

__all__ = [
    "ApprovalPredicate",
    "ReleasePredicate",
    "build_approval_statement",
    "build_release_statement",
    "read_approval_predicate",
    "read_release_predicate",
]

_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePredicate:
    """``urn:vxsec:release:v1``: this machine built these bytes for this registry."""

    registry: str
    version: str
    plan_digest: str | None
    created_at: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPredicate:
    """``urn:vxsec:approval:v1``: this person looked at these bytes and lets them go to this registry."""

    registry: str
    policy_name: str | None
    policy_min_version: int | None
    plan_digest: str | None
    created_at: datetime
    expires: datetime | None


def read_release_predicate(statement: Statement, *, where: str = "predicate") -> ReleasePredicate:
    """Read the predicate of a release statement.

    Raises:
        FormatError: ``statement.malformed``, also for a member this version does not know.
    """
    try:
        node = _own_predicate(statement, RELEASE_PREDICATE, where)
        node.only("registry", "version", "planDigest", "createdAt", "expires")
        created_at, expires = _read_times(node)
        return ReleasePredicate(
            registry=nonempty_text(node["registry"]),
            version=nonempty_text(node["version"]),
            plan_digest=_optional_text(node.get("planDigest")),
            created_at=created_at,
            expires=expires,
        )
    except FormatError as error:
        raise as_statement_error(error) from error


def read_approval_predicate(statement: Statement, *, where: str = "predicate") -> ApprovalPredicate:
    """Read the predicate of an approval statement.

    Raises:
        FormatError: ``statement.malformed``, also for a member this version does not know.
    """
    try:
        node = _own_predicate(statement, APPROVAL_PREDICATE, where)
        node.only("registry", "policy", "planDigest", "createdAt", "expires")
        created_at, expires = _read_times(node)
        policy = node.get("policy")
        name, minimum = (None, None) if policy is None else _read_policy(policy)
        return ApprovalPredicate(
            registry=nonempty_text(node["registry"]),
            policy_name=name,
            policy_min_version=minimum,
            plan_digest=_optional_text(node.get("planDigest")),
            created_at=created_at,
            expires=expires,
        )
    except FormatError as error:
        raise as_statement_error(error) from error


def build_release_statement(
    *, package: PackageRef, digests: Digests, registry: str, created_at: datetime, expires: datetime | None = None
) -> bytes:
    """Write what ``vxsec sign`` signs. ``registry`` is a URL and is written in its one normalised spelling.

    Raises:
        ConfigurationError: ``registry.url``.
        UsageError: ``statement.expires`` where it would expire before it was made.
    """
    predicate = {"registry": _registry_url(registry), "version": package.version}
    return build_statement(
        subjects=[_own_subject(package, digests)],
        predicate_type=RELEASE_PREDICATE,
        predicate=predicate | _render_times(created_at, expires),
    )


def build_approval_statement(
    *,
    subjects: Sequence[tuple[PackageRef, Digests]],
    registry: str,
    created_at: datetime,
    expires: datetime | None = None,
    policy: tuple[str, int] | None = None,
) -> bytes:
    """Write what ``vxsec approve`` signs: one subject per file, bound to ``policy`` (name, minimum version) if given.

    Raises:
        ConfigurationError: ``registry.url``.
        UsageError: ``statement.expires`` where it would expire before it was made.
        FormatError: ``statement.subjects`` where there is none.
    """
    predicate: dict[str, object] = {"registry": _registry_url(registry)}
    if policy is not None:
        predicate["policy"] = {"name": policy[0], "minVersion": policy[1]}
    return build_statement(
        subjects=[_own_subject(package, digests) for package, digests in subjects],
        predicate_type=APPROVAL_PREDICATE,
        predicate=predicate | _render_times(created_at, expires),
    )


def _own_predicate(statement: Statement, predicate_type: str, where: str) -> JsonNode:
    if statement.predicate_type != predicate_type:
        raise FormatError(
            f"expected {predicate_type}, found {statement.predicate_type[:_SHOWN]!r}",
            code="statement.malformed",
            where=where,
        )
    return JsonNode(value=statement.predicate, where=where)


def _own_subject(package: PackageRef, digests: Digests) -> Subject:
    return Subject(name=package.purl, digest={"sha256": digests.sha256, "sha512": digests.sha512})


def _registry_url(url: str) -> str:
    from vxsec.formats.registry_url import (
        normalise_registry_url,
    )  # only writers need it; verifying starts sooner without

    return normalise_registry_url(url)


def _read_times(node: JsonNode) -> tuple[datetime, datetime | None]:
    created = node["createdAt"]
    created_at = parse_time(created.string(), where=created.where)
    expires = node.get("expires")
    if expires is None:
        return created_at, None
    until = parse_time(expires.string(), where=expires.where)
    if until <= created_at:
        raise FormatError("expires before it was created", code="statement.malformed", where=expires.where)
    return created_at, until


def _render_times(created_at: datetime, expires: datetime | None) -> dict[str, str]:
    times = {"createdAt": render_time(created_at)}
    if expires is None:
        return times
    times["expires"] = render_time(expires)
    if expires.replace(microsecond=0) <= created_at.replace(microsecond=0):
        raise UsageError(
            f"expected a time to expire after {times['createdAt']}, found {times['expires']}", code="statement.expires"
        )
    return times


def _read_policy(node: JsonNode) -> tuple[str, int]:
    node.only("name", "minVersion")
    minimum = node["minVersion"].integer()
    if minimum < 0:
        raise FormatError("expected a version of 0 or more", code="statement.malformed", where=node.where)
    return nonempty_text(node["name"]), minimum


def _optional_text(node: JsonNode | None) -> str | None:
    return None if node is None else nonempty_text(node)
