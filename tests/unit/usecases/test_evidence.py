"""Pushing no bundles asks nobody."""

from __future__ import annotations

from typing import Any, cast

from vxsec.usecases.evidence import push_bundles


def test_without_a_bundle_no_registry_is_asked() -> None:
    nobody = cast("Any", None)
    assert push_bundles(nobody, nobody, nobody, []) is None
