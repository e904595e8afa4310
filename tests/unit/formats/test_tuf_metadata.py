"""TUF metadata read strictly: what it may be, and one row for each thing it must not be."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.signing_kit import signer
from support.trust_kit import Repository
from vxsec.errors import FormatError
from vxsec.formats.public_key import render_public_key
from vxsec.formats.strict_json import JsonNode
from vxsec.formats.trust_export import is_trust_export, read_trust_export, render_trust_export
from vxsec.formats.tuf_metadata import canonical_json, read_root, read_snapshot, read_targets, read_timestamp
from vxsec.formats.tuf_path import is_role_path, is_role_pattern, matches, role_patterns
from vxsec.formats.tuf_writer import build_root, build_snapshot, build_targets, build_timestamp, key_id
from vxsec.limits import Limits
from vxsec.model.trust_repository import DELEGATED_ROLES, KeySet, MetadataFile

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[dict[str, Any]], object]

READERS = {
    "1.root.json": read_root,
    "timestamp.json": read_timestamp,
    "1.snapshot.json": read_snapshot,
    "1.targets.json": read_targets,
    "1.identities.json": read_targets,
}


@cache
def _files() -> dict[str, bytes]:
    return Repository().files


def refuse(name: str, data: bytes, **more: Any) -> str:
    """The message it is refused with."""
    with pytest.raises(FormatError) as caught:
        READERS[name](data, where=name, **more)
    assert caught.value.code == "tuf.malformed"
    assert caught.value.hint
    assert (caught.value.where or "").startswith(name)
    return caught.value.message


@pytest.mark.parametrize("name", READERS)
def test_reads_what_the_writer_wrote(name: str) -> None:
    metadata = READERS[name](_files()[name], where=name)
    assert metadata.version == 1
    assert json.loads(metadata.signed, strict=False) == json.loads(_files()[name])["signed"]
    assert all(isinstance(signature, bytes) for signature in metadata.signatures.values())


@pytest.mark.parametrize("name", READERS)
def test_is_read_as_what_it_is_and_as_nothing_else(name: str) -> None:
    for other, reader in READERS.items():
        if reader is not READERS[name]:
            refuse(other, _files()[name])


def test_the_writer_writes_what_was_read() -> None:
    root = read_root(_files()["1.root.json"], where="root")
    again = read_root(build_root(version=1, expires=root.expires, roles=root.roles), where="root")
    assert (again.signed, again.signatures) == (root.signed, {})
    timestamp = read_timestamp(_files()["timestamp.json"], where="timestamp")
    written = build_timestamp(version=1, expires=timestamp.expires, snapshot=timestamp.snapshot)
    assert read_timestamp(written, where="timestamp").signed == timestamp.signed
    snapshot = read_snapshot(_files()["1.snapshot.json"], where="snapshot")
    written = build_snapshot(version=1, expires=snapshot.expires, files=snapshot.files)
    assert read_snapshot(written, where="snapshot").signed == snapshot.signed
    targets = read_targets(_files()["1.targets.json"], where="targets")
    written = build_targets(
        version=1, expires=targets.expires, targets=targets.targets, delegations=targets.delegations
    )
    assert read_targets(written, where="targets").signed == targets.signed


def test_a_file_may_be_named_by_its_version_alone() -> None:
    timestamp = read_timestamp(_files()["timestamp.json"], where="timestamp")
    written = build_timestamp(version=2, expires=timestamp.expires, snapshot=MetadataFile(version=7))
    assert read_timestamp(written, where="timestamp").snapshot == MetadataFile(version=7)


def _signed(**members: Any) -> Change:
    return lambda document: document["signed"].update(members)


def _key(**members: Any) -> Change:
    return lambda document: next(iter(document["signed"]["keys"].values())).update(members)


def _role(**members: Any) -> Change:
    return lambda document: document["signed"]["roles"]["root"].update(members)


def _delegated(**members: Any) -> Change:
    return lambda document: document["signed"]["delegations"]["roles"][0].update(members)


def _target(**members: Any) -> Change:
    return lambda document: document["signed"]["targets"]["identities/ci.pub"].update(members)


def _meta(**members: Any) -> Change:
    return lambda document: document["signed"]["meta"]["targets.json"].update(members)


def _pem(name: str, algorithm: str) -> str:
    return render_public_key(signer(name, algorithm).spki).decode()


MALFORMED: dict[str, tuple[str, Change, str]] = {
    "no signed part": ("timestamp.json", lambda d: d.pop("signed"), "signed"),
    "no signatures": ("timestamp.json", lambda d: d.pop("signatures"), "signatures"),
    "something unsigned beside them": ("timestamp.json", lambda d: d.update(x=1), "unknown member 'x'"),
    "signatures that are no list": ("timestamp.json", lambda d: d.update(signatures={}), "an array"),
    "a signature without a key id": ("timestamp.json", lambda d: d["signatures"][0].pop("keyid"), "keyid"),
    "a signature in capitals": ("timestamp.json", lambda d: d["signatures"][0].update(sig="AB"), "lower case"),
    "a signature with half a byte": ("timestamp.json", lambda d: d["signatures"][0].update(sig="abc"), "hexadecimal"),
    "a second signature by one key": (
        "timestamp.json",
        lambda d: d["signatures"].append(d["signatures"][0]),
        "a second signature",
    ),
    "another major version of the specification": ("timestamp.json", _signed(spec_version="2.0.0"), "'2.0.0'"),
    "a version of the specification that is none": ("timestamp.json", _signed(spec_version="1"), "'1'"),
    "version nought": ("timestamp.json", _signed(version=0), "from 1 to"),
    "a negative version": ("timestamp.json", _signed(version=-1), "from 1 to"),
    "a version beyond what others count": ("timestamp.json", _signed(version=2**31), "from 1 to"),
    "a version that is text": ("timestamp.json", _signed(version="1"), "an integer"),
    "a version that is true": ("timestamp.json", _signed(version=True), "an integer"),
    "a version with a fraction": ("timestamp.json", _signed(version=1.0), "an integer"),
    "a number with a fraction anywhere": ("timestamp.json", _signed(note=1.5), "no canonical form"),
    "an expiry without its zone": ("timestamp.json", _signed(expires="2030-01-01T00:00:00"), "a time such as"),
    "an expiry with a fraction": ("timestamp.json", _signed(expires="2030-01-01T00:00:00.5Z"), "a time such as"),
    "an expiry with another zone": ("timestamp.json", _signed(expires="2030-01-01T00:00:00+01:00"), "a time such as"),
    "an expiry on a day that there is not": ("timestamp.json", _signed(expires="2030-02-30T00:00:00Z"), "no such time"),
    "no snapshot": ("timestamp.json", _signed(meta={}), "snapshot.json"),
    "a file of nought bytes less one": ("1.snapshot.json", _meta(length=-1), "from 0 to"),
    "no hash where hashes are": ("1.snapshot.json", _meta(hashes={}), "at least one hash"),
    "a hash that is too short": ("1.snapshot.json", _meta(hashes={"sha256": "ab"}), "sha256 or sha512"),
    "a hash in capitals": ("1.snapshot.json", _meta(hashes={"sha256": "AB" * 32}), "sha256 or sha512"),
    "a weak hash": ("1.snapshot.json", _meta(hashes={"md5": "ab" * 16}), "found 'md5'"),
    "a weak hash beside a strong one": (
        "1.snapshot.json",
        _meta(hashes={"sha256": "ab" * 32, "sha1": "ab" * 20}),
        "found 'sha1'",
    ),
    "a listed file with another ending": (
        "1.snapshot.json",
        lambda d: d["signed"]["meta"].update({"x.yaml": {"version": 1}}),
        "expected ROLE.json",
    ),
    "a role that root does not know": (
        "1.root.json",
        lambda d: d["signed"]["roles"].update(mirrors={"keyids": [], "threshold": 1}),
        "expected the roles",
    ),
    "a role that root lacks": ("1.root.json", lambda d: d["signed"]["roles"].pop("snapshot"), "expected the roles"),
    "a threshold of nought": ("1.root.json", _role(threshold=0), "from 1 to"),
    "a key id twice in a role": ("1.root.json", _role(keyids=["a", "a"]), "listed twice"),
    "a key id that no key has": ("1.root.json", _role(keyids=["a"]), "no key has the id 'a'"),
    "a kind of key that is not known": ("1.root.json", _key(keytype="dsa"), "not supported"),
    "a scheme that does not fit the kind": ("1.root.json", _key(scheme="ed25519"), "not supported"),
    "a key on another curve than its scheme": (
        "1.root.json",
        _key(keyval={"public": _pem("p384", "ecdsa-p384")}),
        "found ecdsa-p384",
    ),
    "an RSA key under an ECDSA scheme": (
        "1.root.json",
        _key(keyval={"public": _pem("rsa", "rsa-3072")}),
        "found rsa-3072",
    ),
    "a key that is none": ("1.root.json", _key(keyval={"public": "key"}), "not a public key"),
    "a private key": ("1.root.json", _key(keyval={"public": "-----BEGIN PRIVATE KEY-----"}), "one PEM block"),
    "an Ed25519 key that is too short": (
        "1.root.json",
        _key(keytype="ed25519", scheme="ed25519", keyval={"public": "ab"}),
        "64 hexadecimal digits",
    ),
    "an Ed25519 key of small order, with which anyone can sign": (
        "1.root.json",
        _key(keytype="ed25519", scheme="ed25519", keyval={"public": "00" * 32}),
        "anyone could sign",
    ),
    "a delegation twice": (
        "1.targets.json",
        lambda d: d["signed"]["delegations"]["roles"].append(d["signed"]["delegations"]["roles"][0]),
        "is twice",
    ),
    "a delegation to a top-level role": ("1.targets.json", _delegated(name="root"), "cannot be delegated to"),
    "a delegation by hash": ("1.targets.json", _delegated(path_hash_prefixes=["00"]), "by paths"),
    "a delegation without paths": (
        "1.targets.json",
        lambda d: d["signed"]["delegations"]["roles"][0].pop("paths"),
        "paths",
    ),
    "a delegation that does not say whether it ends": (
        "1.targets.json",
        _delegated(terminating="yes"),
        "true or false",
    ),
    "succinct delegations": (
        "1.targets.json",
        lambda d: d["signed"]["delegations"].update(succinct_roles={}),
        "unknown member",
    ),
    "a target without a length": ("1.identities.json", _target(length=None), "length"),
    "a target without a hash": ("1.identities.json", _target(hashes={}), "at least one hash"),
}


@pytest.mark.parametrize(("name", "change", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_refuses(name: str, change: Change, message: str) -> None:
    document = json.loads(_files()[name])
    change(document)
    assert message in refuse(name, json.dumps(document).encode())


NOT_JSON = {
    "nothing": b"",
    "no JSON": b"root",
    "a list": b"[]",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "another encoding": b"\xff\xfe",
    "a member twice": b'{"signed":{},"signed":{},"signatures":[]}',
    "too deep": b"[" * 100_000,
    "a number without end": b'{"signed":' + b"9" * 100 + b',"signatures":[]}',
}


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_refuses_what_is_no_strict_json(data: bytes) -> None:
    for name in READERS:
        refuse(name, data)


def test_refuses_more_than_the_bounds() -> None:
    refuse("1.root.json", _files()["1.root.json"], limits=Limits(tuf_metadata_bytes=10))
    refuse("1.root.json", _files()["1.root.json"], limits=Limits(tuf_keys=1))
    refuse("1.root.json", _files()["1.root.json"], limits=Limits(tuf_signatures=1))
    refuse("1.identities.json", _files()["1.identities.json"], limits=Limits(tuf_targets=1))


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(READERS)), data=st.data())
def test_nothing_but_a_format_error_escapes(name: str, data: st.DataObject) -> None:
    original = _files()[name]
    start = data.draw(st.integers(0, len(original) - 1))
    length = data.draw(st.integers(0, 40))
    changed = original[:start] + data.draw(st.binary(max_size=20)) + original[start + length :]
    try:
        READERS[name](changed, where=name)
    except FormatError as error:
        assert error.code == "tuf.malformed"  # noqa: PT017 - most changes are refused, some are not


CANONICAL = {
    '{"b":1,"a":[true,false,null]}': b'{"a":[true,false,null],"b":1}',
    '"quote \\" and backslash \\\\"': b'"quote \\" and backslash \\\\"',
    '"line\\nbreak"': b'"line\nbreak"',
    '{"\\u00e9":"\\u20ac"}': '{"é":"€"}'.encode(),
    "[]": b"[]",
    "{}": b"{}",
    "-7": b"-7",
}


@pytest.mark.parametrize(("text", "expected"), CANONICAL.items(), ids=CANONICAL.keys())
def test_canonical_json(text: str, expected: bytes) -> None:
    assert canonical_json(JsonNode(value=json.loads(text), where="x")) == expected


def test_a_key_that_tuf_has_no_scheme_for_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        key_id(signer("p384", "ecdsa-p384").spki, where="the key")
    assert (caught.value.code, caught.value.where) == ("key.unsupported", "the key")


# -- paths ---------------------------------------------------------------------------------------------------------------

PATHS = {
    "identities/identities.yaml": True,
    "identities/keys/ci.pub": True,
    "identities/a/b/c": True,
    "identities/@acme+x_1.2-3": True,
    "identities/a/b/c/d": False,
    "identities": False,
    "identities/": False,
    "identities//x": False,
    "identities/..": False,
    "identities/../policies/x": False,
    "identities/.hidden": False,
    "identities/-option": False,
    "identities/a b": False,
    "identities/a\\b": False,
    "identities/\u00e9": False,
    "identities/" + "x" * 129: False,
    "/identities/x": False,
    "policies/x": False,
}


@pytest.mark.parametrize(("path", "expected"), PATHS.items(), ids=PATHS.keys())
def test_which_paths_a_role_may_have(path: str, expected: bool) -> None:
    assert is_role_path(path, "identities") is expected


def test_the_patterns_of_a_role_cover_its_paths_and_no_others() -> None:
    for role in DELEGATED_ROLES:
        assert all(is_role_pattern(pattern, role) for pattern in role_patterns(role))
    for path, expected in PATHS.items():
        if expected:
            assert any(matches(path, pattern) for pattern in role_patterns("identities"))
    assert not matches("identities/a/b", "identities/*")
    assert matches("identities/a", "*/*")


@pytest.mark.parametrize("pattern", ["*/*", "*", "identities", "identitie?/x", "policies/*", "", "/identities/*"])
def test_a_pattern_that_reaches_further_is_none_of_the_role(pattern: str) -> None:
    assert not is_role_pattern(pattern, "identities")


def test_a_role_with_a_pattern_for_a_name_has_no_folder() -> None:
    assert not is_role_pattern("*/x", "*")


# -- the export ----------------------------------------------------------------------------------------------------------


def test_an_export_is_read_as_it_was_written() -> None:
    files = {"metadata/1.root.json": b"root", "targets/a": bytes(range(256)), "targets/b": b""}
    data = render_trust_export(files)
    assert is_trust_export(data[:64])
    assert read_trust_export(data, where="export") == files
    assert render_trust_export(dict(reversed(files.items()))) == data
    assert read_trust_export(render_trust_export({}), where="export") == {}


EXPORTS = {
    "another schema": b'{"schema":"urn:vxsec:trust-export:v2","files":{}}',
    "something more": b'{"schema":"urn:vxsec:trust-export:v1","files":{},"x":1}',
    "no files": b'{"schema":"urn:vxsec:trust-export:v1"}',
    "a file that is no text": b'{"schema":"urn:vxsec:trust-export:v1","files":{"a":1}}',
    "a file that is no base64": b'{"schema":"urn:vxsec:trust-export:v1","files":{"a":"%"}}',
    "a file that is no ASCII": '{"schema":"urn:vxsec:trust-export:v1","files":{"a":"é"}}'.encode(),
    "a file twice": b'{"schema":"urn:vxsec:trust-export:v1","files":{"a":"","a":""}}',
    "cut off": b'{"schema":"urn:vxsec:trust-export:v1","files":{',
}


@pytest.mark.parametrize("data", EXPORTS.values(), ids=EXPORTS.keys())
def test_refuses_an_export(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_trust_export(data, where="export")
    assert caught.value.code == "tuf.malformed"


def test_an_identities_document_is_no_export() -> None:
    assert not is_trust_export(b'{"apiVersion":"vxsec/trust/v1"}')
    assert KeySet(keys={"a": b"x", "b": b"x"}, threshold=1).spkis == (b"x",)
