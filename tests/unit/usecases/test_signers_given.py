"""What a caller names as the signer, without a trust document."""

from __future__ import annotations

import importlib.util

import pytest

from support.signing_kit import NOW
from vxsec.errors import UsageError
from vxsec.usecases.signers_given import GivenSigners, load_signers, load_trusted_roots


def _identity(subject: str | None, issuer: str | None) -> GivenSigners:
    return load_signers(
        (),
        identity=subject,
        issuer=issuer,
        trusted_roots=(),
        gpg_keyring=None,
        gpg_fingerprints=(),
        requirements=None,
        now=NOW,
    )


def test_an_identity_is_judged_by_the_public_good_root_where_none_is_given() -> None:
    given = _identity("someone@example.test", "https://issuer.example.test")
    assert [root.rehearsal for root in given.roots] == [False]
    assert given.roots == load_trusted_roots(["public-good"])


def test_without_the_distribution_that_carries_it_the_public_good_root_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError) as caught:
        _identity("someone@example.test", "https://issuer.example.test")
    assert caught.value.code == "trusted-root.missing"
    assert "pip install vxsec" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("subject", "issuer"),
    [
        pytest.param("someone@example.test", None, id="a subject and no issuer"),
        pytest.param(None, "https://issuer.example.test", id="an issuer and no subject"),
    ],
)
def test_half_of_an_identity_is_refused(subject: str | None, issuer: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        _identity(subject, issuer)
    assert caught.value.code == "verify.identity"
