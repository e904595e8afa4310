"""One rating for several advisories that are one vulnerability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.advisory import VulnerabilitySeverity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["worst_known"]


def worst_known(ratings: Iterable[VulnerabilitySeverity]) -> VulnerabilitySeverity:
    """The worst that anybody said; ``unknown`` only where nobody rated it.

    ``unknown`` is at or above every threshold, so it must not win over a rating: one database that rates nothing would make
    every finding of the others critical.
    """
    known = [rating for rating in ratings if rating is not VulnerabilitySeverity.UNKNOWN]
    return max(known, key=lambda rating: rating.rank, default=VulnerabilitySeverity.UNKNOWN)
