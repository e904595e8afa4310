"""One run's advisory database: each ecosystem's index opened once, when its first package is looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from vxsec.errors import UndecidedError
from vxsec.scanning.scan import scan_dependencies

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from vxsec.model.dependency import Dependency
    from vxsec.model.scan import ScanResult
    from vxsec.scanning.index import AdvisoryIndex

    PathLike = str | os.PathLike[str]

__all__ = ["AdvisoryStore"]


@dataclass(slots=True, kw_only=True)
class AdvisoryStore:
    """Opens nothing until asked; may be used by many threads.

    Args:
        directory: The folder of the database; ``VXSEC_DB`` or the user's own if None.
    """

    directory: PathLike | None
    _opened: dict[str, AdvisoryIndex | UndecidedError] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def index(self, ecosystem: str) -> AdvisoryIndex:
        """The advisories of an ecosystem (``npm``, ``pypi``).

        Raises:
            UndecidedError: ``db.missing``, ``db.damaged`` or ``db.empty``; asked again, the same again.
        """
        with self._lock:
            known = self._opened.get(ecosystem)
            if known is None:
                known = self._opened[ecosystem] = self._open(ecosystem)
        if isinstance(known, UndecidedError):
            raise known
        return known

    def is_missing(self, ecosystem: str) -> bool:
        """Whether nobody ever filled the database here; one that is damaged or empty is another thing."""
        try:
            self.index(ecosystem)
        except UndecidedError as error:
            return error.code == "db.missing"
        return False

    def scan(self, dependencies: Sequence[Dependency]) -> ScanResult:
        """Look every dependency up; the age of the data is left to whoever judges."""
        return scan_dependencies(dependencies, lookup=self.index)

    def _open(self, ecosystem: str) -> AdvisoryIndex | UndecidedError:
        from vxsec.scanning.index import AdvisoryIndex
        from vxsec.usecases.database.folder import default_database_folder

        directory = self.directory if self.directory is not None else default_database_folder()
        try:
            return AdvisoryIndex.open(directory, ecosystem, named=self.directory is not None)
        except UndecidedError as error:
            return error
