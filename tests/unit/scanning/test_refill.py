"""What to type where advisories are missing or old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from support.scan_kit import NOW, state
from vxsec.errors import UndecidedError
from vxsec.scanning.refill import refill_hint, update_command
from vxsec.scanning.scan import data_problem
from vxsec.usecases.advisories import AdvisoryStore
from vxsec.usecases.database.maintain import database_report, database_states
from vxsec.usecases.doctor.database import judge_age

if TYPE_CHECKING:
    from pathlib import Path

OLD = state("pypi", exported_at=NOW.replace(year=2020))
AGE = timedelta(days=3)


@pytest.mark.parametrize(
    ("ecosystem", "directory", "expected"),
    [
        pytest.param("npm", None, "vxsec db update --ecosystem npm", id="npm in the user's own folder"),
        pytest.param("pypi", None, "vxsec db update --ecosystem PyPI", id="Python, in OSV's spelling"),
        pytest.param("pypi", "my db", "vxsec db update --ecosystem PyPI --db 'my db'", id="a folder is one word of a shell"),
        pytest.param("npm", "$(x)", "vxsec db update --ecosystem npm --db '$(x)'", id="a folder is never a command"),
    ],
)  # fmt: skip
def test_the_command_names_what_is_meant(ecosystem: str, directory: str | None, expected: str) -> None:
    assert update_command(ecosystem, directory) == expected
    assert expected in refill_hint(ecosystem, directory)


def test_a_missing_or_damaged_database_is_filled_where_it_was_looked_for(tmp_path: Path) -> None:
    given = f"--ecosystem PyPI --db {tmp_path}"
    with pytest.raises(UndecidedError) as caught:
        AdvisoryStore(directory=tmp_path).index("pypi")
    assert (caught.value.code, caught.value.exit_status) == ("db.missing", 4)
    assert given in (caught.value.hint or "")
    assert f"vxsec db import PyPI.zip --db {tmp_path}" in (caught.value.hint or "")
    (tmp_path / "pypi.current").write_text("nothing", encoding="ascii")
    with pytest.raises(UndecidedError) as caught:
        database_states(tmp_path)
    assert (caught.value.code, given in (caught.value.hint or "")) == ("db.damaged", True)
    (entry,) = database_report(tmp_path, now=NOW).databases
    assert (entry.code, given in (entry.hint or "")) == ("db.damaged", True)


def test_the_user_s_own_folder_needs_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VXSEC_DB", str(tmp_path))
    with pytest.raises(UndecidedError) as caught:
        AdvisoryStore(directory=None).index("npm")
    assert "--db" not in (caught.value.hint or "")
    (entry,) = database_report(now=NOW).databases
    assert "--db" not in (entry.hint or "")


@pytest.mark.parametrize("directory", [None, "my db"])
def test_old_data_is_renewed_where_it_is(directory: str | None) -> None:
    command = update_command("pypi", directory)
    problem = data_problem(OLD, now=NOW, max_age=AGE, directory=directory)
    assert problem is not None
    assert (problem.code, problem.hint) == ("db.too-old", f"get newer ones: {command}")
    told = judge_age(OLD, now=NOW, oldest=AGE, needed=True, directory=directory)
    assert (told.code, told.fix) == ("doctor.db-old", f"with a connection: {command}")
