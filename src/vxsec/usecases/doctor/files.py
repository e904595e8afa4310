"""``doctor`` on files: private keys, what git tracks, the lockfile."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, NothingToJudgeError, UndecidedError, UsageError
from vxsec.host.files import list_files, read_bounded
from vxsec.host.process import run
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.doctor import Area
from vxsec.usecases.doctor.notes import Notes
from vxsec.usecases.lockfile_input import find_lockfile, load_lockfile_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vxsec.model.report.doctor import DoctorFinding

__all__ = ["check_key_files", "check_lockfile", "check_tracked_keys", "tracked_files"]

_KEYS = Notes(Area.KEYS)
_PROJECT = Notes(Area.PROJECT)

_KEY_SUFFIXES = (".key", ".pem")
_PRIVATE = b"PRIVATE KEY-----"
_MOST_FILES = 500
_OTHERS = 0o077
_SECONDS = 20.0
_ROOM = 8 * 1024 * 1024
_SHOWN = 20
_AGAIN = "npm install --package-lock-only"


def check_key_files(folders: Iterable[Path]) -> Iterator[DoctorFinding]:
    """Private keys directly in these folders: who else may read them, and whether they are encrypted."""
    seen: set[Path] = set()
    for folder in folders:
        try:
            listed = [Path(path) for path in list_files(folder) if path.endswith(_KEY_SUFFIXES)]
        except UsageError as error:
            if os.path.isdir(folder):  # noqa: PTH112 - it never raises
                yield _KEYS.unknown(
                    "key-folder",
                    f"private keys were not looked for: {error.message}",
                    expected="a folder that can be listed, without links that lead nowhere",
                    fix=f"see what is in it: ls -la {shlex.quote(str(folder))}",
                    where=str(folder),
                )
            continue
        for path in listed[:_MOST_FILES]:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield from _check_key_file(path)


def _check_key_file(path: Path) -> Iterator[DoctorFinding]:
    data = _private_key(path)
    if data is None:
        return
    quoted = shlex.quote(str(path))
    mode = _mode(path)
    if not data:
        yield _KEYS.warning(
            "key-unreadable",
            "a key file that this user may not read",
            expected="a private key that belongs to the one who signs with it",
            fix=f"give it to the one who signs: sudo chown USER {quoted}",
            where=str(path),
        )
        return
    bad = False
    if mode & _OTHERS:
        bad = True
        yield _KEYS.problem(
            "key-mode",
            f"a private key with mode {mode:04o}: others on this machine can read or change it",
            expected="mode 0600",
            fix=f"chmod 600 {quoted}",
            where=str(path),
        )
    if b"ENCRYPTED" not in data:
        bad = True
        yield _KEYS.warning(
            "key-plain",
            "a private key without a password",
            expected="an encrypted key file",
            fix=f"make a new pair: vxsec keys generate {shlex.quote(str(path.with_suffix('')) + '-2')}",
            where=str(path),
        )
    if not bad:
        yield _KEYS.ok("key-file", "a private key, encrypted, for its owner only", where=str(path))


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:  # it went away while we looked: nobody reads it now
        return 0


def _private_key(path: Path) -> bytes | None:
    """The file's bytes where it holds a private key; nothing where it is named like one and cannot be read; else None."""
    try:
        data = read_bounded(path, max_bytes=DEFAULT_LIMITS.small_file_bytes)
    except UsageError as error:
        return b"" if error.code == "file.unreadable" and path.suffix == ".key" else None
    return data if _PRIVATE in data else None


def tracked_files(project: Path, *, environ: Mapping[str, str]) -> tuple[frozenset[Path] | None, list[DoctorFinding]]:
    """The keys and ``.npmrc`` files below ``project`` that git tracks; None where that cannot be known.

    The repository's own settings start no program: ``core.fsmonitor`` is turned off, and nothing is fetched.
    """
    settings = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    settings |= {name: environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in environ}
    patterns = ("*.key", "*.pem", "*.npmrc")
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "ls-files", "-z", "--", *patterns]
    try:
        done = run(command, timeout=_SECONDS, max_bytes=_ROOM, env=settings, cwd=project)
    except UndecidedError as error:
        if error.code == "process.missing":
            return None, []  # said among the programs
        return None, [_untold(error.message, project)]
    if done.exit_code != 0:
        said = done.stderr.decode("utf-8", "replace")
        if "not a git repository" in said:
            return frozenset(), []
        reason = "it belongs to another user" if "dubious ownership" in said else f"exit status {done.exit_code}"
        return None, [_untold(reason, project)]
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return frozenset(project / name for name in names), []


