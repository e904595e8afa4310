"""Starting Verdaccio where it cannot start: what is missing is said, and nothing is left behind."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from vxsec.errors import UsageError
from vxsec.testing import VerdaccioServer

if TYPE_CHECKING:
    from pathlib import Path

OLD_NODE = "print('Error: Verdaccio requires at least Node.js v22 or higher and you have installed v20.20.2,'); raise SystemExit(1)"
CASES: dict[str, tuple[tuple[str, ...] | str, str, str]] = {
    "no such program": ("vxsec-no-such-program --quiet", "verdaccio.missing", "no program 'vxsec-no-such-program'"),
    "no command at all": ("", "verdaccio.missing", "no program ''"),
    "a Node that is too old": (
        (sys.executable, "-c", OLD_NODE),
        "verdaccio.node-too-old",
        "it requires at least Node.js v22 or higher",
    ),
    "it ends at once": (
        (sys.executable, "-c", "print('no space'); raise SystemExit(7)"),
        "verdaccio.no-answer",
        "ended with status 7 within 5 s; no space",
    ),
    "it ends without a word": ((sys.executable, "-c", "pass"), "verdaccio.no-answer", "it said nothing"),
}


@pytest.mark.parametrize(("command", "code", "words"), CASES.values(), ids=CASES.keys())
def test_it_says_what_is_missing(
    command: tuple[str, ...] | str, code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(UsageError) as caught, VerdaccioServer(command, start_seconds=5):
        pass
    assert (caught.value.code, caught.value.exit_status) == (code, 2)
    assert words in caught.value.message
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_one_that_never_answers_is_stopped_in_time(tmp_path: Path) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with (
        pytest.raises(UsageError, match="does not answer") as caught,
        VerdaccioServer((sys.executable, "-c", program), folder=tmp_path, start_seconds=0.5),
    ):
        pass
    assert caught.value.code == "verdaccio.no-answer"
    process = int((tmp_path / "output.txt").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_outside_its_block_it_is_nowhere() -> None:
    server = VerdaccioServer()
    assert server.pid is None
    with pytest.raises(RuntimeError, match="with statement"):
        _ = server.storage
