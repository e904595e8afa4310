"""Makes an index and puts it in place, so that at every moment the old one or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError, UsageError
from vxsec.formats.osv import OSV_ECOSYSTEMS
from vxsec.formats.timestamps import render_time
from vxsec.host.files import locked_folder, write_atomic
from vxsec.model.scan import DatabaseState
from vxsec.scanning.index import hash_index, index_name, pointer_name, pointer_of
from vxsec.scanning.rows import FORMAT, rows_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from vxsec.model.advisory import Advisory

__all__ = ["IndexBuilder", "build_index"]

_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pkg (name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""
_MODE = 0o644


def build_index(
    directory: str | os.PathLike[str],
    ecosystem: str,
    advisories: Iterable[Advisory],
    *,
    exported_at: datetime | None,
    imported_at: datetime,
    source: str,
) -> DatabaseState:
    """Make the index of an ecosystem (``npm``, ``pypi``) from ``advisories`` and put it in place of the old one.

    Args:
        directory: The database's folder; made if it is not there.
        ecosystem: A purl type.
        advisories: Consumed once; nothing is written before the last one.
        exported_at: The age of the data; the newest ``modified`` if None.
        imported_at: Now.
        source: Where it came from, shown to people.

    Raises:
        FormatError: ``osv.duplicate``, and whatever ``advisories`` raises. The old index stays in use.
        UndecidedError: ``db.empty``: no advisory that could match. The old index stays in use.
        UsageError: ``file.unwritable``, ``file.locked``. The old index stays in use.
    """
    builder = IndexBuilder(ecosystem, now=imported_at)
    for advisory in advisories:
        builder.add(advisory)
    return builder.write(directory, exported_at=exported_at, imported_at=imported_at, source=source)


class IndexBuilder:
    """Collects what an index will hold; nothing is written before :meth:`write`.

    Args:
        ecosystem: A purl type.
        now: A record that says it is withdrawn later than this is not withdrawn yet, and matches.
    """

    def __init__(self, ecosystem: str, *, now: datetime) -> None:
        self.ecosystem = ecosystem
        self._now = now
        self.advisories = 0
        """How many can match."""
        self.withdrawn = 0
        self.foreign = 0
        """Records that name no package of the ecosystem."""
        self.newest: datetime | None = None
        """The newest ``modified`` of all records about the ecosystem."""
        self._malware = 0
        self._ids: set[str] = set()
        self._rows: dict[str, list[str]] = {}

    def add(self, advisory: Advisory) -> bool:
        """Take one record in; False where it names no package of the ecosystem.

        Raises:
            FormatError: ``osv.duplicate``.
        """
        if advisory.id in self._ids:
            raise FormatError(f"two records with the id {advisory.id!r}", code="osv.duplicate", where=advisory.id)
        self._ids.add(advisory.id)
        rows = list(rows_by_name(advisory, self.ecosystem))
        if not rows:
            self.foreign += 1
            return False
        if self.newest is None or advisory.modified > self.newest:
            self.newest = advisory.modified
        if advisory.withdrawn and (advisory.withdrawn_at is None or advisory.withdrawn_at <= self._now):
            self.withdrawn += 1
            return True
        for name, row in rows:
            self._rows.setdefault(name, []).append(row)
        self.advisories += 1
        self._malware += advisory.malware
        return True

    def write(
        self,
        directory: str | os.PathLike[str],
        *,
        exported_at: datetime | None,
        imported_at: datetime,
        source: str,
        unreadable: int = 0,
    ) -> DatabaseState:
        """Write the index and put it in place; the other arguments, and errors, as in :func:`build_index`.

        ``unreadable`` says how many records of the source could not be read, and so are missing; it is kept with the index.
        """
        moment = exported_at or self.newest
        if not self.advisories or moment is None:
            raise UndecidedError(
                f"nothing in it is an advisory about {OSV_ECOSYSTEMS[self.ecosystem]} packages that could match",
                code="db.empty",
                where=source,
            )
        meta = {
            "format": FORMAT,
            "ecosystem": self.ecosystem,
            "exported_at": render_time(moment),
            "imported_at": render_time(imported_at),
            "advisories": str(self.advisories),
            "packages": str(len(self._rows)),
            "malware": str(self._malware),
            "unreadable": str(unreadable),
            "source": source,
        }
        folder = Path(directory)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with locked_folder(folder):
                sha256 = self._put_in_place(folder, meta)
        except (OSError, sqlite3.Error) as error:
            reason = (error.strerror if isinstance(error, OSError) else str(error)) or "no reason given"
            raise UsageError(f"cannot write: {reason}", code="file.unwritable", where=str(folder)) from error
        return DatabaseState(
            ecosystem=self.ecosystem,
            exported_at=moment.replace(microsecond=0),
            imported_at=imported_at.replace(microsecond=0),
            advisories=self.advisories,
            packages=len(self._rows),
            sha256=sha256,
            source=source,
        )

    def _put_in_place(self, folder: Path, meta: dict[str, str]) -> str:
        """File first, then the pointer to it, each on disk before the next step; what is no longer named goes last."""
        _sweep(folder, self.ecosystem)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{self.ecosystem}-", suffix=".building", dir=folder)
        try:
            self._fill(temporary, meta)
            os.fchmod(descriptor, _MODE)
            os.fsync(descriptor)
            sha256 = hash_index(Path(temporary))
            Path(temporary).replace(folder / index_name(self.ecosystem, sha256))
            _sync(folder)
        finally:
            os.close(descriptor)
            Path(temporary).unlink(missing_ok=True)
        name = index_name(self.ecosystem, sha256)
        write_atomic(folder / pointer_name(self.ecosystem), name.encode("ascii") + b"\n", mode=_MODE)
        _sweep(folder, self.ecosystem)
        return sha256

    def _fill(self, path: str, meta: dict[str, str]) -> None:
        rows = ((name, f"[{','.join(self._rows[name])}]".encode()) for name in sorted(self._rows))
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(_SCHEMA)
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
            connection.executemany("INSERT INTO pkg VALUES (?, ?)", rows)


def _sweep(folder: Path, ecosystem: str) -> None:
    """Remove what a killed import left behind, and indexes that nothing names. Only under the folder's lock."""
    leftovers = rf"\.{ecosystem}-.*\.building(?:-journal)?|\.{ecosystem}\.current\..*"
    current: str | None = None
    with contextlib.suppress(UndecidedError):  # nothing there yet, or damaged: then no index is known to be of no use
        current = pointer_of(folder, ecosystem)
        leftovers += rf"|{ecosystem}-[0-9a-f]{{64}}\.sqlite"
    for path in folder.iterdir():
        if path.name != current and re.fullmatch(leftovers, path.name):
            with contextlib.suppress(OSError):
                path.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
