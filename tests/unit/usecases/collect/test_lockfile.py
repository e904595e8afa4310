"""Whose name an alias is."""

from __future__ import annotations

import pytest

from vxsec.usecases.collect.lockfile import _real_name

NAMES = {
    "a range": ("^1.0.0", "kernel"),
    "an alias": ("npm:left-pad@^1.0.0", "left-pad"),
    "an alias in a scope": ("npm:@acme/x@1", "@acme/x"),
    "an alias without a range": ("npm:left-pad", "left-pad"),
    "an alias in a scope without a range": ("npm:@acme/x", "@acme/x"),
    "a URL": ("https://registry.example.test/x.tgz", "kernel"),
}


@pytest.mark.parametrize(("spec", "name"), NAMES.values(), ids=NAMES.keys())
def test_an_alias_counts_as_its_target(spec: str, name: str) -> None:
    assert _real_name("kernel", spec) == name
