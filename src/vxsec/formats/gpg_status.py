"""gpg's status lines (GnuPG doc/DETAILS, "Format of the --status-fd output"), framed by NEWSIG.

Read strictly: every line is a status line, every word is of a closed list, and what is not is listed as unknown. gpg
escapes what signers and keys bring along (user ids, notations), so that a line never comes from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vxsec.errors import FormatError
from vxsec.model.openpgp import GpgSignature, GpgStatus, ValidSig

__all__ = ["read_gpg_status"]

_PREFIX = b"[GNUPG:] "
_LINE = re.compile(rb"([A-Z][A-Z0-9_]{0,60})(?: (.*))?\Z", re.DOTALL)
_MAX_LINES = 10_000
_FINGERPRINT = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})\Z")
_NUMBER = re.compile(r"[0-9]{1,12}\Z")
_CLASS = re.compile(r"[0-9A-Fa-f]{2}\Z")

_VERDICTS = frozenset({"GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG"})
_ALARMS = frozenset(
    {
        "BADARMOR",
        "ERROR",
        "FAILURE",
        "NODATA",
        "NO_PUBKEY",
        "PLAINTEXT",
        "PLAINTEXT_LENGTH",
        "SIGEXPIRED",
        "UNEXPECTED",
    }
)
_HARMLESS = frozenset(
    {
        "KEY_CONSIDERED",
        "SIG_ID",
        "KEYEXPIRED",
        "KEYREVOKED",
        "NOTATION_NAME",
        "NOTATION_FLAGS",
        "NOTATION_DATA",
        "POLICY_URL",
        "TRUST_UNDEFINED",
        "TRUST_NEVER",
        "TRUST_MARGINAL",
        "TRUST_FULLY",
        "TRUST_ULTIMATE",
        "PROGRESS",
        "VERIFICATION_COMPLIANCE_MODE",
        "WARNING",
    }
)


@dataclass(slots=True)
class _Frame:
    verdicts: list[str] = field(default_factory=list)
    valid: ValidSig | None = None
    error: int | None = None


def read_gpg_status(status: bytes, *, where: str = "gpg") -> GpgStatus:
    """Read everything gpg wrote to its status descriptor.

    Verdict words before the first NEWSIG, and a second VALIDSIG within one frame, are refused; so is any line that is not a
    status line.

    Raises:
        FormatError: ``openpgp.status``.
    """
    frames: list[_Frame] = []
    alarms: list[str] = []
    unknown: list[str] = []
    for word, arguments in _lines(status, where):
        if word == "NEWSIG":
            frames.append(_Frame())
        elif word in _VERDICTS or word == "VALIDSIG":
            if not frames:
                raise _malformed(f"{word} before any NEWSIG", where)
            _add(frames[-1], word, arguments, where)
        elif word in _ALARMS:
            alarms.append(word)
        elif word not in _HARMLESS:
            unknown.append(word)
    return GpgStatus(
        signatures=tuple(GpgSignature(verdicts=tuple(f.verdicts), valid=f.valid, error=f.error) for f in frames),
        alarms=tuple(alarms),
        unknown=tuple(unknown),
    )


def _lines(status: bytes, where: str) -> list[tuple[str, list[str]]]:
    lines = status.split(b"\n")
    if lines.pop():
        raise _malformed("the last line has no end", where)
    if len(lines) > _MAX_LINES:
        raise _malformed(f"more than {_MAX_LINES} lines", where)
    found = []
    for line in lines:
        match = _LINE.match(line.removeprefix(_PREFIX)) if line.startswith(_PREFIX) else None
        if match is None:
            raise _malformed(f"expected a status line, found {line[:80]!r}", where)
        rest = (match[2] or b"").decode("utf-8", "replace")
        found.append((match[1].decode("ascii"), [piece for piece in rest.split(" ") if piece]))
    return found


def _add(frame: _Frame, word: str, arguments: list[str], where: str) -> None:
    if word == "VALIDSIG":
        if frame.valid is not None:
            raise _malformed("VALIDSIG twice for one signature", where)
        frame.valid = _valid(arguments, where)
        return
    frame.verdicts.append(word)
    if word == "ERRSIG" and len(arguments) > 5 and _NUMBER.match(arguments[5]):  # noqa: PLR2004 - its sixth is the reason
        frame.error = int(arguments[5])


def _valid(arguments: list[str], where: str) -> ValidSig:
    if len(arguments) != 10:  # noqa: PLR2004 - as GnuPG writes since 2.1
        raise _malformed(f"expected VALIDSIG with 10 arguments, found {len(arguments)}", where)
    fingerprint, _, created, expires, version, _, key_algorithm, hash_algorithm, kind, primary = arguments
    numbers = (created, expires, version, key_algorithm, hash_algorithm)
    if (
        not all(_NUMBER.match(number) for number in numbers)
        or not _FINGERPRINT.match(fingerprint)
        or not _FINGERPRINT.match(primary)
        or not _CLASS.match(kind)
    ):
        raise _malformed(f"expected fingerprints and numbers in VALIDSIG, found {' '.join(arguments)[:200]!r}", where)
    return ValidSig(
        fingerprint=fingerprint,
        created=int(created),
        expires=int(expires),
        version=int(version),
        key_algorithm=int(key_algorithm),
        hash_algorithm=int(hash_algorithm),
        kind=kind.upper(),
        primary=primary,
    )


def _malformed(message: str, where: str) -> FormatError:
    return FormatError(message, code="openpgp.status", where=where)
