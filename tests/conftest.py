"""What every test shares: honest omissions, quiet surroundings, one hypothesis profile."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator

pytest_plugins = ["support.servers"]

# Left out without harm: another vendor's programs, and data that only a development machine has beside the checkout.
# `unprivileged` tests show what the file system refuses, and it refuses root nothing; `privileged` ones mount.
OPTIONAL_MARKS = frozenset({"cosign", "real", "shared", "unprivileged", "privileged"})
REQUIRE_ALL = os.environ.get("VXSEC_REQUIRE_ALL", "") not in {"", "0"}
TEST_SWITCHES = frozenset({"VXSEC_REQUIRE_ALL", "VXSEC_DIST", "VXSEC_TEST_CACHE"})

# A loaded machine is slow without being wrong, so no deadline. In CI the examples are the same on every run.
settings.register_profile("house", settings.get_profile("ci" if os.environ.get("CI") else "default"), deadline=None)
settings.load_profile("house")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what the file system cannot show to root."""
    if item.get_closest_marker("unprivileged") and os.geteuid() == 0:
        pytest.skip("root is refused nothing")


@pytest.fixture(autouse=True)
def _quiet_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)  # a build sets it; what SBOMs say would depend on that
    for name in os.environ:
        if name.startswith("VXSEC_") and name not in TEST_SWITCHES:
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ``VXSEC_REQUIRE_ALL=1`` a test that is left out has failed, whoever left it out."""
    report = yield
    optional = any(mark.name in OPTIONAL_MARKS for mark in item.iter_markers())
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail") and not optional:
        report.outcome = "failed"
        report.longrepr = f"left out, although everything is required: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself while it is read."""
    report = yield
    if REQUIRE_ALL and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"left out, although everything is required: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was left out and why."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    listed = "; ".join(f"{count} x {reason}" for reason, count in sorted(reasons.items()))
    terminalreporter.write_line(f"left out: {listed or 'nothing'}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return " ".join(text.removeprefix("Skipped: ").split())
