"""Fill the local advisory database, and say how old it is."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vxsec.errors import FormatError, NetworkError, UndecidedError, UsageError
from vxsec.formats.osv import OSV_ECOSYSTEMS, base_ecosystem
from vxsec.formats.redact import redact_urls
from vxsec.formats.timestamps import render_time
from vxsec.host.clock import utc_now
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.package import NPM
from vxsec.scanning.index import AdvisoryIndex, present_ecosystems
from vxsec.usecases.database.folder import default_database_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from vxsec.model.report.database import DatabaseEntry, DatabaseReport
    from vxsec.model.scan import DatabaseState
    from vxsec.scanning.index_build import IndexBuilder
    from vxsec.usecases.database.sources import RecordSource

    PathLike = str | os.PathLike[str]

__all__ = [
    "DEFAULT_BASE_URL",
    "MAX_AGE",
    "database_report",
    "database_states",
    "import_database",
    "update_database",
]

DEFAULT_BASE_URL: Final = "https://osv-vulnerabilities.storage.googleapis.com"
"""OSV's public bucket: ``<base>/<Ecosystem>/all.zip`` (OSV, "Data sources", "Data dumps")."""
MAX_AGE: Final = timedelta(days=3)
"""How old data may be, unless the caller says otherwise."""
_OK, _NOT_MODIFIED = 200, 304


