"""The table of npm's settings: what is told of a key, and that the tables do not contradict each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.formats.npmrc_keys import (
    DEPRECATED_KEYS,
    FOREIGN_KEYS,
    HISTORIC_KEYS,
    KNOWN_KEYS,
    NEW_IN_12,
    REGISTRY_KEYS,
    REMOVED_IN_12,
    KeyState,
    judge_key,
)

CASES = {
    "a setting": ("registry", KeyState.KNOWN, None),
    "a scope's registry": ("@acme:registry", KeyState.KNOWN, None),
    "a token with its registry": ("//registry.example.test/npm/:_authToken", KeyState.KNOWN, None),
    "a token for a port": ("//registry.example.test:4873/:_authToken", KeyState.KNOWN, None),
    "a client certificate": ("//registry.example.test/:certfile", KeyState.KNOWN, None),
    "what npm sets for its children": ("local-prefix", KeyState.KNOWN, None),
    "a token without a registry": ("_authToken", KeyState.UNSCOPED, "_authToken"),
    "a token in lower case": ("_authtoken", KeyState.UNSCOPED, "_authToken"),
    "a token with a hyphen": ("-authtoken", KeyState.UNSCOPED, "_authToken"),
    "a basic credential without a registry": ("_auth", KeyState.UNSCOPED, "_auth"),
    "a user without a registry": ("username", KeyState.UNSCOPED, "username"),
    "half a credential without a registry": ("_password", KeyState.UNSCOPED, "_password"),
    "a setting that only looks like one": ("password", KeyState.KNOWN, None),
    "a scoped token in lower case": ("//registry.example.test/:_authtoken", KeyState.UNKNOWN, "_authToken"),
    "a scoped token without its underscore": ("//registry.example.test/:authToken", KeyState.UNKNOWN, "_authToken"),
    "a misspelt setting": ("regsitry", KeyState.UNKNOWN, "registry"),
    "an underscore for a hyphen": ("strict_ssl", KeyState.UNKNOWN, "strict-ssl"),
    "a misspelt scope line": ("@acme:regsitry", KeyState.UNKNOWN, "registry"),
    "a setting of another program": ("electron_mirror", KeyState.UNKNOWN, None),
    "a setting of pnpm": ("shamefully-hoist", KeyState.FOREIGN, None),
    "a setting of old": ("always-auth", KeyState.HISTORIC, None),
    "a setting of old for one registry": ("//registry.example.test/:always-auth", KeyState.HISTORIC, None),
    "a setting to replace": ("init.license", KeyState.DEPRECATED, None),
    "nothing before the equals sign": ("", KeyState.UNKNOWN, None),
    "a whole token where a key should be": ("npm_" + "a1B2" * 9, KeyState.UNKNOWN, None),
    "a very long line": ("registry" * 5000, KeyState.UNKNOWN, None),
}


@pytest.mark.parametrize(("key", "state", "meant"), CASES.values(), ids=CASES.keys())
def test_what_npm_makes_of(key: str, state: KeyState, meant: str | None) -> None:
    judged = judge_key(key)
    assert (judged.state, judged.meant) == (state, meant)
    assert (judged.advice is not None) == (state in {KeyState.DEPRECATED, KeyState.HISTORIC, KeyState.FOREIGN})


def test_the_tables_do_not_contradict_each_other() -> None:
    assert KNOWN_KEYS >= NEW_IN_12
    assert KNOWN_KEYS >= REMOVED_IN_12
    assert set(DEPRECATED_KEYS) <= KNOWN_KEYS
    assert not NEW_IN_12 & REMOVED_IN_12
    assert not KNOWN_KEYS & set(HISTORIC_KEYS)
    assert not KNOWN_KEYS & set(FOREIGN_KEYS)
    assert not set(HISTORIC_KEYS) & set(FOREIGN_KEYS)
    assert {"_auth"} == KNOWN_KEYS & REGISTRY_KEYS


def test_what_is_to_be_written_instead_is_itself_known() -> None:
    for line in DEPRECATED_KEYS.values():
        judged = judge_key(line.partition("=")[0])
        assert judged.state is KeyState.KNOWN, line


@given(st.text())
def test_every_key_gets_an_answer(key: str) -> None:
    judged = judge_key(key)
    assert judged.word == key.rpartition(":")[2]
    assert judged.meant is None or judged.meant in KNOWN_KEYS | REGISTRY_KEYS
