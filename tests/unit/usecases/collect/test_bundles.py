"""Which bundles travel with a tarball, and which files must hold some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.signing_kit import DIGESTS, OTHER_DIGESTS, release, signed, signer
from vxsec.errors import FormatError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.signing.signer import sign_blob
from vxsec.usecases.collect.bundles import _require_bundles, _speaks_of
from vxsec.verification.release import SourceKind

if TYPE_CHECKING:
    from vxsec.model.digest import Digests


@pytest.mark.parametrize(("digests", "speaks"), [(DIGESTS, True), (OTHER_DIGESTS, False)], ids=["these", "others"])
def test_a_bundle_travels_with_the_bytes_it_speaks_of(digests: Digests, speaks: bool) -> None:
    key = signer("ci")
    bare = read_bundle(sign_blob(key, sha256=bytes.fromhex(DIGESTS.sha256)), where="made here")
    assert _speaks_of(release(key), digests) is speaks
    assert _speaks_of(bare, digests) is speaks


def test_a_payload_that_is_no_statement_travels_with_nothing() -> None:
    assert not _speaks_of(signed(signer("ci"), b"{}"), DIGESTS)


def test_a_bundle_file_that_was_named_must_hold_a_bundle() -> None:
    bundle = release(signer("ci"))
    _require_bundles([], [])
    _require_bundles(["a"], [(bundle, "a", SourceKind.GIVEN)])
    with pytest.raises(FormatError) as caught:
        _require_bundles(["a", "b"], [(bundle, "a", SourceKind.GIVEN)])
    assert (caught.value.code, caught.value.where) == ("bundle.malformed", "b")
