"""The decision log: one decision, one line, and a reader that believes nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.policy_cases import load_cases
from vxsec.errors import FormatError
from vxsec.formats.decision_log import read_log, render_log_line
from vxsec.report.decision_json import render_decision

DECISION = render_decision(next(load_cases()).decide())


def _changed(**fields: object) -> dict[str, Any]:
    return {**DECISION, **fields}


def test_a_decision_is_one_line_and_reads_back() -> None:
    line = render_log_line(DECISION)
    assert b"\n" not in line
    assert list(read_log(line + b"\n" + line + b"\n", where="log")) == [DECISION, DECISION]
    assert list(read_log(b"", where="log")) == []


@given(st.text())
def test_no_text_breaks_the_line(text: str) -> None:
    document = _changed(policy={"sha256": "0", "name": text.encode("utf-8", "replace").decode()})
    line = render_log_line(document)
    assert line.isascii()
    assert len(line.decode().splitlines()) == 1
    assert list(read_log(line + b"\n", where="log")) == [document]


REFUSED = {
    "another schema": (_changed(schema="urn:vxsec:schema:verify:v1"), "log.shape"),
    "another verdict": (_changed(verdict="maybe"), "log.shape"),
    "no subjects": (_changed(subjects=[]), "log.shape"),
    "subjects that are no list": (_changed(subjects={}), "json.type"),
    "a subject without results": (_changed(subjects=[{"filename": "x"}]), "json.missing"),
    "a result without a code": (
        _changed(subjects=[{"filename": "x", "results": [{"rule": "r", "verdict": "pass"}]}]),
        "json.missing",
    ),
    "no time": (_changed(now=None), "json.missing"),
    "an exit status that is text": (_changed(exitStatus="0"), "json.type"),
    "no policy digest": (_changed(policy={}), "json.missing"),
}


@pytest.mark.parametrize(("document", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_neither_writes_nor_reads(document: dict[str, Any], code: str) -> None:
    with pytest.raises(FormatError) as caught:
        render_log_line(document)
    assert caught.value.code == code
    good = render_log_line(DECISION) + b"\n"
    with pytest.raises(FormatError) as caught:
        list(read_log(good + json.dumps(document).encode() + b"\n", where="gate.log"))
    assert caught.value.code == code
    assert (caught.value.where or "").startswith("gate.log:2")


BROKEN = {
    "a torn last line": (render_log_line(DECISION)[:-5], "log.torn"),
    "a whole last line without its end": (render_log_line(DECISION), "log.torn"),
    "a blank line": (b"\n", "json.syntax"),
    "a duplicate key": (
        render_log_line(DECISION).replace(b'"mode"', b'"verdict":"allow","mode"') + b"\n",
        "json.duplicate-key",
    ),
    "two decisions on a line": (render_log_line(DECISION) * 2 + b"\n", "json.syntax"),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_log_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        list(read_log(data, where="gate.log"))
    assert caught.value.code == code
