"""The second net: pure functions run with an audit hook armed, and touch nothing."""

from __future__ import annotations

import contextlib
import importlib
import json
import socket
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.audit import TouchedOutsideError, touches_nothing
from vxsec.errors import VxsecError

if TYPE_CHECKING:
    from collections.abc import Callable

DEMO_TARBALL = min(Path(vxsec.__path__[0], "demo", "packages").glob("*.tgz"))


# -- the net itself ----------------------------------------------------------------------------------------------------


def _opens_a_file() -> object:
    return Path(__file__).read_bytes()


def _opens_a_socket() -> object:
    with socket.socket() as unconnected:
        return unconnected.fileno()


def _starts_a_process() -> object:
    return subprocess.run([sys.executable, "-c", "pass"], check=True)


def _lists_a_directory() -> object:
    return list(Path(__file__).parent.iterdir())


def _imports_a_module() -> object:
    return __import__("this_module_is_not_there")


@pytest.mark.parametrize(
    "impure",
    [
        pytest.param(_opens_a_file, id="a file is opened"),
        pytest.param(_opens_a_socket, id="a socket is made"),
        pytest.param(_starts_a_process, id="a process is started"),
        pytest.param(_lists_a_directory, id="a directory is listed"),
        pytest.param(_imports_a_module, id="a module is imported"),
    ],
)
def test_the_net_catches(impure: Callable[[], object]) -> None:
    with pytest.raises(TouchedOutsideError), touches_nothing():
        impure()


def test_the_net_catches_what_swallows_its_exception() -> None:
    def swallowing() -> None:
        with contextlib.suppress(AssertionError):
            _opens_a_file()

    with pytest.raises(TouchedOutsideError, match="open"), touches_nothing():
        swallowing()


def test_the_net_lets_computation_pass_and_is_gone_afterwards() -> None:
    with touches_nothing():
        json.loads(zlib.decompress(zlib.compress(b"[1]")))
    assert _opens_a_file()


# -- pure functions ----------------------------------------------------------------------------------------------------


def _call(module: str, function: str, /, *arguments: object, **options: object) -> Callable[[], object]:
    found = getattr(importlib.import_module(module), function)
    return lambda: found(*arguments, **options)


TARBALL = DEMO_TARBALL.read_bytes()
TRUST = b"""
apiVersion: vxsec/trust/v1
kind: Identities
keys: []
holders: []
registries:
  internal: {url: "https://registry.example.test/", scopes: ["@vextrus"]}
"""
LOCKFILE = b'{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}'

PURE = [
    pytest.param(_call("vxsec.formats.strict_json", "parse_json", b'{"a":[1,2]}', where="x"), id="JSON is parsed"),
    pytest.param(_call("vxsec.formats.strict_json", "parse_json", b'{"a":1,"a":2}', where="x"), id="JSON is refused"),
]


@pytest.mark.parametrize("pure", PURE)
def test_a_pure_function_touches_nothing(pure: Callable[[], object]) -> None:
    def run() -> None:
        with contextlib.suppress(VxsecError):
            pure()

    run()  # lazy imports happen now, not under the hook
    with touches_nothing():
        run()
