"""``vxsec trust`` from the first key to the export: what is written, what is told, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.published_schemas import published_errors
from support.trust_kit import IDENTITIES, write_key, write_keys
from vxsec.errors import UndecidedError, VerificationError, VxsecError
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.usecases.trust.init import init_trust
from vxsec.usecases.trust.load import load_trust_repository
from vxsec.usecases.trust.rotate import refresh_trust

if TYPE_CHECKING:
    from e2e.conftest import Answer, Vxsec

ROLES = ["root", "timestamp", "snapshot", "targets", "identities", "policies", "waivers", "revocations", "databases"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with keys of a team of two and an identities document; it is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_keys(tmp_path, "alice", "bob", "carol", "ci", "online", "mallory")
    (tmp_path / "trust.yaml").write_bytes(IDENTITIES)
    return tmp_path


CHANGING = ("add", "rotate", "refresh", "revoke", "sign")


class Pinned:
    """Runs ``vxsec``; changes of a repository get the digest of its first root, as whoever changes one was given it."""

    def __init__(self, run: Vxsec) -> None:
        self.run = run
        self.digest = ""

    def __call__(self, *arguments: object) -> Answer:
        """Run one command."""
        changes = arguments[0] == "trust" and arguments[1] in CHANGING
        pin = ("--trust-root", self.digest) if changes and self.digest and "--trust-root" not in arguments else ()
        return self.run(*arguments, *pin)


@pytest.fixture
def vxsec_run(vxsec_run: Vxsec) -> Pinned:
    """The command line, in this process."""
    return Pinned(vxsec_run)


BOTH = ("--signer", "alice.pem", "--signer", "bob.pem")


def make(vxsec_run: Pinned, *more: str) -> str:
    """Make ``trust`` and return the digest of its first root."""
    arguments = ("--root-key", "alice.pem", "--root-key", "bob.pem", "--identities", "trust.yaml", *more)
    made = told(vxsec_run("trust", "init", "trust", *arguments, "--json"), "trustchange")
    vxsec_run.digest = str(made["firstRootSha256"])
    return vxsec_run.digest


def told(answer: Answer, name: str, status: int = 0) -> dict[str, Any]:
    """The document, which its published schema describes."""
    assert answer.status == status, answer.out + answer.err
    document: dict[str, Any] = answer.json
    assert document["schema"] == f"urn:vxsec:schema:{name}:v1"
    assert published_errors(document) == []
    return document


def refused(answer: Answer, code: str, status: int = 2) -> None:
    assert (answer.status, answer.out) == (status, ""), answer.out + answer.err
    assert f"error[{code}]" in answer.err
    assert "hint: " in answer.err


def load(digest: str, path: str = "trust", **more: Any) -> Any:
    return load_trust_repository(path, now=datetime.now(UTC), root_sha256=digest, **more)


def everything(path: str = "trust") -> dict[str, bytes]:
    return {str(item): item.read_bytes() for item in sorted(Path(path).rglob("*")) if item.is_file()}


# -- init ----------------------------------------------------------------------------------------------------------------


def test_a_team_of_two_needs_two_keys_and_nothing_else(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    loaded = load(digest)
    assert loaded.identities == IDENTITIES
    assert loaded.load_file("ci.pub") == Path("ci.pub").read_bytes()
    assert b"kind: Revocations" in loaded.revocations
    assert {role.threshold for role in loaded.verified.roles.values()} == {1, 2}
    assert sorted(path.name for path in Path("trust/metadata").iterdir()) == sorted(
        [*(f"1.{role}.json" for role in ROLES if role != "timestamp"), "timestamp.json"]
    )
    assert sorted(everything())[-3:] == [
        "trust/targets/identities/ci.pub",
        "trust/targets/identities/identities.yaml",
        "trust/targets/revocations/revocations.yaml",
    ]


def test_init_tells_the_digest_and_what_to_know(vxsec_run: Pinned) -> None:
    answer = vxsec_run("trust", "init", "trust", "--root-key", "alice.pem", "--identities", "trust.yaml")
    assert answer.status == 0
    assert "first root  sha256 " in answer.out
    assert "hand this digest over" in answer.out
    assert "one key decides alone" in answer.out
    assert "timestamp is good for 14 days" in answer.out


def test_a_key_whose_holder_is_not_here_is_given_by_its_public_half(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run, "--root-key", "carol.pub", "--online-key", "online.pem")
    roles = load(digest).verified.roles
    assert (roles["root"].threshold, len(roles["root"].keys)) == (2, 3)
    assert len(roles["timestamp"].keys) == 1


INIT_REFUSED: dict[str, tuple[list[str], str]] = {
    "more signatures asked for than there are keys": (["--threshold", "3"], "trust.threshold"),
    "more signatures asked for than there are signers": (
        ["--root-key", "carol.pub", "--threshold", "3"],
        "trust.signers",
    ),
    "an identities document that is not there": (["--identities", "none.yaml"], "file.missing"),
    "an identities document that does not load": (["--identities", "alice.pub"], "document.type"),
    "a root key that is not there": (["--root-key", "none.pem"], "file.missing"),
    "a root key that is none": (["--root-key", "trust.yaml"], "key.malformed"),
}


@pytest.mark.parametrize(("more", "code"), INIT_REFUSED.values(), ids=INIT_REFUSED.keys())
def test_init_refuses(vxsec_run: Pinned, more: list[str], code: str) -> None:
    arguments = ("--root-key", "alice.pem", "--root-key", "bob.pem", "--identities", "trust.yaml", *more)
    refused(vxsec_run("trust", "init", "trust", *arguments), code)
    assert not Path("trust").exists()


def test_init_makes_no_second_repository(vxsec_run: Pinned) -> None:
    make(vxsec_run)
    before = everything()
    refused(vxsec_run("trust", "init", "trust", "--root-key", "alice.pem", "--identities", "trust.yaml"), "file.exists")
    assert everything() == before


# -- add, revoke, rotate, refresh ----------------------------------------------------------------------------------------


def test_a_changed_identities_document_takes_the_place_of_the_one_before(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    Path("release").mkdir()
    Path("release/new.yaml").write_bytes(IDENTITIES.replace(b"ci.pub", b"keys/machine.pub"))
    Path("release/keys").mkdir()
    Path("release/keys/machine.pub").write_bytes(Path("ci.pub").read_bytes())
    change = told(
        vxsec_run("trust", "add", "trust", "release/new.yaml", "--role", "identities", *BOTH, "--json"), "trustchange"
    )
    assert [row["role"] for row in change["versions"]] == ["timestamp", "snapshot", "identities"]
    loaded = load(digest)
    assert loaded.load_file("keys/machine.pub") == Path("ci.pub").read_bytes()
    assert sorted(loaded.verified.files)[:2] == ["identities/identities.yaml", "identities/keys/machine.pub"]
    with pytest.raises(VxsecError) as caught:
        loaded.load_file("ci.pub")
    assert caught.value.code == "file.missing"


def test_policies_come_and_go(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    Path("policy.yaml").write_text("kind: Policy\n", encoding="utf-8")
    arguments = ("trust", "add", "trust", "--role", "policies", *BOTH)
    assert vxsec_run(*arguments, "policy.yaml").status == 0
    walked = ("identities", "revocations", "policies")
    assert load(digest, roles=walked).verified.target("policies", "policies/policy.yaml") == b"kind: Policy\n"
    refused(vxsec_run(*arguments, "policy.yaml"), "trust.nothing-changed")
    refused(vxsec_run(*arguments, "--remove", "other.yaml"), "trust.target-missing")
    assert vxsec_run(*arguments, "--remove", "policy.yaml").status == 0
    assert "policies/policy.yaml" not in load(digest, roles=walked).verified.files


def test_one_key_takes_trust_away(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    one = ("--reason", "compromised", "--signer", "bob.pem")
    since = ("--since", "2026-11-01T00:00:00Z")
    assert vxsec_run("trust", "revoke", "trust", "--key", "ci-key", *since, *one).status == 0
    assert vxsec_run("trust", "revoke", "trust", "--sha512", "ab" * 64, *one).status == 0
    text = load(digest).revocations.decode()
    assert 'key: "ci-key", reason: "compromised", since: "2026-11-01T00:00:00Z"' in text
    assert f'sha512: "{"ab" * 64}"' in text
    refused(vxsec_run("trust", "revoke", "trust", "--key", "ci-key", *since, *one), "trust.nothing-changed")


REVOKE_REFUSED: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "trust.revoke-what"),
    "two things": (["--key", "ci-key", "--sha512", "ab" * 64], "trust.revoke-what"),
    "a key that is not there": (["--key", "ci-kye"], "trust.revocation"),
    "an identity that is not there": (
        ["--identity", "x@example.test", "--issuer", "https://i.example.test"],
        "trust.revocation",
    ),
    "an identity without its issuer": (["--identity", "x@example.test"], "usage.options"),
    "an issuer without an identity": (["--issuer", "https://i.example.test"], "usage.options"),
    "a digest that is none": (["--sha512", "abc"], "trust.revocation"),
    "a log that is not there": (["--log", "https://log.example.test"], "trust.revocation"),
}


@pytest.mark.parametrize(("what", "code"), REVOKE_REFUSED.values(), ids=REVOKE_REFUSED.keys())
def test_revoke_refuses(vxsec_run: Pinned, what: list[str], code: str) -> None:
    make(vxsec_run)
    before = everything()
    refused(vxsec_run("trust", "revoke", "trust", *what, "--reason", "compromised", "--signer", "bob.pem"), code)
    assert everything() == before


def test_root_goes_over_to_other_keys_step_by_step(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    rotate = ("trust", "rotate", "trust", "--role", "root")
    assert vxsec_run(*rotate, "--add-key", "carol.pub", *BOTH).status == 0
    refused(vxsec_run(*rotate, "--remove-key", "bob.pub", "--signer", "carol.pem"), "trust.signers")
    with_carol = ("--signer", "alice.pem", "--signer", "carol.pem")
    assert vxsec_run(*rotate, "--remove-key", "bob.pub", *with_carol).status == 0
    refused(vxsec_run(*rotate, "--threshold", "1", *BOTH), "trust.signers")
    refused(vxsec_run(*rotate, "--remove-key", "mallory.pub", *with_carol), "trust.key-missing")
    refused(vxsec_run(*rotate, "--remove-key", "abc", *with_carol), "trust.key-missing")
    refused(vxsec_run(*rotate, "--remove-key", "carol.pub", *with_carol), "trust.threshold")
    refused(vxsec_run(*rotate, *with_carol), "trust.nothing-changed")
    assert load(digest).verified.roles["root"].version == 3


def test_a_role_goes_over_to_other_keys(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    for role in ("timestamp", "snapshot"):
        arguments = ("--role", role, "--add-key", "online.pub", *BOTH)
        assert vxsec_run("trust", "rotate", "trust", *arguments).status == 0
    shown = told(vxsec_run("trust", "show", "trust", "--json"), "trust")
    alice = shown["roles"][0]["keys"][0]["sha256"]
    alone = ("--role", "policies", "--remove-key", alice[:12], "--threshold", "1", *BOTH)
    assert vxsec_run("trust", "rotate", "trust", *alone).status == 0
    policies = load(digest, roles=("identities", "revocations", "policies")).verified.roles["policies"]
    assert (len(policies.keys), policies.threshold) == (1, 1)
    assert vxsec_run("trust", "refresh", "trust", "--signer", "online.pem").status == 0


def test_refresh_renews_what_is_named(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run, "--online-key", "online.pem")
    before = load(digest).verified
    assert vxsec_run("trust", "refresh", "trust", "--signer", "online.pem", "--valid-for", "P60D").status == 0
    after = load(digest).verified
    assert after.roles["timestamp"].version == before.roles["timestamp"].version + 1
    assert after.roles["timestamp"].expires - before.roles["timestamp"].expires > timedelta(days=40)
    assert after.roles["snapshot"] == before.roles["snapshot"]
    online = ("--signer", "online.pem")
    assert vxsec_run("trust", "refresh", "trust", "--role", "identities", "--role", "root", *BOTH, *online).status == 0
    assert (load(digest).verified.roles["root"].version, load(digest).verified.listed["identities"]) == (2, 2)
    refused(vxsec_run("trust", "refresh", "trust", *online, "--valid-for", "PT0S"), "usage")
    refused(vxsec_run("trust", "refresh", "trust", *online, "--signer", "mallory.pem"), "trust.signer-unused")


def test_an_expired_repository_can_be_renewed_and_trust_taken_away(folder: Path) -> None:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    keys = [f"file:{folder}/alice.pem"]
    digest = init_trust("trust", identities="trust.yaml", root_keys=keys, now=then).first_root_sha256
    with pytest.raises(UndecidedError) as caught:
        load(digest)
    assert (caught.value.code, caught.value.exit_status) == ("tuf.expired", 4)
    renewed = ("root", "targets", "identities", "revocations")
    refresh_trust("trust", signers=keys, roles=renewed, root_sha256=digest)
    assert load(digest).verified.fresh_by == "timestamp"


CHANGES_REFUSED: dict[str, tuple[list[str], str]] = {
    "too few signers": (["--role", "policies", "p.yaml", "--signer", "alice.pem"], "trust.signers"),
    "a stranger": (["--role", "policies", "p.yaml", "--signer", "mallory.pem", *BOTH], "trust.signer-unused"),
    "two identities documents": (["--role", "identities", "trust.yaml", "trust.yaml", *BOTH], "trust.role"),
    "an identities document that does not load": (["--role", "identities", "p.yaml", *BOTH], "document.missing"),
    "a file with a name that is none": (["--role", "policies", "a name.yaml", *BOTH], "trust.target-name"),
    "a file that is not there": (["--role", "waivers", "none.yaml", *BOTH], "file.missing"),
    "another first root": (["--role", "policies", "p.yaml", *BOTH, "--trust-root", "0" * 64], "tuf.root-mismatch"),
}


@pytest.mark.parametrize(("arguments", "code"), CHANGES_REFUSED.values(), ids=CHANGES_REFUSED.keys())
def test_add_refuses_and_changes_nothing(vxsec_run: Pinned, arguments: list[str], code: str) -> None:
    make(vxsec_run)
    Path("p.yaml").write_text("kind: Policy\n", encoding="utf-8")
    Path("a name.yaml").write_text("kind: Policy\n", encoding="utf-8")
    before = everything()
    refused(vxsec_run("trust", "add", "trust", *arguments), code, 10 if code.startswith("tuf.") else 2)
    assert everything() == before


def test_what_was_tampered_with_is_not_signed_anew(vxsec_run: Pinned) -> None:
    make(vxsec_run)
    path = Path("trust/targets/identities/identities.yaml")
    path.write_bytes(IDENTITIES.replace(b"acme", b"evil"))
    refused(vxsec_run("trust", "refresh", "trust", "--signer", "alice.pem"), "tuf.target", 10)


def test_a_document_that_no_longer_fits_what_is_revoked_is_refused(vxsec_run: Pinned) -> None:
    make(vxsec_run)
    assert (
        vxsec_run("trust", "revoke", "trust", "--key", "ci-key", "--reason", "superseded", "--signer", "bob.pem").status
        == 0
    )
    Path("other.yaml").write_bytes(IDENTITIES.replace(b"id: ci-key", b"id: ci-2027"))
    before = everything()
    refused(vxsec_run("trust", "add", "trust", "other.yaml", "--role", "identities", *BOTH), "trust.revocation")
    assert everything() == before


# -- show, diff, check, export -------------------------------------------------------------------------------------------


def test_show_says_who_signs_and_who_may_do_what(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    shown = told(vxsec_run("trust", "show", "trust", "--trust-root", digest, "--json"), "trust")
    assert (shown["pinned"], [role["name"] for role in shown["roles"]]) == (True, ROLES)
    assert {"key", "registry", "file", "signs"} <= {grant["kind"] for grant in shown["grants"]}
    text = vxsec_run("trust", "show", "trust").out
    assert "nobody said which first root is meant" in text
    assert "@acme  internal: https://registry.example.test/ (npm)" in text
    refused(vxsec_run("trust", "show", "trust", "--trust-root", "0" * 64), "tuf.root-mismatch", 10)
    refused(vxsec_run("trust", "show", "."), "file.missing")


def test_diff_says_who_gained_and_who_lost(vxsec_run: Pinned) -> None:
    make(vxsec_run)
    assert vxsec_run("trust", "export", "trust", "before.json").status == 0
    nothing = told(vxsec_run("trust", "diff", "before.json", "trust", "--json"), "trustdiff")
    assert (nothing["gained"], nothing["lost"]) == ([], [])
    assert "nobody and nothing gained or lost" in vxsec_run("trust", "diff", "trust", "trust").out
    Path("new.yaml").write_bytes(IDENTITIES.replace(b"@acme", b"@other"))
    assert vxsec_run("trust", "add", "trust", "new.yaml", "--role", "identities", *BOTH).status == 0
    rotate = ("--role", "root", "--add-key", "carol.pub", *BOTH)
    assert vxsec_run("trust", "rotate", "trust", *rotate).status == 0
    changed = told(vxsec_run("trust", "diff", "before.json", "trust", "--json"), "trustdiff")
    assert {(item["kind"], item["subject"]) for item in changed["lost"]} == {
        ("registry", "@acme"),
        ("registry", "internal"),
        ("file", "identities/identities.yaml"),
        ("signs", "root"),
    }
    assert ("registry", "@other") in {(item["kind"], item["subject"]) for item in changed["gained"]}
    text = vxsec_run("trust", "diff", "trust.yaml", "trust").out
    assert "NOTE: of trust this shows what is written there, and not whose it is" in text
    assert "NOTE" not in vxsec_run("trust", "diff", "trust.yaml", "new.yaml").out
    assert "- registry @acme" in text
    assert "signs" not in text


def test_check_tells_what_will_expire(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run, "--root-key", "carol.pub")
    fine = told(vxsec_run("trust", "check", "trust", "--trust-root", digest, "--json"), "trustcheck")
    assert (fine["exitStatus"], fine["findings"], fine["pinned"]) == (0, [], True)
    assert vxsec_run("trust", "check", "trust", "--minimum-version", "1").status == 0
    refused(vxsec_run("trust", "check", "trust", "--minimum-version", "2"), "tuf.rollback", 10)
    assert vxsec_run("trust", "refresh", "trust", "--valid-for", "P2D", "--signer", "bob.pem").status == 0
    soon = told(vxsec_run("trust", "check", "trust", "--json"), "trustcheck", 11)
    assert [(item["level"], item["subject"]) for item in soon["findings"]] == [("now", "timestamp")]
    assert "fix: vxsec trust refresh" in vxsec_run("trust", "check", "trust", "-v").out
    path = Path("trust/targets/identities/ci.pub")
    path.write_bytes(path.read_bytes() + b"\n")
    refused(vxsec_run("trust", "check", "trust"), "tuf.target", 10)


def test_check_answers_stale_with_4(vxsec_run: Pinned, folder: Path) -> None:
    init_trust(
        "trust", identities="trust.yaml", root_keys=[write_key(folder, "dave")], now=datetime(2026, 9, 1, tzinfo=UTC)
    )
    stale = told(vxsec_run("trust", "check", "trust", "--json"), "trustcheck", 4)
    assert {item["subject"] for item in stale["findings"] if item["level"] == "expired"} == {"timestamp", "snapshot"}


def test_the_export_is_the_repository_and_always_the_same_bytes(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    Path("policy.yaml").write_text("kind: Policy\n", encoding="utf-8")
    assert vxsec_run("trust", "add", "trust", "policy.yaml", "--role", "policies", *BOTH).status == 0
    told(vxsec_run("trust", "export", "trust", "a.json", "--json"), "trustchange")
    assert "NOTE: nobody said which first root is meant" in vxsec_run("trust", "export", "trust", "a.json").out
    pinned = vxsec_run("trust", "export", "a.json", "b.json", "--trust-root", digest)
    assert (pinned.status, "NOTE" in pinned.out) == (0, False)
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    assert load(digest, "a.json").verified.files == load(digest).verified.files
    assert told(vxsec_run("trust", "check", "a.json", "--json"), "trustcheck")["exitStatus"] == 0
    refused(vxsec_run("trust", "refresh", "a.json", "--signer", "alice.pem"), "trust.not-a-folder")


def test_an_export_that_nobody_could_read_is_not_written(vxsec_run: Pinned, monkeypatch: pytest.MonkeyPatch) -> None:
    make(vxsec_run)
    monkeypatch.setattr("vxsec.usecases.trust.export.DEFAULT_LIMITS", Limits(tuf_export_bytes=1000))
    refused(vxsec_run("trust", "export", "trust", "a.json"), "file.too-large")
    assert not Path("a.json").exists()


def test_an_export_larger_than_any_is_not_read(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    with Path("a.json").open("wb") as stream:
        stream.write(b'{"schema":"urn:vxsec:trust-export:v1","files":{')
        stream.truncate(DEFAULT_LIMITS.tuf_export_bytes + 1)
    refused(vxsec_run("trust", "check", "a.json", "--trust-root", digest), "file.too-large")


def test_a_changed_export_is_refused(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    assert vxsec_run("trust", "export", "trust", "a.json").status == 0
    document = json.loads(Path("a.json").read_bytes())
    name = "targets/identities/identities.yaml"
    kept = document["files"][name]
    for value, code in (("AAAA", "tuf.target"), ("*", "tuf.malformed"), (7, "tuf.malformed")):
        document["files"][name] = value
        Path("b.json").write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
        with pytest.raises(VerificationError) as caught:
            load(digest, "b.json")
        assert caught.value.code == code
    document["files"][name] = kept
    document["more"] = 1
    Path("b.json").write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    with pytest.raises(VerificationError):
        load(digest, "b.json")


# -- keys that never meet on one machine ---------------------------------------------------------------------------------

ALICE, BOB = ("--signer", "alice.pem"), ("--signer", "bob.pem")


def propose(vxsec_run: Pinned) -> str:
    """Alice proposes another identities document; the digest of the first root."""
    digest = make(vxsec_run, "--online-key", "online.pem")
    Path("new.yaml").write_bytes(IDENTITIES.replace(b"@acme", b"@other"))
    before = everything()
    told(
        vxsec_run("trust", "add", "trust", "new.yaml", "--role", "identities", *ALICE, "--propose", "--json"),
        "trustchange",
    )
    assert {path: data for path, data in everything().items() if "/proposed/" not in path} == before
    return digest


def test_a_change_is_made_with_the_last_signature_that_lacks(vxsec_run: Pinned) -> None:
    digest = propose(vxsec_run)
    assert load(digest).identities == IDENTITIES
    looked = vxsec_run("trust", "sign", "trust")
    assert looked.status == 0
    assert "- registry @acme: internal: https://registry.example.test/ (npm)" in looked.out
    assert "+ registry @other" in looked.out
    assert "~ file identities/identities.yaml" in looked.out
    assert "identities needs 2 of its 2 keys, and 1 signed" in looked.out
    signed = vxsec_run("trust", "sign", "trust", *BOB)
    assert signed.status == 0
    assert "snapshot needs 1 of its 1 keys, and 0 signed" in signed.out
    assert load(digest).identities == IDENTITIES
    made = told(vxsec_run("trust", "sign", "trust", "--signer", "online.pem", "--json"), "trustchange")
    assert [row["role"] for row in made["versions"]] == ["timestamp", "snapshot", "identities"]
    assert b"@other" in load(digest).identities
    assert not Path("trust/proposed").exists()
    refused(vxsec_run("trust", "sign", "trust"), "trust.no-proposal")


def test_root_goes_over_to_another_key_by_proposal(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run, "--root-key", "carol.pub")
    rotate = ("trust", "rotate", "trust", "--role", "root", "--remove-key", "bob.pub", "--propose")
    assert vxsec_run(*rotate, *ALICE).status == 0
    assert "~ signs root: 2 of 3 keys, then 2 of 2" in vxsec_run("trust", "sign", "trust").out
    assert vxsec_run("trust", "sign", "trust", "--signer", "carol.pem").status == 0
    roles = load(digest).verified.roles
    assert (roles["root"].version, len(roles["root"].keys)) == (2, 2)


def test_a_role_goes_over_to_another_key_by_proposal(vxsec_run: Pinned) -> None:
    digest = make(vxsec_run)
    rotate = ("trust", "rotate", "trust", "--role", "timestamp", "--add-key", "online.pub", "--propose")
    assert vxsec_run(*rotate, *ALICE).status == 0
    assert vxsec_run("trust", "sign", "trust", *BOB).status == 0
    assert len(load(digest).verified.roles["timestamp"].keys) == 3


def test_one_proposal_at_a_time(vxsec_run: Pinned) -> None:
    propose(vxsec_run)
    revoke = ("trust", "revoke", "trust", "--key", "ci-key", "--reason", "compromised", *ALICE, "--propose")
    refused(vxsec_run(*revoke), "trust.proposal-open")
    refused(vxsec_run("trust", "sign", "trust", "--signer", "mallory.pem"), "trust.signer-unused")


def test_what_one_key_signs_is_not_proposed(vxsec_run: Pinned) -> None:
    make(vxsec_run)
    refused(vxsec_run("trust", "refresh", "trust", *ALICE, "--propose"), "trust.role")


def test_a_proposal_that_was_overtaken_is_refused(vxsec_run: Pinned) -> None:
    propose(vxsec_run)
    both = (*BOTH, "--signer", "online.pem")
    assert vxsec_run("trust", "refresh", "trust", "--role", "identities", *both).status == 0
    refused(vxsec_run("trust", "sign", "trust", *BOB), "trust.proposal-stale")


def _edit(change: Any) -> None:
    path = Path("trust/proposed/metadata/2.identities.json")
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_a_proposal_that_was_changed_keeps_no_signature(vxsec_run: Pinned) -> None:
    propose(vxsec_run)
    _edit(lambda document: document["signed"].update(expires="2099-01-01T00:00:00Z"))
    assert "and 0 signed" in vxsec_run("trust", "sign", "trust").out
    assert "and 1 signed" in vxsec_run("trust", "sign", "trust", *BOB).out


def test_a_proposal_that_names_files_elsewhere_is_refused(vxsec_run: Pinned) -> None:
    propose(vxsec_run)
    _edit(
        lambda d: d["signed"]["targets"].update({"identities/../../../x": d["signed"]["targets"]["identities/ci.pub"]})
    )
    before = everything(".")
    refused(vxsec_run("trust", "sign", "trust", *BOB), "trust.proposal-malformed")
    assert everything(".") == before


def test_a_proposal_with_another_version_inside_is_refused(vxsec_run: Pinned) -> None:
    propose(vxsec_run)
    _edit(lambda document: document["signed"].update(version=9))
    refused(vxsec_run("trust", "sign", "trust", *BOB), "trust.proposal-stale")
    Path("trust/proposed/metadata/2.identities.json").write_text("{}", encoding="utf-8")
    refused(vxsec_run("trust", "sign", "trust", *BOB), "trust.proposal-malformed")


def test_a_proposed_file_that_is_not_what_was_signed_changes_nothing(vxsec_run: Pinned) -> None:
    digest = propose(vxsec_run)
    Path("trust/proposed/targets/identities/identities.yaml").write_bytes(IDENTITIES.replace(b"@acme", b"@evil"))
    signers = ("--signer", "bob.pem", "--signer", "online.pem")
    refused(vxsec_run("trust", "sign", "trust", *signers), "tuf.target", 10)
    assert load(digest).identities == IDENTITIES
