"""The licence a manifest states, in every form manifests have had."""

from __future__ import annotations

from typing import Any

import pytest

from vxsec.inspection.licenses import stated_license
from vxsec.model.package import NPM, PYPI, Manifest, PackageRef

ROWS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "an expression": (NPM, {"license": "(MIT OR Apache-2.0)"}, "(MIT OR Apache-2.0)"),
    "spaces around it": (NPM, {"license": " MIT "}, "MIT"),
    "the old object": (NPM, {"license": {"type": "MIT", "url": "https://x.example.test"}}, "MIT"),
    "the old list of one": (NPM, {"licenses": [{"type": "MIT"}]}, "MIT"),
    "the old list of words": (NPM, {"licenses": ["MIT", "ISC"]}, "MIT OR ISC"),
    "alternatives that are expressions": (
        NPM,
        {"licenses": ["MIT AND ISC", {"type": "0BSD"}]},
        "(MIT AND ISC) OR 0BSD",
    ),
    "the list that is one word": (NPM, {"licenses": "MIT"}, "MIT"),
    "the new field counts before the old one": (NPM, {"license": "MIT", "licenses": ["GPL-3.0-only"]}, "MIT"),
    "nothing": (NPM, {}, None),
    "an empty text": (NPM, {"license": " "}, None),
    "an empty list": (NPM, {"licenses": []}, None),
    "a number": (NPM, {"license": 7}, None),
    "an object without a type": (NPM, {"license": {"url": "x"}}, None),
    "a list of other things": (NPM, {"licenses": [7, {}, None]}, None),
    "Python's expression": (PYPI, {"License-Expression": "MIT", "License": "BSD"}, "MIT"),
    "Python's classifier": (PYPI, {"Classifier": ["License :: OSI Approved :: MIT License"]}, "MIT"),
    "Python's text": (PYPI, {"License": "Something"}, "Something"),
    "nothing in Python": (PYPI, {"Classifier": "x"}, None),
}


@pytest.mark.parametrize(("ecosystem", "document", "stated"), ROWS.values(), ids=ROWS.keys())
def test_the_licence_stated(ecosystem: str, document: dict[str, Any], stated: str | None) -> None:
    package = PackageRef(name="a", version="1.0.0", ecosystem=ecosystem)
    assert stated_license(Manifest(package=package, document=document)) == stated
