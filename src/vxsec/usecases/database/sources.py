"""Where advisories are imported from: zip archives and folders, in the layouts that OSV exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import FormatError, UsageError
from vxsec.formats.osv import OSV_ECOSYSTEMS, base_ecosystem, read_advisory
from vxsec.formats.zip_archive import open_zip
from vxsec.host.files import list_files, read_bounded
from vxsec.host.random_access import opened_file
from vxsec.limits import DEFAULT_LIMITS
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from vxsec.formats.zip_archive import ByteSource
    from vxsec.model.advisory import Advisory

__all__ = ["RecordFile", "RecordReader", "RecordSource", "ecosystem_of", "find_sources", "require_ecosystem"]

_ALL = "all.zip"
_SUPPORTED = frozenset(OSV_ECOSYSTEMS.values())
_EVERY = 20_000
"""Records between two lines of progress."""
_REASONS_SHOWN = 3
_FOREIGN_ALLOWED = 4
"""Records about other ecosystems that are passed over, whatever their share: a small export may hold a stray one."""
_FOREIGN_SHARE = 10
"""Beyond that, one in so many may be foreign: exports hold none, and data of another ecosystem holds hardly anything else."""
_ECOSYSTEMS_SHOWN = 5


class RecordFile(NamedTuple):
    """One file of a source: its bytes, or why they cannot be had, and how many files the source has."""

    name: str
    data: bytes | UsageError
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSource:
    """One archive or folder of records; ``label`` is what people are told it is."""

    path: Path
    label: str
    content: bytes | None = None
    """An archive that was downloaded."""

    def files(self) -> Iterator[RecordFile]:
        """Each record's file; an error in place of bytes that one file does not give.

        Raises:
            UsageError: ``file.*``.
            FormatError: ``zip.*``: the archive as a whole is not believed.
        """
        if self.content is not None:
            yield from self._members(self.content)
        elif self.path.is_dir():
            paths = [path for name in list_files(self.path) if (path := Path(name)).suffix == ".json"]
            for path in paths:
                yield RecordFile(path.name, _read(path), len(paths))
        else:
            with opened_file(self.path) as file:
                yield from self._members(file)

    def _members(self, source: bytes | ByteSource) -> Iterator[RecordFile]:
        archive = open_zip(source, where=self.label, max_entry_bytes=DEFAULT_LIMITS.advisory_bytes)
        total = sum(not entry.directory for entry in archive.entries)
        for entry, data in archive.members():
            yield RecordFile(entry.name, data, total)


def _read(path: Path) -> bytes | UsageError:
    try:
        return read_bounded(path, max_bytes=DEFAULT_LIMITS.advisory_bytes)
    except UsageError as error:
        return error


class RecordReader:
    """Reads records one by one and keeps account of those that cannot be read.

    Args:
        progress: Told now and then how far it is.
    """

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.seen = 0
        self.unreadable = 0
        self.reasons: list[str] = []
        """Why, for the first few."""
        self._progress = progress

    def read(self, source: RecordSource) -> Iterator[Advisory]:
        """Every record that can be read, in the order it lies there; none after the last unreadable one that is allowed.

        Raises:
            UsageError, FormatError: As :meth:`RecordSource.files`.
            FormatError: ``osv.unreadable`` as soon as more than ``limits.advisory_unreadable_percent`` of all the source's
                records cannot be read.
        """
        for name, data, total in source.files():
            self.seen += 1
            if self.seen % _EVERY == 0:
                self._progress(f"{source.label}: {self.seen} records read")
            try:
                yield _record(name, data)
            except (FormatError, UsageError) as error:
                self.unreadable += 1
                if len(self.reasons) < _REASONS_SHOWN:
                    self.reasons.append(f"{name[:100]}: {error.message} [{error.code}]")
                self._check(source.label, total)

    def _check(self, label: str, total: int) -> None:
        if _too_many_unreadable(self.unreadable, total):
            raise FormatError(
                f"{self.unreadable} of the first {self.seen} records (of {total}) cannot be read, "
                f"such as {'; '.join(self.reasons)}",
                code="osv.unreadable",
                where=label,
            )


def _too_many_unreadable(unreadable: int, total: int) -> bool:
    return unreadable * 100 > total * DEFAULT_LIMITS.advisory_unreadable_percent


def require_ecosystem(source: RecordSource, ecosystem: str, others: Counter[str], *, read: int) -> None:
    """Refuse data of another ecosystem under this one's name: it would replace what is known by next to nothing.

    Args:
        source: Where the records lie.
        ecosystem: The purl type they were taken for.
        others: What the records that name no package of it are about, in OSV's words; empty for no package at all.
        read: How many records were read.

    Raises:
        UsageError: ``db.ecosystem`` where more than one in ten, and at least five, are about something else.
    """
    foreign = others.total()
    if foreign <= _FOREIGN_ALLOWED or foreign * _FOREIGN_SHARE <= read:
        return
    common = others.most_common(_ECOSYSTEMS_SHOWN)
    found = ", ".join(f"{name[:40] or 'no package'} ({number})" for name, number in common)
    ours = ecosystem_of(common[0][0])
    better = f"give it as what it is: --ecosystem {OSV_ECOSYSTEMS[ours]}" if ours else _supported()
    raise UsageError(
        f"{foreign} of {read} records are not about {OSV_ECOSYSTEMS[ecosystem]} packages, but about {found}",
        code="db.ecosystem",
        where=source.label,
        hint=f"check that this is the right data; {better}",
    )


def _record(name: str, data: bytes | UsageError) -> Advisory:
    if isinstance(data, UsageError):
        raise data
    if not name.endswith(".json") or "/" in name:
        raise FormatError("expected a file called like its advisory, ID.json", code="osv.file-name", where=name)
    advisory = read_advisory(data, where=name)
    if advisory.id != name.removesuffix(".json"):
        raise FormatError(f"the record says that its id is {advisory.id!r}", code="osv.file-name", where=name)
    return advisory


# -- which ecosystem ---------------------------------------------------------------------------------------------------


def ecosystem_of(word: str) -> str | None:
    """The purl type that ``word`` means, in OSV's words or ours, upper or lower case; None where it is none we evaluate."""
    folded = word.casefold()
    return next((ours for ours, osv in OSV_ECOSYSTEMS.items() if folded in {ours, osv.casefold()}), None)


