"""The reports' own rules: an exit status of 0 is earned, never a default, and every package is counted once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from support.policy_cases import finding
from vxsec.errors import VerificationError
from vxsec.model.digest import digest_bytes
from vxsec.model.finding import Severity
from vxsec.model.package import PackageRef
from vxsec.model.report.inspection import LockfileInspection
from vxsec.model.report.installation import InstallReport, TreeAccount, TreeFailure
from vxsec.model.report.publication import PublishedPackage, PublishReport, PublishState
from vxsec.model.report.verification import FileVerdict, VerifyReport

if TYPE_CHECKING:
    from vxsec.model.decision import Decision


def decision(status: int) -> Decision:
    """As far as a report looks at one."""
    return cast("Decision", SimpleNamespace(allowed=status == 0, exit_status=status))


def verdict(*, verified: bool) -> FileVerdict:
    return FileVerdict(file="a", sha256="", sha512="", verified=verified, code="x", message="")


@pytest.mark.parametrize(
    ("verified", "status"),
    [([], 10), ([True], 0), ([True, False], 10), ([False], 10), ([True, True], 0)],
    ids=["nothing verified is no pass", "one", "one of two", "none", "both"],
)
def test_verify(verified: list[bool], status: int) -> None:
    files = tuple(verdict(verified=one) for one in verified)
    assert VerifyReport(files=files).exit_status == status


ENTRY = TreeFailure(path="node_modules/a", package="a@1.0.0", code="x.y", message="")
TREES: dict[str, tuple[dict[str, Any], int]] = {
    "nothing to judge": ({"decision": None}, 0),
    "allowed": ({"decision": decision(0)}, 0),
    "denied": ({"decision": decision(11)}, 11),
    "undecided": ({"decision": decision(4)}, 4),
    "a failure outweighs a refusal of the policy": ({"decision": decision(11), "failures": (ENTRY,)}, 10),
    "a failure outweighs an allowance": ({"decision": decision(0), "failures": (ENTRY,)}, 10),
    "allowed, but something was not evaluated": ({"decision": decision(0), "not_evaluated": (ENTRY,)}, 4),
    "denied outweighs not evaluated": ({"decision": decision(11), "not_evaluated": (ENTRY,)}, 11),
    "only something not evaluated": ({"decision": None, "not_evaluated": (ENTRY,)}, 4),
}


@pytest.mark.parametrize(("parts", "status"), TREES.values(), ids=TREES.keys())
def test_install(parts: dict[str, Any], status: int) -> None:
    report = InstallReport(**{"lockfile": "l", "failures": (), "totals": TreeAccount(), **parts})
    assert report.exit_status == status


def test_an_account_that_adds_up() -> None:
    account = TreeAccount(verified=1, allowed_unsigned=2, local=3, failed=4, not_evaluated=5, bundled=2)
    account.check(15)


@pytest.mark.parametrize(
    "account",
    [TreeAccount(verified=2), TreeAccount(verified=4), TreeAccount(verified=4, failed=-1), TreeAccount()],
    ids=["one lost", "one counted twice", "a negative count", "all lost"],
)
def test_refuses_an_account_that_does_not_add_up(account: TreeAccount) -> None:
    with pytest.raises(VerificationError) as caught:
        account.check(3)
    assert caught.value.code == "tree.account"


PUBLISHED: dict[str, tuple[int, int, list[bool], int]] = {
    "all live": (0, 0, [True, True], 0),
    "the gate was closed": (11, 0, [False], 11),
    "the gate was closed, whatever else": (4, 2, [True], 4),
    "nothing went live": (0, 4, [False, False], 4),
    "one went live": (0, 4, [True, False], 5),
    "interrupted with one live": (0, 130, [True, False], 5),
    "interrupted before": (0, 130, [False], 130),
    "a defect stays a defect": (0, 1, [True, False], 1),
}


@pytest.mark.parametrize(("gate", "failure", "live", "status"), PUBLISHED.values(), ids=PUBLISHED.keys())
def test_publish(gate: int, failure: int, live: list[bool], status: int) -> None:
    packages = tuple(
        PublishedPackage(
            package=PackageRef(name="a", version="1.0.0"),
            digests=digest_bytes(b""),
            state=PublishState.FAILED,
            tag="latest",
            live=one,
        )
        for one in live
    )
    report = PublishReport(decision=decision(gate), packages=packages, failure_status=failure)
    assert report.exit_status == status


@pytest.mark.parametrize(
    ("found", "fail_on", "status"),
    [("low", "low", 11), ("low", "medium", 0), ("medium", "high", 0), ("high", "high", 11), ("high", "low", 11)],
)
def test_inspect(found: str, fail_on: str, status: int) -> None:
    report = LockfileInspection(
        source="l", lockfile=cast("Any", None), findings=(finding("x.y", found),), fail_on=Severity(fail_on)
    )
    assert report.exit_status == status
