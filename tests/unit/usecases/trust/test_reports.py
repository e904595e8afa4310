"""What a repository says, line by line, and what in it will expire."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.policy_cases import make_trust
from support.trust_kit import IDENTITIES, write_keys
from vxsec.formats.trust_revocations import Revocations
from vxsec.model.report.trust import TrustCheck, TrustFinding, TrustLevel
from vxsec.model.trust import (
    Builder,
    DigestRevocation,
    Identity,
    IdentityRevocation,
    KeyRevocation,
    LogRevocation,
    RevocationReason,
    Role,
)
from vxsec.model.trusted_root import CertificateAuthority, TransparencyLog, TrustedRoot, Window
from vxsec.report.trust import render_check
from vxsec.usecases.trust.check import check_trust_repository
from vxsec.usecases.trust.grants import document_grants
from vxsec.usecases.trust.init import init_trust

if TYPE_CHECKING:
    from pathlib import Path

    from vxsec.model.trust import TrustRoot

T = datetime(2026, 1, 1, tzinfo=UTC)
COMPROMISED = RevocationReason.COMPROMISED
WINDOW = Window(start=T)


def _everything() -> TrustRoot:
    trust = make_trust()
    identity = Identity(subject="a@example.test", issuer="https://i.example.test", roles=(Role.HUMAN,), valid_from=T)
    authority = CertificateAuthority(uri="https://ca.example.test", chain=(b"a", b"b"), window=Window(start=T, end=T))
    stamps = replace(authority, uri="https://tsa.example.test")
    log = TransparencyLog(base_url="https://log.example.test", spki=b"log", log_id=b"id", window=WINDOW)
    instance = TrustedRoot(
        certificate_authorities=(authority,),
        logs=(log,),
        ct_logs=(replace(log, base_url="https://ct.example.test"),),
        timestamp_authorities=(stamps,),
        source="root.json",
        sha256="00",
    )
    holders = tuple(replace(holder, identities=(identity,)) for holder in trust.holders[-1:])
    return replace(
        trust,
        holders=holders,
        builders=(Builder(id="https://build.example.test", level=3),),
        trusted_roots=(instance,),
        key_revocations=(KeyRevocation(key="old", reason=COMPROMISED, since=T),),
    )


def test_everything_that_is_granted_or_taken_back_is_a_line() -> None:
    more = Revocations(
        keys=(KeyRevocation(key="older", reason=RevocationReason.SUPERSEDED, since=T),),
        identities=(IdentityRevocation(subject="x@example.test", issuer="https://i", reason=COMPROMISED, since=T),),
        digests=(DigestRevocation(sha512="ab", reason=COMPROMISED, since=T),),
        logs=(LogRevocation(uri="https://log", reason=COMPROMISED, since=T),),
    )
    lines = {(item.kind, item.subject): item.detail for item in document_grants(_everything(), more)}
    assert lines["identity", "human-holder (person)"] == (
        "human: a@example.test of https://i.example.test, from 2026-01-01T00:00:00Z"
    )
    assert lines["builder", "https://build.example.test"] == "SLSA build level 3"
    assert lines["certificates", "https://ca.example.test"].endswith("until 2026-01-01T00:00:00Z")
    assert ("timestamps", "https://tsa.example.test") in lines
    assert lines["log", "https://ct.example.test"].endswith("from 2026-01-01T00:00:00Z")
    assert ("registry", "@vextrus") in lines
    assert lines["revoked", "key older"] == "superseded since 2026-01-01T00:00:00Z"
    assert {subject for kind, subject in lines if kind == "revoked"} == {
        "key old",
        "key older",
        "identity x@example.test of https://i",
        "tarball sha512:ab",
        "log https://log",
    }
    assert ("revoked", "key older") not in {(item.kind, item.subject) for item in document_grants(_everything(), None)}


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with keys and an identities document."""
    monkeypatch.chdir(tmp_path)
    write_keys(tmp_path, "alice", "bob", "carol", "ci")
    return tmp_path


def findings(
    *, days: float, document: bytes = IDENTITIES, keys: tuple[str, ...] = ("alice", "bob", "carol"), **more: Any
) -> list[tuple[str, str, str]]:
    """Level, code and subject of everything found so many days after the repository was made."""
    from pathlib import Path

    Path("trust.yaml").write_bytes(document)
    init_trust("trust", identities="trust.yaml", root_keys=[f"file:{key}.pem" for key in keys], now=T, **more)
    check = check_trust_repository("trust", now=T + timedelta(days=days))
    return [(item.level.value, item.code, item.subject) for item in check.findings]


