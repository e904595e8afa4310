"""SLSA provenance v1: read as its specification says, or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from support.interop_kit import GITHUB, GITLAB, statement
from vxsec.errors import FormatError
from vxsec.formats.predicate_types import PREDICATE_TYPES, predicate_type_uri
from vxsec.formats.slsa_provenance import (
    GITHUB_BUILD_TYPES,
    GITLAB_BUILD_TYPE,
    Material,
    Provenance,
    build_provenance_predicate,
    read_provenance_predicate,
    workflow_source,
)
from vxsec.formats.statement import read_statement
from vxsec.limits import Limits
from vxsec.usecases.provenance import build_provenance

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FULL = Provenance(
    build_type="urn:x:build",
    builder_id="urn:x:builder",
    external_parameters={"a": 1},
    internal_parameters={"b": {"c": "d"}},
    resolved_dependencies=(Material(uri="git+https://x.test/y", digest={"gitCommit": "0" * 40}), Material(uri="urn:z")),
    invocation_id="run-1",
    started_on=AT,
    finished_on=AT,
)


def _read(predicate: dict[str, Any]) -> Provenance:
    return read_provenance_predicate(read_statement(statement(predicate=predicate), where="s"))


@pytest.mark.parametrize(
    "provenance",
    [
        pytest.param(FULL, id="everything"),
        pytest.param(Provenance(build_type="urn:x:build", builder_id="urn:x:builder"), id="only what must be there"),
    ],
)
def test_what_is_written_is_read_back(provenance: Provenance) -> None:
    assert _read(build_provenance_predicate(provenance)) == provenance


def test_what_is_not_known_is_left_out() -> None:
    assert build_provenance_predicate(Provenance(build_type="urn:x:build", builder_id="urn:x:builder")) == {
        "buildDefinition": {"buildType": "urn:x:build", "externalParameters": {}},
        "runDetails": {"builder": {"id": "urn:x:builder"}},
    }


def test_members_that_nobody_defined_are_ignored() -> None:
    predicate = _without("runDetails.byproducts", [{"name": "log"}]) | {"extension": 1}
    assert _read(predicate) == FULL


def _without(path: str, value: object = ...) -> dict[str, Any]:
    document: Any = json.loads(json.dumps(build_provenance_predicate(FULL)))
    *parents, last = path.split(".")
    node = document
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return dict(document)


REFUSED = {
    "no definition": _without("buildDefinition"),
    "no details": _without("runDetails"),
    "no build type": _without("buildDefinition.buildType"),
    "a build type that is no URI": _without("buildDefinition.buildType", "x"),
    "no external parameters": _without("buildDefinition.externalParameters"),
    "external parameters that are a list": _without("buildDefinition.externalParameters", []),
    "internal parameters that are text": _without("buildDefinition.internalParameters", "x"),
    "dependencies that are an object": _without("buildDefinition.resolvedDependencies", {}),
    "a dependency that is text": _without("buildDefinition.resolvedDependencies", ["x"]),
    "a digest that is a number": _without("buildDefinition.resolvedDependencies", [{"digest": {"sha1": 1}}]),
    "no builder": _without("runDetails.builder"),
    "a builder that is a number": _without("runDetails.builder.id", 1),
    "a start that is no time": _without("runDetails.metadata.startedOn", "yesterday"),
    "a start without its offset": _without("runDetails.metadata.startedOn", "2026-11-21T12:00:00"),
    "an end before the start": _without("runDetails.metadata.finishedOn", "2026-11-21T11:59:59Z"),
    "a predicate without members": {},
}


@pytest.mark.parametrize("predicate", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(predicate: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        _read(predicate)
    assert caught.value.code == "provenance.malformed"
    assert "predicate" in (caught.value.where or "")


@pytest.mark.parametrize("kind", ["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1 ", "urn:x"])
def test_another_predicate_type_is_refused(kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_provenance_predicate(read_statement(statement(predicate_type=kind), where="s"))
    assert caught.value.code == "provenance.type"


# -- workflows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build_type", GITHUB_BUILD_TYPES)
def test_both_names_of_githubs_build_type_have_a_workflow(build_type: str) -> None:
    predicate: Any = build_provenance(GITHUB)
    predicate["buildDefinition"]["buildType"] = build_type
    source = workflow_source(_read(predicate))
    assert source is not None
    assert source.workflow_uri == "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main"
    assert (source.commit, source.event, source.runner) == (GITHUB["GITHUB_SHA"], "push", "github-hosted")


def test_gitlab_sets_a_second_slash_between_project_and_path() -> None:
    source = workflow_source(_read(build_provenance(GITLAB)))
    assert source is not None
    assert source.workflow_uri == "https://gitlab.example.test/vextrus/mono//.gitlab-ci.yml@refs/heads/main"
    assert (source.repository_id, source.owner_id, source.runner) == ("77", "7", None)


def test_another_build_type_has_no_workflow() -> None:
    assert workflow_source(FULL) is None


def _workflow(**changes: object) -> Provenance:
    members: dict[str, Any] = {"repository": "https://x.test/y", "ref": "refs/heads/main", "path": "p.yml"}
    return Provenance(
        build_type=GITLAB_BUILD_TYPE,
        builder_id="urn:x",
        external_parameters={"workflow": {k: v for k, v in (members | changes).items() if v is not ...}},
    )


@pytest.mark.parametrize(
    "provenance",
    [
        pytest.param(Provenance(build_type=GITLAB_BUILD_TYPE, builder_id="urn:x"), id="no workflow"),
        pytest.param(_workflow(ref=...), id="no ref"),
        pytest.param(_workflow(path=1), id="a path that is a number"),
        pytest.param(_workflow(repository={}), id="a repository that is an object"),
    ],
)
def test_a_workflow_that_cannot_be_read_is_refused(provenance: Provenance) -> None:
    with pytest.raises(FormatError) as caught:
        workflow_source(provenance)
    assert caught.value.code == "provenance.malformed"


COMMITS = {
    "the repository's own": ([("git+https://x.test/y@refs/heads/main", "1")], "1"),
    "the repository's own, without a ref": ([("git+https://x.test/y", "1")], "1"),
    "the same one twice": ([("git+https://x.test/y", "1"), ("git+https://x.test/y@z", "1")], "1"),
    "the repository's own, in another spelling": ([("git+https://X.test/y.git/@refs/tags/@a/b@1.0.0", "1")], "1"),
    "another repository's": ([("git+https://x.test/other", "1")], None),
    "that of a repository whose name begins alike": ([("git+https://x.test/y-evil@refs/heads/main", "1")], None),
    "none": ([], None),
}


@pytest.mark.parametrize(("listed", "commit"), COMMITS.values(), ids=COMMITS.keys())
def test_the_commit_is_the_repositorys_own_and_only_one(listed: list[tuple[str, str]], commit: str | None) -> None:
    provenance = Provenance(
        build_type=GITLAB_BUILD_TYPE,
        builder_id="urn:x",
        external_parameters=_workflow().external_parameters,
        resolved_dependencies=tuple(Material(uri=uri, digest={"gitCommit": one}) for uri, one in listed),
    )
    source = workflow_source(provenance)
    assert source is not None
    assert source.commit == commit


TWO_COMMITS = {
    "under one name": ("git+https://x.test/y", "git+https://x.test/y@z"),
    "under one ref": ("git+https://x.test/y@z", "git+https://x.test/y@z"),
    "one with .git": ("git+https://x.test/y@z", "git+https://x.test/y.git@z"),
    "one with a slash": ("git+https://x.test/y@z", "git+https://x.test/y/"),
    "one in another case": ("git+https://x.test/y@z", "git+https://x.test/Y@z"),
}


@pytest.mark.parametrize("uris", TWO_COMMITS.values(), ids=TWO_COMMITS.keys())
@pytest.mark.parametrize("repository", ["https://x.test/y", "https://x.test/y.git"])
def test_two_commits_of_the_repository_are_refused(uris: tuple[str, str], repository: str) -> None:
    provenance = Provenance(
        build_type=GITLAB_BUILD_TYPE,
        builder_id="urn:x",
        external_parameters=_workflow(repository=repository).external_parameters,
        resolved_dependencies=tuple(
            Material(uri=uri, digest={"gitCommit": commit}) for uri, commit in zip(uris, "12", strict=True)
        ),
    )
    with pytest.raises(FormatError, match="expected one commit") as caught:
        workflow_source(provenance)
    assert caught.value.code == "provenance.malformed"


@pytest.mark.parametrize("environ", [GITHUB, GITLAB], ids=["GitHub", "GitLab"])
@pytest.mark.parametrize("own", [{}, {"event_name": "push"}], ids=["nothing of its own", "its own words"])
def test_the_words_of_two_services_are_refused(environ: dict[str, str], own: dict[str, str]) -> None:
    document: Any = build_provenance(environ)
    document["buildDefinition"]["internalParameters"] = {"github": own, "gitlab": own | {"event_name": "schedule"}}
    with pytest.raises(FormatError, match="expected no git") as caught:
        workflow_source(_read(document))
    assert caught.value.code == "provenance.malformed"


def test_more_dependencies_than_allowed_are_refused() -> None:
    document: Any = build_provenance(GITHUB)
    document["buildDefinition"]["resolvedDependencies"] *= 3
    payload = statement(predicate=document)
    with pytest.raises(FormatError, match="at most 2 dependencies") as caught:
        read_provenance_predicate(read_statement(payload, where="s"), limits=Limits(provenance_materials=2))
    assert caught.value.code == "provenance.malformed"


# -- short names --------------------------------------------------------------------------------------------------------


def test_a_short_name_is_a_way_to_write_a_uri_and_nothing_else() -> None:
    assert predicate_type_uri("slsa-provenance") == "https://slsa.dev/provenance/v1"
    assert predicate_type_uri("https://slsa.dev/provenance/v1") == "https://slsa.dev/provenance/v1"
    assert predicate_type_uri("SLSA-Provenance") == "SLSA-Provenance"
    assert all(":" in uri and ":" not in name for name, uri in PREDICATE_TYPES.items())
    assert len(set(PREDICATE_TYPES.values())) == len(PREDICATE_TYPES)
