"""Imports by real processes that are killed at any moment: what was in use stays in use, and the next import tidies up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from support.osv_kit import affected, make_zip, range_of, record_bytes
from vxsec.scanning.index import AdvisoryIndex

if TYPE_CHECKING:
    from subprocess import Popen

VXSEC = Path(sys.executable).with_name("vxsec")
RECORDS = 1500
ROUNDS = 8


def write_export(path: Path, label: str) -> Path:
    path.parent.mkdir()
    shared = affected("shared", range_of(("introduced", "0")))
    files = {
        f"{label}-{n}.json": record_bytes(f"{label}-{n}", affected(f"p{n}"), *([shared] if n == 0 else []))
        for n in range(RECORDS)
    }
    path.write_bytes(make_zip(files))
    return path


def start(source: Path, folder: Path) -> Popen[bytes]:
    """Without coverage: its tracer takes a lock that a signal's exception leaves taken."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.Popen(
        [VXSEC, "db", "import", source, "--db", folder, "-q"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=env,
    )


def in_use(folder: Path) -> str:
    with AdvisoryIndex.open(folder, "npm") as index:
        assert index.state.advisories == RECORDS
        (found,) = index.lookup("shared")
        return found.id


def test_a_killed_import_leaves_what_was_in_use(tmp_path: Path) -> None:
    sources = {name: write_export(tmp_path / name / "npm.zip", name) for name in ("OLD", "NEW")}
    folder = tmp_path / "db"
    began = time.monotonic()
    done = start(sources["OLD"], folder)
    assert done.wait(60) == 0, done.stderr
    whole = time.monotonic() - began
    assert done.stderr is not None
    done.stderr.close()
    rng = random.Random(7)  # noqa: S311 - moments that are the same each time
    seen = set()
    for _ in range(ROUNDS):
        process = start(sources[rng.choice(["OLD", "NEW"])], folder)
        time.sleep(rng.uniform(0.3, 1.1) * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        seen.add(in_use(folder))
    assert seen <= {"OLD-0", "NEW-0"}
    last = start(sources["NEW"], folder)
    _, said = last.communicate(timeout=60)
    assert (last.returncode, said) == (0, b"")
    assert in_use(folder) == "NEW-0"
    assert len(list(folder.iterdir())) == 2


def test_an_interrupted_import_cleans_up_itself(tmp_path: Path) -> None:
    source = write_export(tmp_path / "NEW" / "npm.zip", "NEW")
    folder = tmp_path / "db"
    for moment in (0.2, 0.5, 0.8):
        process = start(source, folder)
        time.sleep(moment)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert process.returncode in {0, 143, -signal.SIGTERM}
        assert b"Traceback" not in said
        assert [path.name for path in folder.glob(".*")] == []
