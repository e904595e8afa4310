"""SLSA provenance from where the build runs: GitHub Actions, GitLab CI, or somebody's machine.

What is written is the builder's claim; ``vxsec.verification.provenance`` compares it with the certificate that signs it.
Only the variables named in this file are looked at, and none of them holds a secret: a token in the environment cannot get
into a statement.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError, UsageError
from vxsec.formats.slsa_provenance import (
    GITHUB_BUILD_TYPES,
    GITLAB_BUILD_TYPE,
    LOCAL_BUILD_TYPE,
    Material,
    Provenance,
    build_provenance_predicate,
    workflow_uri,
)
from vxsec.formats.timestamps import parse_time

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    PathLike = str | os.PathLike[str]

__all__ = ["BuildPlace", "build_provenance", "find_build_place"]

_SHOWN = 80
_GIT_SECONDS = 60.0
_GIT_BYTES = 1 << 24
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_LOCAL_BUILDER = "urn:vxsec:builder:local"

_SERVER = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._/-]+)?\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+\Z")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_REF = re.compile(r"refs/[!-~]{1,500}\Z")
_NUMBER = re.compile(r"[0-9]{1,20}\Z")
_WORD = re.compile(r"[a-z0-9_-]{1,60}\Z")
_PATH = re.compile(r"[A-Za-z0-9._/ -]{1,300}\Z")
_NAME = re.compile(r"[^\x00-\x1f]{1,300}\Z")
_BRANCH = re.compile(r"[!-~]{1,400}\Z")
_REMOTE_URL = re.compile(r"(https|ssh)://(?:[^@/?#]*@)?([A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/-]+)")
_REMOTE_SCP = re.compile(r"(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9.-]+):([A-Za-z0-9._~-][A-Za-z0-9._~/-]*)\Z")


class BuildPlace(StrEnum):
    """Where a build runs."""

    GITHUB = "github"
    GITLAB = "gitlab"
    LOCAL = "local"


def find_build_place(environ: Mapping[str, str]) -> BuildPlace:
    """Where this process runs, by the variable that each service sets for that.

    Raises:
        UsageError: ``provenance.ambiguous`` where both services claim it.
    """
    claimed = [
        place
        for place, variable in ((BuildPlace.GITHUB, "GITHUB_ACTIONS"), (BuildPlace.GITLAB, "GITLAB_CI"))
        if environ.get(variable) == "true"
    ]
    if len(claimed) > 1:
        raise UsageError(
            "GITHUB_ACTIONS and GITLAB_CI are both true",
            code="provenance.ambiguous",
            hint="say where the build runs: --from github, --from gitlab or --from local",
        )
    return claimed[0] if claimed else BuildPlace.LOCAL


def build_provenance(
    environ: Mapping[str, str], *, place: BuildPlace | None = None, folder: PathLike = "."
) -> dict[str, object]:
    """Build a provenance predicate (https://slsa.dev/provenance/v1).

    Guarantees: every value was checked for its form, and comes from a variable that is named here or from git; a local build
    never claims a builder that anybody operates.

    Args:
        environ: The environment.
        place: Where the build runs; found by :func:`find_build_place` if None.
        folder: For a local build, a folder of the working tree.

    Raises:
        UsageError: ``provenance.environment`` (a variable is missing, or is not what the service writes),
            ``provenance.ambiguous``.
        UndecidedError: ``provenance.git``: the state of a local working tree cannot be read; ``process.*``.
    """
    chosen = place or find_build_place(environ)
    if chosen is BuildPlace.GITHUB:
        return build_provenance_predicate(_from_github(environ))
    if chosen is BuildPlace.GITLAB:
        return build_provenance_predicate(_from_gitlab(environ))
    return build_provenance_predicate(_from_tree(folder, environ))


def _from_github(environ: Mapping[str, str]) -> Provenance:
    server = _variable(environ, "GITHUB_SERVER_URL", _SERVER)
    name = _variable(environ, "GITHUB_REPOSITORY", _REPOSITORY)
    workflow = _variable(environ, "GITHUB_WORKFLOW_REF", _NAME)
    path, at, ref = workflow.removeprefix(f"{name}/").partition("@refs/")  # a ref may hold an @, and so may a path
    if not workflow.startswith(f"{name}/") or not at or not _PATH.match(path):
        raise _unusable("GITHUB_WORKFLOW_REF", workflow, "REPOSITORY/PATH@REF")
    repository = f"{server}/{name}"
    build_type, workflow_ref = GITHUB_BUILD_TYPES[0], f"refs/{ref}"
    run, attempt = (_variable(environ, f"GITHUB_RUN_{part}", _NUMBER) for part in ("ID", "ATTEMPT"))
    return Provenance(
        build_type=build_type,
        external_parameters={"workflow": {"ref": workflow_ref, "repository": repository, "path": path}},
        internal_parameters={
            "github": {
                "event_name": _variable(environ, "GITHUB_EVENT_NAME", _WORD),
                "repository_id": _variable(environ, "GITHUB_REPOSITORY_ID", _NUMBER),
                "repository_owner_id": _variable(environ, "GITHUB_REPOSITORY_OWNER_ID", _NUMBER),
                "runner_environment": _variable(environ, "RUNNER_ENVIRONMENT", _WORD),
            }
        },
        resolved_dependencies=(
            _commit_of(
                f"{repository}@{_variable(environ, 'GITHUB_REF', _REF)}", _variable(environ, "GITHUB_SHA", _COMMIT)
            ),
        ),
        builder_id=workflow_uri(build_type, repository=repository, ref=workflow_ref, path=path),
        invocation_id=f"{repository}/actions/runs/{run}/attempts/{attempt}",
    )


def _from_gitlab(environ: Mapping[str, str]) -> Provenance:
    repository = _variable(environ, "CI_PROJECT_URL", _SERVER)
    path = _variable(environ, "CI_CONFIG_PATH", _PATH)
    ref = _gitlab_ref(environ)
    started = environ.get("CI_JOB_STARTED_AT")
    job = _variable(environ, "CI_JOB_ID", _NUMBER)
    try:
        started_on = parse_time(started, where="CI_JOB_STARTED_AT") if started else None
    except FormatError as error:
        raise _unusable("CI_JOB_STARTED_AT", started or "", "a time") from error
    return Provenance(
        build_type=GITLAB_BUILD_TYPE,
        external_parameters={
            "workflow": {"ref": ref, "repository": repository, "path": path},
            "job": _variable(environ, "CI_JOB_NAME", _NAME),
        },
        internal_parameters={
            "gitlab": {
                "event_name": _variable(environ, "CI_PIPELINE_SOURCE", _WORD),
                "repository_id": _variable(environ, "CI_PROJECT_ID", _NUMBER),
                "repository_owner_id": _variable(environ, "CI_PROJECT_NAMESPACE_ID", _NUMBER),
            }
        },
        resolved_dependencies=(_commit_of(f"{repository}@{ref}", _variable(environ, "CI_COMMIT_SHA", _COMMIT)),),
        builder_id=workflow_uri(GITLAB_BUILD_TYPE, repository=repository, ref=ref, path=path),
        invocation_id=f"{repository}/-/jobs/{job}",
        started_on=started_on,
    )


def _gitlab_ref(environ: Mapping[str, str]) -> str:
    """A pipeline is for a tag, a branch or a merge request, and says so by which variable is there."""
    for variable, prefix in (("CI_COMMIT_TAG", "refs/tags/"), ("CI_COMMIT_BRANCH", "refs/heads/")):
        if environ.get(variable):
            return prefix + _variable(environ, variable, _BRANCH)
    return _variable(environ, "CI_MERGE_REQUEST_REF_PATH", _REF)


def _from_tree(folder: PathLike, environ: Mapping[str, str]) -> Provenance:
    """A build of the working tree: the commit, and whether anything in the tree differs from it."""
    commit = _git(folder, environ, "rev-parse", "--verify", "HEAD^{commit}").decode("ascii", "replace").strip()
    changed = _git(folder, environ, "status", "--porcelain", "-z", "--untracked-files=normal")
    remote = _git(folder, environ, "config", "--get", "remote.origin.url", may_fail=True)
    return Provenance(
        build_type=LOCAL_BUILD_TYPE,
        internal_parameters={"git": {"dirty": bool(changed)}},
        resolved_dependencies=(_commit_of(_remote(remote.decode("utf-8", "replace").strip()), commit),),
        builder_id=_LOCAL_BUILDER,
    )


def _remote(url: str) -> str:
    """The remote without user, password, query and whatever else may be a credential; a neutral name where there is none."""
    match = _REMOTE_URL.match(url)
    if match is not None:
        return f"{match[1]}://{match[2]}".removesuffix(".git")
    match = _REMOTE_SCP.match(url)
    return f"ssh://{match[1]}/{match[2]}".removesuffix(".git") if match is not None else "local"


def _git(folder: PathLike, environ: Mapping[str, str], *words: str, may_fail: bool = False) -> bytes:
    """What git answers. The repository's own settings start neither hooks nor a file-system monitor, and nothing is fetched."""
    from vxsec.host.process import run

    settings = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    settings |= {name: environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in environ}
    done = run([*_GIT, *words], timeout=_GIT_SECONDS, max_bytes=_GIT_BYTES, env=settings, cwd=folder)
    if done.exit_code == 0:
        return done.stdout
    if may_fail:
        return b""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise UndecidedError(
        f"git cannot say what is built: {said[-1][:_SHOWN] if said else done.exit_code!r}",
        code="provenance.git",
        where=str(folder),
        hint="build in a git working tree with at least one commit, or write the predicate yourself: --predicate FILE",
    )


def _commit_of(source: str, commit: str) -> Material:
    return Material(uri=f"git+{source}", digest={"gitCommit": commit})


def _variable(environ: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = environ.get(name)
    if not value:
        raise UsageError(
            f"expected the variable {name} of the build service, found none",
            code="provenance.environment",
            hint="run this in a job of the service, or say where the build runs: --from local",
        )
    if not form.match(value):
        raise _unusable(name, value, f"what the service writes there ({form.pattern[:_SHOWN]})")
    return value


def _unusable(name: str, value: str, expected: str) -> UsageError:
    return UsageError(
        f"expected {expected} in {name}, found {value[:_SHOWN]!r}",
        code="provenance.environment",
        hint="run this in a job of the service, or say where the build runs: --from local",
    )
