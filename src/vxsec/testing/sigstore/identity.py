"""Whom a certificate is issued to: from the claims of an OIDC token to the names and extensions of Fulcio's certificates.

Extension numbers and the mapping of GitHub's claims are those of Fulcio's ``docs/oid-info.md``: 1 to 6 hold raw bytes, 8 and
above a DER UTF8String.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from vxsec.testing.sigstore.der import utf8_string
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["EXTENSIONS", "FULCIO_ARC", "GITHUB_CLAIMS", "OIDC_AUDIENCE", "Identity", "identity_of"]

OIDC_AUDIENCE = "sigstore"
FULCIO_ARC = "1.3.6.1.4.1.57264.1"
_FIRST_ENCODED = 8
_ISSUER_V1, _ISSUER_V2 = 1, 8

EXTENSIONS: Mapping[str, int] = {
    "githubWorkflowTrigger": 2,
    "githubWorkflowSHA": 3,
    "githubWorkflowName": 4,
    "githubWorkflowRepository": 5,
    "githubWorkflowRef": 6,
    "buildSignerURI": 9,
    "buildSignerDigest": 10,
    "runnerEnvironment": 11,
    "sourceRepositoryURI": 12,
    "sourceRepositoryDigest": 13,
    "sourceRepositoryRef": 14,
    "sourceRepositoryIdentifier": 15,
    "sourceRepositoryOwnerURI": 16,
    "sourceRepositoryOwnerIdentifier": 17,
    "buildConfigURI": 18,
    "buildConfigDigest": 19,
    "buildTrigger": 20,
    "runInvocationURI": 21,
    "sourceRepositoryVisibilityAtSigning": 22,
    "deploymentEnvironment": 23,
    "tokenSubject": 24,
}
"""The last number of each extension that says something about a build."""

GITHUB_CLAIMS: Mapping[str, str] = {
    "repository": "vextrus/mono",
    "repository_id": "1001",
    "repository_owner": "vextrus",
    "repository_owner_id": "2002",
    "repository_visibility": "private",
    "ref": "refs/heads/main",
    "sha": "8f1cf2d0a0b1c2d3e4f5061728394a5b6c7d8e9f",
    "workflow": "Release",
    "workflow_ref": "vextrus/mono/.github/workflows/release.yml@refs/heads/main",
    "workflow_sha": "8f1cf2d0a0b1c2d3e4f5061728394a5b6c7d8e9f",
    "job_workflow_ref": "vextrus/mono/.github/workflows/release.yml@refs/heads/main",
    "job_workflow_sha": "8f1cf2d0a0b1c2d3e4f5061728394a5b6c7d8e9f",
    "event_name": "push",
    "runner_environment": "github-hosted",
    "run_id": "3003",
    "run_attempt": "1",
}
"""What a token of GitHub Actions says about a run, for ``OidcIssuer.github_token``."""

_SERVER = "https://github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The subject's alternative name, who vouched for it, and what else the certificate says.

    ``claims`` uses the names of :data:`EXTENSIONS`.
    """

    subject: str
    issuer: str
    kind: Literal["email", "uri", "username"] = "email"
    claims: Mapping[str, str] = field(default_factory=dict)

    def extensions(self) -> Iterator[tuple[str, bytes]]:
        """Object identifier and value of every extension of Fulcio's, in rising order."""
        numbered = {_ISSUER_V1: self.issuer, _ISSUER_V2: self.issuer}
        numbered |= {EXTENSIONS[name]: value for name, value in self.claims.items() if value}
        for number, value in sorted(numbered.items()):
            yield f"{FULCIO_ARC}.{number}", utf8_string(value) if number >= _FIRST_ENCODED else value.encode()


def identity_of(claims: Mapping[str, object]) -> Identity:
    """Read the claims of a verified token as Fulcio does for its issuers of types e-mail, GitHub workflow, URI and username.

    Raises:
        ValueError: An e-mail address that is not verified, or no claim that names anybody.
    """
    issuer, subject = str(claims["iss"]), str(claims.get("sub", ""))
    if "job_workflow_ref" in claims:
        said = {name: str(value) for name, value in claims.items()}
        return Identity(
            subject=f"{_SERVER}/{said['job_workflow_ref']}", issuer=issuer, kind="uri", claims=_workflow(said)
        )
    if "email" in claims:
        if claims.get("email_verified") is not True:
            raise ValueError("expected a verified e-mail address, the token says it is not")
        return Identity(subject=str(claims["email"]), issuer=issuer)
    if not subject:
        raise ValueError("expected a token that names a subject")
    return Identity(subject=subject, issuer=issuer, kind="uri" if "://" in subject else "username")


def _workflow(said: Mapping[str, str]) -> dict[str, str]:
    def at(name: str) -> str:
        return f"{_SERVER}/{said[name]}" if said.get(name) else ""

    run = at("repository")
    found = {
        "githubWorkflowTrigger": said.get("event_name", ""),
        "githubWorkflowSHA": said.get("sha", ""),
        "githubWorkflowName": said.get("workflow", ""),
        "githubWorkflowRepository": said.get("repository", ""),
        "githubWorkflowRef": said.get("ref", ""),
        "buildSignerURI": at("job_workflow_ref"),
        "buildSignerDigest": said.get("job_workflow_sha", ""),
        "runnerEnvironment": said.get("runner_environment", ""),
        "sourceRepositoryURI": at("repository"),
        "sourceRepositoryDigest": said.get("sha", ""),
        "sourceRepositoryRef": said.get("ref", ""),
        "sourceRepositoryIdentifier": said.get("repository_id", ""),
        "sourceRepositoryOwnerURI": at("repository_owner"),
        "sourceRepositoryOwnerIdentifier": said.get("repository_owner_id", ""),
        "buildConfigURI": at("workflow_ref"),
        "buildConfigDigest": said.get("workflow_sha", ""),
        "buildTrigger": said.get("event_name", ""),
        "runInvocationURI": f"{run}/actions/runs/{said['run_id']}/attempts/{said.get('run_attempt', '1')}"
        if run and said.get("run_id")
        else "",
        "sourceRepositoryVisibilityAtSigning": said.get("repository_visibility", ""),
        "deploymentEnvironment": said.get("environment", ""),
        "tokenSubject": said.get("sub", ""),
    }
    return {name: value for name, value in found.items() if value}
