"""Keys with witnesses: what is asked of which service, and what is made of their answers."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from support.signing_kit import signer
from support.witness_kit import NOW, OLD_LOG, OTHER_LOG, OTHER_TSA, TILES, TSA, Web
from vxsec.errors import ConfigurationError, UndecidedError, UsageError, VerificationError, VxsecError
from vxsec.formats.dsse_envelope import read_envelope
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.statement import build_statement
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.limits import Limits
from vxsec.model.attestation import Subject
from vxsec.model.verification import Requirements
from vxsec.model.verified import VerifiedBlob, VerifiedStatement
from vxsec.signing.signer import BundleSigner, DigestSigner
from vxsec.signing.witness import WitnessedSigner
from vxsec.verification.bundle import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.attestation import Bundle
    from vxsec.testing.loopback import Reply

SHA256 = hashlib.sha256(b"a file").hexdigest()
PAYLOAD = build_statement(
    subjects=[Subject(name="a", digest={"sha256": SHA256})], predicate_type="https://example.test/type", predicate={}
)
BOTH = ((OLD_LOG, 1), (TILES, 2))


@pytest.fixture
def web() -> Web:
    return Web()


def _witnessed(
    web: Web,
    *,
    algorithm: str = "ecdsa-p256",
    timestamp: bool = True,
    log_entry: bool = True,
    limits: Limits | None = None,
    **config: Any,
) -> WitnessedSigner:
    return WitnessedSigner(
        signer("witnessed", algorithm),
        config=web.config(**config),
        timestamp=timestamp,
        log_entry=log_entry,
        http=web,
        now=NOW,
        limits=limits or Limits(),
    )


def _verify(made: WitnessedSigner, bundle: Bundle, *, sha256: str | None = None) -> VerifiedStatement | VerifiedBlob:
    roots = read_trusted_root(made.trusted_root, where="root")
    return verify_bundle(bundle, keys=[made.spki], roots=roots, requirements=made.asked, sha256=sha256, now=NOW)


def _statement(made: WitnessedSigner) -> Bundle:
    return read_bundle(made.bundle_statement(PAYLOAD), where="made")


def _blob(made: WitnessedSigner) -> Bundle:
    return read_bundle(made.bundle_blob(bytes.fromhex(SHA256)), where="made")


def test_it_is_a_signer_of_bundles_and_not_of_digests(web: Web) -> None:
    made = _witnessed(web)
    assert isinstance(made, BundleSigner)
    assert not isinstance(made, DigestSigner)
    key = signer("witnessed", "ecdsa-p256")
    assert (made.spki, made.hint, made.algorithm) == (key.spki, key.hint, key.algorithm)
    assert repr(made) == "WitnessedSigner(KeySigner(ecdsa-p256))"


# -- what is made -------------------------------------------------------------------------------------------------------

MADE = [
    ("ecdsa-p256", 1, "statement"),
    ("ecdsa-p256", 2, "statement"),
    ("ecdsa-p256", 1, "blob"),
    ("ecdsa-p256", 2, "blob"),
    ("ecdsa-p384", 1, "statement"),
    ("ecdsa-p384", 1, "blob"),
    ("ed25519", 1, "statement"),
    ("rsa-3072", 1, "statement"),
    ("rsa-3072", 2, "statement"),
    ("rsa-3072", 2, "blob"),
]


@pytest.mark.parametrize(("algorithm", "version", "what"), MADE)
def test_what_was_witnessed_verifies(web: Web, algorithm: str, version: int, what: str) -> None:
    logs = ((OLD_LOG, 1),) if version == 1 else ((TILES, 2),)
    made = _witnessed(web, algorithm=algorithm, logs=logs)
    bundle = _statement(made) if what == "statement" else _blob(made)
    verified = _verify(made, bundle, sha256=None if what == "statement" else SHA256)
    assert isinstance(verified, VerifiedStatement if what == "statement" else VerifiedBlob)
    assert (verified.signature.log_entries, verified.signature.timestamps) == (1, 1)
    (entry,) = bundle.log_entries
    expected = (
        ("hashedrekord", "0.0.2") if version == 2 else ("dsse" if what == "statement" else "hashedrekord", "0.0.1")
    )
    assert (entry.kind, entry.version) == expected
    assert [str(time.source) for time in verified.signature.times] == ["timestamp", "log"][: 3 - version]


@pytest.mark.parametrize(("timestamp", "log_entry"), [(True, False), (False, True)])
def test_only_what_was_asked_for_is_there(web: Web, timestamp: bool, log_entry: bool) -> None:
    made = _witnessed(web, timestamp=timestamp, log_entry=log_entry)
    bundle = _statement(made)
    assert (len(bundle.timestamps), len(bundle.log_entries)) == (timestamp, log_entry)
    assert made.asked == Requirements(log_entries=log_entry, timestamps=timestamp)
    _verify(made, bundle)
    assert len(web.sent) == 1


def test_a_payload_is_not_sent_to_a_log_of_version_2(web: Web) -> None:
    made = _witnessed(web)
    made.bundle_statement(PAYLOAD)
    assert all(b"example.test/type" not in request.body for request in web.sent)
    assert all(b"payload" not in request.body for request in web.sent)


def test_the_envelope_that_is_logged_is_the_one_of_the_bundle(web: Web) -> None:
    made = _witnessed(web, logs=((OLD_LOG, 1),), timestamp=False)
    bundle = _statement(made)
    proposed = json.loads(web.sent[0].body)["spec"]["proposedContent"]
    assert read_envelope(proposed["envelope"].encode(), where="proposed").payload == PAYLOAD
    assert proposed["envelope"] == json.dumps(json.loads(bundle.line)["dsseEnvelope"], separators=(",", ":"))


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa-3072"])
def test_an_entry_that_is_there_already_is_fetched(web: Web, algorithm: str) -> None:
    made = _witnessed(web, algorithm=algorithm, logs=((OLD_LOG, 1),), timestamp=False)
    first, second = _statement(made), _statement(made)
    assert first.log_entries[0].log_index == second.log_entries[0].log_index
    assert [request.method for request in web.sent] == ["POST", "POST", "GET"]
    _verify(made, second)


def test_a_question_for_a_timestamp_is_never_the_same(web: Web) -> None:
    made = _witnessed(web, algorithm="ed25519", log_entry=False)
    made.bundle_statement(PAYLOAD)
    made.bundle_statement(PAYLOAD)
    assert web.sent[0].body != web.sent[1].body
    assert web.sent[0].headers["content-type"] == "application/timestamp-query"


# -- which services -----------------------------------------------------------------------------------------------------


def test_the_highest_version_that_takes_the_key_is_used(web: Web) -> None:
    _witnessed(web, logs=BOTH, timestamp=False).bundle_statement(PAYLOAD)
    _witnessed(web, logs=BOTH, timestamp=False, algorithm="ecdsa-p384").bundle_statement(PAYLOAD)
    assert web.asked == [TILES, OLD_LOG]


def test_any_asks_the_next_one_where_one_does_not_answer(web: Web) -> None:
    web.down = {TSA, TILES}
    made = _witnessed(web, logs=((TILES, 2), (OTHER_LOG, 2)), authorities=(TSA, OTHER_TSA))
    verified = _verify(made, _statement(made))
    assert (verified.signature.log_entries, verified.signature.timestamps) == (1, 1)
    assert web.asked[-1] == OTHER_LOG


def test_any_fails_where_none_answers(web: Web) -> None:
    web.down = {TSA, OTHER_TSA}
    with pytest.raises(UndecidedError) as caught:
        _witnessed(web, authorities=(TSA, OTHER_TSA)).bundle_statement(PAYLOAD)
    assert caught.value.code == "network.connect"
    assert TILES not in web.asked  # no entry for a signature that is thrown away


@pytest.mark.parametrize("selector", [{"selector": "ALL"}, {"selector": "EXACT", "count": 2}])
def test_all_asks_every_one_and_every_one_must_be_there(web: Web, selector: dict[str, object]) -> None:
    config: dict[str, Any] = {
        "logs": ((TILES, 2), (OTHER_LOG, 2)),
        "authorities": (TSA, OTHER_TSA),
        "log_selector": selector,
        "authority_selector": selector,
    }
    made = _witnessed(web, **config)
    assert made.asked == Requirements(log_entries=2, timestamps=2)
    verified = _verify(made, _statement(made))
    assert (verified.signature.log_entries, verified.signature.timestamps) == (2, 2)
    web.down = {OTHER_LOG}
    with pytest.raises(UndecidedError):
        made.bundle_statement(PAYLOAD)


def test_exact_uses_as_many_as_it_says(web: Web) -> None:
    selector = {"selector": "EXACT", "count": 1}
    made = _witnessed(web, logs=((TILES, 2), (OTHER_LOG, 2)), log_selector=selector, timestamp=False)
    assert len(_statement(made).log_entries) == 1
    assert web.asked == [TILES]


@pytest.mark.parametrize(
    ("config", "what"),
    [
        pytest.param({"authorities": ()}, "timestamp authority", id="no authority"),
        pytest.param({"logs": ()}, "transparency log", id="no log"),
        pytest.param({"logs": ((TILES, 3),)}, "transparency log", id="a version that is not known"),
        pytest.param({"logs": ((TILES, 0),)}, "transparency log", id="a log that is not released"),
        pytest.param(
            {"log_selector": {"selector": "EXACT", "count": 2}}, "transparency log", id="fewer logs than are to be used"
        ),
        pytest.param(
            {"authority_selector": {"selector": "EXACT", "count": 2}}, "timestamp authority", id="fewer authorities"
        ),
    ],
)
def test_too_few_services_are_told_before_anything_is_signed(web: Web, config: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigurationError, match=what) as caught:
        _witnessed(web, **config)
    assert caught.value.code == "witness.no-service"
    assert not web.sent


@pytest.mark.parametrize("algorithm", ["ecdsa-p384", "ed25519"])
def test_a_key_that_no_log_takes_is_told_before_anything_is_signed(web: Web, algorithm: str) -> None:
    with pytest.raises(UsageError) as caught:
        _witnessed(web, algorithm=algorithm)
    assert caught.value.code == "witness.key"
    assert "ecdsa" in str(caught.value.hint).lower()
    assert not web.sent
    assert _statement(_witnessed(web, algorithm=algorithm, log_entry=False)).timestamps


def test_a_key_that_cannot_sign_a_file_is_told_before_anything_is_sent(web: Web) -> None:
    with pytest.raises(UsageError) as caught:
        _blob(_witnessed(web, algorithm="ed25519", logs=((OLD_LOG, 1),)))
    assert caught.value.code == "signer.blob-unsupported"
    assert not web.sent


# -- what may be answered -----------------------------------------------------------------------------------------------


def _reply(status: int, data: bytes, headers: dict[str, str] | None = None) -> Callable[[Reply], Reply]:
    return lambda _: (status, data, headers or {})


_NOT_GRANTED = bytes.fromhex("30053003020102")  # PKIStatusInfo with status 2, rejection
CONFLICT = {"location": "/api/v1/log/entries/elsewhere"}
LOST = {"location": f"/api/v1/log/entries/{'0' * 80}"}
ANSWERS: dict[str, tuple[int, Callable[[Reply], Reply], str]] = {
    "the authority has an error": (0, _reply(500, b"no"), "witness.refused"),
    "the authority is not there": (0, _reply(404, b""), "witness.refused"),
    "the authority answers HTML": (0, _reply(200, b"<html>"), "witness.answer"),
    "the authority answers nothing": (0, _reply(200, b""), "witness.answer"),
    "the authority answers half a response": (0, lambda reply: (201, reply[1][:200]), "witness.answer"),
    "the authority does not grant it": (0, _reply(200, _NOT_GRANTED), "witness.refused"),
    "log 1 has an error": (1, _reply(503, b"unavailable"), "witness.refused"),
    "log 1 refuses the entry": (1, _reply(400, b'{"code": 400}'), "witness.refused"),
    "log 1 answers HTML": (1, _reply(201, b"<html>"), "witness.answer"),
    "log 1 answers nothing": (1, _reply(201, b""), "witness.answer"),
    "log 1 has the entry and does not say where": (1, _reply(409, b"{}"), "witness.answer"),
    "log 1 has the entry elsewhere": (1, _reply(409, b"{}", CONFLICT), "witness.answer"),
    "log 1 has the entry and cannot find it": (1, _reply(409, b"{}", LOST), "witness.refused"),
    "log 2 has an error": (2, _reply(500, b"\xff\xfe"), "witness.refused"),
    "log 2 has the entry already": (2, _reply(409, b'{"code": 6}'), "witness.refused"),
    "log 2 answers an array": (2, _reply(201, b"[]"), "witness.answer"),
    "log 2 answers an error with status 200": (2, _reply(200, b'{"code": 3}'), "witness.answer"),
    "log 2 redirects": (2, _reply(302, b"", {"location": "https://elsewhere.example.test"}), "witness.refused"),
}


@pytest.mark.parametrize(("which", "edit", "code"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("what", ["statement", "blob"])
def test_what_is_no_answer_is_no_signature(
    web: Web, which: int, edit: Callable[[Reply], Reply], code: str, what: str
) -> None:
    logs = ((OLD_LOG, 1),) if which == 1 else ((TILES, 2),)
    made = _witnessed(web, logs=logs, timestamp=which == 0, log_entry=which > 0)
    web.edit = edit
    with pytest.raises(UndecidedError) as caught:
        _statement(made) if what == "statement" else _blob(made)
    assert caught.value.code == code
    assert caught.value.where is not None
    assert caught.value.hint


def test_the_answer_to_another_question_is_none(web: Web) -> None:
    """Ed25519 signs the same bytes the same way: without a number to tell questions apart, an old timestamp would do."""
    made = _witnessed(web, algorithm="ed25519", log_entry=False)
    earlier: list[Reply] = []

    def stale(reply: Reply) -> Reply:
        earlier.append(reply)
        return earlier[0]

    web.edit = stale
    assert _statement(made).timestamps
    with pytest.raises(UndecidedError, match="another question") as caught:
        made.bundle_statement(PAYLOAD)
    assert caught.value.code == "witness.answer"


def test_a_plain_url_of_the_config_is_not_used(web: Web) -> None:
    made = _witnessed(web, logs=(("http://log.example.test", 2),), timestamp=False)
    with pytest.raises(ConfigurationError) as caught:
        made.bundle_statement(PAYLOAD)
    assert caught.value.code == "network.insecure-url"
    assert "--unsafe" not in str(caught.value.hint)


# -- what comes back is not believed ------------------------------------------------------------------------------------


def _turned(reply: Reply) -> Reply:
    status, data, *_ = reply
    return status, data[:-1] + bytes([data[-1] ^ 1])


def _in_json(change: Callable[[Any], None]) -> Callable[[Reply], Reply]:
    def edit(reply: Reply) -> Reply:
        document = json.loads(reply[1])
        change(document)
        return reply[0], json.dumps(document).encode()

    return edit


def _other_index(document: Any) -> None:
    document["logIndex"] = "4"


def _other_root(document: Any) -> None:
    (entry,) = document.values()
    entry["verification"]["inclusionProof"]["rootHash"] = "00" * 32


def _other_time(document: Any) -> None:
    (entry,) = document.values()
    entry["integratedTime"] -= 1


LIES: dict[str, tuple[int, Callable[[Reply], Reply], str]] = {
    "a timestamp with another signature": (0, _turned, "timestamp.signature"),
    "another index": (2, _in_json(_other_index), "tlog.index"),
    "another root": (1, _in_json(_other_root), "tlog.inclusion-proof"),
    "another time": (1, _in_json(_other_time), "tlog.set-signature"),
}


@pytest.mark.parametrize(("which", "edit", "family"), LIES.values(), ids=LIES.keys())
def test_a_lie_does_not_verify(web: Web, which: int, edit: Callable[[Reply], Reply], family: str) -> None:
    made = _witnessed(
        web, logs=((OLD_LOG, 1),) if which == 1 else ((TILES, 2),), timestamp=which == 0, log_entry=which > 0
    )
    web.edit = edit
    with pytest.raises(VerificationError) as caught:
        _verify(made, _statement(made))
    assert caught.value.code.startswith(family)


@pytest.mark.parametrize(("missing", "code"), [(TILES, "tlog.unknown-log"), (TSA, "timestamp.untrusted")])
def test_a_witness_that_the_trusted_root_does_not_know_is_none(web: Web, missing: str, code: str) -> None:
    known = [url for url in (*web.logs, *web.authorities) if url != missing]
    made = _witnessed(web, root=web.root(only=known))
    with pytest.raises(VxsecError) as caught:
        _verify(made, _statement(made))
    assert caught.value.code == code
