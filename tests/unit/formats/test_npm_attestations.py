"""An npm registry's attestations document, and its own word that it took a version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.interop_kit import REGISTRY, npm_document, provenance_bundle, publish_bundle, statement
from support.signing_kit import DIGESTS, PACKAGE, release, signer
from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.npm_attestations import (
    NPM_PUBLISH_PREDICATE,
    build_publish_statement,
    read_npm_attestations,
    read_publish_predicate,
    write_npm_attestations,
)
from vxsec.formats.sigstore_bundle import read_bundle, render_message_bundle
from vxsec.formats.statement import read_statement
from vxsec.limits import Limits
from vxsec.model.attestation import Bundle, Envelope, RejectedSignature
from vxsec.model.package import PackageRef

GOOD: dict[str, Any] = {"name": PACKAGE.name, "version": PACKAGE.version, "registry": REGISTRY}


def _read(document: object) -> tuple[Bundle | RejectedSignature, ...]:
    return read_npm_attestations(json.dumps(document).encode(), where="n")


def test_both_kinds_are_read_with_their_key_material() -> None:
    publish, provenance = _read(npm_document())
    assert isinstance(publish, Bundle)
    assert isinstance(provenance, Bundle)
    assert (publish.key_hint, publish.certificates, len(publish.log_entries)) == ("SHA256:registry", (), 1)
    assert isinstance(publish.content, Envelope)
    assert publish.content.signatures[0].keyid == "SHA256:registry"
    assert (provenance.key_hint, len(provenance.certificates)) == (None, 1)


def test_what_is_written_is_read_back_bundle_for_bundle() -> None:
    bundles = [publish_bundle(), provenance_bundle()]
    data = write_npm_attestations(bundles)
    assert [item["predicateType"] for item in json.loads(data)["attestations"]] == [
        NPM_PUBLISH_PREDICATE,
        "https://slsa.dev/provenance/v1",
    ]
    found = [item for item in read_npm_attestations(data, where="n") if isinstance(item, Bundle)]
    assert [json.loads(item.line) for item in found] == [json.loads(item.line) for item in bundles]


def test_a_lie_about_the_predicate_type_is_told_and_hides_no_other() -> None:
    document = npm_document()
    document["attestations"][0]["predicateType"] = "https://slsa.dev/provenance/v1"
    bad, good = _read(document)
    assert isinstance(bad, RejectedSignature)
    assert bad.code == "npm-attestations.statement"
    assert isinstance(good, Bundle)


BAD_BUNDLES = {
    "an empty bundle": ({}, "bundle.malformed"),
    "a bare signature": (json.loads(render_message_bundle(b"d" * 32, b"s", "h")), "npm-attestations.statement"),
    "a payload that is no statement": (
        json.loads(release(signer("a")).line) | {"dsseEnvelope": json.loads(
            '{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}'
        )},
        "statement.malformed",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("bundle", "code"), BAD_BUNDLES.values(), ids=BAD_BUNDLES.keys())
def test_an_entry_that_is_no_attestation_is_told(bundle: object, code: str) -> None:
    (bad,) = _read({"attestations": [{"predicateType": "x", "bundle": bundle}]})
    assert isinstance(bad, RejectedSignature)
    assert bad.code == code


REFUSED = {
    "no object": (b"[]", "npm-attestations.shape"),
    "no attestations": (b"{}", "npm-attestations.shape"),
    "an entry without a bundle": (b'{"attestations":[{"predicateType":"x"}]}', "npm-attestations.shape"),
    "an entry without a predicate type": (b'{"attestations":[{"bundle":{}}]}', "npm-attestations.shape"),
    "a predicate type that is a number": (
        b'{"attestations":[{"predicateType":1,"bundle":{}}]}',
        "npm-attestations.shape",
    ),
    "an empty list": (b'{"attestations":[]}', "npm-attestations.count"),
    "more than the bound": (b'{"attestations":[1,2,3]}', "npm-attestations.count"),
    "more bytes than the bound": (b" " * 201, "npm-attestations.too-large"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_npm_attestations(data, where="n", limits=Limits(bundles_per_subject=2, bundle_file_bytes=200))
    assert caught.value.code == code


def test_a_document_without_attestations_is_not_written() -> None:
    with pytest.raises(FormatError) as caught:
        write_npm_attestations([])
    assert caught.value.code == "npm-attestations.count"


def test_a_bare_signature_is_not_written() -> None:
    with pytest.raises(FormatError) as caught:
        write_npm_attestations([read_bundle(render_message_bundle(b"d" * 32, b"s", "h"), where="b")])
    assert caught.value.code == "npm-attestations.statement"


# -- the publish statement ----------------------------------------------------------------------------------------------


def test_a_publish_statement_is_npms_to_the_letter() -> None:
    payload = build_publish_statement(package=PACKAGE, digests=DIGESTS, registry="https://Registry.Example.test:443")
    assert json.loads(payload) == {
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [{"name": "pkg:npm/%40vextrus/kernel@1.2.3", "digest": {"sha512": DIGESTS.sha512}}],
        "predicateType": "https://github.com/npm/attestation/tree/main/specs/publish/v0.1",
        "predicate": {"name": "@vextrus/kernel", "version": "1.2.3", "registry": "https://registry.example.test"},
    }
    found = read_publish_predicate(read_statement(payload, where="s"))
    assert (found.package, found.sha512, found.registry) == (PACKAGE, DIGESTS.sha512, REGISTRY)


def test_the_unescaped_scope_of_npms_own_example_is_the_same_package() -> None:
    payload = statement(name="pkg:npm/@vextrus/kernel@1.2.3", predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD)
    assert read_publish_predicate(read_statement(payload, where="s")).package == PACKAGE


PUBLISH_REFUSED = {
    "another predicate type": statement(predicate=GOOD),
    "no name": statement(predicate_type=NPM_PUBLISH_PREDICATE, predicate={"version": "1", "registry": REGISTRY}),
    "a version that is a number": statement(predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD | {"version": 1}),
    "an empty name": statement(predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD | {"name": ""}),
    "another version than the subject's": statement(
        predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD | {"version": "1.2.4"}
    ),
    "a name that is none": statement(predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD | {"name": "../x"}),
    "a subject without a name": statement(name=None, predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD),
    "a subject of another ecosystem": statement(
        name="pkg:pypi/kernel@1.2.3", predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD
    ),
    "a subject without a SHA-512": statement(
        digest={"sha256": DIGESTS.sha256}, predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD
    ),
    "a registry that is no address": statement(
        predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD | {"registry": "https://user:pw@x.test"}
    ),
    "two subjects": statement(predicate_type=NPM_PUBLISH_PREDICATE, predicate=GOOD).replace(
        b'"subject": [', b'"subject": [{"name":"x","digest":{"sha512":"' + b"0" * 128 + b'"}},'
    ),
}


@pytest.mark.parametrize("payload", PUBLISH_REFUSED.values(), ids=PUBLISH_REFUSED.keys())
def test_refuses_as_a_publish_statement(payload: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_publish_predicate(read_statement(payload, where="s"))
    assert caught.value.code == "npm-attestations.statement"


def test_what_npm_has_no_name_for_is_not_written() -> None:
    with pytest.raises(ConfigurationError):
        build_publish_statement(package=PACKAGE, digests=DIGESTS, registry="ftp://x")
    with pytest.raises(FormatError) as caught:
        build_publish_statement(
            package=PackageRef(name="kernel", version="1.2.3", ecosystem="pypi"), digests=DIGESTS, registry=REGISTRY
        )
    assert caught.value.code == "npm-attestations.statement"
