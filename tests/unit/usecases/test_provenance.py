"""Provenance from CI's variables and from a working tree: only what is named, nothing secret, no builder that was not there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from support.interop_kit import GITHUB, GITLAB
from vxsec.errors import UndecidedError, UsageError
from vxsec.usecases.provenance import BuildPlace, build_provenance, find_build_place

if TYPE_CHECKING:
    from pathlib import Path


class Watched(Mapping[str, str]):
    """An environment that remembers what was looked up, and cannot be listed."""

    def __init__(self, content: Mapping[str, str]) -> None:
        self.content = dict(content)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.content[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the environment was listed")

    def __len__(self) -> int:
        return len(self.content)


SECRETS = {
    "GITHUB_TOKEN": "ghs_" + "s3cret" * 6,
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cret-oidc",
    "CI_JOB_TOKEN": "s3cret-job",
    "CI_REGISTRY_PASSWORD": "s3cret-registry",
    "NPM_TOKEN": "npm_s3cret",
}


def test_github_is_described_as_its_own_tools_do() -> None:
    assert build_provenance(GITHUB) == {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {
                "workflow": {
                    "ref": "refs/heads/main",
                    "repository": "https://github.com/vextrus/mono",
                    "path": ".github/workflows/release.yml",
                }
            },
            "internalParameters": {
                "github": {
                    "event_name": "push",
                    "repository_id": "1001",
                    "repository_owner_id": "2002",
                    "runner_environment": "github-hosted",
                }
            },
            "resolvedDependencies": [
                {
                    "uri": "git+https://github.com/vextrus/mono@refs/heads/main",
                    "digest": {"gitCommit": "8f1cf2d0a0b1c2d3e4f5061728394a5b6c7d8e9f"},
                }
            ],
        },
        "runDetails": {
            "builder": {"id": "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main"},
            "metadata": {"invocationId": "https://github.com/vextrus/mono/actions/runs/3003/attempts/1"},
        },
    }


def test_gitlab_is_described_by_project_configuration_and_job() -> None:
    predicate: Any = build_provenance(GITLAB)
    definition, details = predicate["buildDefinition"], predicate["runDetails"]
    assert definition["buildType"] == "urn:vxsec:build:gitlab-ci:v1"
    assert definition["externalParameters"] == {
        "workflow": {
            "ref": "refs/heads/main",
            "repository": "https://gitlab.example.test/vextrus/mono",
            "path": ".gitlab-ci.yml",
        },
        "job": "release: npm",
    }
    assert details["builder"]["id"] == "https://gitlab.example.test/vextrus/mono//.gitlab-ci.yml@refs/heads/main"
    assert details["metadata"] == {
        "invocationId": "https://gitlab.example.test/vextrus/mono/-/jobs/4711",
        "startedOn": "2026-11-21T11:58:00Z",
    }


REFS = {
    "a branch": ({"CI_COMMIT_BRANCH": "feature/x"}, "refs/heads/feature/x"),
    "a tag": ({"CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_BRANCH": ""}, "refs/tags/v1.2.3"),
    "a merge request": (
        {"CI_COMMIT_BRANCH": "", "CI_MERGE_REQUEST_REF_PATH": "refs/merge-requests/1/head"},
        "refs/merge-requests/1/head",
    ),
}


@pytest.mark.parametrize(("changes", "ref"), REFS.values(), ids=REFS.keys())
def test_gitlab_builds_of_branches_tags_and_merge_requests(changes: dict[str, str], ref: str) -> None:
    environ = {**GITLAB, **changes}
    del environ["CI_JOB_STARTED_AT"]
    predicate: Any = build_provenance(environ)
    assert predicate["buildDefinition"]["externalParameters"]["workflow"]["ref"] == ref
    assert set(predicate["runDetails"]["metadata"]) == {"invocationId"}


def test_a_tag_with_an_at_sign_is_taken_apart_where_the_ref_begins() -> None:
    workflow = "vextrus/mono/.github/workflows/release.yml@refs/tags/@vextrus/kernel@1.2.3"
    predicate: Any = build_provenance({**GITHUB, "GITHUB_WORKFLOW_REF": workflow})
    assert predicate["buildDefinition"]["externalParameters"]["workflow"] == {
        "ref": "refs/tags/@vextrus/kernel@1.2.3",
        "repository": "https://github.com/vextrus/mono",
        "path": ".github/workflows/release.yml",
    }


@pytest.mark.parametrize("environ", [GITHUB, GITLAB], ids=["GitHub", "GitLab"])
def test_only_named_variables_are_read_and_no_secret_is_copied(environ: Mapping[str, str]) -> None:
    watched = Watched({**environ, **SECRETS})
    written = json.dumps(build_provenance(watched))
    assert watched.asked & SECRETS.keys() == set()
    assert watched.asked >= {name for name in environ if name not in {"GITHUB_ACTIONS", "GITLAB_CI"}}
    assert "s3cret" not in written


UNUSABLE = {
    **{
        f"no {name}": (BuildPlace.GITHUB, {**GITHUB, name: ""}) for name in GITHUB if name != "GITHUB_ACTIONS"
    },
    "a server over http": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_SERVER_URL": "http://github.com"}),
    "a server with a password": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_SERVER_URL": "https://u:p@github.com"}),
    "a repository with three parts": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_REPOSITORY": "a/b/c"}),
    "a workflow of another repository": (
        BuildPlace.GITHUB,
        {**GITHUB, "GITHUB_WORKFLOW_REF": "evil/mono/.github/workflows/x.yml@refs/heads/main"},
    ),
    "a workflow without a ref": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_WORKFLOW_REF": "vextrus/mono/x.yml"}),
    "a workflow path with a question mark": (
        BuildPlace.GITHUB,
        {**GITHUB, "GITHUB_WORKFLOW_REF": "vextrus/mono/x?.yml@refs/heads/main"},
    ),
    "a commit in capitals": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_SHA": "A" * 40}),
    "a short commit": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_SHA": "abc1234"}),
    "a run that is no number": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_RUN_ID": "1 2"}),
    "a ref with a line end": (BuildPlace.GITHUB, {**GITHUB, "GITHUB_REF": "refs/heads/main\nx"}),
    "no project": (BuildPlace.GITLAB, {**GITLAB, "CI_PROJECT_URL": ""}),
    "no ref at all": (BuildPlace.GITLAB, {**GITLAB, "CI_COMMIT_BRANCH": ""}),
    "a configuration elsewhere": (BuildPlace.GITLAB, {**GITLAB, "CI_CONFIG_PATH": "ci.yml@other/project"}),
    "a start that is no time": (BuildPlace.GITLAB, {**GITLAB, "CI_JOB_STARTED_AT": "yesterday"}),
    "a job's name with a control character": (BuildPlace.GITLAB, {**GITLAB, "CI_JOB_NAME": "a\x1bb"}),
    "GitHub asked for on a machine that is none of its": (BuildPlace.GITHUB, {}),
}  # fmt: skip


@pytest.mark.parametrize(("place", "environ"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_the_service_would_not_write_is_refused(place: BuildPlace, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        build_provenance(environ, place=place)
    assert caught.value.code == "provenance.environment"


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        pytest.param({"GITHUB_ACTIONS": "true"}, BuildPlace.GITHUB, id="GitHub"),
        pytest.param({"GITLAB_CI": "true"}, BuildPlace.GITLAB, id="GitLab"),
        pytest.param({}, BuildPlace.LOCAL, id="neither"),
        pytest.param({"GITHUB_ACTIONS": "false", "GITLAB_CI": ""}, BuildPlace.LOCAL, id="a word that is not true"),
    ],
)
def test_the_place_is_what_each_service_says(environ: dict[str, str], place: BuildPlace) -> None:
    assert find_build_place(environ) is place


def test_two_services_at_once_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        find_build_place({"GITHUB_ACTIONS": "true", "GITLAB_CI": "true"})
    assert caught.value.code == "provenance.ambiguous"


# -- a working tree -----------------------------------------------------------------------------------------------------


def _git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Alice", "-c", "user.email=alice@example.test", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree with one commit."""
    _git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.txt").write_text("a\n", encoding="utf-8")
    _git(tmp_path, "add", "a.txt")
    _git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def _local(tree: Path) -> Any:
    return build_provenance({"HOME": str(tree)}, place=BuildPlace.LOCAL, folder=tree)


