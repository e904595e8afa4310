"""The journal of a verification."""

from __future__ import annotations

import pytest

from vxsec.errors import FormatError, VerificationError
from vxsec.model.verification import CheckStatus
from vxsec.verification.checks import CHECKS, Journal, checks_of


def test_a_step_passes_fails_or_lets_a_defect_through() -> None:
    journal = Journal()
    with journal.step("material", "fine", evidence="aa"):
        pass
    with pytest.raises(VerificationError) as caught, journal.step("artifact", "fine"):
        raise FormatError("malformed", code="json.syntax", where="here", hint="mend it")
    assert (caught.value.code, caught.value.where, caught.value.hint) == ("json.syntax", "here", "mend it")
    with pytest.raises(KeyError), journal.step("signature", "fine"):
        raise KeyError
    told = {check.id: check for check in journal.report()}
    assert (told["material"].status, told["material"].message, told["material"].evidence) == (
        CheckStatus.PASSED,
        "fine",
        "aa",
    )
    assert (told["artifact"].status, told["artifact"].code) == (CheckStatus.FAILED, "json.syntax")
    assert told["signature"].status is CheckStatus.NOT_RUN


def test_a_report_has_every_check_in_order_and_each_piece_of_evidence() -> None:
    journal = Journal()
    journal.passed("log-entry", "second entry")
    journal.skipped("material", "first", code="x.y")
    journal.passed("log-entry", "third entry")
    report = journal.report()
    assert [check.id for check in report if check.message != "not reached"] == ["material", "log-entry", "log-entry"]
    assert list(dict.fromkeys(check.id for check in report)) == list(CHECKS)


def test_going_on_with_a_report_tells_a_check_once() -> None:
    before = Journal()
    before.passed("material", "fine")
    after = Journal(before.report())
    after.passed("subject", "these bytes")
    after.skipped("predicate", "there is none")
    told = [(check.id, check.status) for check in after.report()]
    assert [identifier for identifier, _ in told] == list(CHECKS)
    assert dict(told)["subject"] is CheckStatus.PASSED


def test_forks_do_not_change_each_other() -> None:
    journal = Journal()
    journal.passed("material", "fine")
    fork = journal.fork()
    fork.passed("artifact", "fine")
    assert (journal.progress, fork.progress) == (1, 2)
    journal.adopt(fork)
    assert journal.progress == 2


def test_an_error_from_elsewhere_has_no_checks() -> None:
    assert checks_of(VerificationError("no")) == ()
