from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vxsec.errors import ConfigurationError, UsageError
from vxsec.registry.npm_config import load_npm_config

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "//registry.example.test/:_authToken=${TOKEN}\n"
URL = "https://registry.example.test/"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_the_project_wins_and_only_the_user_file_is_expanded(home: Path, project: Path) -> None:
    (home / ".npmrc").write_text(f"registry=https://user.test/\n{TOKEN}")
    (project / ".npmrc").write_text("@vextrus:registry=https://registry.example.test\nregistry=https://project.test")
    config = load_npm_config(project_dir=project, environ={"HOME": str(home), "TOKEN": "t"})
    assert config.registry == "https://project.test/"
    assert config.registry_for("@vextrus/a") == URL
    found = config.credentials_for(URL)
    assert found is not None
    assert found.authorization == "Bearer t"


@pytest.mark.parametrize("variable", ["NPM_CONFIG_USERCONFIG", "npm_config_userconfig"])
def test_another_user_file_is_named_by_the_environment(home: Path, project: Path, variable: str) -> None:
    (home / ".npmrc").write_text("registry=https://home.test")
    named = project / "ci.npmrc"
    named.write_text(TOKEN)
    config = load_npm_config(project_dir=project, environ={"HOME": str(home), variable: str(named), "TOKEN": "t"})
    assert config.registry is None
    assert config.credentials_for(URL) is not None


def test_a_token_of_the_environment_in_a_project_file_is_an_error_only_where_it_is_used(
    home: Path, project: Path
) -> None:
    (project / ".npmrc").write_text(TOKEN)
    config = load_npm_config(project_dir=project, environ={"HOME": str(home), "TOKEN": "t"})
    assert config.credentials_for("https://other.test/") is None
    with pytest.raises(ConfigurationError) as caught:
        config.credentials_for(URL)
    assert caught.value.code == "npmrc.environment"


def test_the_home_folders_file_is_the_users_even_where_it_is_the_project(home: Path) -> None:
    (home / ".npmrc").write_text(TOKEN)
    config = load_npm_config(project_dir=home, environ={"HOME": str(home), "TOKEN": "t"})
    assert len(config.layers) == 1
    assert config.credentials_for(URL) is not None


def test_no_file_and_no_home_is_ordinary(project: Path) -> None:
    config = load_npm_config(project_dir=project, environ={"https_proxy": "http://p.test", "NO_PROXY": "x.test"})
    assert config.layers == ()
    assert config.proxy_for("https://a.test/") == "http://p.test"
    assert config.proxy_for("https://x.test/") is None


def test_a_file_that_is_not_utf8(project: Path) -> None:
    (project / ".npmrc").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError) as caught:
        load_npm_config(project_dir=project, environ={})
    assert caught.value.code == "npmrc.encoding"


def test_a_folder_instead_of_a_file(project: Path) -> None:
    (project / ".npmrc").mkdir()
    with pytest.raises(UsageError) as caught:
        load_npm_config(project_dir=project, environ={})
    assert caught.value.code == "file.unreadable"


def test_checks_turned_off_are_refused_unless_a_registry_is_named(project: Path) -> None:
    (project / ".npmrc").write_text("strict-ssl=false")
    with pytest.raises(ConfigurationError) as caught:
        load_npm_config(project_dir=project, environ={})
    assert caught.value.code == "npmrc.strict-ssl"
    assert load_npm_config(project_dir=project, environ={}, unsafe_tls=[URL]).layers