def test_a_clean_tree_is_its_commit_and_no_ones_builder(tree: Path) -> None:
    assert _local(tree) == {
        "buildDefinition": {
            "buildType": "urn:vxsec:build:local:v1",
            "externalParameters": {},
            "internalParameters": {"git": {"dirty": False}},
            "resolvedDependencies": [{"uri": "git+local", "digest": {"gitCommit": _git(tree, "rev-parse", "HEAD")}}],
        },
        "runDetails": {"builder": {"id": "urn:vxsec:builder:local"}},
    }


@pytest.mark.parametrize("name", ["a.txt", "new.txt"], ids=["a changed file", "a file that git does not know"])
def test_a_tree_that_differs_from_its_commit_says_so(tree: Path, name: str) -> None:
    (tree / name).write_text("b\n", encoding="utf-8")
    assert _local(tree)["buildDefinition"]["internalParameters"] == {"git": {"dirty": True}}


REMOTES = {
    "a token in the address": ("https://alice:s3cret@git.example.test/v/mono.git?x=s3cret#s3cret", "https://git.example.test/v/mono"),
    "an address with a port": ("https://git.example.test:8443/v/mono", "https://git.example.test:8443/v/mono"),
    "ssh with a user": ("ssh://git@git.example.test/v/mono.git", "ssh://git.example.test/v/mono"),
    "ssh in its short form": ("git@git.example.test:v/mono.git", "ssh://git.example.test/v/mono"),
    "a folder": ("/srv/s3cret/mono", "local"),
    "a program": ("ext::sh -c s3cret", "local"),
    "plain http with a token": ("http://s3cret@git.example.test/v/mono", "local"),
}  # fmt: skip