def _untold(reason: str, project: Path) -> DoctorFinding:
    folder = shlex.quote(str(project.absolute()))
    return _PROJECT.unknown(
        "git-silent",
        f"git does not tell which files are committed: {reason}",
        expected="a list of the files that git tracks",
        fix=f"see what git says, and if the folder is yours: git config --global --add safe.directory {folder}",
        where=str(project),
    )


def check_tracked_keys(tracked: Iterable[Path]) -> Iterator[DoctorFinding]:
    """Private keys that are in the repository, for everybody who clones it and for ever."""
    keys = [path for path in sorted(tracked) if path.suffix in _KEY_SUFFIXES and _private_key(path) is not None]
    for path in keys[:_SHOWN]:
        yield _KEYS.problem(
            "key-tracked",
            "a private key that git tracks: everybody who has the repository has it",
            expected="private keys outside the repository, or ignored",
            fix=f"revoke the key in the trust document, and take the file out: git rm --cached {shlex.quote(str(path))}",
            where=str(path),
        )
    if len(keys) > _SHOWN:
        yield _KEYS.problem(
            "key-tracked",
            f"{len(keys) - _SHOWN} more private keys that git tracks",
            expected="private keys outside the repository, or ignored",
            fix="revoke them, and take the files out: git rm --cached FILE",
        )


def check_lockfile(project: Path) -> DoctorFinding:
    """Whether there is one lockfile that npm and vxsec both read."""
    try:
        path = find_lockfile(project)
    except OSError as error:
        return _PROJECT.problem(
            "folder-unreadable",
            f"this folder cannot be looked into: {error.strerror}",
            expected="a folder that this user may read and enter",
            fix=f"give yourself the right: chmod u+rx {shlex.quote(str(project))}",
            where=str(project),
        )
    if path is None:
        if not os.path.isfile(project / "package.json"):  # noqa: PTH113 - it never raises
            return _PROJECT.ok("no-project", "no package.json here, so no lockfile is missing", where=str(project))
        return _PROJECT.warning(
            "lockfile-missing",
            "no lockfile beside package.json",
            expected="package-lock.json",
            fix=_AGAIN,
            where=str(project),
        )
    shadowed = path.with_name("package-lock.json")
    if path.name == "npm-shrinkwrap.json" and shadowed.exists():
        return _PROJECT.problem(
            "lockfile-shadowed",
            "npm ignores this file: it installs from npm-shrinkwrap.json beside it",
            expected="one of the two",
            fix=f"rm {shlex.quote(str(shadowed))}",
            where=str(shadowed),
        )
    return _judge_lockfile(path)


def _judge_lockfile(path: Path) -> DoctorFinding:
    try:
        found = load_lockfile_input(path)
    except (UsageError, NothingToJudgeError, FormatError) as error:
        return _PROJECT.problem(
            "lockfile", error.message, expected="a lockfile as npm writes it", fix=error.hint or _AGAIN, where=str(path)
        )
    if found.lockfile is None:
        version_1 = path.name in {"package-lock.json", "npm-shrinkwrap.json"}
        fix = f"{_AGAIN} --lockfile-version 3"
        note = _PROJECT.problem if version_1 else _PROJECT.warning
        return note(
            "lockfile-unsupported",
            (found.unsupported or "").removeprefix(f"{path}: "),
            expected="npm's lockfileVersion 2 or 3",
            fix=fix if version_1 else f"let npm write one beside it: {_AGAIN}",
            where=str(path),
        )
    entries = len(found.lockfile.packages)
    return _PROJECT.ok(
        "lockfile", f"lockfileVersion {found.lockfile.format_version}, {entries} entries", where=str(path)
    )
