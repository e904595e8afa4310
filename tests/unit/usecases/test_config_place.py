"""A configuration that the project brings, or a pipeline's step moved, decides nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vxsec.errors import ConfigurationError
from vxsec.usecases.config_place import account_home, check_place
from vxsec.usecases.user_config import load_user_config

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = 'policy = "vxsec:strict"\n'


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A home, and beside it a checkout of a project with a folder in it."""
    for name in ("home", "project/.git", "project/packages/kernel"):
        (tmp_path / name).mkdir(parents=True, mode=0o700)
    return tmp_path


def put(folder: Path) -> Path:
    """A configuration below a ``.config`` of this folder."""
    place = folder / ".config" / "vxsec"
    place.mkdir(parents=True, mode=0o700)
    (place / "config.toml").write_text(TEXT, encoding="utf-8")
    (place / "config.toml").chmod(0o600)
    return place


def load(world: Path, *, cwd: str = "project", account: str = "home", **environ: str) -> str | None:
    """The policy that the configuration names; the environment's values are below the world."""
    around = {name: value if name == "CI" else str(world / value) for name, value in environ.items()}
    config = load_user_config(
        environ={"HOME": str(world / "home"), **around}, cwd=world / cwd, account=str(world / account)
    )
    return config.policy.value if config.policy is not None else None


def in_the_project(world: Path) -> str | None:
    put(world / "project")
    return load(world, XDG_CONFIG_HOME="project/.config")


def above_in_the_repository(world: Path) -> str | None:
    put(world / "project")
    return load(world, cwd="project/packages/kernel", XDG_CONFIG_HOME="project/.config")


def in_a_worktree(world: Path) -> str | None:
    (world / "project" / ".git").rmdir()
    (world / "project" / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")
    return above_in_the_repository(world)


def below_in_a_package(world: Path) -> str | None:
    put(world / "project/packages/kernel")
    return load(world, XDG_CONFIG_HOME="project/packages/kernel/.config")


def by_a_home_in_the_project(world: Path) -> str | None:
    put(world / "project")
    return load(world, HOME="project")


def by_a_link_to_the_project(world: Path) -> str | None:
    put(world / "project")
    (world / "innocent").symlink_to("project/.config")
    return load(world, XDG_CONFIG_HOME="innocent")


def by_a_link_of_the_project(world: Path) -> str | None:
    put(world / "elsewhere")
    (world / "project" / "link").symlink_to("../elsewhere/.config")
    return load(world, XDG_CONFIG_HOME="project/link")


def where_the_project_is_reached_by_a_link(world: Path) -> str | None:
    put(world / "project")
    (world / "shortcut").symlink_to("project/packages/kernel")
    return load(world, cwd="shortcut", XDG_CONFIG_HOME="project/.config")


def moved_in_ci(world: Path) -> str | None:
    put(world / "elsewhere")
    return load(world, CI="true", XDG_CONFIG_HOME="elsewhere/.config")


def moved_in_a_ci_that_says_1(world: Path) -> str | None:
    put(world / "elsewhere")
    return load(world, CI="1", XDG_CONFIG_HOME="elsewhere/.config")


REFUSED: list[Callable[[Path], str | None]] = [
    in_the_project,
    above_in_the_repository,
    in_a_worktree,
    below_in_a_package,
    by_a_home_in_the_project,
    by_a_link_to_the_project,
    by_a_link_of_the_project,
    where_the_project_is_reached_by_a_link,
    moved_in_ci,
    moved_in_a_ci_that_says_1,
]


@pytest.mark.parametrize("case", REFUSED, ids=[case.__name__.replace("_", " ") for case in REFUSED])
def test_refuses_a_configuration(world: Path, case: Callable[[Path], str | None]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        case(world)
    assert (caught.value.code, caught.value.exit_status) == ("config.place", 2)
    assert "command line" in (caught.value.hint or "")


def at_home(world: Path) -> str | None:
    put(world / "home")
    return load(world)


def at_home_while_working_there(world: Path) -> str | None:
    (world / "home" / ".git").mkdir()
    put(world / "home")
    return load(world, cwd="home")


def at_home_from_a_folder_of_dotfiles(world: Path) -> str | None:
    place = put(world / "project")
    (world / "home" / ".config").mkdir()
    (world / "home" / ".config" / "vxsec").symlink_to(place)
    return load(world)


def at_home_in_ci_that_names_the_usual_place(world: Path) -> str | None:
    put(world / "home")
    return load(world, CI="true", XDG_CONFIG_HOME="home/.config")


def in_ci_with_a_home_of_the_job(world: Path) -> str | None:
    put(world / "job")
    return load(world, CI="true", HOME="job")


def where_the_user_moved_it(world: Path) -> str | None:
    put(world / "elsewhere")
    return load(world, XDG_CONFIG_HOME="elsewhere/.config")


def where_ci_is_switched_off(world: Path) -> str | None:
    put(world / "elsewhere")
    return load(world, CI="false", XDG_CONFIG_HOME="elsewhere/.config")


TAKEN: list[Callable[[Path], str | None]] = [
    at_home,
    at_home_while_working_there,
    at_home_from_a_folder_of_dotfiles,
    at_home_in_ci_that_names_the_usual_place,
    in_ci_with_a_home_of_the_job,
    where_the_user_moved_it,
    where_ci_is_switched_off,
]


@pytest.mark.parametrize("case", TAKEN, ids=[case.__name__.replace("_", " ") for case in TAKEN])
def test_takes_a_configuration(world: Path, case: Callable[[Path], str | None]) -> None:
    assert case(world) == "vxsec:strict"


def test_a_place_without_a_configuration_is_not_refused(world: Path) -> None:
    assert load(world, CI="true", XDG_CONFIG_HOME="project/.config") is None


def test_the_top_of_the_file_system_is_no_project(world: Path) -> None:
    put(world / "elsewhere")
    assert load(world, cwd="/", XDG_CONFIG_HOME="elsewhere/.config") == "vxsec:strict"


def test_a_folder_that_is_gone_holds_no_configuration(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world / "elsewhere")
    gone = world / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        found = load_user_config(environ={"HOME": str(world / "elsewhere")})
    finally:
        os.chdir(world)
    assert found.policy is not None
    check_place(world / "x", environ={}, cwd=None, account=None)


def test_the_account_has_a_home_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(account_home() or "/").is_absolute()
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 7)
    assert account_home() is None
