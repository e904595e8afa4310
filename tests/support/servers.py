"""Real programs, started once per run and only by the tests that ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.node_tools import node_tools_or_skip
from support.verdaccio import running_verdaccio
from vxsec.testing import RegistrySimulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools
    from support.verdaccio import Verdaccio


@pytest.fixture(scope="session")
def node_tools() -> NodeTools:
    """Node and npm, new enough for Verdaccio."""
    return node_tools_or_skip()


@pytest.fixture(scope="session")
def verdaccio(node_tools: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdaccio]:
    """One Verdaccio for the whole run; tests use names of their own."""
    with running_verdaccio(node_tools, tmp_path_factory.mktemp("verdaccio")) as running:
        yield running


@pytest.fixture
def simulator() -> Iterator[RegistrySimulator]:
    """A fresh loopback registry."""
    with RegistrySimulator() as running:
        yield running
