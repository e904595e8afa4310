"""Programs are run to their end, and never longer or louder than allowed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from vxsec.errors import UndecidedError
from vxsec.host.process import STATUS_FD, ProcessResult, find_program, run

PYTHON = sys.executable
ROOM = 10_000


def python(
    program: str, *, timeout: float = 20.0, max_bytes: int = ROOM, env: dict[str, str] | None = None
) -> ProcessResult:
    return run([PYTHON, "-c", program], timeout=timeout, max_bytes=max_bytes, env=env)


def test_both_streams_and_the_status_come_back() -> None:
    done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    assert done.argv[0] == PYTHON


def test_a_program_that_a_signal_ended_says_so() -> None:
    assert python("import os; os.kill(os.getpid(), 9)").exit_code == -signal.SIGKILL


def test_a_program_that_closes_its_streams_is_still_waited_for() -> None:
    done = python("import os, time; os.close(1); os.close(2); time.sleep(0.1); os._exit(3)")
    assert (done.exit_code, done.stdout) == (3, b"")


def test_a_program_that_asks_gets_no_answer() -> None:
    assert python("import sys; print(repr(sys.stdin.read()))").stdout == b"''\n"


def test_only_path_and_locale_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_TOKEN", "s3cret")
    done = python("import os; print(sorted(os.environ))", env={"EXTRA": "1"})
    listed = set(eval(done.stdout))  # noqa: S307 - our own program
    assert listed - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {"EXTRA", "LC_ALL", "PATH"}


def test_a_status_pipe_is_apart_from_both_streams() -> None:
    program = "import os, sys; os.write(int(sys.argv[1]), b'status'); print('out'); print('err', file=sys.stderr)"
    done = run([PYTHON, "-c", program, STATUS_FD], timeout=20.0, max_bytes=ROOM)
    assert (done.stdout, done.stderr, done.status) == (b"out\n", b"err\n", b"status")
    assert done.argv[-1].isdecimal()
    assert python("pass").status == b""


def test_a_status_pipe_is_bounded_like_the_streams() -> None:
    program = "import os, sys\nwhile True: os.write(int(sys.argv[1]), b'x' * 4096)"
    with pytest.raises(UndecidedError) as caught:
        run([PYTHON, "-c", program, STATUS_FD], timeout=20.0, max_bytes=ROOM)
    assert caught.value.code == "process.too-large"


def test_no_descriptor_is_left_behind_where_a_program_with_a_status_pipe_cannot_start(tmp_path: Path) -> None:
    def opened() -> int:
        table = Path("/proc/self/fd")
        return len(list(table.iterdir())) if table.is_dir() else 0

    before = opened()
    with pytest.raises(UndecidedError) as caught:
        run([PYTHON, STATUS_FD], timeout=1.0, max_bytes=ROOM, cwd=tmp_path / "absent")
    assert caught.value.code == "process.start"
    assert opened() == before


def test_everything_a_program_wrote_before_it_ended_is_read() -> None:
    assert len(python("print('x' * 3_000_000, end='')", max_bytes=3_000_000).stdout) == 3_000_000


def test_a_child_that_keeps_the_pipe_open_is_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    program = f"""
import os, time
child = os.fork()
if child == 0:
    time.sleep(30)
    os._exit(0)
open({str(pid)!r}, 'w').write(str(child))
print('parent', flush=True)
os._exit(0)
"""
    started = time.monotonic()
    done = python(program)
    try:
        assert done.stdout == b"parent\n"
        assert time.monotonic() - started < 10
        os.kill(int(pid.read_text()), 0)  # an agent that a program starts lives on
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_at_the_time_limit_the_whole_group_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    program = f"""
import os, time
child = os.fork()
if child:
    open({str(pid)!r}, 'w').write(str(child))
time.sleep(60)
"""
    with pytest.raises(UndecidedError) as caught:
        python(program, timeout=1.0)
    assert caught.value.code == "process.timeout"
    child = int(pid.read_text())
    for _ in range(100):
        if not _alive(child):
            break
        time.sleep(0.02)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    """A zombie that nobody reaps here is dead enough."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


