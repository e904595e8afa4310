"""Checkpoints: a signed note over a log's state, in its only spelling."""

from __future__ import annotations

import base64

import pytest

from vxsec.errors import FormatError
from vxsec.formats.checkpoint import read_checkpoint
from vxsec.limits import Limits
from vxsec.model.transparency import Checkpoint, NoteSignature

ROOT = base64.b64encode(b"r" * 32).decode()


def _blob(hint: bytes = b"hint", signature: bytes = b"signature") -> str:
    return base64.b64encode(hint + signature).decode()


TEXT = f"log.example.test - 42\n33786589\n{ROOT}\n"
LINE = f"— log.example.test {_blob()}\n"


def test_a_checkpoint_of_rekor_v1_with_its_timestamp_line() -> None:
    text = f"{TEXT}Timestamp: 1689177396617352539\n"
    assert read_checkpoint(f"{text}\n{LINE}", where="c") == Checkpoint(
        origin="log.example.test - 42",
        tree_size=33786589,
        root_hash=b"r" * 32,
        signed=text.encode(),
        signatures=(NoteSignature(name="log.example.test", key_hint=b"hint", signature=b"signature"),),
    )


def test_cosignatures_of_unknown_witnesses_and_two_of_one_name_are_kept_in_order() -> None:
    second = f"— witness/ring-any-bells {_blob(bytes([0, 255, 49, 50]))}\n"
    third = f"— log.example.test {_blob(b'abcd')}\n"
    found = read_checkpoint(f"{TEXT}\n{LINE}{second}{third}", where="c")
    assert [(item.name, item.key_hint) for item in found.signatures] == [
        ("log.example.test", b"hint"),
        ("witness/ring-any-bells", b"\x00\xff12"),
        ("log.example.test", b"abcd"),
    ]
    assert found.signed == TEXT.encode()


def test_what_is_signed_is_counted_in_bytes_not_in_letters() -> None:
    text = TEXT.replace("log.example.test - 42", "lög.example.test")
    found = read_checkpoint(f"{text}\n{LINE}", where="c")
    assert (found.origin, found.signed) == ("lög.example.test", text.encode())


def test_a_tree_of_no_leaves_has_a_checkpoint() -> None:
    assert read_checkpoint(f"o\n0\n{ROOT}\n\n{LINE}", where="c").tree_size == 0


REFUSED = {
    "nothing": "",
    "no signatures at all": TEXT,
    "a blank line and no signature": f"{TEXT}\n",
    "no blank line": f"{TEXT}{LINE}",
    "no line end behind the last signature": f"{TEXT}\n{LINE}".rstrip("\n"),
    "a blank line behind the last signature": f"{TEXT}\n{LINE}\n",
    "a blank line between signatures": f"{TEXT}\n{LINE}\n{LINE}",
    "text behind the signatures": f"{TEXT}\n{LINE}more\n",
    "an empty extension line": f"{TEXT}\nextension\n\n{LINE}",
    "no origin": f"33786589\n{ROOT}\n\n{LINE}",
    "an empty origin": f"\n33786589\n{ROOT}\n\n{LINE}",
    "a blank origin": f"  \n33786589\n{ROOT}\n\n{LINE}",
    "no tree size": f"origin\n{ROOT}\n\n{LINE}",
    "no tree size before an extension": f"origin\n{ROOT}\nextension\n\n{LINE}",
    "no root hash": f"origin\n33786589\n\n{LINE}",
    "a tree size with leading zeros": f"origin\n033\n{ROOT}\n\n{LINE}",
    "a negative tree size": f"origin\n-33\n{ROOT}\n\n{LINE}",
    "a tree size with a blank": f"origin\n33 \n{ROOT}\n\n{LINE}",
    "a tree size in other digits": f"origin\n٣٣\n{ROOT}\n\n{LINE}",
    "a tree size of 2^63": f"origin\n{2**63}\n{ROOT}\n\n{LINE}",
    "an endless tree size": f"origin\n{'9' * 5000}\n{ROOT}\n\n{LINE}",
    "a root hash of 31 bytes": f"origin\n33\n{base64.b64encode(b'r' * 31).decode()}\n\n{LINE}",
    "a root hash of 33 bytes": f"origin\n33\n{base64.b64encode(b'r' * 33).decode()}\n\n{LINE}",
    "a root hash in hexadecimal": f"origin\n33\n{'ab' * 32}\n\n{LINE}",
    "a root hash without padding": f"origin\n33\n{ROOT.rstrip('=')}\n\n{LINE}",
    "line ends of another system": f"{TEXT}\n{LINE}".replace("\n", "\r\n"),
    "a tabulator": f"{TEXT}ext\tension\n\n{LINE}",
    "a zero byte": f"{TEXT}\x00\n\n{LINE}",
    "half of a surrogate pair": f"{TEXT}\ud800\n\n{LINE}",
    "a hyphen instead of the dash": f"{TEXT}\n- log.example.test {_blob()}\n",
    "an en dash": f"{TEXT}\n\u2013 log.example.test {_blob()}\n",
    "a signature without a name": f"{TEXT}\n— {_blob()}\n",
    "a name with a plus": f"{TEXT}\n— log+1 {_blob()}\n",
    "a name with a wide blank": f"{TEXT}\n— log\u3000one {_blob()}\n",
    "two blanks": f"{TEXT}\n—  log.example.test {_blob()}\n",
    "a signature that is not base64": f"{TEXT}\n— log.example.test %%%%\n",
    "a signature without padding": f"{TEXT}\n— log.example.test {_blob().rstrip('=')}\n",
    "a hint and no signature": f"{TEXT}\n— log.example.test {_blob(signature=b'')}\n",
    "more behind a signature": f"{TEXT}\n— log.example.test {_blob()} more\n",
}


@pytest.mark.parametrize("note", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(note: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_checkpoint(note, where="c")
    assert caught.value.code == "tlog.checkpoint"
    assert (caught.value.where or "").startswith("c")


def test_more_bytes_than_allowed_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        read_checkpoint(f"{TEXT}{'ä' * 60}\n\n{LINE}", where="c", limits=Limits(checkpoint_bytes=200))
    assert caught.value.code == "tlog.too-large"


def test_more_signatures_than_allowed_are_refused_not_cut() -> None:
    assert len(read_checkpoint(f"{TEXT}\n{LINE * 100}", where="c").signatures) == 100
    with pytest.raises(FormatError) as caught:
        read_checkpoint(f"{TEXT}\n{LINE * 101}", where="c")
    assert caught.value.code == "tlog.too-many"
