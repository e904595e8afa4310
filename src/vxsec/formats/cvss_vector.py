"""CVSS vectors as words: Common Vulnerability Scoring System 2, 3.0, 3.1 and 4.0, rated by the ``cvss`` library."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from vxsec.model.advisory import VulnerabilitySeverity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PREFERRED", "rate_vector", "rate_vectors"]

PREFERRED = ("CVSS_V4", "CVSS_V3", "CVSS_V2")
"""Types of a severity in an OSV record that are understood, the one that counts first first."""

_MAX_VECTOR = 512
"""Characters; a vector with every optional metric has 250."""
_WORDS = {
    "none": VulnerabilitySeverity.LOW,  # a score of 0.0: rated, and as harmless as it gets
    "low": VulnerabilitySeverity.LOW,
    "medium": VulnerabilitySeverity.MEDIUM,
    "high": VulnerabilitySeverity.HIGH,
    "critical": VulnerabilitySeverity.CRITICAL,
}


def rate_vectors(vectors: Iterable[tuple[str, str]]) -> VulnerabilitySeverity | None:
    """The severity by the newest CVSS version that has a valid vector, the worst where it has several.

    Args:
        vectors: ``(type, score)`` as in an OSV record; other types are passed over.

    Returns:
        None where no vector can be rated.
    """
    given = list(vectors)
    for kind in PREFERRED:
        rated = [found for item, score in given if item == kind and (found := rate_vector(kind, score)) is not None]
        if rated:
            return max(rated, key=lambda severity: severity.rank)
    return None


@lru_cache(maxsize=4096)
def rate_vector(kind: str, score: str) -> VulnerabilitySeverity | None:
    """The qualitative rating of one vector's base score; None where it is not a valid vector of that kind."""
    if len(score) > _MAX_VECTOR or not score.isascii():
        return None
    from cvss import CVSS2, CVSS3, CVSS4  # 12 ms, and only building an index needs it
    from cvss.exceptions import CVSSError

    reader = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}[kind]
    try:
        return _WORDS.get(str(reader(score).severities()[0]).lower())
    except (CVSSError, ArithmeticError, LookupError, ValueError, TypeError):  # what a foreign parser raises on nonsense
        return None
