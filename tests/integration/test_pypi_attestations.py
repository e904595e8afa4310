"""PEP 740 against ``pypi-attestations``, the library that PyPI itself uses: both ways, and where the two differ and why."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from support.interop_kit import wheel_bundle
from support.omissions import require_or_skip
from vxsec.errors import FormatError
from vxsec.formats.pep740 import from_bundle, read_provenance, to_bundle
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.model.attestation import Bundle
from vxsec.testing.sigstore.mint import Entry, Recipe

theirs: Any = pytest.importorskip("pypi_attestations", reason="pypi-attestations is not installed")
their_models: Any = pytest.importorskip("sigstore.models", reason="sigstore is not installed")

SHARED = Path(__file__).parents[3] / "shared" / "conformance" / "sigstore"
LOGGED = wheel_bundle()
STAMPED = wheel_bundle(recipe=Recipe(entries=(Entry(log="v1"),)))


def _same(one: Bundle, other: Bundle) -> bool:
    return (one.certificates, one.log_entries, one.content) == (other.certificates, other.log_entries, other.content)


def _their_object(line: bytes) -> bytes:
    return bytes(theirs.Attestation.from_bundle(their_models.Bundle.from_json(line)).model_dump_json().encode())


def _their_bundle(attestation: bytes) -> Bundle:
    return read_bundle(theirs.Attestation.model_validate_json(attestation).to_bundle().to_json().encode(), where="t")


def test_what_they_write_of_a_bundle_we_read_as_that_bundle() -> None:
    assert _same(to_bundle(_their_object(LOGGED.line), where="t"), LOGGED)


def test_what_we_write_of_a_bundle_they_read_as_that_bundle() -> None:
    assert _same(_their_bundle(from_bundle(LOGGED)), LOGGED)


def test_both_write_the_same_members() -> None:
    ours, them = json.loads(from_bundle(LOGGED)), json.loads(_their_object(LOGGED.line))
    assert ours["envelope"] == them["envelope"]
    assert ours["version"] == them["version"]
    assert ours["verification_material"].keys() == them["verification_material"].keys()
    assert ours["verification_material"]["certificate"] == them["verification_material"]["certificate"]


def test_a_provenance_object_of_theirs_is_read_with_its_publisher() -> None:
    publisher = theirs.GitHubPublisher(repository="vextrus/mono", workflow="release.yml")
    attestation = theirs.Attestation.from_bundle(their_models.Bundle.from_json(LOGGED.line))
    listed = theirs.AttestationBundle(publisher=publisher, attestations=[attestation])
    (one,) = read_provenance(theirs.Provenance(attestation_bundles=[listed]).model_dump_json().encode(), where="p")
    assert (one.kind, one.publisher["repository"]) == ("GitHub", "vextrus/mono")
    assert isinstance(one.attestations[0], Bundle)
    assert _same(one.attestations[0], LOGGED)


@pytest.mark.shared
def test_a_real_provenance_of_the_public_instance_takes_the_same_way_in_both() -> None:
    path = SHARED / "happy-path-intoto-in-dsse-v3" / "bundle.sigstore.json"
    if not path.exists():
        require_or_skip("the shared conformance cases are not here")
    bundle = read_bundle(path.read_bytes(), where="real")
    assert _same(to_bundle(_their_object(bundle.line), where="t"), bundle)
    assert _same(_their_bundle(from_bundle(bundle)), bundle)


def _changed(path: str, value: object) -> bytes:
    document: Any = json.loads(from_bundle(LOGGED))
    *parents, last = path.split(".")
    node = document
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return json.dumps(document).encode()


BOTH_REFUSE = {
    "version 2": _changed("version", 2),
    "no version": _changed("version", ...),
    "no certificate": _changed("verification_material.certificate", ...),
    "no envelope": _changed("envelope", ...),
    "no signature": _changed("envelope.signature", ...),
    "log entries that are an object": _changed("verification_material.transparency_entries", {}),
    "a log entry without members": _changed("verification_material.transparency_entries", [{}]),
    "no JSON": b"{",
}


@pytest.mark.parametrize("data", BOTH_REFUSE.values(), ids=BOTH_REFUSE.keys())
def test_both_refuse(data: bytes) -> None:
    with pytest.raises(FormatError):
        to_bundle(data, where="a")
    with pytest.raises(Exception):  # noqa: B017 - pydantic's or their own: any refusal is one
        _their_bundle(data)


NO_STATEMENT = base64.b64encode(b"{}").decode()
ONLY_WE_REFUSE = {
    "a statement that is none (they read it when they verify)": _changed("envelope.statement", NO_STATEMENT),
    "a duplicate member (they take the last)": from_bundle(LOGGED).replace(
        b'{"version":1', b'{"version":2,"version":1', 1
    ),
}


@pytest.mark.parametrize("data", ONLY_WE_REFUSE.values(), ids=ONLY_WE_REFUSE.keys())
def test_only_we_refuse(data: bytes) -> None:
    _their_bundle(data)
    with pytest.raises(FormatError):
        to_bundle(data, where="a")


def test_timestamps_are_kept_by_us_and_dropped_by_them() -> None:
    assert len(to_bundle(from_bundle(STAMPED), where="a").timestamps) == 1
    assert _their_bundle(from_bundle(STAMPED)).timestamps == ()
    assert to_bundle(_their_object(STAMPED.line), where="a").timestamps == ()


def test_an_object_without_log_entries_is_read_by_us_and_refused_by_them() -> None:
    data = _changed("verification_material.transparency_entries", [])
    assert to_bundle(data, where="a").log_entries == ()  # whether that is enough, the verifier says
    with pytest.raises(ValueError, match="transparency_entries"):
        theirs.Attestation.model_validate_json(data)
