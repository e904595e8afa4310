"""in-toto statements: what we write is read, what others write is read, what is vague is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.signing_kit import DIGESTS, NOW, OTHER_DIGESTS, PACKAGE, REGISTRY
from vxsec.errors import ConfigurationError, FormatError, UsageError
from vxsec.formats.release_statement import (
    build_approval_statement,
    build_release_statement,
    read_approval_predicate,
    read_release_predicate,
)
from vxsec.formats.statement import build_statement, read_statement
from vxsec.limits import Limits
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE, Statement, Subject
from vxsec.model.package import PackageRef

A = "a" * 64
RELEASE = build_release_statement(
    package=PACKAGE, digests=DIGESTS, registry="https://Registry.example.test:443", created_at=NOW
)
APPROVAL = build_approval_statement(
    subjects=[(PACKAGE, DIGESTS)], registry=REGISTRY, created_at=NOW, expires=NOW + timedelta(days=1), policy=("p", 3)
)


def _with(payload: bytes, path: str, value: object) -> bytes:
    document: Any = json.loads(payload)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    node = document
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return json.dumps(document).encode()


def test_a_release_statement_says_what_the_design_says() -> None:
    assert json.loads(RELEASE) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "pkg:npm/%40vextrus/kernel@1.2.3", "digest": {"sha256": DIGESTS.sha256, "sha512": DIGESTS.sha512}}
        ],
        "predicateType": "urn:vxsec:release:v1",
        "predicate": {"registry": REGISTRY, "version": "1.2.3", "createdAt": "2026-11-21T12:00:00Z"},
    }
    predicate = read_release_predicate(read_statement(RELEASE, where="s"))
    assert (predicate.registry, predicate.version, predicate.created_at) == (REGISTRY, "1.2.3", NOW)
    assert (predicate.expires, predicate.plan_digest) == (None, None)


def test_an_approval_statement_has_a_subject_for_each_file() -> None:
    other = PackageRef(name="@vextrus/utils", version="2.0.0")
    payload = build_approval_statement(
        subjects=[(PACKAGE, DIGESTS), (other, OTHER_DIGESTS)], registry=REGISTRY, created_at=NOW
    )
    statement = read_statement(payload, where="s")
    assert [subject.name for subject in statement.subjects] == [PACKAGE.purl, other.purl]
    predicate = read_approval_predicate(statement)
    assert (predicate.policy_name, predicate.policy_min_version, predicate.expires) == (None, None, None)


def test_an_approval_may_be_bound_to_a_policy_and_a_time() -> None:
    predicate = read_approval_predicate(read_statement(APPROVAL, where="s"))
    assert (predicate.policy_name, predicate.policy_min_version) == ("p", 3)
    assert predicate.expires == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_plan_digest_is_carried() -> None:
    statement = read_statement(_with(RELEASE, "predicate.planDigest", "abc"), where="s")
    assert read_release_predicate(statement).plan_digest == "abc"


READ = {
    "v0.1, as cosign writes it": _with(RELEASE, "_type", "https://in-toto.io/Statement/v0.1"),
    "no predicate": _with(RELEASE, "predicate", ...),
    "no subject name": _with(RELEASE, "subject.0.name", ...),
    "a member the specification does not name": _with(RELEASE, "note", "x"),
    "only sha512": _with(RELEASE, "subject.0.digest.sha256", ...),
    "a git commit": _with(RELEASE, "subject.0.digest", {"gitCommit": "ABC"}),
}


@pytest.mark.parametrize("payload", READ.values(), ids=READ.keys())
def test_reads(payload: bytes) -> None:
    assert len(read_statement(payload, where="s").subjects) == 1


REFUSED = {
    "no JSON": (b"x", "statement.malformed"),
    "an array": (b"[]", "statement.malformed"),
    "a duplicate member": (RELEASE.replace(b'{"_type"', b'{"predicateType":"x","_type"'), "statement.malformed"),
    "another version": (_with(RELEASE, "_type", "https://in-toto.io/Statement/v2"), "statement.unsupported"),
    "no type": (_with(RELEASE, "_type", ...), "statement.malformed"),
    "no predicate type": (_with(RELEASE, "predicateType", ...), "statement.malformed"),
    "an empty predicate type": (_with(RELEASE, "predicateType", ""), "statement.malformed"),
    "a predicate that is text": (_with(RELEASE, "predicate", "x"), "statement.malformed"),
    "no subject member": (_with(RELEASE, "subject", ...), "statement.malformed"),
    "an empty subject list": (_with(RELEASE, "subject", []), "statement.subjects"),
    "a subject that is text": (_with(RELEASE, "subject", ["x"]), "statement.malformed"),
    "a name that is a number": (_with(RELEASE, "subject.0.name", 1), "statement.malformed"),
    "no digest": (_with(RELEASE, "subject.0.digest", ...), "statement.digest"),
    "an empty digest set": (_with(RELEASE, "subject.0.digest", {}), "statement.digest"),
    "an empty digest": (_with(RELEASE, "subject.0.digest", {"gitCommit": ""}), "statement.digest"),
    "upper-case hex": (_with(RELEASE, "subject.0.digest.sha256", "A" * 64), "statement.digest"),
    "a short sha256": (_with(RELEASE, "subject.0.digest.sha256", "a" * 63), "statement.digest"),
    "a sha256 with a line end": (_with(RELEASE, "subject.0.digest.sha256", A + "\n"), "statement.digest"),
    "a sha512 as long as a sha256": (_with(RELEASE, "subject.0.digest.sha512", A), "statement.digest"),
    "a digest that is a number": (_with(RELEASE, "subject.0.digest.sha256", 1), "statement.malformed"),
    "a second subject without digest": (
        _with(RELEASE, "subject", [{"name": "a", "digest": {"sha256": A}}, {"name": "b"}]),
        "statement.digest",
    ),
}


@pytest.mark.parametrize(("payload", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(payload: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_statement(payload, where="s")
    assert caught.value.code == code


def test_refuses_a_hoard_of_parts_before_it_is_built() -> None:
    payload = _with(RELEASE, "predicate", {"x": [{}] * 300})
    with pytest.raises(FormatError, match="at most 300 objects") as caught:
        read_statement(payload, where="s", limits=Limits(statement_parts=300))
    assert caught.value.code == "statement.malformed"


def test_refuses_more_subjects_than_allowed() -> None:
    payload = _with(RELEASE, "subject", [{"digest": {"sha256": A}}] * 3)
    with pytest.raises(FormatError, match="expected 1 to 2 subjects, found 3") as caught:
        read_statement(payload, where="s", limits=Limits(subjects_per_statement=2))
    assert caught.value.code == "statement.subjects"


BAD_RELEASES = {
    "a member we do not know": ("predicate.onlyOnFridays", True),
    "no registry": ("predicate.registry", ...),
    "an empty registry": ("predicate.registry", ""),
    "a registry that is a list": ("predicate.registry", [REGISTRY]),
    "no version": ("predicate.version", ...),
    "a version that is a number": ("predicate.version", 1),
    "no time": ("predicate.createdAt", ...),
    "a time without offset": ("predicate.createdAt", "2026-11-21T12:00:00"),
    "it expires before it was made": ("predicate.expires", "2026-11-21T11:59:59Z"),
    "it expires when it was made": ("predicate.expires", "2026-11-21T12:00:00Z"),
    "an empty plan digest": ("predicate.planDigest", ""),
    "another predicate type": ("predicateType", APPROVAL_PREDICATE),
}
BAD_APPROVALS = {
    "a version, which only releases have": ("predicate.version", "1.2.3"),
    "a policy that is text": ("predicate.policy", "p"),
    "a policy without a version": ("predicate.policy", {"name": "p"}),
    "a policy without a name": ("predicate.policy", {"minVersion": 1}),
    "a policy with an empty name": ("predicate.policy", {"name": "", "minVersion": 1}),
    "a policy version below zero": ("predicate.policy", {"name": "p", "minVersion": -1}),
    "a policy version that is true": ("predicate.policy", {"name": "p", "minVersion": True}),
    "a policy with more": ("predicate.policy", {"name": "p", "minVersion": 1, "digest": A}),
    "another predicate type": ("predicateType", RELEASE_PREDICATE),
}


@pytest.mark.parametrize(("path", "value"), BAD_RELEASES.values(), ids=BAD_RELEASES.keys())
def test_refuses_a_release_with(path: str, value: object) -> None:
    statement = read_statement(_with(RELEASE, path, value), where="s")
    with pytest.raises(FormatError) as caught:
        read_release_predicate(statement)
    assert caught.value.code == "statement.malformed"


@pytest.mark.parametrize(("path", "value"), BAD_APPROVALS.values(), ids=BAD_APPROVALS.keys())
def test_refuses_an_approval_with(path: str, value: object) -> None:
    statement = read_statement(_with(APPROVAL, path, value), where="s")
    with pytest.raises(FormatError) as caught:
        read_approval_predicate(statement)
    assert caught.value.code == "statement.malformed"


def test_any_statement_is_written_and_read_back() -> None:
    subject = Subject(name=None, digest={"sha256": A})
    payload = build_statement(subjects=[subject], predicate_type="https://example.test/t", predicate={"x": [1]})
    assert read_statement(payload, where="s") == Statement(
        statement_type="https://in-toto.io/Statement/v1",
        subjects=(subject,),
        predicate_type="https://example.test/t",
        predicate={"x": [1]},
    )


def test_nothing_is_written_that_would_not_be_read() -> None:
    with pytest.raises(FormatError) as caught:
        build_statement(subjects=[], predicate_type="t", predicate={})
    assert caught.value.code == "statement.subjects"
    with pytest.raises(FormatError) as caught:
        build_approval_statement(subjects=[], registry=REGISTRY, created_at=NOW)
    assert caught.value.code == "statement.subjects"
    with pytest.raises(UsageError) as wrong:
        build_release_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY, created_at=NOW, expires=NOW)
    assert wrong.value.code == "statement.expires"
    with pytest.raises(ConfigurationError) as bad_url:
        build_release_statement(package=PACKAGE, digests=DIGESTS, registry="registry", created_at=NOW)
    assert bad_url.value.code == "registry.url"
