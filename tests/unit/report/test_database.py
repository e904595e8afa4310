"""What people and machines read about the advisory data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vxsec.model.report.database import DatabaseEntry, DatabaseReport
from vxsec.model.scan import DatabaseState
from vxsec.report.database import database_document, render_database

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def state(age: timedelta = timedelta(hours=5), **more: object) -> DatabaseState:
    facts: dict[str, object] = {
        "ecosystem": "npm",
        "exported_at": NOW - age,
        "imported_at": NOW,
        "advisories": 2,
        "packages": 1,
        "sha256": "0" * 64,
        "source": "npm.zip",
    }
    return DatabaseState(**(facts | more))  # type: ignore[arg-type]  # the facts above


def report(*entries: DatabaseEntry, max_age: timedelta | None = timedelta(days=3)) -> DatabaseReport:
    return DatabaseReport(directory="/data", databases=entries, judged_at=NOW, max_age=max_age)


def test_fresh_data_in_words() -> None:
    entry = DatabaseEntry(ecosystem="npm", state=state(), malware=1, unreadable=1)
    assert list(render_database(report(entry))) == [
        "advisory database in /data",
        "npm  fresh",
        "    2 advisories (1 malware) about 1 package",
        "    data of 2026-11-21T07:00:00Z, 5 hours old",
        "    imported 2026-11-21T12:00:00Z from npm.zip",
        "    1 record of the source could not be read and are missing",
        f"    sha256 {'0' * 64}",
    ]
    assert report(entry).exit_status == 0


def test_what_was_not_judged_is_not_called_fresh() -> None:
    lines = list(render_database(report(DatabaseEntry(ecosystem="npm", state=state()), max_age=None)))
    assert lines[1] == "npm  in place"


def test_a_problem_comes_with_its_hint() -> None:
    entry = DatabaseEntry(
        ecosystem="npm", state=None, code="db.missing", message="no database", hint="fill it: vxsec db update"
    )
    assert list(render_database(report(entry)))[1:] == [
        "npm  missing",
        "    no database",
        "    hint: fill it: vxsec db update",
    ]
    assert report(entry).exit_status == 4
    assert database_document(report(entry))["databases"] == [
        {
            "ecosystem": "npm",
            "problem": {"code": "db.missing", "message": "no database", "hint": "fill it: vxsec db update"},
            "data": None,
        }
    ]


def test_colour_says_the_same() -> None:
    painted: list[tuple[str, str]] = []

    def paint(text: str, style: str) -> str:
        painted.append((text, style))
        return text

    entries = (
        DatabaseEntry(ecosystem="npm", state=state()),
        DatabaseEntry(ecosystem="pypi", state=state(), code="db.too-old"),
    )
    assert len(list(render_database(report(*entries), paint=paint))) == 11
    assert painted == [("fresh", "good"), ("too-old", "bad")]


def test_ages_are_told_in_what_says_most() -> None:
    def age(length: timedelta) -> str:
        lines = list(render_database(report(DatabaseEntry(ecosystem="npm", state=state(length)))))
        return lines[3].rpartition(", ")[2]

    assert [age(timedelta(hours=h)) for h in (0, 1, 47, 48, 100)] == [
        "0 hours old", "1 hour old", "47 hours old", "2 days old", "4 days old",
    ]  # fmt: skip
    assert age(timedelta(minutes=-1)) == "still to come"


def test_what_came_from_outside_cannot_act_on_a_terminal() -> None:
    entry = DatabaseEntry(ecosystem="npm", state=state(source="\x1b[2Jx.zip"), code="db.too-old", message="\u202eold")
    text = "\n".join(render_database(report(entry)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[2Jx.zip" in text


def test_the_document_has_seconds_and_counts() -> None:
    document = database_document(report(DatabaseEntry(ecosystem="npm", state=state(), malware=1)))
    assert document["maxAgeSeconds"] == 259_200
    assert document["databases"] == [
        {
            "ecosystem": "npm",
            "problem": None,
            "data": {
                "exportedAt": "2026-11-21T07:00:00Z",
                "importedAt": "2026-11-21T12:00:00Z",
                "ageSeconds": 18_000,
                "advisories": 2,
                "malware": 1,
                "packages": 1,
                "unreadable": 0,
                "sha256": "0" * 64,
                "source": "npm.zip",
            },
        }
    ]
    assert database_document(report(max_age=None))["maxAgeSeconds"] is None
