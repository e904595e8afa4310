"""The distributions under test: those of ``VXSEC_DIST``, or built here from the checkout."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.distributions import CHECKOUT, build_distribution

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def built_sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist of the checkout."""
    return build_distribution(CHECKOUT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def unpacked_sdist(built_sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist unpacked, as a packager has it: without a repository around it."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xzf", str(built_sdist), "-C", str(folder)], check=True)
    (root,) = folder.iterdir()
    return root


@pytest.fixture(scope="session")
def built_wheel(unpacked_sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that comes out of the sdist."""
    return build_distribution(unpacked_sdist, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sdist(request: pytest.FixtureRequest) -> Path:
    """The sdist to look into."""
    return _given("*.tar.gz") or request.getfixturevalue("built_sdist")


@pytest.fixture(scope="session")
def wheel(request: pytest.FixtureRequest) -> Path:
    """The wheel to look into."""
    return _given("*.whl") or request.getfixturevalue("built_wheel")


def _given(pattern: str) -> Path | None:
    folder = os.environ.get("VXSEC_DIST")
    if not folder:
        return None
    (found,) = (CHECKOUT / folder).glob(pattern)
    return found
