"""Commands inside the package, and commands out of it."""

from __future__ import annotations

from typing import Any

import pytest

from vxsec.inspection.bin_targets import bin_findings

FILES = ("cli.js", "bin/a.js", "bin/b.js")

INSIDE: dict[str, dict[str, Any]] = {
    "none": {},
    "null": {"bin": None},
    "empty text": {"bin": ""},
    "a number": {"bin": 1},
    "text": {"bin": "cli.js"},
    "text with a dot and slashes": {"bin": ".//cli.js"},
    "text with backslashes": {"bin": ".\\bin\\a.js"},
    "a list": {"bin": ["bin/a.js", "./bin/b.js", 3]},
    "a map": {"bin": {"a": "bin/a.js", "@scope/b": "bin/../bin/b.js", "c": None}},
    "a folder": {"directories": {"bin": "./bin"}},
    "a folder that is not there": {"directories": {"bin": "nowhere"}},
    "directories without bin": {"directories": {"lib": "../lib"}},
    "directories as text": {"directories": "../bin"},
    "dots that are names": {"bin": {"..a": "..b/../cli.js"}},
}


@pytest.mark.parametrize("document", INSIDE.values(), ids=INSIDE.keys())
def test_inside(document: dict[str, Any]) -> None:
    assert bin_findings(document, files=FILES) == ()


OUTSIDE: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"bin": "../cli.js"}, "bin"),
    "a list": ({"bin": ["../../etc/passwd"]}, "bin"),
    "a map": ({"bin": {"a": "../a.js"}}, "bin.a"),
    "further out than in": ({"bin": {"a": "bin/../../a.js"}}, "bin.a"),
    "out and back in": ({"bin": {"a": "../kernel/cli.js"}}, "bin.a"),
    "from the root": ({"bin": {"a": "/etc/passwd"}}, "bin.a"),
    "with backslashes": ({"bin": {"a": "..\\..\\a.js"}}, "bin.a"),
    "from a share": ({"bin": {"a": "\\\\server\\share\\a.js"}}, "bin.a"),
    "from a drive": ({"bin": {"a": "C:/Windows/a.exe"}}, "bin.a"),
    "from a drive's own folder": ({"bin": {"a": "c:a.exe"}}, "bin.a"),
    "with a NUL": ({"bin": {"a": "cli.js\0.txt"}}, "bin.a"),
    "a name that climbs": ({"bin": {"../../bin/sh": "cli.js"}}, "bin.../../bin/sh"),
    "a name from the root": ({"bin": {"/usr/bin/sh": "cli.js"}}, "bin./usr/bin/sh"),
    "a folder outside": ({"directories": {"bin": "../bin"}}, "directories.bin"),
    "the folder above": ({"bin": {"a": ".."}}, "bin.a"),
}


@pytest.mark.parametrize(("document", "where"), OUTSIDE.values(), ids=OUTSIDE.keys())
@pytest.mark.parametrize("files", [FILES, None], ids=["with files", "without"])
def test_outside(document: dict[str, Any], where: str, files: tuple[str, ...] | None) -> None:
    (finding,) = bin_findings(document, files=files, where="packument ")
    assert (finding.code, finding.severity.value, finding.where) == ("bin.outside", "high", f"packument {where}")


MISSING: dict[str, dict[str, Any]] = {
    "a file": {"bin": {"a": "lib/a.js"}},
    "a folder": {"bin": {"a": "bin"}},
    "an ending that npm does not add": {"bin": {"a": "cli"}},
    "the package itself": {"bin": {"a": "."}},
    "nothing": {"bin": {"a": ""}},
}


@pytest.mark.parametrize("document", MISSING.values(), ids=MISSING.keys())
def test_missing(document: dict[str, Any]) -> None:
    (finding,) = bin_findings(document, files=FILES)
    assert (finding.code, finding.severity.value) == ("bin.missing", "medium")
    assert bin_findings(document, files=None) == ()


def test_long_names_are_cut() -> None:
    (finding,) = bin_findings({"bin": {"a" * 10_000: "../" + "b" * 10_000}}, files=FILES)
    assert len(finding.message) < 200
    assert len(finding.where or "") < 200
