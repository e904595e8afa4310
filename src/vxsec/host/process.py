"""The one place that starts other programs: no shell, no inherited surroundings, bounded in time and output.

gpg, git, node and npm are asked through here. What comes back is bytes and an exit status; this port judges nothing.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vxsec.errors import UndecidedError
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

__all__ = ["STATUS_FD", "ProcessResult", "find_program", "run"]

STATUS_FD: Final = "{status-fd}"
"""An argument of :func:`run` that becomes the number of a pipe of its own, for programs that report apart from their output."""

_CHUNK: Final = 1 << 16
_PAUSE: Final = 0.02  # seconds between two looks at whether the program has ended
_GRACE: Final = 2.0  # seconds for a killed program to be gone; one that the kernel holds longer is left behind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """What a program did: ``argv`` as it was started, ``exit_code`` negative where a signal ended it.

    ``status`` is what came through the pipe that :data:`STATUS_FD` asked for.
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes
    status: bytes = b""


def find_program(name: str, *, path: str | None = None) -> str | None:
    """The absolute path of a program, or None.

    Only absolute folders of the search path count. An empty or relative entry means the folder one happens to stand in,
    and a project's folder must not be able to bring its own ``git``.

    Args:
        name: A bare name, or an absolute path. A relative path is never found.
        path: The search path; that of the environment if not given.
    """
    if os.path.isabs(name):  # noqa: PTH117 - of a text, which may be no path at all
        return name if _is_program(name) else None
    if not name or "/" in name:
        return None
    for folder in (_search_path() if path is None else path).split(os.pathsep):
        if os.path.isabs(folder) and _is_program(f"{folder}/{name}"):  # noqa: PTH117 - likewise
            return f"{folder}/{name}"
    return None


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    max_bytes: int,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> ProcessResult:
    """Run a program to its end.

    Guarantees: no shell; standard input is empty, so that a program that asks gets no answer instead of waiting for one; the
    environment is ``PATH`` (its absolute folders), ``LC_ALL=C`` and ``env``, nothing else; the call returns or raises soon
    after ``timeout``, whatever the program and its children do. At the time limit, beyond the output limit or when the caller is
    interrupted, the program is killed with its whole process group. A child that the program leaves behind when it ends
    by itself (an agent, for example) is not waited for, and not killed.

    Args:
        argv: The program (a name looked up by :func:`find_program`, or an absolute path) and its arguments. One that is
            :data:`STATUS_FD` becomes the number of a further pipe.
        timeout: Seconds.
        max_bytes: Bound on each of standard output, standard error and the status pipe.
        env: Variables beside or in place of the two.
        cwd: The folder to run in; the current one if not given.

    Raises:
        UndecidedError: ``process.missing`` where there is no such program, ``process.start`` where the system refuses to
            start it, ``process.timeout``, ``process.too-large``. An exit status other than 0 is a result, not an error.
    """
    surroundings = {"PATH": _search_path(), "LC_ALL": "C", **(env or {})}
    program = find_program(argv[0], path=surroundings["PATH"])
    if program is None:
        raise UndecidedError(
            f"no program {argv[0]!r} on the PATH",
            code="process.missing",
            hint=f"install {Path(argv[0]).name}, or put its folder on the PATH",
        )
    reading, writing = os.pipe() if STATUS_FD in argv else (-1, -1)
    arguments = [str(writing) if argument == STATUS_FD else argument for argument in argv[1:]]
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; the program is found by us, its arguments are the caller's
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=surroundings,
            cwd=cwd,
            pass_fds=(writing,) if writing >= 0 else (),
            start_new_session=True,  # a process group of its own, and no terminal to ask at
        )
    except (OSError, ValueError) as error:
        if reading >= 0:
            os.close(reading)
        reason = error.strerror if isinstance(error, OSError) else "an argument holds a NUL"
        raise UndecidedError(
            f"cannot start: {reason}",
            code="process.start",
            where=program,
            hint="check that it is a program of this machine, and that the folder it runs in exists",
        ) from error
    finally:
        if writing >= 0:
            os.close(writing)
    with contextlib.ExitStack() as stack:
        stack.enter_context(process)
        status = [stack.enter_context(os.fdopen(reading, "rb", buffering=0))] if reading >= 0 else []
        try:
            streams = _read_all(process, status, program, deadline=time.monotonic() + timeout, max_bytes=max_bytes)
        finally:
            _end(process)
    return ProcessResult(
        argv=(program, *arguments),
        exit_code=process.returncode,
        stdout=streams[0],
        stderr=streams[1],
        status=streams[2] if status else b"",
    )


def _read_all(
    process: subprocess.Popen[bytes],
    status: Sequence[IO[bytes]],
    program: str,
    *,
    deadline: float,
    max_bytes: int,
) -> list[bytes]:
    """Read every stream until the program has ended; pipes that its children still hold are not waited for."""
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    assert process.stderr is not None  # noqa: S101 - likewise
    collected: dict[IO[bytes], bytearray] = {
        stream: bytearray() for stream in (process.stdout, process.stderr, *status)
    }
    with selectors.DefaultSelector() as selector:
        for stream in collected:
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        ended = False
        while not ended:
            ended = process.poll() is not None  # before reading: what it wrote until then is in the pipes
            if selector.get_map():
                ready = [key.fileobj for key, _ in selector.select(0 if ended else _PAUSE)]
            else:
                ready = []
                if not ended:  # nothing left to read: it is about to end, mostly within a millisecond
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_PAUSE)
            for stream, data in collected.items():
                if (stream in ready or ended) and not _drain(stream, data, max_bytes, deadline):
                    with contextlib.suppress(KeyError):
                        selector.unregister(stream)
                if len(data) > max_bytes:
                    raise UndecidedError(
                        f"expected at most {max_bytes} bytes of output, found more",
                        code="process.too-large",
                        where=program,
                        hint="run it by hand and look at what it says",
                    )
            if not ended and time.monotonic() >= deadline:
                raise UndecidedError(
                    "it did not end in time and was killed",
                    code="process.timeout",
                    where=program,
                    hint="run it by hand: it may be waiting for something",
                )
    return [bytes(data) for data in collected.values()]


def _drain(stream: IO[bytes], data: bytearray, max_bytes: int, deadline: float) -> bool:
    """Take what is in the pipe, up to one byte beyond the limit; False at its end."""
    while len(data) <= max_bytes:
        try:
            piece = os.read(stream.fileno(), min(_CHUNK, max_bytes + 1 - len(data)))
        except BlockingIOError:
            return True
        if not piece:
            return False
        data += piece
        if time.monotonic() >= deadline:  # a child that never stops writing
            return True
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the program's process group unless it has ended; its number cannot be anyone else's while it is not reaped."""
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)


def _search_path() -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if os.path.isabs(folder))  # noqa: PTH117 - likewise


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113 - it never raises
