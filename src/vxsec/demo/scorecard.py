"""What each attack came to, and the table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Attack", "scorecard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack: the rules, checks or error codes that must refuse it, and those that did.

    ``answer`` is the command that was asked and its exit status.
    """

    title: str
    answer: str
    expected: tuple[str, ...]
    refused_by: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether every one that was named said no."""
        return bool(self.expected) and set(self.expected) <= set(self.refused_by)


def scorecard(attacks: Sequence[Attack]) -> Iterator[tuple[str, str]]:
    """Lines and their styles: one row for each attack, then how many were refused."""
    width = max((len(attack.title) for attack in attacks), default=0)
    said = max((len(attack.answer) for attack in attacks), default=0)
    yield f"   {'':<7}  {'attack':<{width}}  {'exit status':<{said}}  refused by", "dim"
    for attack in attacks:
        word, style = ("refused", "good") if attack.refused else ("PASSED", "bad")
        first, *others = (attack.expected if attack.refused else attack.refused_by) or ("nothing",)
        yield f"   {word:<7}  {attack.title:<{width}}  {attack.answer:<{said}}  {first}", style
        if not attack.refused:
            others.append(f"(a defect: expected {', '.join(attack.expected)})")
        for other in others:
            yield f"   {'':<7}  {'':<{width}}  {'':<{said}}  {other}", style
    refused = sum(attack.refused for attack in attacks)
    yield f"{refused} of {len(attacks)} attacks refused", "good" if refused == len(attacks) else "bad"
