"""in-toto statements: v1 written, v1 and v0.1 read; and the two predicates of our own.

Sources: in-toto attestation framework, ``spec/v1/statement.md`` and ``resource_descriptor.md``. Members that the
specification does not name are ignored there, as it demands; our own predicates are strict, because a member that an old
verifier does not know may restrict what the statement allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError
from vxsec.formats.strict_json import JsonNode, dump_json, read_json
from vxsec.formats.timestamps import parse_time, render_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import (
    APPROVAL_PREDICATE,
    RELEASE_PREDICATE,
    STATEMENT_V01,
    STATEMENT_V1,
    Statement,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef

__all__ = [
    "STRONG_DIGESTS",
    "ApprovalPredicate",
    "ReleasePredicate",
    "build_approval_statement",
    "build_release_statement",
    "build_statement",
    "read_approval_predicate",
    "read_release_predicate",
    "read_statement",
]

STRONG_DIGESTS = ("sha256", "sha512")
"""The digest algorithms a subject may be matched by."""

_HEX = {"sha256": re.compile(r"[0-9a-f]{64}\Z"), "sha512": re.compile(r"[0-9a-f]{128}\Z")}
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


def read_statement(payload: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Statement:
    """Read a statement's bytes.

    Guarantees: at least one subject; every subject has a digest set that is not empty; sha256 and sha512 values are
    lower-case hex of the right length.

    Raises:
        FormatError: ``statement.malformed``, ``statement.unsupported`` for another ``_type``, ``statement.subjects`` or
            ``statement.digest``.
    """
    try:
        return _read_root(read_json(payload, where=where, limits=limits, max_bytes=limits.bundle_bytes), limits)
    except FormatError as error:
        raise _as_statement_error(error) from error


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
            registry=_text(node["registry"]),
            version=_text(node["version"]),
            plan_digest=_optional_text(node.get("planDigest")),
            created_at=created_at,
            expires=expires,
        )
    except FormatError as error:
        raise _as_statement_error(error) from error


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
            registry=_text(node["registry"]),
            policy_name=name,
            policy_min_version=minimum,
            plan_digest=_optional_text(node.get("planDigest")),
            created_at=created_at,
            expires=expires,
        )
    except FormatError as error:
        raise _as_statement_error(error) from error


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


def build_statement(*, subjects: Sequence[Subject], predicate_type: str, predicate: Mapping[str, object]) -> bytes:
    """Write a Statement v1 and read it back, so that nothing is signed that this version would not read.

    Raises:
        FormatError: as :func:`read_statement` does.
    """
    document = {
        "_type": STATEMENT_V1,
        "subject": [
            {key: value for key, value in (("name", item.name), ("digest", dict(item.digest))) if value is not None}
            for item in subjects
        ],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    payload = dump_json(document)
    read_statement(payload, where="statement to sign")
    return payload


def _read_root(root: JsonNode, limits: Limits) -> Statement:
    kind = root["_type"].string()
    if kind not in {STATEMENT_V1, STATEMENT_V01}:
        raise FormatError(
            f"expected an in-toto Statement v1 or v0.1, found {kind[:_SHOWN]!r}",
            code="statement.unsupported",
            where=root.where,
        )
    predicate = root.get("predicate")
    return Statement(
        statement_type=kind,
        subjects=_read_subjects(root["subject"], limits),
        predicate_type=_text(root["predicateType"]),
        predicate={} if predicate is None else predicate.mapping(),
    )


def _read_subjects(node: JsonNode, limits: Limits) -> tuple[Subject, ...]:
    subjects: list[Subject] = []
    for item in node.items():
        if len(subjects) == limits.subjects_per_statement:
            raise FormatError(
                f"expected at most {limits.subjects_per_statement} subjects",
                code="statement.subjects",
                where=node.where,
            )
        name = item.get("name")
        subjects.append(Subject(name=None if name is None else name.string(), digest=_read_digests(item)))
    if not subjects:
        raise FormatError("expected at least one subject, found none", code="statement.subjects", where=node.where)
    return tuple(subjects)


def _read_digests(subject: JsonNode) -> dict[str, str]:
    node = subject.get("digest")
    digests = {} if node is None else {algorithm: value.string() for algorithm, value in node.members()}
    if not digests:
        raise FormatError("expected a digest, found none", code="statement.digest", where=subject.where)
    for algorithm, value in digests.items():
        pattern = _HEX.get(algorithm)
        if not value or (pattern is not None and not pattern.match(value)):
            raise FormatError(
                f"expected lower-case hex for {algorithm[:_SHOWN]!r}, found {value[:_SHOWN]!r}",
                code="statement.digest",
                where=subject.where,
            )
    return digests


def _own_predicate(statement: Statement, predicate_type: str, where: str) -> JsonNode:
    if statement.predicate_type != predicate_type:
        raise FormatError(
            f"expected {predicate_type}, found {statement.predicate_type[:_SHOWN]!r}",
            code="statement.malformed",
            where=where,
        )
    return JsonNode(value=statement.predicate, where=where)


def _registry_url(url: str) -> str:
    from vxsec.formats.registry_url import (
        normalise_registry_url,
    )  # only writers need it; verifying starts sooner without

    return normalise_registry_url(url)


def _own_subject(package: PackageRef, digests: Digests) -> Subject:
    return Subject(name=package.purl, digest={"sha256": digests.sha256, "sha512": digests.sha512})


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
    return _text(node["name"]), minimum


def _text(node: JsonNode) -> str:
    text = node.string()
    if not text:
        raise FormatError("expected text, found an empty string", code="statement.malformed", where=node.where)
    return text


def _optional_text(node: JsonNode | None) -> str | None:
    return None if node is None else _text(node)


def _as_statement_error(error: FormatError) -> FormatError:
    """Keep our own codes; what strict_json or a time says becomes ``statement.malformed``."""
    code = error.code if error.code.startswith("statement.") else "statement.malformed"
    return FormatError(error.message, code=code, where=error.where, hint=error.hint)
