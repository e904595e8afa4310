"""The user's own configuration: what it may say, where it may lie, and who may have written it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vxsec.errors import ConfigurationError
from vxsec.host.protected import read_protected
from vxsec.usecases.user_config import UserConfig, config_file, load_user_config

DIGEST = "0123456789abcdef" * 4
FULL = f'trust = "~/trust"\ntrust-root = "{DIGEST}"\ntrust-minimum-version = 12\npolicy = "vxsec:strict"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with the configuration's folder in it."""
    (tmp_path / ".config" / "vxsec").mkdir(parents=True, mode=0o700)
    return tmp_path


def write(home: Path, text: str, mode: int = 0o600) -> Path:
    path = home / ".config" / "vxsec" / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def load(home: Path, **more: str) -> UserConfig:
    return load_user_config(environ={"HOME": str(home), **more})


def code(home: Path, **more: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(home, **more)
    assert caught.value.exit_status == 2
    assert caught.value.hint
    return caught.value.code


def test_gives_every_value_with_the_place_it_came_from(home: Path) -> None:
    path = write(home, FULL)
    config = load(home)
    assert config.trust is not None
    assert config.trust_root is not None
    assert config.trust_minimum_version is not None
    assert config.policy is not None
    assert (config.trust.value, config.trust.origin) == (f"{home}/trust", f"{path} (trust)")
    assert (config.trust_root.value, config.trust_root.origin) == (DIGEST, f"{path} (trust-root)")
    assert config.trust_minimum_version.value == 12
    assert config.policy.value == "vxsec:strict"


@pytest.mark.parametrize(
    "text",
    ['trust = "/srv/trust"\n', "# nothing yet\n", 'policy = "~/policy.yaml"\n'],
    ids=["one value", "none", "policy"],
)
def test_what_it_does_not_say_is_none(home: Path, text: str) -> None:
    write(home, text)
    assert load(home).trust_root is None


def test_there_need_be_none(tmp_path: Path) -> None:
    assert load(tmp_path) == load_user_config(environ={}) == UserConfig()


PLACES = {
    "below the home": ({"HOME": "/home/x"}, "/home/x/.config/vxsec/config.toml"),
    "where XDG says": ({"HOME": "/home/x", "XDG_CONFIG_HOME": "/etc/x"}, "/etc/x/vxsec/config.toml"),
    "not in the current folder": ({"HOME": "/home/x", "XDG_CONFIG_HOME": "x"}, "/home/x/.config/vxsec/config.toml"),
    "nowhere": ({"HOME": "x"}, "None"),
}


@pytest.mark.parametrize(("environ", "expected"), PLACES.values(), ids=PLACES.keys())
def test_where_it_lies(environ: dict[str, str], expected: str) -> None:
    assert str(config_file(environ=environ)) == expected


REFUSED = {
    "a key that is not known": ('trusts = "~/trust"\n', "document.unknown-member"),
    "a path from the current folder": ('trust = "trust"\n', "config.path"),
    "a path of another user's home": ('trust = "~root/trust"\n', "config.path"),
    "an empty path": ('trust = ""\n', "config.path"),
    "a policy from the current folder": ('policy = "policy.yaml"\n', "config.path"),
    "a digest that is too short": ('trust = "~/t"\ntrust-root = "abc"\n', "config.digest"),
    "a digest in capitals": (f'trust = "~/t"\ntrust-root = "{DIGEST.upper()}"\n', "config.digest"),
    "a digest without a repository": (f'trust-root = "{DIGEST}"\n', "document.missing"),
    "a minimum version of nought": ('trust = "~/t"\ntrust-minimum-version = 0\n', "config.version"),
    "a minimum version that is text": ('trust = "~/t"\ntrust-minimum-version = "12"\n', "document.type"),
    "a key twice": ('trust = "~/t"\ntrust = "~/u"\n', "document.syntax"),
    "no TOML": ("trust: ~/t\n", "document.syntax"),
    "nothing at all": ("", "document.empty"),
    "a hidden character": ('trust = "~/t\u202e"\n', "document.control-character"),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(home: Path, text: str, expected: str) -> None:
    write(home, text)
    assert code(home) == expected


def test_a_home_is_needed_for_a_path_below_it(home: Path) -> None:
    write(home, FULL)
    assert code(Path("nowhere"), XDG_CONFIG_HOME=str(home / ".config")) == "config.path"


# -- who may have written it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666], ids=["group", "others", "both"])
def test_a_file_that_others_may_write_is_refused(home: Path, mode: int) -> None:
    write(home, FULL, mode)
    assert code(home) == "config.permissions"


@pytest.mark.parametrize("mode", [0o770, 0o707], ids=["group", "others"])
def test_a_folder_that_others_may_write_is_refused(home: Path, mode: int) -> None:
    write(home, FULL).parent.chmod(mode)
    assert code(home) == "config.permissions"


def test_a_file_that_others_may_read_is_fine(home: Path) -> None:
    write(home, FULL, 0o644).parent.chmod(0o755)
    assert load(home).policy is not None


def test_a_link_is_followed_to_a_place_that_is_judged_the_same(home: Path, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir(mode=0o700)
    real = dotfiles / "vxsec.toml"
    real.write_text(FULL, encoding="utf-8")
    real.chmod(0o600)
    (home / ".config" / "vxsec" / "config.toml").symlink_to(real)
    assert load(home).policy is not None
    dotfiles.chmod(0o777)
    assert code(home) == "config.permissions"
    dotfiles.chmod(0o700)
    real.chmod(0o622)
    assert code(home) == "config.permissions"


@pytest.mark.parametrize("place", [".", ".config"], ids=["the home", "the folder above"])
@pytest.mark.parametrize("mode", [0o770, 0o707], ids=["group", "others"])
def test_a_folder_above_that_others_may_write_is_refused(home: Path, place: str, mode: int) -> None:
    """They could put another folder in the place of the one that is judged: a link to a checkout of yours, say."""
    write(home, FULL)
    (home / place).chmod(mode)
    assert code(home) == "config.permissions"
    (home / place).chmod(mode | 0o1000)
    assert load(home).policy is not None


def test_where_no_file_is_nothing_is_judged(home: Path) -> None:
    (home / ".config").chmod(0o777)
    assert load(home) == UserConfig()


def test_a_linked_folder_is_judged_where_it_leads_and_on_the_way(home: Path, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    (dotfiles / "deep" / "vxsec").mkdir(parents=True)
    (dotfiles / "deep" / "vxsec" / "config.toml").write_text(FULL, encoding="utf-8")
    (dotfiles / "deep" / "vxsec" / "config.toml").chmod(0o600)
    (home / ".config" / "vxsec").rmdir()
    (home / ".config" / "vxsec").symlink_to("../dotfiles/./deep/vxsec")
    assert load(home).policy is not None
    dotfiles.chmod(0o777)
    assert code(home) == "config.permissions"


def test_links_that_never_end_are_refused(home: Path) -> None:
    (home / ".config" / "vxsec" / "config.toml").symlink_to("config.toml")
    assert code(home) == "config.unreadable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_another_users_link_is_refused(home: Path, tmp_path: Path) -> None:
    """In a folder with the sticky bit anybody may make a link to a checkout of the user's own."""
    real = write(home, FULL)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    link = tmp_path / "shared" / "vxsec"
    link.symlink_to(real.parent)
    assert read_protected(link / "config.toml", max_bytes=1000) == FULL.encode()
    os.chown(link, 12345, -1, follow_symlinks=False)
    with pytest.raises(ConfigurationError) as caught:
        read_protected(link / "config.toml", max_bytes=1000)
    assert caught.value.code == "config.permissions"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_above_is_refused(home: Path) -> None:
    write(home, FULL)
    os.chown(home / ".config", 12345, -1)
    assert code(home) == "config.permissions"


def test_what_is_no_file_is_refused(home: Path) -> None:
    (home / ".config" / "vxsec" / "config.toml").mkdir()
    assert code(home) == "config.unreadable"


def test_a_pipe_is_not_waited_for(home: Path) -> None:
    os.mkfifo(home / ".config" / "vxsec" / "config.toml", 0o600)
    assert code(home) == "config.unreadable"


def test_too_much_is_refused(home: Path) -> None:
    path = write(home, FULL)
    with pytest.raises(ConfigurationError) as caught:
        read_protected(path, max_bytes=10)
    assert caught.value.code == "config.unreadable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_or_folder_is_refused(home: Path) -> None:
    path = write(home, FULL)
    os.chown(path, 12345, -1)
    assert code(home) == "config.permissions"
    os.chown(path, 0, -1)
    os.chown(path.parent, 12345, -1)
    assert code(home) == "config.permissions"


@pytest.mark.unprivileged
def test_a_folder_that_may_not_be_entered_is_refused(home: Path) -> None:
    write(home, FULL).parent.chmod(0o000)
    assert code(home) == "config.unreadable"
    (home / ".config" / "vxsec").chmod(0o700)
