"""Who can write to where a trust repository is kept, and has no key, gets nothing signed, moved or overwritten."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.trust_kit import IDENTITIES, write_keys
from vxsec.host.file_set import replace_members
from vxsec.usecases.signers import open_signers
from vxsec.usecases.trust.revoke import revoke_trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Answer, Vxsec

SIGNER = ("--signer", "online.pem")
BOTH = ["file:alice.pem", "file:online.pem"]


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vxsec_run: Vxsec) -> str:
    """A repository of two people and an online key in ``trust``, in the current folder; the digest of its first root."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "CI"):
        monkeypatch.delenv(name, raising=False)
    write_keys(tmp_path, "alice", "bob", "ci", "online", "mallory")
    (tmp_path / "trust.yaml").write_bytes(IDENTITIES)
    roots = ("--root-key", "alice.pem", "--root-key", "bob.pem", "--online-key", "online.pem")
    made = vxsec_run("trust", "init", "trust", *roots, "--identities", "trust.yaml", "--json")
    return str(made.json["firstRootSha256"])


def refused(answer: Answer, code: str, status: int = 2) -> None:
    assert (answer.status, answer.out) == (status, ""), answer.out + answer.err
    assert f"error[{code}]" in answer.err
    assert "hint: " in answer.err


def everything(path: str) -> dict[str, bytes]:
    return {str(item): item.read_bytes() for item in sorted(Path(path).rglob("*")) if item.is_file()}


# -- what comes with a checkout ------------------------------------------------------------------------------------------


def _linked_metadata() -> None:
    Path("trust/metadata").rename("moved")
    Path("trust/metadata").symlink_to(Path("home/.ssh").absolute())
    Path("trust/.pending/metadata").mkdir(parents=True)
    Path("trust/.pending/metadata/authorized_keys").write_text("attack", encoding="utf-8")


def _linked_targets() -> None:
    Path("trust/targets").rename("moved")
    Path("trust/targets").symlink_to("../moved")


def _linked_pending() -> None:
    Path("trust/.pending").symlink_to(Path("home/.ssh").absolute())


def _named_like_nothing() -> None:
    Path("trust/.pending/metadata").mkdir(parents=True)
    Path("trust/.pending/metadata/authorized_keys").write_text("attack", encoding="utf-8")


def _above_the_folder() -> None:
    Path("trust/.pending/targets/identities/..x").mkdir(parents=True)
    Path("trust/.pending/targets/identities/..x/y").write_text("attack", encoding="utf-8")


def _not_signed() -> None:
    Path("trust/.pending/metadata").mkdir(parents=True)
    document = json.loads(Path("trust/metadata/timestamp.json").read_bytes())
    document["signed"]["version"] = 7
    Path("trust/.pending/metadata/timestamp.json").write_text(json.dumps(document), encoding="utf-8")


PLANTED: dict[str, tuple[Callable[[], None], str, int]] = {
    "a link where the metadata should be": (_linked_metadata, "file.link", 2),
    "a link where the targets should be": (_linked_targets, "file.link", 2),
    "a link to private files as a change that was left": (_linked_pending, "file.link", 2),
    "a left change with a file of another name": (_named_like_nothing, "file.unknown", 2),
    "a left change with a hidden folder": (_above_the_folder, "file.unknown", 2),
    "a left change that nobody signed": (_not_signed, "tuf.signatures", 10),
}


@pytest.mark.parametrize(("plant", "code", "status"), PLANTED.values(), ids=PLANTED.keys())
def test_what_came_with_a_checkout_moves_no_file(
    vxsec_run: Vxsec, digest: str, plant: Callable[[], None], code: str, status: int
) -> None:
    Path("home/.ssh").mkdir(parents=True)
    Path("home/.ssh/authorized_keys").write_text("mine", encoding="utf-8")
    plant()
    before = everything(".")
    refused(vxsec_run("trust", "refresh", "trust", *SIGNER, "--trust-root", digest), code, status)
    assert everything(".") == before


# -- an older state, put back --------------------------------------------------------------------------------------------

REVOKE_CI = ("trust", "revoke", "trust", "--key", "ci-key", "--reason", "compromised", "--signer", "alice.pem", *SIGNER)
CHANGES: dict[str, tuple[str, ...]] = {
    "refresh": ("trust", "refresh", "trust", *SIGNER),
    "revoke": ("trust", "revoke", "trust", "--sha512", "ab" * 64, "--reason", "superseded", "--signer", "alice.pem", *SIGNER),
    "add": ("trust", "add", "trust", "trust.yaml", "--role", "identities", "--signer", "alice.pem", "--signer", "bob.pem"),
    "rotate": ("trust", "rotate", "trust", "--role", "root", "--add-key", "ci.pub", "--signer", "alice.pem", "--signer", "bob.pem"),
    "sign": ("trust", "sign", "trust"),
    "propose": ("trust", "rotate", "trust", "--role", "root", "--add-key", "ci.pub", "--signer", "alice.pem", "--propose"),
}  # fmt: skip


