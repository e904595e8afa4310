"""The licence that a package's own manifest states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vxsec.formats import python_license
from vxsec.model.package import PYPI

if TYPE_CHECKING:
    from vxsec.model.package import Manifest

__all__ = ["stated_license"]


def stated_license(manifest: Manifest) -> str | None:
    """The licence as stated, usually an SPDX expression; None where none is.

    npm's old forms are read, too: ``license: {type}``, and ``licenses: [...]``, whose elements are alternatives. For Python
    it is the most exact of ``License-Expression``, ``License`` and the classifiers.
    """
    document = manifest.document
    if manifest.package.ecosystem == PYPI:
        classifiers = document.get("Classifier")
        return python_license.stated_license(
            _text(document.get("License-Expression")),
            _text(document.get("License")),
            [item for item in classifiers if isinstance(item, str)] if isinstance(classifiers, list | tuple) else [],
        )
    return _npm(document.get("license")) or _several(document.get("licenses"))


def _several(value: object) -> str | None:
    """One alternative, or several; each in brackets where it is an expression itself."""
    if not isinstance(value, list | tuple):
        return _npm(value)
    stated = [text for item in value if (text := _npm(item)) is not None]
    return (
        stated[0] if len(stated) == 1 else " OR ".join(f"({text})" if " " in text else text for text in stated) or None
    )


def _npm(value: object) -> str | None:
    return _text(value.get("type") if isinstance(value, Mapping) else value)


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
