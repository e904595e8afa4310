"""The local advisory database: one SQLite file per ecosystem, read only.

``npm.current`` names the file in use, ``npm-<sha256>.sqlite``, which is never changed once it is there: its own name says
what its bytes must be. All bytes are hashed before any is believed, so that a disk or a copy that lost something is found
out, and never answers with fewer findings. (Who may write to the folder may replace the whole: the hash is no signature.)
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from vxsec.errors import FormatError, UndecidedError, UsageError
from vxsec.formats.osv import OSV_ECOSYSTEMS
from vxsec.formats.timestamps import parse_time
from vxsec.host.files import read_bounded
from vxsec.host.random_access import opened_file
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.scan import DatabaseState
from vxsec.scanning.refill import refill_hint
from vxsec.scanning.rows import FORMAT, read_rows

if TYPE_CHECKING:
    from types import TracebackType

    from vxsec.model.advisory import Advisory

__all__ = ["AdvisoryIndex", "hash_index", "index_name", "pointer_name", "pointer_of", "present_ecosystems"]

_POINTER_BYTES = 256
_CHUNK = 1 << 20
_TRIES = 5
"""An import may remove the file between reading its name and opening it."""


class AdvisoryIndex:
    """One ecosystem's advisories, looked up by package name. May be used by many threads.

    Made by :meth:`open`; the file stays open, so that an import meanwhile changes nothing for whoever holds it.
    """

    def __init__(self, connection: sqlite3.Connection, state: DatabaseState, *, malware: int, unreadable: int) -> None:
        self.state = state
        self.malware = malware
        """How many of the advisories are about malicious packages."""
        self.unreadable = unreadable
        """How many records of the source could not be read, and so are not here."""
        self._connection = connection
        self.hint = refill_hint(state.ecosystem)
        """What to do where an answer cannot be read."""
        self._lock = Lock()

    @classmethod
    def open(cls, directory: str | os.PathLike[str], ecosystem: str, *, named: bool = False) -> AdvisoryIndex:
        """Open the index of an ecosystem, after hashing the whole file.

        Guarantees: every byte is what was written when the index was built, and there is at least one advisory in it. How old
        the data may be is for the caller to judge.

        Args:
            directory: The database's folder.
            ecosystem: A purl type: ``npm`` or ``pypi``.
            named: Whether somebody named the folder, so that the next command must name it, too.

        Raises:
            UndecidedError: ``db.missing`` (no database of this ecosystem), ``db.damaged`` (not the bytes that were written, or
                written by another version of vxsec), ``db.empty`` (no advisories).
        """
        if ecosystem not in OSV_ECOSYSTEMS:
            raise UndecidedError(f"there is no database of {ecosystem[:40]!r} packages", code="db.missing")
        hint = refill_hint(ecosystem, directory if named else None)
        try:
            index = cls._current(Path(directory), ecosystem)
        except UndecidedError as error:
            error.hint = hint
            raise
        index.hint = hint
        return index

    @classmethod
    def _current(cls, folder: Path, ecosystem: str) -> AdvisoryIndex:
        """The index in use, whichever it is by the time its file is open."""
        for attempt in range(_TRIES):
            name = pointer_of(folder, ecosystem)
            try:
                if hash_index(folder / name) not in name:
                    raise _damaged(folder / name, "its bytes are not those that were written")
                return cls._opened(folder / name, ecosystem)
            except FileNotFoundError as error:
                if attempt + 1 == _TRIES or pointer_of(folder, ecosystem) == name:
                    raise _damaged(folder / name, "the file that is in use is gone") from error
        raise AssertionError  # pragma: no cover - the last round returns or raises

    @classmethod
    def _opened(cls, path: Path, ecosystem: str) -> AdvisoryIndex:
        try:
            connection = _connect(path)
        except sqlite3.Error as error:
            if not path.exists():
                raise FileNotFoundError from error
            raise _damaged(path, "SQLite does not open it") from error
        try:
            connection.executescript("PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; PRAGMA cell_size_check=ON;")
            meta = {_text(key): _text(value) for key, value in connection.execute("SELECT key, value FROM meta")}
            index = cls._described(connection, meta, path, ecosystem)
        except (sqlite3.Error, FormatError, LookupError, ValueError, TypeError) as error:
            connection.close()
            raise _damaged(path, "it is not laid out as this version of vxsec writes it") from error
        if not index.state.advisories:
            index.close()
            raise UndecidedError("the database holds no advisory that could match", code="db.empty", where=str(path))
        return index

    @classmethod
    def _described(
        cls, connection: sqlite3.Connection, meta: dict[str, str], path: Path, ecosystem: str
    ) -> AdvisoryIndex:
        if meta["format"] != FORMAT or meta["ecosystem"] != ecosystem:
            raise ValueError("another format or ecosystem")
        state = DatabaseState(
            ecosystem=ecosystem,
            exported_at=parse_time(meta["exported_at"], where="exported_at"),
            imported_at=parse_time(meta["imported_at"], where="imported_at"),
            advisories=_count(meta["advisories"]),
            packages=_count(meta["packages"]),
            sha256=path.stem.rpartition("-")[2],
            source=meta["source"],
        )
        return cls(connection, state, malware=_count(meta["malware"]), unreadable=_count(meta["unreadable"]))

    def lookup(self, name: str) -> tuple[Advisory, ...]:
        """Every advisory that names the package: exactly this name, in its ecosystem's normal form. Withdrawn ones are not there.

        Raises:
            UndecidedError: ``db.damaged``.
        """
        try:
            with self._lock:
                found = self._connection.execute("SELECT data FROM pkg WHERE name = ?", (name,)).fetchone()
            return () if found is None else read_rows(found[0], name=name, ecosystem=self.state.ecosystem)
        except (sqlite3.Error, FormatError, ValueError, TypeError, OverflowError) as error:
            raise UndecidedError(
                f"the advisories about {name[:80]!r} cannot be read",
                code="db.damaged",
                hint=self.hint,
            ) from error

    def close(self) -> None:
        """Close the file; after that, nothing can be looked up."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def pointer_name(ecosystem: str) -> str:
    """The file that names the index in use."""
    return f"{ecosystem}.current"


