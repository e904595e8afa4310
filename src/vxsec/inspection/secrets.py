"""What looks like a credential in the files of a package.

The patterns are those of ``detect-secrets``, behind a port, and a few that it lacks. Only its patterns are used: none of its
settings, files, processes or network checks. It is asked about short pieces of text around what begins like a credential, so
that a bundle of one long line costs no more than any other, and it is not even loaded where nothing begins like one.

Every file is looked into, whatever it is: a token in a binary is plain ASCII, too. What is packed once more inside a file
(an archive in the archive) is not unpacked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from vxsec.inspection.secret_detectors import DETECTORS
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.evidence import SecretEvidence, SecretFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vxsec.model.artifact import Artifact

__all__ = ["SecretDetector", "find_secrets"]

_ZIP = b"PK\x03\x04"
_SHOWN = 4
_HIDDEN_PARTS = 4
"""At most a quarter of a value is shown: four characters of a password of six are too many."""
_WIDE = re.compile(
    rb"(?:[\t\n\r -~]\0{3}){8,}+|(?:\0{3}[\t\n\r -~]){8,}+|(?:[\t\n\r -~]\0){8,}+|(?:\0[\t\n\r -~]){8,}+"
)
"""Plain characters as UTF-32 and UTF-16 write them, in either order of bytes; that a mark says so is not asked."""


class SecretDetector(Protocol):
    """Finds one kind of credential; ``name`` is one of ``SECRET_DETECTORS``."""

    @property
    def name(self) -> str:
        """Under which findings are reported and allowed."""
        ...

    def find(self, data: bytes) -> Iterator[tuple[int, str]]:
        """The place (bytes from the beginning) and the value of everything that looks like one, in time linear in ``data``."""
        ...


def find_secrets(
    artifact: Artifact, *, limits: Limits = DEFAULT_LIMITS, detectors: Sequence[SecretDetector] = DETECTORS
) -> SecretEvidence:
    """Look into every file of an artifact.

    Guarantees: of a value at most four characters, and at most a quarter, leave this function; files that were too large to
    be looked into, or hold more findings than are listed, are named.

    Args:
        artifact: An accepted archive; its own bytes are read again.
        limits: ``secret_file_bytes``, ``secret_total_bytes`` and ``secret_findings``, and the ``archive_…`` bounds.
        detectors: Who looks.
    """
    not_read: list[str] = []
    found: set[tuple[str, int, str, str]] = set()
    files = _read_files(artifact, not_read, limits)
    for path, data in files.items():
        for fact in _look(path, data, detectors):
            if len(found) >= limits.secret_findings:
                not_read.append(path)
                break
            found.add(fact)
    return SecretEvidence(
        found=tuple(
            SecretFact(path=path, line=line, detector=detector, shown=shown)
            for path, line, detector, shown in sorted(found)
        ),
        files=len(files),
        not_read=tuple(sorted(not_read)),
    )


def _read_files(artifact: Artifact, not_read: list[str], limits: Limits) -> Mapping[str, bytes]:
    left = limits.secret_total_bytes

    def keep(path: str, size: int) -> bool:
        nonlocal left
        kept = size <= min(left, limits.secret_file_bytes)
        if kept:
            left -= size
        else:
            not_read.append(path)
        return kept

    if artifact.data.startswith(_ZIP):
        from vxsec.formats.wheel import read_wheel_file

        return read_wheel_file(artifact.data, limits=limits, keep=keep).kept
    from vxsec.formats.tarball import read_tarball

    return read_tarball(artifact.data, limits=limits, keep=keep).kept


def _look(path: str, data: bytes, detectors: Sequence[SecretDetector]) -> Iterator[tuple[str, int, str, str]]:
    if b"\0" in data:
        data = _WIDE.sub(_narrowed, data)
    for detector in detectors:
        line, counted = 1, 0
        for place, value in detector.find(data):
            line += data.count(b"\n", counted, place)
            counted = place
            yield path, line, detector.name, value[: min(_SHOWN, len(value) // _HIDDEN_PARTS)]


def _narrowed(wide: re.Match[bytes]) -> bytes:
    return b"\0" + wide[0].replace(b"\0", b"") + b"\0"
