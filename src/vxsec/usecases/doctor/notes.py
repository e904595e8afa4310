"""How the checks of ``doctor`` write down what they find, and how no secret gets into it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.model.report.doctor import DoctorFinding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vxsec.errors import VxsecError
    from vxsec.formats.npmrc import NpmrcFile
    from vxsec.model.report.doctor import Area

__all__ = ["Notes", "redact", "secrets_in"]

_SECRET_WORDS = frozenset({"_authtoken", "_auth", "_password", "password", "otp"})
_SHORTEST = 6
"""A shorter text is in ordinary words, too; no message holds a value in the first place: this is the second net."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Makes findings of one area."""

    area: Area

    def ok(self, code: str, found: str, *, where: str | None = None) -> DoctorFinding:
        """It is as it should be."""
        return DoctorFinding(level=Level.OK, area=self.area, code=f"doctor.{code}", found=found, where=where)

    def warning(self, code: str, found: str, *, expected: str, fix: str, where: str | None = None) -> DoctorFinding:
        """It works, and will not for long, or not for everybody."""
        return self._bad(Level.WARNING, code, found, expected=expected, fix=fix, where=where)

    def problem(self, code: str, found: str, *, expected: str, fix: str, where: str | None = None) -> DoctorFinding:
        """It does not work, or is dangerous."""
        return self._bad(Level.PROBLEM, code, found, expected=expected, fix=fix, where=where)

    def unknown(self, code: str, found: str, *, expected: str, fix: str, where: str | None = None) -> DoctorFinding:
        """It could not be found out."""
        return self._bad(Level.UNKNOWN, code, found, expected=expected, fix=fix, where=where)

    def error(self, code: str, error: VxsecError, *, expected: str, level: Level = Level.PROBLEM) -> DoctorFinding:
        """What would have ended another command, as one finding among others."""
        fix = error.hint or "mend it, and run vxsec doctor again"
        return self._bad(level, code, error.message, expected=expected, fix=fix, where=error.where)

    def _bad(self, level: Level, code: str, found: str, *, expected: str, fix: str, where: str | None) -> DoctorFinding:
        return DoctorFinding(
            level=level, area=self.area, code=f"doctor.{code}", found=found, expected=expected, fix=fix, where=where
        )


def secrets_in(files: Iterable[NpmrcFile]) -> frozenset[str]:
    """Every text in these files that must be shown nowhere, as written and as decoded."""
    found: set[str] = set()
    for file in files:
        for key, value in file.values.items():
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    found.update(_secret_texts(key, text))
    return frozenset(text for text in found if len(text) >= _SHORTEST and "${" not in text)


def _secret_texts(key: str, text: str) -> Iterator[str]:
    if "@" in text and "//" in text:  # a URL with a password in it
        try:
            yield from filter(None, (urlsplit(text).password,))
        except ValueError:
            yield text
    if key.rpartition(":")[2].lower() not in _SECRET_WORDS:
        return
    yield text
    try:
        decoded = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return
    yield decoded
    yield decoded.partition(":")[2]


def redact(findings: Iterable[DoctorFinding], secrets: frozenset[str]) -> tuple[DoctorFinding, ...]:
    """The findings without any of these texts; the longest goes first, so that no end of one is left standing."""
    ordered = sorted(secrets, key=len, reverse=True)

    def clean(text: str | None) -> str | None:
        for secret in ordered if text else ():
            text = text.replace(secret, "***") if text else text
        return text

    return tuple(
        replace(
            item,
            found=clean(item.found) or "",
            expected=clean(item.expected),
            fix=clean(item.fix),
            where=clean(item.where),
        )
        for item in findings
    )