def import_database(
    sources: Sequence[PathLike],
    *,
    directory: PathLike | None = None,
    ecosystem: str | None = None,
    exported_at: datetime | None = None,
    now: datetime | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[DatabaseState]:
    """Make the index of each ecosystem from OSV records: archives and folders, as OSV exports them. No network.

    Guarantees: an index in use stays in use until the new one is whole and on disk, and after any error; at most 1 % of the
    records could not be read, and their number is kept and told; at most one in ten, or four, are about another ecosystem,
    and are passed over. Sources of the same ecosystem become one index. The age of the data is ``exported_at``, else the
    newest ``modified`` in it (of several sources, that of the oldest); never now.

    Args:
        sources: Zip archives (``npm.zip``, ``npm/all.zip``), folders of such, or folders of ``ID.json`` files.
        directory: The database's folder; ``usecases.database.folder`` if None.
        ecosystem: ``npm`` or ``PyPI``, where neither names nor records say it.
        exported_at: When the data was exported, with its offset.
        now: The time of the import; the clock if None.
        progress: Told about progress and about everything that is passed over.

    Raises:
        UsageError: ``file.*``, ``db.ecosystem``, ``db.mixed``, ``db.future``, ``time.naive``, ``usage.no-files``.
        FormatError: ``zip.*``, ``osv.unreadable``, ``osv.duplicate``, ``osv.future``.
        UndecidedError: ``db.empty``: there is nothing in it that could match.
    """
    from vxsec.usecases.database.sources import find_sources

    tell = _tell_nobody if progress is None else progress
    moment = now or utc_now()
    wanted = None if ecosystem is None else _known_ecosystem(ecosystem)
    dated = None if exported_at is None else _past(exported_at, moment)
    if not sources:
        raise UsageError("expected at least one archive or folder", code="usage.no-files")
    found = [item for source in sources for item in find_sources(Path(source), ecosystem=wanted, progress=tell)]
    return _import(found, _folder(directory), exported_at=dated, now=moment, tell=tell)


def update_database(
    *,
    base_url: str = DEFAULT_BASE_URL,
    ecosystems: Sequence[str] = (NPM,),
    directory: PathLike | None = None,
    unsafe_http: Collection[str] = (),
    now: datetime | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[DatabaseState]:
    """Fetch ``<base_url>/<Ecosystem>/all.zip`` for each ecosystem and make its index, as :func:`import_database` does.

    An export that has not changed since it was fetched from the same address is not fetched again. Its age is the answer's
    ``Last-Modified``, else the newest ``modified`` in it. Proxies come from ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``.

    Args:
        base_url: Where the exports lie; plain http only on loopback or where ``unsafe_http`` covers it.
        ecosystems: ``npm``, ``PyPI``.
        directory: The database's folder; ``usecases.database.folder`` if None.
        unsafe_http: URL prefixes that may be plain http although they are not loopback.
        now: The time of the import; the clock if None.
        progress: As in :func:`import_database`.

    Raises:
        UsageError: ``db.ecosystem``, ``network.insecure-url``, ``network.url``, ``file.*``.
        NetworkError: ``network.*``; ``network.status`` for an answer that is no export.
        FormatError, UndecidedError: As :func:`import_database`; the index in use stays in use.
    """
    from vxsec.usecases.database.fetch import fetch_export, last_modified
    from vxsec.usecases.database.sources import RecordSource

    tell = _tell_nobody if progress is None else progress
    moment = now or utc_now()
    folder = _folder(directory)
    states: list[DatabaseState] = []
    for name in dict.fromkeys(_known_ecosystem(word) for word in ecosystems):
        url = f"{base_url.rstrip('/')}/{OSV_ECOSYSTEMS[name]}/all.zip"
        present = _present(folder, name, source=url)
        tell(f"{OSV_ECOSYSTEMS[name]}: asking {redact_urls(url)}")
        response = fetch_export(url, since=None if present is None else present.exported_at, unsafe_http=unsafe_http)
        if present is not None and response.status == _NOT_MODIFIED:
            tell(f"{OSV_ECOSYSTEMS[name]}: not changed since {render_time(present.exported_at)}")
            states.append(present)
            continue
        if response.status != _OK:
            raise NetworkError(
                f"expected an export (status 200), found status {response.status}",
                code="network.status",
                where=url,
                hint="check the address: below it lie folders such as npm, each with an all.zip",
            )
        source = RecordSource(path=folder, label=url, content=response.body)
        dated = last_modified(response, moment)
        states += _import([(name, source)], folder, exported_at=dated, now=moment, tell=tell)
    return states


def database_states(directory: PathLike | None = None) -> list[DatabaseState]:
    """What data there is, each index hashed before it is believed. How old it may be is for the caller to judge.

    Raises:
        UndecidedError: ``db.missing`` where there is none at all; ``db.damaged`` or ``db.empty`` for the first that cannot
            be used.
    """
    folder = _folder(directory)
    states = []
    for name in present_ecosystems(folder) or (NPM,):
        with AdvisoryIndex.open(folder, name, named=directory is not None) as index:
            states.append(index.state)
    return states


def database_report(
    directory: PathLike | None = None,
    *,
    ecosystems: Sequence[str] = (),
    max_age: timedelta | None = MAX_AGE,
    at: datetime | None = None,
    now: datetime | None = None,
) -> DatabaseReport:
    """What data there is, and for each whether a scan could rely on it.

    Args:
        directory: The database's folder; ``usecases.database.folder`` if None.
        ecosystems: Those that must be there; those that are there if empty, and npm where nothing is.
        max_age: How old the data may be; None leaves that unjudged.
        at: Judge as of this time.
        now: The time to judge by; the clock if None.

    Raises:
        UsageError: ``db.ecosystem``.
    """
    from vxsec.model.report.database import DatabaseReport

    folder = _folder(directory)
    moment = at or now or utc_now()
    names = tuple(dict.fromkeys(_known_ecosystem(word) for word in ecosystems)) or present_ecosystems(folder) or (NPM,)
    entries = tuple(_entry(directory, name, moment, max_age) for name in names)
    return DatabaseReport(
        directory=str(folder), databases=entries, judged_at=moment, max_age=max_age, as_of=at is not None
    )


# -- importing ---------------------------------------------------------------------------------------------------------


def _import(
    sources: Iterable[tuple[str, RecordSource]],
    folder: Path,
    *,
    exported_at: datetime | None,
    now: datetime,
    tell: Callable[[str], None],
) -> list[DatabaseState]:
    """Read everything first, and then put each index in its place."""
    groups: dict[str, list[RecordSource]] = {}
    for ecosystem, source in sources:
        groups.setdefault(ecosystem, []).append(source)
    read = [_collected(name, group, now=now, tell=tell) for name, group in groups.items()]
    states = []
    for made in read:
        state = made.builder.write(
            folder,
            exported_at=exported_at or made.newest,
            imported_at=now,
            source=made.label,
            unreadable=made.unreadable,
        )
        tell(f"{made.label}: {state.advisories} advisories about {state.packages} packages")
        states.append(state)
    return states


class _Collected:
    """One ecosystem's records, read and not yet written."""

    def __init__(self, builder: IndexBuilder, label: str) -> None:
        self.builder = builder
        self.label = label
        self.newest: datetime | None = None
        self.unreadable = 0


def _collected(
    ecosystem: str, sources: Sequence[RecordSource], *, now: datetime, tell: Callable[[str], None]
) -> _Collected:
    from vxsec.scanning.index_build import IndexBuilder
    from vxsec.usecases.database.sources import RecordReader, require_ecosystem

    made = _Collected(IndexBuilder(ecosystem, now=now), ", ".join(source.label for source in sources))
    for source in sources:
        reader = RecordReader(tell)
        newest: datetime | None = None
        others: Counter[str] = Counter()
        for advisory in reader.read(source):
            if not made.builder.add(advisory):
                others.update({base_ecosystem(item.ecosystem) for item in advisory.affected[:1]} or {""})
            if newest is None or advisory.modified > newest:
                newest = advisory.modified
        require_ecosystem(source, ecosystem, others, read=reader.seen - reader.unreadable)
        if newest is not None and newest - now > timedelta(seconds=DEFAULT_LIMITS.clock_skew_seconds):
            raise FormatError(
                f"a record modified at {render_time(newest)}, which is still to come",
                code="osv.future",
                where=source.label,
                hint="check this machine's clock, or get the data again: vxsec db update",
            )
        if newest is not None and (made.newest is None or newest < made.newest):
            made.newest = newest
        if reader.unreadable:
            tell(f"{source.label}: {reader.unreadable} of {reader.seen} records could not be read and are missing")
            for reason in reader.reasons:
                tell(f"    {reason}")
        made.unreadable += reader.unreadable
    if made.builder.foreign:
        told = OSV_ECOSYSTEMS[ecosystem]
        tell(f"{made.label}: {made.builder.foreign} records name no {told} package and are passed over")
    return made


def _known_ecosystem(word: str) -> str:
    from vxsec.usecases.database.sources import ecosystem_of

    name = ecosystem_of(word)
    if name is None:
        raise UsageError(
            f"expected {' or '.join(OSV_ECOSYSTEMS.values())}, found {word[:40]!r}",
            code="db.ecosystem",
            hint="advisories of other ecosystems cannot be evaluated yet",
        )
    return name


def _past(moment: datetime, now: datetime) -> datetime:
    """A time of export, which cannot be later than now; clocks may differ by a little."""
    if moment.tzinfo is None:
        raise UsageError("expected a time with its offset", code="time.naive")
    if moment - now > timedelta(seconds=DEFAULT_LIMITS.clock_skew_seconds):
        raise UsageError(
            f"the data cannot have been exported at {render_time(moment)}, which is still to come",
            code="db.future",
            hint="give the time of the export, and check this machine's clock",
        )
    return min(moment, now)


def _folder(directory: PathLike | None) -> Path:
    return default_database_folder() if directory is None else Path(directory)


def _tell_nobody(_line: str) -> None:
    """Progress that nobody asked for."""


# -- what is there -----------------------------------------------------------------------------------------------------------


def _present(folder: Path, ecosystem: str, *, source: str) -> DatabaseState | None:
    """The index in use, if it is sound and was made from ``source``."""
    with suppress(UndecidedError), AdvisoryIndex.open(folder, ecosystem) as index:
        return index.state if index.state.source == source else None
    return None


def _entry(directory: PathLike | None, ecosystem: str, now: datetime, max_age: timedelta | None) -> DatabaseEntry:
    from vxsec.model.report.database import DatabaseEntry
    from vxsec.scanning.scan import data_problem

    try:
        with AdvisoryIndex.open(_folder(directory), ecosystem, named=directory is not None) as index:
            state, malware, unreadable = index.state, index.malware, index.unreadable
    except UndecidedError as error:
        return DatabaseEntry(ecosystem=ecosystem, state=None, code=error.code, message=str(error), hint=error.hint)
    problem = data_problem(state, now=now, max_age=max_age, directory=directory) if max_age is not None else None
    return DatabaseEntry(
        ecosystem=ecosystem,
        state=state,
        malware=malware,
        unreadable=unreadable,
        code=None if problem is None else problem.code,
        message=None if problem is None else problem.message,
        hint=None if problem is None else problem.hint,
    )
