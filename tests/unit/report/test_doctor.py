"""What people read of a machine's faults: by area, within 80 columns, commands in one piece; and what machines read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from support.published_schemas import published_errors
from vxsec.model.report.doctor import Area, DoctorFinding, DoctorReport, Level
from vxsec.report.doctor import doctor_document, render_doctor

OK = DoctorFinding(level=Level.OK, area=Area.PROGRAMS, code="doctor.npm", found="npm 11.6.0")
COMMAND = "vxsec keys generate a-very-long-name-for-a-key --and --so --on --until --it --does --not --fit"
BAD = DoctorFinding(
    level=Level.PROBLEM,
    area=Area.TRUST,
    code="doctor.key-expired",
    found="key ci-key of ci expired " + "long ago and " * 10,
    expected="a key that is good now",
    fix=f"let ci make a successor: {COMMAND}",
    where="trust.yaml",
)
ODD = DoctorFinding(
    level=Level.WARNING,
    area=Area.NPMRC,
    code="doctor.x",
    found="a\x1b[2Jb\n",
    expected="",
    fix="remove it",
    where="\u202e",
)
OPEN = DoctorFinding(
    level=Level.UNKNOWN, area=Area.PROJECT, code="doctor.git-silent", found="x", expected="y", fix="z " * 60
)


def report(*findings: DoctorFinding, as_of: datetime | None = None) -> DoctorReport:
    return DoctorReport(project=".", findings=findings, online=False, as_of=as_of)


STATUSES = {
    "nothing looked at": ((), 0, "healthy"),
    "all fine": ((OK,), 0, "healthy"),
    "warnings only": ((OK, ODD), 0, "healthy"),
    "something not found out": ((OK, ODD, OPEN), 4, "undecided"),
    "a problem": ((BAD,), 11, "problems"),
    "a problem beside something not found out": ((OPEN, BAD, OK), 11, "problems"),
}


@pytest.mark.parametrize(("findings", "status", "verdict"), STATUSES.values(), ids=STATUSES.keys())
def test_the_status_of(findings: tuple[DoctorFinding, ...], status: int, verdict: str) -> None:
    made = report(*findings)
    document = doctor_document(made)
    assert (made.exit_status, document["exitStatus"], document["verdict"]) == (status, status, verdict)
    assert published_errors(document) == []


def test_areas_are_in_the_order_of_work_and_a_command_stays_in_one_piece() -> None:
    lines = list(render_doctor(report(ODD, BAD, OK), verbose=True))
    assert [line for line in lines if not line.startswith(" ")] == [
        "programs",
        "trust",
        "npm settings",
        "1 problem, 1 warning, 1 fine",
    ]
    assert " " * 13 + COMMAND in lines
    assert all(len(line) <= 80 for line in lines if COMMAND not in line)


def test_what_is_fine_is_only_counted() -> None:
    lines = list(render_doctor(report(OK, OK)))
    assert lines == ["0 problems, 0 warnings, 2 fine (-v shows them)"]


def test_a_long_fix_without_a_command_is_wrapped() -> None:
    lines = list(render_doctor(report(OPEN)))
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "0 problems, 0 warnings, 1 not found out, 0 fine (-v shows them)"


def test_a_long_list_is_cut_after_its_problems() -> None:
    lines = list(render_doctor(report(*[ODD] * 60, *[replace(BAD, area=Area.NPMRC)] * 3)))
    assert sum(line.startswith("  problem") for line in lines[1:30]) == 3
    assert lines[-2:] == ["  and 13 more (--json lists all)", "3 problems, 60 warnings, 0 fine (-v shows them)"]


def test_nothing_from_outside_acts_upon_the_terminal() -> None:
    text = "\n".join(render_doctor(report(ODD)))
    assert r"a\x1b[2Jb\x0a" in text
    assert r"\u{202e}" in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_levels_are_painted_by_meaning() -> None:
    painted = list(render_doctor(report(BAD, OPEN), paint=lambda text, style: f"<{style}>{text}</{style}>"))
    assert any("<bad>problem</bad>" in line for line in painted)
    assert any("<warn>unknown</warn>" in line for line in painted)
    assert painted[-1].startswith("<bad>1 problem")


def test_a_report_of_another_time_says_so() -> None:
    made = report(OK, as_of=datetime(2027, 1, 1, tzinfo=UTC))
    assert next(iter(render_doctor(made))) == "judged as of 2027-01-01T00:00:00Z, not now"
    assert doctor_document(made)["asOf"] == "2027-01-01T00:00:00Z"


def test_text_of_nothing_is_still_a_line() -> None:
    empty = DoctorFinding(level=Level.OK, area=Area.CLOCK, code="doctor.x", found="")
    assert list(render_doctor(report(empty), verbose=True))[1] == "  ok       [doctor.x]"
