"""What has to be right for a verdict to be right: our own modules, and the distributions that they reach."""

from __future__ import annotations

from vxsec.values import dataclass

__all__ = ["DistributionFact", "ModuleFact", "TrustedBasePart", "TrustedBaseReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFact:
    """One file of ours: all its lines, those neither blank nor only a comment, and of these those of no docstring."""

    name: str
    lines: int
    source_lines: int
    code_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedBasePart:
    """What one kind of verification reaches from its ``roots``; distributions by their normal names, sorted."""

    name: str
    roots: tuple[str, ...]
    modules: tuple[ModuleFact, ...]
    distributions: tuple[str, ...]

    @property
    def lines(self) -> int:
        """Of all its files."""
        return sum(module.lines for module in self.modules)

    @property
    def source_lines(self) -> int:
        """Neither blank nor only a comment."""
        return sum(module.source_lines for module in self.modules)

    @property
    def code_lines(self) -> int:
        """Of the source lines those of no docstring."""
        return sum(module.code_lines for module in self.modules)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionFact:
    """An installed distribution; ``version`` is None where it is optional and absent, ``imported`` whether we import it."""

    name: str
    version: str | None
    imported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedBaseReport:
    """Each kind of verification, and all of them together."""

    parts: tuple[TrustedBasePart, ...]
    whole: TrustedBasePart
    distributions: tuple[DistributionFact, ...]

    @property
    def exit_status(self) -> int:
        """Nothing is judged."""
        return 0
