"""Licence expressions: the operators mean what SPDX says, and what cannot be judged is not allowed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.formats.spdx_license import LicenseAnswer, is_license_expression, is_single_license, judge_license

ALLOWED = frozenset({"MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-Ours", "My-Words"})
YES, NO, UNKNOWN = LicenseAnswer.ALLOWED, LicenseAnswer.NOT_ALLOWED, LicenseAnswer.UNKNOWN
ROWS = {
    "MIT": YES,
    "mit": YES,
    " MIT ": YES,
    "(MIT)": YES,
    "ISC": NO,
    "MIT OR GPL-3.0-only": YES,
    "mit or gpl-3.0-only": YES,
    "GPL-3.0-only OR ISC": NO,
    "MIT AND GPL-3.0-only": NO,
    "MIT AND Apache-2.0": YES,
    "MIT OR ISC AND GPL-3.0-only": YES,
    "GPL-3.0-only AND ISC OR MIT": YES,
    "(GPL-3.0-only OR MIT) AND ISC": NO,
    "GPL-2.0-only": NO,
    "GPL-2.0-only WITH Classpath-exception-2.0": YES,
    "gpl-2.0-only  with classpath-exception-2.0": YES,
    "(GPL-2.0-only WITH Classpath-exception-2.0)": YES,
    "GPL-2.0-only WITH Bison-exception-2.2": NO,
    "MIT WITH Bison-exception-2.2": NO,
    "MIT+": NO,
    "GPL-2.0+": NO,
    "GPL-2.0": NO,
    "LicenseRef-Ours": YES,
    "LicenseRef-Theirs": NO,
    "DocumentRef-x:LicenseRef-Ours": NO,
    "My-Words": YES,
    "Your-Words": UNKNOWN,
    "MIT OR Your-Words": YES,
    "ISC OR Your-Words": UNKNOWN,
    "MIT AND Your-Words": UNKNOWN,
    "ISC AND Your-Words": NO,
    "UNLICENSED": NO,
    "unlicensed": NO,
    "NONE": NO,
    "MIT AND UNLICENSED": NO,
    "NOASSERTION": UNKNOWN,
    "SEE LICENSE IN LICENSE.md": UNKNOWN,
    "": UNKNOWN,
    "Public Domain": UNKNOWN,
    "MIT License": UNKNOWN,
    "MIT/Apache-2.0": UNKNOWN,
    "MIT, Apache-2.0": UNKNOWN,
    "MIT |ISC": UNKNOWN,
    "MIT AND": UNKNOWN,
    "AND": UNKNOWN,
    "(MIT": UNKNOWN,
    "MIT)": UNKNOWN,
    "MIT OR (": UNKNOWN,
    "MIT WITH (ISC OR MIT)": UNKNOWN,
    "\uff2d\uff29\uff34": UNKNOWN,
    "MIT\x00": UNKNOWN,
    "(" * 51 + "MIT" + ")" * 51: UNKNOWN,
    " OR ".join(["MIT"] * 1_000): UNKNOWN,
}


@pytest.mark.parametrize(("text", "answer"), ROWS.items(), ids=lambda item: str(item)[:40])
def test_an_expression_is_judged(text: str, answer: LicenseAnswer) -> None:
    assert judge_license(text, ALLOWED) is answer


def test_no_licence_is_unknown_and_nothing_is_allowed_by_an_empty_list() -> None:
    assert judge_license(None, ALLOWED) is UNKNOWN
    assert judge_license("MIT", frozenset()) is NO
    assert judge_license("", frozenset({""})) is YES  # is_single_license keeps such a word out of every list


@pytest.mark.parametrize("text", ["MIT", "Apache-2.0+", "LicenseRef-a.b", "DocumentRef-x:LicenseRef-y", "a WITH b"])
def test_one_licence(text: str) -> None:
    assert is_single_license(text)


@pytest.mark.parametrize(
    "text", ["", " MIT", "MIT OR ISC", "(MIT)", "or", "MIT WITH", "MIT WITH a WITH b", "MIT\n", "a/b"]
)
def test_not_one_licence(text: str) -> None:
    assert not is_single_license(text)


@pytest.mark.parametrize(
    "text", ["MIT", "(MIT OR ISC)", "LicenseRef-x", "GPL-2.0+", "Apache-2.0 WITH LLVM-exception", "gpl-3.0"]
)
def test_an_expression_of_spdx(text: str) -> None:
    assert is_license_expression(text)


@pytest.mark.parametrize(
    "text",
    ["", "Apache 2", "Your-Words", "MIT OR Your-Words", "MIT WITH Your-Words", "UNLICENSED", "é", "()", "( OR TRUE"],
)
def test_no_expression_of_spdx(text: str) -> None:
    assert not is_license_expression(text)


@given(st.text("MITOR ANDWITH()+-.:x0|&", max_size=60))
def test_nothing_escapes_but_an_answer(text: str) -> None:
    assert judge_license(text, ALLOWED) in LicenseAnswer
    assert is_license_expression(text) in {True, False}


def test_what_is_listed_needs_no_library() -> None:
    code = (
        "import sys; from vxsec.formats.spdx_license import judge_license, is_single_license; "
        "judge_license('MIT', frozenset({'MIT'})); is_single_license('MIT'); assert 'license_expression' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