def put_back(vxsec_run: Vxsec, digest: str) -> None:
    """A key is revoked, and then the repository is what it was before."""
    shutil.copytree("trust", "old")
    assert vxsec_run(*REVOKE_CI, "--trust-root", digest).status == 0
    shutil.rmtree("trust")
    shutil.copytree("old", "trust")


@pytest.mark.parametrize("command", CHANGES.values(), ids=CHANGES.keys())
def test_what_this_machine_wrote_is_not_forgotten_by_a_change_over_an_older_state(
    vxsec_run: Vxsec, digest: str, command: tuple[str, ...]
) -> None:
    put_back(vxsec_run, digest)
    refused(vxsec_run(*command, "--trust-root", digest), "tuf.rollback", 10)
    assert everything("trust") == {path.replace("old", "trust", 1): data for path, data in everything("old").items()}


@pytest.mark.parametrize("command", CHANGES.values(), ids=CHANGES.keys())
def test_a_machine_without_state_is_told_the_least_version(
    vxsec_run: Vxsec, digest: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_back(vxsec_run, digest)
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    refused(vxsec_run(*command, "--trust-root", digest, "--minimum-version", "2"), "tuf.rollback", 10)


def test_another_state_with_the_numbers_that_were_seen_is_not_signed(
    vxsec_run: Vxsec, digest: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The one who signs over the old state elsewhere makes versions that this machine knows with other contents."""
    put_back(vxsec_run, digest)
    home = str(tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    assert vxsec_run(*CHANGES["revoke"], "--trust-root", digest).status == 0
    monkeypatch.setenv("HOME", home)
    refused(vxsec_run(*CHANGES["refresh"], "--trust-root", digest), "tuf.fork", 10)


def test_a_change_is_remembered_where_it_was_made(vxsec_run: Vxsec, digest: str) -> None:
    assert vxsec_run(*CHANGES["refresh"], "--trust-root", digest).status == 0
    state = json.loads(Path(f"home/.local/state/vxsec/trust/{digest}.json").read_bytes())
    timestamp = Path("trust/metadata/timestamp.json").read_bytes()
    assert state["versions"]["timestamp"] == 2
    assert state["digests"]["timestamp"] == hashlib.sha256(timestamp).hexdigest()


def test_what_was_remembered_and_cannot_be_read_ends_a_change(vxsec_run: Vxsec, digest: str) -> None:
    assert vxsec_run(*CHANGES["refresh"], "--trust-root", digest).status == 0
    Path(f"home/.local/state/vxsec/trust/{digest}.json").write_bytes(b"")
    refused(vxsec_run(*CHANGES["refresh"], "--trust-root", digest), "trust.state")


def test_a_machine_that_cannot_remember_is_told(vxsec_run: Vxsec, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    answer = vxsec_run(*CHANGES["refresh"], "--trust-root", digest)
    assert (answer.status, "are not remembered" in answer.out) == (0, True)


# -- another repository, in the place of ours ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", CHANGES.values(), ids=CHANGES.keys())
def test_nothing_is_signed_over_a_repository_that_nobody_pinned(
    vxsec_run: Vxsec, digest: str, command: tuple[str, ...]
) -> None:
    del digest
    before = everything("trust")
    refused(vxsec_run(*command), "tuf.no-root")
    assert everything("trust") == before


def test_the_online_key_signs_over_no_other_repository(vxsec_run: Vxsec, digest: str) -> None:
    roots = ("--root-key", "mallory.pem", "--online-key", "online.pem", "--identities", "trust.yaml")
    assert vxsec_run("trust", "init", "evil", *roots).status == 0
    before = everything("evil")
    refused(vxsec_run("trust", "refresh", "evil", *SIGNER, "--trust-root", digest), "tuf.root-mismatch", 10)
    assert everything("evil") == before


def configure(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The user's own configuration, in a home elsewhere."""
    place = folder / ".config" / "vxsec"
    place.mkdir(parents=True, mode=0o700)
    (place / "config.toml").write_text(text, encoding="utf-8")
    (place / "config.toml").chmod(0o600)
    monkeypatch.setenv("HOME", str(folder))


def test_the_users_configuration_pins_a_repository_for_changes(
    vxsec_run: Vxsec, digest: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    text = f'trust = "/srv/trust"\ntrust-root = "{digest}"\ntrust-minimum-version = '
    configure(home, monkeypatch, f"{text}1\n")
    answer = vxsec_run(*CHANGES["refresh"])
    assert answer.status == 0, answer.err
    assert f"NOTE: the first root is the one that {home}/.config/vxsec/config.toml (trust-root) names" in answer.out
    proposed = vxsec_run(*CHANGES["propose"])
    assert "config.toml (trust-root) names" in proposed.out
    configure(tmp_path_factory.mktemp("home"), monkeypatch, f"{text}9\n")
    refused(vxsec_run(*CHANGES["refresh"]), "tuf.rollback", 10)
    refused(vxsec_run(*CHANGES["refresh"], "--minimum-version", "1"), "tuf.rollback", 10)
    configure(tmp_path_factory.mktemp("home"), monkeypatch, 'trust = "/srv/trust"\n')
    refused(vxsec_run(*CHANGES["refresh"]), "tuf.no-root")
    refused(vxsec_run(*CHANGES["refresh"], "--trust-root", "0" * 64), "tuf.root-mismatch", 10)


# -- two changes at the same time ----------------------------------------------------------------------------------------

OVERTAKEN = {
    "refresh, by a revocation": ("refresh", REVOKE_CI),
    "revoke, by a revocation": ("revoke", REVOKE_CI),
    "refresh, by a new root": ("refresh", CHANGES["rotate"]),
    "rotate, by a new root": ("rotate", CHANGES["rotate"]),
    "a proposal, by a revocation": ("propose", REVOKE_CI),
    "a proposal, by a proposal": ("propose", CHANGES["propose"]),
}


@pytest.mark.parametrize(("command", "by"), OVERTAKEN.values(), ids=OVERTAKEN.keys())
def test_what_was_changed_meanwhile_is_not_undone(
    vxsec_run: Vxsec, digest: str, command: str, by: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other change comes after everything was read and before anything is written."""
    pin = ("--trust-root", digest)
    after: dict[str, bytes] = {}

    def overtaken(*arguments: Any, **options: Any) -> None:
        monkeypatch.setattr("vxsec.usecases.trust.commit.replace_members", replace_members)
        assert vxsec_run(*by, *pin).status == 0
        after.update(everything("trust"))
        replace_members(*arguments, **options)

    monkeypatch.setattr("vxsec.usecases.trust.commit.replace_members", overtaken)
    code = "trust.proposal-open" if by == CHANGES["propose"] else "trust.changed-meanwhile"
    refused(vxsec_run(*CHANGES[command], *pin), code)
    assert everything("trust") == after
    again = vxsec_run(*CHANGES[command], *pin)
    assert (again.status, everything("trust") == after) in {(0, False), (2, True)}, again.err


def test_two_signatures_of_a_proposal_are_both_kept(
    vxsec_run: Vxsec, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = ("--trust-root", digest)
    by = ("trust", "rotate", "trust", "--role", "root", "--threshold", "3", "--add-key", "ci.pub", "--propose")
    assert vxsec_run(*by, *pin, "--signer", "alice.pem").status == 0

    def overtaken(*arguments: Any, **options: Any) -> None:
        monkeypatch.setattr("vxsec.usecases.trust.propose.replace_members", replace_members)
        assert vxsec_run("trust", "sign", "trust", "--signer", "bob.pem", *pin).status == 0
        replace_members(*arguments, **options)

    monkeypatch.setattr("vxsec.usecases.trust.propose.replace_members", overtaken)
    refused(vxsec_run("trust", "sign", "trust", "--signer", "ci.pem", *pin), "trust.changed-meanwhile")
    assert vxsec_run("trust", "sign", "trust", "--signer", "ci.pem", *pin).status == 0
    assert vxsec_run("trust", "check", "trust", *pin, "-v").status == 0
    assert Path("trust/metadata/2.root.json").exists()


def test_whoever_is_asked_for_a_password_is_asked_before_anything_is_read(
    digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "vxsec.usecases.trust.commit.open_signers"

    def slowly(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(place, open_signers)
        revoke_trust("trust", key="ci-key", reason="compromised", signers=BOTH, root_sha256=digest)
        return open_signers(*arguments, **options)

    monkeypatch.setattr(place, slowly)
    revoke_trust("trust", sha512="ab" * 64, reason="compromised", signers=BOTH, root_sha256=digest)
    text = Path("trust/targets/revocations/revocations.yaml").read_text(encoding="utf-8")
    assert "ci-key" in text
    assert "ab" * 64 in text