def find_sources(
    path: Path, *, ecosystem: str | None, progress: Callable[[str], None]
) -> list[tuple[str, RecordSource]]:
    """What ``path`` gives, each with its ecosystem (a purl type).

    It is one archive, one folder of records, or a folder of such: ``npm.zip``, ``npm/all.zip``, ``npm/ID.json``. There, those
    of ecosystems that cannot be evaluated are passed over, and ``progress`` is told.

    Args:
        path: A file or folder.
        ecosystem: A purl type, where the caller says which; else it is read from names, else from the records.
        progress: Told what is passed over.

    Raises:
        UsageError: ``file.*``; ``db.ecosystem`` where no ecosystem that can be evaluated is found, or several.
        FormatError: ``zip.*``.
    """
    if not path.is_dir():
        return [_decided(path, _named(path) if ecosystem is None else ecosystem)]
    if (path / _ALL).is_file():
        return [_decided(path / _ALL, ecosystem_of(path.absolute().name) if ecosystem is None else ecosystem)]
    files = [Path(name) for name in list_files(path)]
    archives = [item for item in files if item.suffix == ".zip"]
    archives += sorted(path.glob(f"*/{_ALL}"))
    records = any(item.suffix == ".json" for item in files)
    if not archives and not records:
        archives = [child for child in sorted(path.iterdir()) if child.is_dir() and ecosystem_of(child.name)]
    if not archives:
        return [_decided(path, ecosystem_of(path.absolute().name) if ecosystem is None else ecosystem)]
    if records:
        raise UsageError(
            "both records and archives in one folder: it is not clear which of them is meant",
            code="db.mixed",
            where=str(path),
            hint="give the archives by name, or keep the records in a folder of their own",
        )
    return _chosen(archives, path, ecosystem=ecosystem, progress=progress)


def _chosen(
    archives: list[Path], folder: Path, *, ecosystem: str | None, progress: Callable[[str], None]
) -> list[tuple[str, RecordSource]]:
    found: list[tuple[str, RecordSource]] = []
    for item in archives:
        named = _named(item)
        if named is not None and ecosystem in {None, named}:
            found.append(_decided(item, named))
        else:
            progress(f"{_label(item)} is passed over: {_supported() if named is None else 'it was not asked for'}")
    if not found:
        raise UsageError(
            f"no archive of {_wanted(ecosystem)} in it", code="db.ecosystem", where=str(folder), hint=_supported()
        )
    return found


def _named(path: Path) -> str | None:
    """By its own name, or by its folder's for ``all.zip``."""
    return ecosystem_of(path.absolute().parent.name if path.name == _ALL else path.stem)


def _label(path: Path) -> str:
    return f"{path.absolute().parent.name}/{path.name}" if path.name == _ALL else path.name or path.absolute().name


def _decided(path: Path, ecosystem: str | None) -> tuple[str, RecordSource]:
    source = RecordSource(path=path, label=_label(path))
    return (_agreed(source) if ecosystem is None else ecosystem), source


def _agreed(source: RecordSource) -> str:
    """The one ecosystem that every record speaks of."""
    common = set(OSV_ECOSYSTEMS.values())
    seen: set[str] = set()
    unreadable = 0
    for name, data, total in source.files():
        try:
            named = {base_ecosystem(item.ecosystem) for item in _record(name, data).affected}
        except (FormatError, UsageError):
            unreadable += 1
            if _too_many_unreadable(unreadable, total):
                break  # the import will refuse it
            continue  # told when the records are imported
        if named:
            seen |= named
            common &= named
        if not common:
            break
    found = [ours for ours, osv in OSV_ECOSYSTEMS.items() if osv in common and seen]
    if len(found) != 1:
        what = f"its records are about {', '.join(sorted(seen)[:5])}" if seen else "it has no record that says"
        raise UsageError(
            f"neither its name nor its records say which ecosystem it is about ({what})",
            code="db.ecosystem",
            where=str(source.path),
            hint=_supported() + ("; say which one it is with --ecosystem" if not seen or seen & _SUPPORTED else ""),
        )
    return found[0]


def _supported() -> str:
    return f"advisories of {_wanted(None)} can be evaluated"


def _wanted(ecosystem: str | None) -> str:
    return " and ".join(OSV_ECOSYSTEMS.values()) if ecosystem is None else OSV_ECOSYSTEMS[ecosystem]
