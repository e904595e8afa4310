"""A foreign call that never ends: real threads and real time, which a shifted clock would stretch."""

from __future__ import annotations

from threading import Event

import pytest

from vxsec.errors import UndecidedError
from vxsec.signing.foreign import run_foreign


def test_what_never_ends_is_not_waited_for() -> None:
    never = Event()
    with pytest.raises(UndecidedError) as caught:
        run_foreign(0.05, never.wait)
    never.set()
    assert caught.value.code == "keyless.timeout"
    assert "0.05 seconds" in caught.value.message
