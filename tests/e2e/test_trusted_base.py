"""The page about the verifier tells the figures that the command prints."""

from __future__ import annotations

import re
import runpy
from typing import TYPE_CHECKING

from support.reader import ROOT
from vxsec.verification import bundle

if TYPE_CHECKING:
    from e2e.conftest import Vxsec

PAGE = ROOT / "docs" / "explanation" / "verifier.md"


def test_the_page_shows_what_the_command_prints(vxsec_run: Vxsec) -> None:
    answer = vxsec_run("doctor", "trusted-base")
    assert answer.status == 0
    table, _, versions = answer.out.partition("\n\n")
    (shown,) = re.findall(
        r"```text\n\$ vxsec doctor trusted-base\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown == table, "run: make docs"
    assert re.search(r"^cryptography \d\S+  imported$", versions, re.MULTILINE)


def test_the_page_is_what_make_docs_writes() -> None:
    made: str = runpy.run_path(str(ROOT / ".ci" / "reference.py"))["verifier"]()
    assert PAGE.read_text(encoding="utf-8") == made, "run: make docs"


def test_the_page_names_every_step_of_the_comment() -> None:
    comment = bundle.__doc__ or ""
    steps = re.findall(r"^(\d+)\. ", comment, re.MULTILINE)
    assert re.findall(r"^(\d+)\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == steps


def test_the_modules_are_listed_where_asked_for(vxsec_run: Vxsec) -> None:
    assert "vxsec.verification.bundle" in vxsec_run("doctor", "trusted-base", "-v").out