REFUSED = {
    "a program that is nowhere": (["no-such-program-here"], "process.missing"),
    "a path into the current folder": (["./program"], "process.missing"),
    "no name": ([""], "process.missing"),
    "an absolute path to nothing": (["/no/such/program"], "process.missing"),
    "a folder": (["/"], "process.missing"),
    "a NUL in the name": (["/bin/\x00"], "process.missing"),
    "a NUL in an argument": ([PYTHON, "\x00"], "process.start"),
    "more output than allowed": ([PYTHON, "-c", "while True: print('x' * 1000)"], "process.too-large"),
    "more complaints than allowed": (
        [PYTHON, "-c", "import sys\nwhile True: print('x' * 1000, file=sys.stderr)"],
        "process.too-large",
    ),
    "one byte more than allowed": ([PYTHON, "-c", f"print('x' * {ROOM})"], "process.too-large"),
    "a program that never ends": ([PYTHON, "-c", "import time; time.sleep(60)"], "process.timeout"),
    "a program that closes its streams and never ends": (
        [PYTHON, "-c", "import os, time; os.close(1); os.close(2); time.sleep(60)"],
        "process.timeout",
    ),
    "a program that ignores requests to end": (
        [PYTHON, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"],
        "process.timeout",
    ),
}


@pytest.mark.parametrize(("argv", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_not_run_to_its_end(argv: list[str], code: str) -> None:
    started = time.monotonic()
    with pytest.raises(UndecidedError) as caught:
        run(argv, timeout=1.0, max_bytes=ROOM)
    assert caught.value.code == code
    assert caught.value.hint
    assert time.monotonic() - started < 10


def test_a_child_that_never_stops_writing_does_not_hold_the_caller() -> None:
    program = """
import os, signal, time
if os.fork() == 0:
    signal.alarm(5)
    while True:
        os.write(1, b'x' * 4096)
os._exit(0)
"""
    started = time.monotonic()
    with contextlib.suppress(UndecidedError):  # how much is in the pipe when the program has ended is up to the machine
        assert len(python(program, timeout=2.0).stdout) <= ROOM
    assert time.monotonic() - started < 4.5


def test_a_child_that_writes_on_is_read_until_the_time_is_up() -> None:
    started = time.monotonic()
    done = run(["/bin/sh", "-c", "yes & exit 0"], timeout=0.2, max_bytes=1 << 40)
    assert done.exit_code == 0
    assert time.monotonic() - started < 5


def test_a_file_that_is_no_program_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(b"\x00not a program")
    path.chmod(0o755)
    with pytest.raises(UndecidedError) as caught:
        run([str(path)], timeout=5, max_bytes=ROOM)
    assert caught.value.code == "process.start"


def test_a_folder_to_run_in_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError) as caught:
        run([PYTHON, "-V"], timeout=5, max_bytes=ROOM, cwd=tmp_path / "none")
    assert caught.value.code == "process.start"


def test_it_runs_where_it_is_told(tmp_path: Path) -> None:
    done = run([PYTHON, "-c", "import os; print(os.getcwd())"], timeout=20, max_bytes=ROOM, cwd=tmp_path)
    assert done.stdout.decode().strip() == str(tmp_path.resolve())


def test_programs_are_looked_for_in_absolute_folders_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "git"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.chdir(tool.parent)
    for path in ("", ".", ":", "bin", "../bin"):
        assert find_program("git", path=path) is None
    assert find_program("git", path=f".:{tool.parent}") == str(tool)
    assert find_program(str(tool)) == str(tool)
    monkeypatch.setenv("PATH", str(tool.parent))
    assert find_program("git") == str(tool)
    assert find_program("gi\x00t") is None
    tool.chmod(0o644)
    assert find_program("git") is None or os.geteuid() == 0
