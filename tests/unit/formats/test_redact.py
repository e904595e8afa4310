"""Addresses are shown without what opens them, however they are written; other text stays as it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.formats.redact import redact_urls

HIDDEN = {
    "a user and a password": ("https://me:TOPSECRET@h.example.test/a", "https://***@h.example.test/a"),
    "a token alone": ("git+https://TOPSECRET@h.example.test/a.git#v1", "git+https://***@h.example.test/a.git#v1"),
    "an @ in a password": ("https://me:TOP@SECRET@h.example.test/", "https://***@h.example.test/"),
    "no slashes": ("https:me:TOPSECRET@h.example.test", "https:***@h.example.test"),
    "one slash": ("https:/TOPSECRET@h.example.test", "https:/***@h.example.test"),
    "backslashes": ("http:\\\\me:TOPSECRET@h.example.test\\a", "http:\\\\***@h.example.test\\a"),
    "no scheme": ("//TOPSECRET@h.example.test/a", "//***@h.example.test/a"),
    "git's own spelling": ("me:TOPSECRET@h.example.test:a/b", "me:***@h.example.test:a/b"),
    "git's own spelling with a token": ("TOPSECRET@h.example.test:a/b", "***@h.example.test:a/b"),
    "a shortcut of npm with a token": ("TOPSECRET@github:a/b", "***@github:a/b"),
    "a query": ("https://h.example.test/a?token=TOPSECRET#v1", "https://h.example.test/a?***#v1"),
    "a second question mark": ("https://h.example.test/?a?b=TOPSECRET/@x", "https://h.example.test/?***"),
    "a sentence": ("SEE (https://me:TOPSECRET@h.example.test/x) AND c", "SEE (https://***@h.example.test/x) AND c"),
    "two addresses in one word": (
        "https://a:TOPSECRET@h.example.test/,https://b:TOPSECRET@i.example.test/",
        "https://***@h.example.test/,https://***@i.example.test/",
    ),
    "a password of half a URL": ("git+ssh://me:TOPSECRET@", "git+ssh://***@"),
}
KEPT = [
    "https://registry.example.test/@a/b/-/b-1.0.0.tgz", "git+ssh://git@h.example.test/a/b.git#semver:^1", "git@github.com:a/b.git",
    "npm:@a/b@^1", "npm:b@1", "@a/b@1.0.0", "b@1.0.0", "^1.0.0 || 2", "MIT", "who? me@h.example.test", "file:../b@1", "why?not",
    "https://h.example.test/b@1.0.0", "Copyright: me <me@h.example.test>", "",
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), HIDDEN.values(), ids=HIDDEN.keys())
def test_hides(text: str, shown: str) -> None:
    assert "TOPSECRET" not in shown
    assert redact_urls(text) == shown
    assert redact_urls(shown) == shown


@pytest.mark.parametrize("text", KEPT)
def test_keeps(text: str) -> None:
    assert redact_urls(text) == text


@given(
    st.sampled_from(["https://", "HTTP:", "git+ssh://", "http:\\\\", "https:/"]), st.text(alphabet="ab1:@%~!$&'*;=,.-_")
)
def test_no_user_and_password_gets_through(scheme: str, user: str) -> None:
    assert "TOPSECRET" not in redact_urls(f"{scheme}{user}TOPSECRET@h.example.test/a")


@pytest.mark.parametrize("unit", ["a", ":", "/", "@", "?", "//a:b@", "a:", "\\", "x@y.z:", "#?", "npm:"])
def test_long_text_costs_little(unit: str) -> None:
    started = time.process_time()
    redact_urls("@" + unit * 200_000)
    assert time.process_time() - started < 2
