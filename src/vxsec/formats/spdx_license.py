"""SPDX licence expressions (SPDX specification 2.3, annex D), judged against a list of licences.

``license-expression`` parses; its table of other spellings is not used, because what a package states must be what is allowed,
letter for letter but for case.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import Any

__all__ = ["LicenseAnswer", "is_license_expression", "is_single_license", "judge_license"]

_MAX_LENGTH = 2_000
_MAX_DEPTH = 50
_ID = r"(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9.-]+\+?"
_SINGLE = re.compile(rf"{_ID}(?: +WITH +[A-Za-z0-9.-]+)?\Z", re.IGNORECASE)
_OPERATORS = frozenset({"and", "or", "with"})
_OWN = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+\Z", re.IGNORECASE)
_NO_RIGHTS = frozenset({"unlicensed", "none"})
_NOT_STATED = frozenset({"noassertion", ""})


class LicenseAnswer(StrEnum):
    """What a list of licences says to one expression."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not-allowed"
    UNKNOWN = "unknown"
    """Nothing is stated, or nothing that SPDX defines."""


def judge_license(text: str | None, allowed: frozenset[str]) -> LicenseAnswer:
    """Judge what a package states.

    Of ``X OR Y`` one must be allowed, of ``X AND Y`` both. ``X WITH Y`` is allowed only where the list holds it whole: an
    exception changes the terms, and whoever allowed ``X`` has not read it. ``X+`` is allowed only as ``X+``. npm's
    ``UNLICENSED`` and SPDX's ``NONE`` are never allowed; ``NOASSERTION``, ``SEE LICENSE IN …`` and whatever is no expression
    are unknown.

    Args:
        text: The licence as stated; None where none is.
        allowed: Texts that :func:`is_single_license` takes, in any case of letters.
    """
    stated = " ".join((text or "").split())
    listed = frozenset(" ".join(item.lower().split()) for item in allowed)
    if stated.lower() in listed:
        return LicenseAnswer.ALLOWED
    if stated.lower() in _NO_RIGHTS:
        return LicenseAnswer.NOT_ALLOWED
    parsed = None if stated.lower() in _NOT_STATED else _parse(stated)
    return LicenseAnswer.UNKNOWN if parsed is None else _judge(parsed, listed)


def is_license_expression(text: str) -> bool:
    """Whether ``text`` is an expression in which every identifier is SPDX's, or a ``LicenseRef-``."""
    parsed = _parse(" ".join(text.split()))
    return parsed is not None and all(
        _is_known(part) for symbol in parsed.symbols for part in str(symbol.render("{symbol.key}")).split(" WITH ")
    )


def is_single_license(text: str) -> bool:
    """Whether ``text`` can be one identifier, or one with its exception: ``MIT``, ``Apache-2.0 WITH LLVM-exception``."""
    return bool(_SINGLE.match(text)) and text.lower() not in _OPERATORS


def _parse(text: str) -> Any | None:  # noqa: ANN401 - the library has no types
    if len(text) > _MAX_LENGTH or text.count("(") > _MAX_DEPTH or not text.isascii():
        return None
    from license_expression import ExpressionError

    try:
        return _licensing().parse(text, simple=True)
    except (ExpressionError, IndexError, AssertionError, TypeError, ValueError):  # what its parser lets through, too
        return None


@cache
def _licensing() -> Any:  # noqa: ANN401 - the library has no types
    from license_expression import Licensing

    return Licensing()


def _judge(node: Any, listed: frozenset[str]) -> LicenseAnswer:  # noqa: ANN401 - the library has no types
    """Three-valued, as Kleene has it: what is unknown decides only where the rest does not."""
    if not node.args:
        return _judge_symbol(str(node.render("{symbol.key}")), listed)
    answers = {_judge(part, listed) for part in node.args}
    is_or = node.operator.strip().upper() in {"OR", "|"}
    decisive = LicenseAnswer.ALLOWED if is_or else LicenseAnswer.NOT_ALLOWED
    if decisive in answers:
        return decisive
    if LicenseAnswer.UNKNOWN in answers:
        return LicenseAnswer.UNKNOWN
    return LicenseAnswer.NOT_ALLOWED if is_or else LicenseAnswer.ALLOWED


def _judge_symbol(text: str, listed: frozenset[str]) -> LicenseAnswer:
    if text.lower() in listed:
        return LicenseAnswer.ALLOWED
    known = all(_is_known(part) for part in text.split(" WITH "))
    return LicenseAnswer.NOT_ALLOWED if known or text.lower() in _NO_RIGHTS else LicenseAnswer.UNKNOWN


def _is_known(text: str) -> bool:
    return bool(_OWN.match(text)) or text.lower() in _spdx() or text.lower().removesuffix("+") in _spdx()


@cache
def _spdx() -> frozenset[str]:
    """Every identifier and exception of SPDX's list, the withdrawn ones too, in lower case."""
    from license_expression import get_spdx_licensing

    symbols = get_spdx_licensing().known_symbols.values()
    names = (name for symbol in symbols for name in (symbol.key, *symbol.aliases))
    return frozenset(name.lower() for name in names if not name.startswith("LicenseRef-") and " " not in name)
