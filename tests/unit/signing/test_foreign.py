"""Foreign code with a deadline: what it gives, what it raises, and what must never be seen of that."""

from __future__ import annotations

import traceback
from typing import NoReturn

import pytest

from vxsec.errors import UndecidedError, UsageError
from vxsec.signing.foreign import run_foreign

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZUBleGFtcGxlLnRlc3QifQ.c2lnbmF0dXJl"


def _raise(error: Exception) -> NoReturn:
    raise error


def _all_text(error: BaseException) -> str:
    return "".join([str(error), repr(error), *traceback.format_exception(error)])


@pytest.mark.parametrize("value", ["something", None, 0])
def test_what_it_gives_is_given(value: object) -> None:
    assert run_foreign(5, lambda: value) == value


def test_our_own_errors_pass() -> None:
    error = UsageError("mine", code="usage.options")
    with pytest.raises(UsageError) as caught:
        run_foreign(5, lambda: _raise(error))
    assert caught.value is error


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("k"), RecursionError(), ExceptionGroup("g", [OSError()])])
def test_whatever_it_raises_is_an_answer_that_could_not_be_had(error: Exception) -> None:
    with pytest.raises(UndecidedError) as caught:
        run_foreign(5, lambda: _raise(error))
    assert caught.value.code == "keyless.failed"
    assert type(error).__name__ in caught.value.message
    assert caught.value.__cause__ is error


def test_a_long_message_is_cut() -> None:
    with pytest.raises(UndecidedError) as caught:
        run_foreign(5, lambda: _raise(ValueError("no " * 10_000)))
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TOKEN, id="alone"),
        pytest.param(f"bad token {TOKEN}: no", id="in a sentence"),
        pytest.param(f"{'no ' * 90}{TOKEN}", id="where the message is cut"),
        pytest.param(f"Bearer {TOKEN[:60]}", id="without its signature"),
        pytest.param(f'{{"token":"{TOKEN}"}}', id="in JSON"),
        pytest.param(f"https://example.test/?token={TOKEN}", id="in a URL"),
    ],
)
def test_a_token_is_cut_out_of_what_is_raised(text: str) -> None:
    with pytest.raises(UndecidedError) as caught:
        run_foreign(5, lambda: _raise(ValueError(text)))
    assert "eyJ" not in _all_text(caught.value)


def test_a_token_in_a_cause_is_not_carried_along() -> None:
    def act() -> NoReturn:
        try:
            _raise(ValueError(TOKEN))
        except ValueError as error:
            raise KeyError("the service refused") from error

    with pytest.raises(UndecidedError, match="the service refused") as caught:
        run_foreign(5, act)
    assert "eyJ" not in _all_text(caught.value)