DAYS = {
    "at first": (0, []),
    "when half of the time of timestamp is over": (7, [("soon", "timestamp")]),
    "three days before timestamp ends": (11, [("now", "timestamp")]),
    "when timestamp is over": (14, [("expired", "timestamp")]),
    "when half of the time of snapshot is over": (16, [("expired", "timestamp"), ("soon", "snapshot")]),
}


@pytest.mark.parametrize(("days", "expected"), DAYS.values(), ids=DAYS.keys())
def test_what_will_expire(team: Path, days: float, expected: list[tuple[str, str]]) -> None:
    del team
    assert [(level, subject) for level, _, subject in findings(days=days)] == expected


def test_roles_that_people_renew_are_told_of_30_14_and_3_days_ahead(team: Path) -> None:
    del team
    found = {subject: level for level, _, subject in findings(days=180 - 29.5)}
    assert (found["identities"], found["revocations"], "root" in found) == ("notice", "notice", False)
    for days, level in ((13.5, "soon"), (2.5, "now"), (0, "expired")):
        check = check_trust_repository("trust", now=T + timedelta(days=180 - days))
        assert {item.level.value for item in check.findings if item.subject == "identities"} == {level}


def _key(until: str, *, more: str = "") -> bytes:
    return IDENTITIES.replace(b"2100-01-01T00:00:00Z", until.encode()).replace(
        b"holder: ci}]\nholders", f"holder: ci}}{more}]\nholders".encode()
    )


FOLLOWED = ', {id: next, file: alice.pub, roles: [machine], from: "2026-01-05T00:00:00Z", until: "2027-01-01T00:00:00Z", holder: ci}'
KEYS = {
    "a key that ends in a month": (_key("2026-01-31T00:00:00Z"), [("notice", "trust.key-expires")]),
    "a key that ends in two weeks": (_key("2026-01-15T00:00:00Z"), [("soon", "trust.key-expires")]),
    "a key that ends in two days": (_key("2026-01-03T00:00:00Z"), [("now", "trust.key-expires")]),
    "a key that has ended": (IDENTITIES.replace(b"2026-01-01", b"2025-01-01").replace(b"2100-01-01", b"2025-06-01"), [("expired", "trust.key-expired")]),
    "a key that another one follows": (_key("2026-01-06T00:00:00Z", more=FOLLOWED), []),
}  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), KEYS.values(), ids=KEYS.keys())
def test_keys_of_people_and_machines(team: Path, document: bytes, expected: list[tuple[str, str]]) -> None:
    del team
    assert [
        (level, code) for level, code, subject in findings(days=0, document=document) if subject == "ci-key"
    ] == expected


def test_a_root_without_a_spare_key_and_one_holder_with_two_keys_are_told(team: Path) -> None:
    del team
    both = ', {id: a, file: alice.pub, roles: [machine], from: "2026-01-01T00:00:00Z", until: "2100-01-01T00:00:00Z", holder: ci}'
    document = _key("2100-01-01T00:00:00Z", more=both + both.replace("id: a", "id: b").replace("alice", "bob"))
    found = findings(days=0, document=document, keys=("alice", "bob"))
    assert ("notice", "trust.no-spare-key", "root") in found
    assert ("notice", "trust.one-holder", "root") in found
    assert ("notice", "trust.one-holder", "revocations") not in found


STATUS = {
    "nothing": ([], 0),
    "a notice": ([(TrustLevel.NOTICE, "trust.role-expires")], 0),
    "soon": ([(TrustLevel.SOON, "trust.role-expires")], 0),
    "what cannot wait": ([(TrustLevel.NOW, "trust.role-expires")], 11),
    "a key that has ended": ([(TrustLevel.EXPIRED, "trust.key-expired")], 11),
    "stale metadata": ([(TrustLevel.NOW, "trust.key-expires"), (TrustLevel.EXPIRED, "trust.role-expired")], 4),
}


@pytest.mark.parametrize(("listed", "expected"), STATUS.values(), ids=STATUS.keys())
def test_the_exit_status(listed: list[tuple[TrustLevel, str]], expected: int) -> None:
    rows = tuple(
        TrustFinding(
            level=level, code=code, subject="x", message="x\x1b[2J", fix="vxsec trust refresh DIR --signer KEY"
        )
        for level, code in listed
    )
    check = TrustCheck(source="trust", first_root_sha256="00", pinned=True, versions=(), findings=rows)
    assert check.exit_status == expected
    assert "\x1b" not in "\n".join(render_check(check))
