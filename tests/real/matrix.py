"""Who verifies whose good bundles, and the tables of ``docs/explanation/interop.md``.

    PYTHONPATH=tests python -m real.matrix        # print both tables
"""  # fmt: skip

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from real.clients import VERIFIERS, Verifier
from real.tampering import ACCEPTS, TAMPERINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from real.tampering import Tampering

__all__ = ["MATRIX", "NOT_READ", "TAMPERED", "NotRead", "render_good", "render_tampered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """A part of what a verifier says where it does not take a good bundle, and why it does not."""

    says: str
    why: str


MATRIX = (
    "cosign, the log's first entry",
    "cosign, file",
    "cosign, statement",
    "cosign, statement v0.1",
    "sigstore-python, file",
    "sigstore-python, statement",
    "vxsec, file",
    "vxsec, statement",
    "vxsec, release",
    "vxsec, file, by a workflow",
    "cosign, file, key",
    "cosign, statement, key",
    "cosign, file, bare key",
    "vxsec, file, bare key",
    "vxsec, statement, bare key",
)
"""Every bundle: who signed, what, and by what if it was not an identity."""

_ZERO = NotRead(
    says="logIndex Field required", why="cosign leaves the number 0 out of its JSON, and sigstore-python asks for it"
)
_OLD = NotRead(
    says="https://in-toto.io/Statement/v1", why="the program of sigstore-python reads statements of in-toto v1 only"
)
_NO_KEYS = NotRead(says="expected certificate in bundle", why="sigstore-python verifies certificates only")
_NO_LOG = NotRead(says="tlogEntries Field required", why=_NO_KEYS.why)
_TIMES = NotRead(
    says="expected 1 timestamps", why="asked for one timestamp, as npm asks, and the bundle has none; it is a parameter"
)
_BARE = tuple(name for name in MATRIX if name.endswith("bare key"))
NOT_READ: Mapping[tuple[str, Verifier], NotRead] = {
    ("cosign, the log's first entry", "sigstore-python"): _ZERO,
    ("cosign, statement v0.1", "sigstore-python"): _OLD,
    ("cosign, file, key", "sigstore-python"): _NO_KEYS,
    ("cosign, statement, key", "sigstore-python"): _NO_KEYS,
    **{(name, "sigstore-python"): _NO_LOG for name in _BARE},
    **{(name, "sigstore-js"): _TIMES for name in _BARE},
}
"""The good bundles that a verifier does not take."""
TAMPERED = tuple(
    name for name in MATRIX if name not in {*_BARE, "cosign, the log's first entry", "cosign, statement v0.1"}
)
"""The bundles that are tampered with."""


def render_good() -> str:
    """Who verifies what everybody signed, in Markdown, with the reasons below."""
    notes: list[str] = []
    rows = []
    for name in MATRIX:
        cells = []
        for verifier in VERIFIERS:
            found = NOT_READ.get((name, verifier))
            cells.append("yes" if found is None else f"no {_note(found.why, notes)}")
        rows.append((name, *cells))
    return _table(("signed by", *VERIFIERS), rows) + _notes(notes)


def render_tampered() -> str:
    """What comes of each alteration, in Markdown.

    That another verifier takes something is written only where it has an explanation that is no weakness, or a public one.
    """
    notes: list[str] = []
    rows = []
    for name, tampering in TAMPERINGS.items():
        codes = dict.fromkeys((tampering.code, *tampering.codes.values()))
        others = (tampering.cosign, tampering.python, tampering.javascript)
        rows.append((name, ", ".join(f"`{code}`" for code in codes), *(_cell(tampering, one, notes) for one in others)))
    return _table(("what was done", "vxsec refuses", *VERIFIERS[:3]), rows) + _notes(notes)


def _cell(tampering: Tampering, expected: str, notes: list[str]) -> str:
    if expected != ACCEPTS:
        return "refuses" if expected else "has no keys"
    return f"accepts {_note(tampering.why, notes)}" if tampering.why else ""


def _note(text: str, notes: list[str]) -> str:
    if text not in notes:
        notes.append(text)
    return f"({notes.index(text) + 1})"


def _notes(notes: Iterable[str]) -> str:
    return "\n" + "\n".join(f"{number}. {text}." for number, text in enumerate(notes, 1)) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    print(render_good(), render_tampered(), sep="\n")  # noqa: T201 - this is what it is run for