def index_name(ecosystem: str, sha256: str) -> str:
    """What an index is called: by its own bytes."""
    return f"{ecosystem}-{sha256}.sqlite"


def pointer_of(directory: Path, ecosystem: str) -> str:
    """The name of the index in use.

    Raises:
        UndecidedError: ``db.missing`` or ``db.damaged``.
    """
    path = directory / pointer_name(ecosystem)
    try:
        data = read_bounded(path, max_bytes=_POINTER_BYTES)
    except UsageError as error:
        if error.code == "file.missing":
            raise UndecidedError(
                f"no database of {OSV_ECOSYSTEMS[ecosystem]} advisories",
                code="db.missing",
                where=str(directory),
            ) from error
        raise _damaged(path, error.message) from error
    name = data.decode("ascii", "replace").removesuffix("\n")
    if not re.fullmatch(rf"{ecosystem}-[0-9a-f]{{64}}\.sqlite", name):
        raise _damaged(path, "it does not name an index")
    return name


def present_ecosystems(directory: str | os.PathLike[str]) -> tuple[str, ...]:
    """The ecosystems of which the folder has a database, whatever its state."""
    return tuple(name for name in OSV_ECOSYSTEMS if (Path(directory) / pointer_name(name)).exists())


def hash_index(path: Path) -> str:
    """SHA-256 of an index file, in hexadecimal.

    Raises:
        FileNotFoundError: There is no such file.
        UndecidedError: ``db.damaged`` where it is no file of a sensible size that can be read.
    """
    digest = hashlib.sha256()
    try:
        with opened_file(path) as file:
            if file.size > DEFAULT_LIMITS.database_bytes:
                raise _damaged(path, f"it is larger than {DEFAULT_LIMITS.database_bytes} bytes")
            position = 0
            while piece := file.read(position, _CHUNK):
                digest.update(piece)
                position += len(piece)
    except UsageError as error:
        if error.code == "file.missing":
            raise FileNotFoundError from error
        raise _damaged(path, error.message) from error
    return digest.hexdigest()


def _text(value: object) -> str:
    """SQLite columns hold any type, whatever was declared."""
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise ValueError("expected a count")
    return int(text)


def _connect(path: Path) -> sqlite3.Connection:
    """Read only; ``immutable`` because nobody changes the file: no lock, no journal, nothing is written beside it."""
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _damaged(path: Path, why: str) -> UndecidedError:
    return UndecidedError(f"the advisory database is damaged: {why}", code="db.damaged", where=str(path))
