"""gpg's status lines: framed, closed, and never somebody else's text."""

from __future__ import annotations

import pytest

from support.openpgp_kit import SIGNED, key, valid_line
from vxsec.errors import FormatError
from vxsec.formats.gpg_status import read_gpg_status
from vxsec.model.openpgp import GpgStatus

ALICE = key(1)
VALID = valid_line(ALICE)


def status(*lines: str) -> bytes:
    return "".join(f"[GNUPG:] {line}\n" for line in lines).encode()


def read(*lines: str) -> GpgStatus:
    return read_gpg_status(status(*lines))


def test_a_good_signature_is_read() -> None:
    found = read(
        "NEWSIG alice@example.test",
        "KEY_CONSIDERED X 0",
        "SIG_ID a b c",
        "GOODSIG ABC é <a@b>",
        VALID,
        "TRUST_FULLY 0 pgp",
    )
    (signature,) = found.signatures
    assert (signature.verdicts, signature.error, found.alarms, found.unknown) == (("GOODSIG",), None, (), ())
    assert signature.valid is not None
    assert (signature.valid.fingerprint, signature.valid.primary) == (ALICE.fingerprint, ALICE.fingerprint)
    assert (signature.valid.created, signature.valid.kind) == (int(SIGNED.timestamp()), "00")


def test_every_newsig_opens_a_frame_of_its_own() -> None:
    found = read("NEWSIG", "BADSIG A x", "NEWSIG", "GOODSIG B y", VALID)
    assert [one.verdicts for one in found.signatures] == [("BADSIG",), ("GOODSIG",)]
    assert [one.valid is None for one in found.signatures] == [True, False]


def test_the_reason_of_an_unchecked_signature_is_read() -> None:
    assert read("NEWSIG", f"ERRSIG A 22 8 00 1 9 {ALICE.fingerprint}").signatures[0].error == 9
    assert read("NEWSIG", "ERRSIG A 22 8 00 1").signatures[0].error is None
    assert read("NEWSIG", "ERRSIG A 22 8 00 1 x").signatures[0].error is None


def test_alarms_and_unknown_words_are_listed_wherever_they_stand() -> None:
    found = read("NODATA 4", "NEWSIG", "GOODSIG A x", "FAILURE gpg 1", "SOMETHING_NEW 1")
    assert (found.alarms, found.unknown) == (("NODATA", "FAILURE"), ("SOMETHING_NEW",))


def test_nothing_at_all_is_no_signature() -> None:
    assert read_gpg_status(b"") == GpgStatus(signatures=(), alarms=(), unknown=())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(status("NEWSIG")[:-1], id="no end of the last line"),
        pytest.param(b"gpg: Good signature\n", id="a message for people"),
        pytest.param(status("NEWSIG") + b"\n", id="an empty line"),
        pytest.param(b"[GNUPG:]  NEWSIG\n", id="two spaces"),
        pytest.param(b" [GNUPG:] NEWSIG\n", id="a space before it"),
        pytest.param(b"[GNUPG:] newsig\n", id="small letters"),
        pytest.param(b"[GNUPG:] NEWSIG\r\n", id="a carriage return"),
        pytest.param(b"[GNUPG:] \n", id="no word"),
        pytest.param(status("GOODSIG A x"), id="a verdict before any NEWSIG"),
        pytest.param(status(VALID), id="VALIDSIG before any NEWSIG"),
        pytest.param(status("NEWSIG", VALID, VALID), id="VALIDSIG twice"),
        pytest.param(status("NEWSIG", VALID + " more"), id="VALIDSIG with an argument more"),
        pytest.param(status("NEWSIG", VALID.rpartition(" ")[0]), id="VALIDSIG without the primary key"),
        pytest.param(status("NEWSIG", valid_line(ALICE, kind="0")), id="a class of one digit"),
        pytest.param(status("NEWSIG", valid_line(ALICE, created="20261121T000000")), id="a time that is no number"),
        pytest.param(status("NEWSIG", valid_line(ALICE, created="-1")), id="a time below zero"),
        pytest.param(status("NEWSIG", valid_line(ALICE, fingerprint="ok")), id="a fingerprint that is none"),
        pytest.param(status("NEWSIG", VALID[:-1]), id="a primary key cut short"),
        pytest.param(status("NEWSIG", VALID[:-40] + ALICE.fingerprint.lower()), id="a primary key in small letters"),
        pytest.param(status(*["NEWSIG"] * 10_001), id="lines without number"),
    ],
)
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_gpg_status(data)
    assert caught.value.code == "openpgp.status"
    assert len(str(caught.value)) < 500
