"""A software bill of materials as values: what a package consists of and needs, in CycloneDX's words."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["CYCLONEDX_PREDICATE", "Bom", "Component", "Composition"]

CYCLONEDX_PREDICATE = "https://cyclonedx.org/bom"
"""The in-toto predicate type of an attested CycloneDX document (in-toto attestation framework, predicate "CycloneDX")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component; ``ref`` is its ``bom-ref``.

    ``hashes`` maps CycloneDX algorithm names (``SHA-512``) to lower-case hex. ``license`` is an SPDX expression where it is
    one, else the text as stated; ``license_is_expression`` says which. ``properties`` are name and value, in file order.
    """

    ref: str
    type: str
    name: str
    version: str | None = None
    purl: str | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    license: str | None = None
    license_is_expression: bool = True
    supplier: str | None = None
    optional: bool = False
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """How complete a part of the document is: ``aggregate`` is CycloneDX's word (``complete``, ``incomplete``, ``unknown`` …)."""

    aggregate: str
    assemblies: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bom:
    """One document. ``root`` is ``metadata.component``: the published package itself.

    ``dependencies`` maps a ref to the refs it depends on directly. ``authors`` and ``tools`` are names as people read them.
    """

    spec_version: str
    serial_number: str | None
    timestamp: datetime | None
    root: Component | None
    components: tuple[Component, ...]
    dependencies: Mapping[str, tuple[str, ...]]
    compositions: tuple[Composition, ...] = ()
    authors: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
