"""PEP 740: a bundle in other words, both ways, or a refusal that says what has no word there."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from support.interop_kit import WHEEL, minted, provenance_bundle, publish_bundle, statement, wheel_bundle
from support.signing_kit import DIGESTS
from vxsec.errors import FormatError
from vxsec.formats.pep740 import PublishedAttestations, from_bundle, read_provenance, to_bundle, write_provenance
from vxsec.limits import Limits
from vxsec.model.attestation import STATEMENT_V01, Bundle, RejectedSignature
from vxsec.testing.sigstore.mint import Entry, Note, Recipe

V1 = Recipe(entries=(Entry(log="v1"),), stamps=())
PUBLISHER = {"kind": "GitHub", "claims": {}, "repository": "vextrus/mono", "workflow": "release.yml"}


def _object() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(from_bundle(wheel_bundle()))
    return found


def _same(one: Bundle, other: Bundle) -> bool:
    return (one.certificates, one.log_entries, one.timestamps, one.content) == (
        other.certificates,
        other.log_entries,
        other.timestamps,
        other.content,
    )


ROUND_TRIPS = {
    "a log that states times": V1,
    "a log and a timestamp": Recipe(),
    "two log entries and two timestamps": Recipe(entries=(Entry(), Entry(log="v1")), repeat_stamps=2),
    "bundle v0.1 with a chain of one": replace(
        V1, material="chain", media_type="application/vnd.dev.sigstore.bundle+json;version=0.1"
    ),
}


@pytest.mark.parametrize("recipe", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())
def test_nothing_is_lost_on_the_way_and_back(recipe: Recipe) -> None:
    bundle = wheel_bundle(recipe=recipe)
    line = from_bundle(bundle)
    back = to_bundle(line, where="a")
    assert _same(bundle, back)
    assert from_bundle(back) == line
    assert b"\n" not in line


def test_timestamps_have_a_member_only_where_there_are_some() -> None:
    with_stamps = json.loads(from_bundle(wheel_bundle(recipe=Recipe())))
    assert len(with_stamps["verification_material"]["timestamps"]) == 1
    assert set(_object()["verification_material"]) == {"certificate", "transparency_entries"}


def test_members_that_nobody_defined_and_broken_lines_are_read() -> None:
    document = _object()
    document["extra"] = document["envelope"]["extra"] = 1
    document["verification_material"]["timestamps"] = None
    for holder, name in ((document["envelope"], "statement"), (document["verification_material"], "certificate")):
        holder[name] = base64.encodebytes(base64.b64decode(holder[name])).decode()
    assert len(to_bundle(json.dumps(document).encode(), where="a").certificates) == 1


def _without_root(document: dict[str, Any]) -> None:
    document["verificationMaterial"]["x509CertificateChain"]["certificates"].pop()


UNSAYABLE = {
    "a public key": (publish_bundle(), "pep740.no-certificate"),
    "a chain of certificates": (
        wheel_bundle(
            recipe=replace(
                V1,
                material="chain-with-root",
                media_type="application/vnd.dev.sigstore.bundle+json;version=0.2",
                edit=_without_root,
            )
        ),
        "pep740.chain",
    ),
    "a bare signature": (minted(V1), "pep740.content"),
    "another payload type": (provenance_bundle(recipe=replace(V1, payload_type="text/plain")), "pep740.content"),
    "no log entry": (wheel_bundle(recipe=Recipe(entries=())), "pep740.no-log-entry"),
    "a log entry without a proof": (
        wheel_bundle(recipe=Recipe(entries=(Entry(log="v1", proof=False),))),
        "pep740.no-proof",
    ),
    "a proof without a checkpoint": (
        wheel_bundle(recipe=Recipe(entries=(Entry(log="v1", note=Note(present=False)),))),
        "pep740.no-proof",
    ),
    "in-toto Statement v0.1": (provenance_bundle(statement(name=WHEEL, kind=STATEMENT_V01)), "pep740.statement"),
    "a subject without a SHA-256": (
        provenance_bundle(statement(name=WHEEL, digest={"sha512": DIGESTS.sha512})),
        "pep740.statement",
    ),
    "a subject without a name": (provenance_bundle(statement(name=None)), "pep740.statement"),
    "a payload that is no statement": (provenance_bundle(b"{}"), "pep740.statement"),
}


@pytest.mark.parametrize(("bundle", "code"), UNSAYABLE.values(), ids=UNSAYABLE.keys())
def test_what_has_no_word_there_is_not_written(bundle: Bundle, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        from_bundle(bundle)
    assert caught.value.code == code


def _changed(path: str, value: object) -> bytes:
    document: Any = _object()
    *parents, last = path.split(".")
    node = document
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return json.dumps(document).encode()


REFUSED = {
    "nothing": (b"", "pep740.malformed"),
    "an array": (b"[]", "pep740.malformed"),
    "no version": (_changed("version", ...), "pep740.malformed"),
    "version 2": (_changed("version", 2), "pep740.version"),
    "version 1.0": (_changed("version", 1.0), "pep740.malformed"),
    "version true": (_changed("version", True), "pep740.malformed"),
    "no envelope": (_changed("envelope", ...), "pep740.malformed"),
    "no certificate": (_changed("verification_material.certificate", ...), "pep740.malformed"),
    "a certificate that is not base64": (_changed("verification_material.certificate", "%"), "pep740.base64"),
    "an empty certificate": (_changed("verification_material.certificate", ""), "pep740.base64"),
    "no log entries": (_changed("verification_material.transparency_entries", ...), "pep740.malformed"),
    "a log entry that is text": (_changed("verification_material.transparency_entries", ["x"]), "pep740.malformed"),
    "a log entry without members": (_changed("verification_material.transparency_entries", [{}]), "tlog.malformed"),
    "a signature in URL-safe letters": (_changed("envelope.signature", "-_-_"), "pep740.base64"),
    "no signature": (_changed("envelope.signature", ...), "pep740.malformed"),
    "a statement that is none": (_changed("envelope.statement", "e30="), "pep740.statement"),
    "timestamps that are an object": (_changed("verification_material.timestamps", {}), "pep740.malformed"),
    "a timestamp that is not base64": (_changed("verification_material.timestamps", ["%"]), "pep740.base64"),
    "a duplicate member": (b'{"version":1,"version":1}', "pep740.malformed"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        to_bundle(data, where="a")
    assert caught.value.code == code


def test_an_object_beyond_the_bound_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        to_bundle(b" " * 101, where="a", limits=Limits(bundle_bytes=100))
    assert caught.value.code == "pep740.too-large"


# -- provenance objects -------------------------------------------------------------------------------------------------


def _provenance(*attestations: object) -> dict[str, Any]:
    return {
        "version": 1,
        "attestation_bundles": [{"publisher": PUBLISHER, "attestations": list(attestations or [_object()])}],
    }


def test_a_provenance_object_is_read_and_written_by_publisher() -> None:
    data = json.dumps(_provenance()).encode()
    (one,) = read_provenance(data, where="p")
    assert (one.kind, one.publisher["workflow"], len(one.attestations)) == ("GitHub", "release.yml", 1)
    assert json.loads(write_provenance([one])) == json.loads(data)


def test_an_attestation_that_is_none_is_told_and_hides_no_other() -> None:
    data = json.dumps(_provenance(_object() | {"version": 3}, "x", _object())).encode()
    ((bad, text, good),) = (one.attestations for one in read_provenance(data, where="p"))
    assert isinstance(bad, RejectedSignature)
    assert isinstance(text, RejectedSignature)
    assert [bad.code, text.code] == ["pep740.version", "pep740.malformed"]
    assert isinstance(good, Bundle)
    with pytest.raises(FormatError) as caught:
        write_provenance([PublishedAttestations(kind="GitHub", attestations=(bad,))])
    assert caught.value.code == "pep740.version"


PROVENANCE_REFUSED = {
    "version 2": (_provenance() | {"version": 2}, "pep740.version"),
    "no bundles": ({"version": 1}, "pep740.malformed"),
    "an empty list of bundles": ({"version": 1, "attestation_bundles": []}, "pep740.count"),
    "a publisher without attestations": (
        {"version": 1, "attestation_bundles": [{"publisher": PUBLISHER, "attestations": []}]},
        "pep740.count",
    ),
    "a publisher without a kind": (
        {"version": 1, "attestation_bundles": [{"publisher": {}, "attestations": [{}]}]},
        "pep740.malformed",
    ),
    "more than the bound for one": (_provenance(*[{}] * 4), "pep740.count"),
    "more than the bound for all": (
        {"version": 1, "attestation_bundles": [{"publisher": PUBLISHER, "attestations": [{}, {}]}] * 2},
        "pep740.count",
    ),
    "more bytes than the bound": (_provenance({"x": "y" * 2000}), "pep740.too-large"),
}


@pytest.mark.parametrize(("document", "code"), PROVENANCE_REFUSED.values(), ids=PROVENANCE_REFUSED.keys())
def test_refuses_a_provenance_object(document: object, code: str) -> None:
    limits = (
        Limits(bundles_per_subject=3, bundle_file_bytes=2000)
        if code in {"pep740.count", "pep740.too-large"}
        else Limits()
    )
    with pytest.raises(FormatError) as caught:
        read_provenance(json.dumps(document).encode(), where="p", limits=limits)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param([], id="no publisher"),
        pytest.param([PublishedAttestations(kind="GitHub", attestations=())], id="a publisher without attestations"),
    ],
)
def test_an_empty_provenance_object_is_not_written(listed: list[PublishedAttestations]) -> None:
    with pytest.raises(FormatError) as caught:
        write_provenance(listed)
    assert caught.value.code == "pep740.count"
