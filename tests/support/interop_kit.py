"""What other tools write around Sigstore bundles, made in the run: provenance of a CI job, a registry's publish attestation."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from support.signing_kit import DIGESTS, PACKAGE
from vxsec.formats.npm_attestations import NPM_PUBLISH_PREDICATE, build_publish_statement
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.slsa_provenance import SLSA_PROVENANCE
from vxsec.model.attestation import STATEMENT_V1
from vxsec.testing.sigstore.identity import GITHUB_CLAIMS, identity_of
from vxsec.testing.sigstore.mint import Entry, Recipe, SigstoreMaterial
from vxsec.usecases.provenance import build_provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.attestation import Bundle
    from vxsec.testing.sigstore.mint import Identity

REGISTRY = "https://registry.example.test/"
ISSUER = "https://token.actions.example.test"
WHEEL = "kernel-1.2.3-py3-none-any.whl"

GITHUB: Mapping[str, str] = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": GITHUB_CLAIMS["repository"],
    "GITHUB_REPOSITORY_ID": GITHUB_CLAIMS["repository_id"],
    "GITHUB_REPOSITORY_OWNER_ID": GITHUB_CLAIMS["repository_owner_id"],
    "GITHUB_WORKFLOW_REF": GITHUB_CLAIMS["workflow_ref"],
    "GITHUB_REF": GITHUB_CLAIMS["ref"],
    "GITHUB_SHA": GITHUB_CLAIMS["sha"],
    "GITHUB_EVENT_NAME": GITHUB_CLAIMS["event_name"],
    "GITHUB_RUN_ID": GITHUB_CLAIMS["run_id"],
    "GITHUB_RUN_ATTEMPT": GITHUB_CLAIMS["run_attempt"],
    "RUNNER_ENVIRONMENT": GITHUB_CLAIMS["runner_environment"],
}
GITLAB: Mapping[str, str] = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.example.test/vextrus/mono",
    "CI_PROJECT_ID": "77",
    "CI_PROJECT_NAMESPACE_ID": "7",
    "CI_CONFIG_PATH": ".gitlab-ci.yml",
    "CI_COMMIT_SHA": "8f1cf2d0a0b1c2d3e4f5061728394a5b6c7d8e9f",
    "CI_COMMIT_BRANCH": "main",
    "CI_PIPELINE_SOURCE": "push",
    "CI_JOB_ID": "4711",
    "CI_JOB_NAME": "release: npm",
    "CI_JOB_STARTED_AT": "2026-11-21T11:58:00Z",
}


@lru_cache(maxsize=1)
def material() -> SigstoreMaterial:
    """One instance for a test run."""
    return SigstoreMaterial()


def github_identity() -> Identity:
    """The identity of the job that :data:`GITHUB` describes."""
    return identity_of({**GITHUB_CLAIMS, "iss": ISSUER})


def statement(
    *,
    name: str | None = PACKAGE.purl,
    digest: Mapping[str, str] | None = None,
    predicate_type: str = SLSA_PROVENANCE,
    predicate: Mapping[str, object] | None = None,
    kind: str = STATEMENT_V1,
) -> bytes:
    """An in-toto statement, by default the provenance of the package's tarball."""
    subject = {"name": name, "digest": dict(digest or {"sha256": DIGESTS.sha256, "sha512": DIGESTS.sha512})}
    document = {
        "_type": kind,
        "subject": [{key: value for key, value in subject.items() if value is not None}],
        "predicateType": predicate_type,
        "predicate": build_provenance(GITHUB) if predicate is None else dict(predicate),
    }
    return json.dumps(document).encode()


def minted(recipe: Recipe) -> Bundle:
    """The bundle of a recipe."""
    return read_bundle(material().mint(recipe).bundle, where="minted")


def provenance_bundle(payload: bytes | None = None, *, recipe: Recipe | None = None) -> Bundle:
    """A provenance by a CI job's certificate, with an entry of the log that states times (Rekor v1)."""
    base = recipe or Recipe(entries=(Entry(log="v1"),), stamps=())
    return minted(replace(base, statement=payload or statement(), identity=github_identity()))


def publish_bundle(keyid: str = "SHA256:registry") -> Bundle:
    """A publish attestation as npm's registry makes it: by key, named twice, logged."""

    def name_key(document: dict[str, Any]) -> None:
        document["dsseEnvelope"]["signatures"][0]["keyid"] = keyid

    return minted(
        Recipe(
            statement=build_publish_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY),
            material="key",
            key_hint=keyid,
            entries=(Entry(log="v1"),),
            stamps=(),
            edit=name_key,
        )
    )


def npm_document(*bundles: Bundle) -> dict[str, Any]:
    """A registry's attestations document, by default both kinds."""
    listed = bundles or (publish_bundle(), provenance_bundle())
    types = (NPM_PUBLISH_PREDICATE, SLSA_PROVENANCE)
    return {
        "attestations": [
            {"predicateType": kind, "bundle": json.loads(bundle.line)}
            for kind, bundle in zip(types, listed, strict=False)
        ]
    }


def github_document(*bundles: Bundle) -> dict[str, Any]:
    """A listing of GitHub's REST API."""
    return {
        "attestations": [
            {
                "bundle": json.loads(bundle.line),
                "repository_id": 1001,
                "bundle_url": "https://bundles.example.test/never-fetched",
                "initiator": "user",
            }
            for bundle in bundles or (provenance_bundle(),)
        ]
    }


def wheel_bundle(*, recipe: Recipe | None = None) -> Bundle:
    """A publish attestation of a wheel, as PyPI takes it."""
    payload = statement(
        name=WHEEL,
        digest={"sha256": DIGESTS.sha256},
        predicate_type="https://docs.pypi.org/attestations/publish/v1",
        predicate={},
    )
    return provenance_bundle(payload, recipe=recipe)
