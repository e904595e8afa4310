"""What a dependency's range points at: a registry, or somewhere else that an installer fetches from.

Source: ``npm-package-arg`` (``resolve``), read for every system at once: what is a folder on Windows only is a folder here.
The reading is closed: a registry is what is a range or a tag, and whatever is nothing known is an address.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from vxsec.formats.hosted_git import parse_hosted_git
from vxsec.formats.lockfiles.source import SourceKind, source_kind
from vxsec.versions.npm_range import is_range

__all__ = ["SpecKind", "alias_target", "spec_kind"]

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")
_LOOSE_WORD = re.compile(r"(?:[<>=^~]*v?=?[0-9xX*][A-Za-z0-9.*+-]*|\|\||-)\Z")
"""Of a range that npm reads kindly (``>=1.0.0beta``); none of these characters makes an address."""
_ALIAS = re.compile(r"npm:((?:@[A-Za-z0-9~_.-]+/)?[A-Za-z0-9~_.-]+)(?:@(.*))?\Z", re.DOTALL | re.IGNORECASE)
_WORKSPACE = re.compile(r"(?:workspace|catalog):[A-Za-z0-9._*^~<>=| -]{0,100}\Z")
_LOCAL = ("file:", "link:", "portal:", "workspace:", "catalog:")
_FOLDER = re.compile(r"\.|~?[/\\]|[A-Za-z]:")
_ARCHIVES = (".tgz", ".tar.gz", ".tar")
_SCHEME = re.compile(r"(?:git\+)?[a-z]+:")


class SpecKind(StrEnum):
    """What an installer does with a range."""

    REGISTRY = "registry"
    """A version, a range or a tag: the registry is asked."""
    ALIAS = "alias"
    """Another package of the registry, under this name."""
    WORKSPACE = "workspace"
    """A version of the same project; no installer outside of it can resolve this."""
    GIT = "git"
    URL = "url"
    """An address, or text that no installer is known to read."""
    FILE = "file"


@lru_cache(maxsize=4096)
def spec_kind(text: str) -> SpecKind:
    """Classify a range as a manifest states it; never REGISTRY for what npm takes from git, a URL or a disk.

    An alias counts as what its target is, where the target is no range or tag of the registry.
    """
    text = text.strip()
    lower = text.lower()
    archive = lower.endswith(_ARCHIVES)  # a name such as 1.0.0-a.tgz is a file before it is a version
    if not archive and (is_range(text) or _TAG.match(text) or all(map(_LOOSE_WORD.match, text.split()))):
        return SpecKind.REGISTRY
    if lower.startswith("npm:"):
        return _alias_kind(text)
    if _WORKSPACE.match(text):
        return SpecKind.WORKSPACE
    if lower.startswith(_LOCAL) or _FOLDER.match(text):
        return SpecKind.FILE
    return _address_kind(text)


def alias_target(text: str) -> tuple[str, str] | None:
    """The real name and range of ``npm:NAME@RANGE``; None for what is no alias."""
    alias = _ALIAS.match(text.strip())
    return (alias[1], alias[2] or "*") if alias else None


def _alias_kind(text: str) -> SpecKind:
    target = alias_target(text)
    kind = SpecKind.URL if target is None or target[1].lower().startswith("npm:") else spec_kind(target[1])
    return SpecKind.ALIAS if kind is SpecKind.REGISTRY else kind


def _address_kind(text: str) -> SpecKind:
    if parse_hosted_git(text) is not None or source_kind(text) is SourceKind.GIT:
        return SpecKind.GIT
    if _SCHEME.match(text.lower()) or "://" in text:
        return SpecKind.URL
    return SpecKind.FILE if text.lower().endswith(_ARCHIVES) or "/" in text or "\\" in text else SpecKind.URL
