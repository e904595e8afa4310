"""Key pairs: never overwritten, never readable by others, and shown as they are."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest

from vxsec.errors import ConfigurationError, UsageError
from vxsec.formats.public_key import parse_public_key
from vxsec.host.files import write_atomic
from vxsec.usecases import keys as keys_module
from vxsec.usecases.keys import generate_key, show_key


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "ed25519"])
def test_a_pair_is_made_and_shown(tmp_path: Path, algorithm: str) -> None:
    pair = generate_key(tmp_path / "own", password=b"", algorithm=algorithm)
    shown = show_key(pair.public)
    assert (shown.algorithm, shown.hint) == (algorithm, pair.hint)
    spki = parse_public_key(Path(pair.public).read_bytes(), where="own.pub")
    assert shown.sha256 == hashlib.sha256(spki).hexdigest()
    assert shown.pem == Path(pair.public).read_text(encoding="ascii")
    assert stat.S_IMODE(Path(pair.private).stat().st_mode) == 0o600
    assert b"ENCRYPTED" in Path(pair.private).read_bytes()


@pytest.mark.parametrize("suffix", ["key", "pub"])
def test_refuses_to_overwrite_either_file(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"own.{suffix}").write_bytes(b"kept")
    with pytest.raises(UsageError) as caught:
        generate_key(tmp_path / "own", password=b"")
    assert caught.value.code == "file.exists"
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"kept"]


def test_refuses_an_algorithm_it_does_not_make(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        generate_key(tmp_path / "own", password=b"", algorithm="rsa-1024")
    assert list(tmp_path.iterdir()) == []


def test_refuses_to_show_what_is_no_public_key(tmp_path: Path, keys: Path) -> None:
    with pytest.raises(ConfigurationError):
        show_key(keys / "ci.pem")
    with pytest.raises(UsageError) as caught:
        show_key(tmp_path / "gone.pub")
    assert caught.value.code == "file.missing"


def test_half_a_pair_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def failing(path: str, data: bytes, **how: Any) -> None:
        if path.endswith(".pub"):
            raise UsageError("no room", code="file.unwritable")
        write_atomic(path, data, **how)

    monkeypatch.setattr(keys_module, "write_atomic", failing)
    with pytest.raises(UsageError) as caught:
        generate_key(tmp_path / "own", password=b"")
    assert caught.value.code == "file.unwritable"
    assert list(tmp_path.iterdir()) == []