@pytest.mark.parametrize(("remote", "told"), REMOTES.values(), ids=REMOTES.keys())
def test_the_remote_is_told_without_anything_that_may_be_a_credential(tree: Path, remote: str, told: str) -> None:
    _git(tree, "config", "remote.origin.url", remote)
    predicate = _local(tree)
    assert predicate["buildDefinition"]["resolvedDependencies"][0]["uri"] == f"git+{told}"
    assert "s3cret" not in json.dumps(predicate)


def test_a_local_build_inside_ci_claims_no_hosted_builder(tree: Path) -> None:
    predicate: Any = build_provenance({**GITHUB, "HOME": str(tree)}, place=BuildPlace.LOCAL, folder=tree)
    assert predicate["runDetails"] == {"builder": {"id": "urn:vxsec:builder:local"}}
    assert "github" not in json.dumps(predicate)


def test_the_repositorys_own_settings_start_no_program(tree: Path) -> None:
    started = tree.parent / "started"
    _git(tree, "config", "core.fsmonitor", f"touch {started}; false")
    hooks = tree / "hooks"
    hooks.mkdir()
    (hooks / "post-index-change").write_text(f"#!/bin/sh\ntouch {started}\n", encoding="utf-8")
    (hooks / "post-index-change").chmod(0o755)
    _git(tree, "config", "core.hooksPath", str(hooks))
    started.unlink(missing_ok=True)
    _local(tree)
    assert not started.exists()


def test_a_folder_that_is_no_working_tree_is_undecided(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError) as caught:
        build_provenance({"HOME": str(tmp_path)}, place=BuildPlace.LOCAL, folder=tmp_path)
    assert caught.value.code == "provenance.git"


def test_a_tree_without_a_commit_is_undecided(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    with pytest.raises(UndecidedError) as caught:
        build_provenance({"HOME": str(tmp_path)}, place=BuildPlace.LOCAL, folder=tmp_path)
    assert caught.value.code == "provenance.git"
