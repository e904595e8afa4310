"""``--timestamp`` and ``--log-entry`` against a Sigstore instance on loopback; nothing that does not verify is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.gpg_kit import gpg_home, has_gpg
from support.shop import make_database
from support.ssh_agent import HardwareAgent, serving
from support.ssh_kit import SK_ED25519, make
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.model.attestation import Bundle
from vxsec.testing.sigstore import SigstoreInstance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.conftest import Vxsec
    from support.shop import Shop

WITNESSES = ("--timestamp", "--log-entry", "--trust-config", "config.json")


@pytest.fixture
def instance(shop: Shop) -> Iterator[SigstoreInstance]:
    with SigstoreInstance() as made:
        (shop.folder / "config.json").write_bytes(made.client_trust_config())
        (shop.folder / "root.json").write_bytes(made.trusted_root())
        yield made


def _bundles(path: Path) -> list[Bundle]:
    sidecar = Path(f"{path}.sigstore.jsonl")
    data = sidecar.read_bytes() if sidecar.exists() else b""
    return [bundle for bundle in read_bundle_lines(data, where="sidecar") if isinstance(bundle, Bundle)]


def _counts(path: Path) -> list[tuple[int, int]]:
    return [(len(bundle.log_entries), len(bundle.timestamps)) for bundle in _bundles(path)]


def _predicate(shop: Shop) -> Path:
    path = shop.folder / "predicate.json"
    path.write_text("{}", encoding="utf-8")
    return path


@pytest.mark.usefixtures("instance")
class TestCommands:
    def test_sign(self, vxsec_run: Vxsec, shop: Shop) -> None:
        path = shop.pack("kernel")
        answer = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--trust", shop.trust, *WITNESSES)
        assert answer.status == 0, answer.err
        assert "will not count" not in answer.out
        answer = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--blob", *WITNESSES)
        assert answer.status == 0, answer.err
        assert _counts(path) == [(1, 1), (1, 1)]

    def test_attest(self, vxsec_run: Vxsec, shop: Shop) -> None:
        path = shop.pack("kernel")
        given = ("--type", "https://example.test/type", "--predicate", _predicate(shop))
        answer = vxsec_run("attest", path, "--signer", shop.uri("ci"), *given, *WITNESSES)
        assert answer.status == 0, answer.err
        assert _counts(path) == [(1, 1)]

    def test_approve(self, vxsec_run: Vxsec, shop: Shop) -> None:
        path = shop.pack("kernel")
        given = ("--trust", shop.trust, "--offline", "--yes", *WITNESSES)
        answer = vxsec_run("approve", path, "--signer", shop.uri("alice"), *given)
        assert answer.status == 0, answer.err
        assert "will not count" not in answer.out
        assert _counts(path) == [(1, 1)]

    def test_scan(self, vxsec_run: Vxsec, shop: Shop) -> None:
        path = shop.pack("kernel")
        make_database(shop.folder / "db")
        given = ("--db", shop.folder / "db", "--attest", "--signer", shop.uri("ci"))
        answer = vxsec_run("scan", path, *given, *WITNESSES)
        assert answer.status == 0, answer.err
        assert _counts(path) == [(1, 1)]

    def test_an_sbom_is_attested_keyless(self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance) -> None:
        path = shop.pack("kernel")
        (shop.folder / "token").write_text(instance.issuer.token(subject="ci@example.test"), encoding="ascii")
        answer = vxsec_run("sbom", "attest", path, "--signer", "keyless:token:token", "--trust-config", "config.json")
        assert answer.status == 0, answer.err
        (bundle,) = _bundles(path)
        assert bundle.certificates

    def test_one_without_the_other(self, vxsec_run: Vxsec, shop: Shop) -> None:
        path = shop.pack("kernel")
        sign = ("sign", path, "--signer", shop.uri("ci"), "--blob", "--trust-config", "config.json")
        assert vxsec_run(*sign, "--timestamp").status == 0
        assert vxsec_run(*sign, "--log-entry").status == 0
        assert _counts(path) == [(0, 1), (1, 0)]

    def test_the_verdict_sees_the_trusted_time(self, shop: Shop) -> None:
        path = shop.pack("kernel")
        text = shop.trust.read_text(encoding="utf-8")
        shop.trust.write_text(f"{text}trustedRoots: [{{file: root.json}}]\n", encoding="utf-8")
        # A rehearsal's root: the command refuses it, the library takes it where told so.
        asked = {"trust": shop.trust, "unsafe_rehearsal": True}
        vxsec.sign(
            [path],
            signers=[shop.uri("ci")],
            trust=shop.trust,
            trust_config=shop.folder / "config.json",
            timestamp=True,
            unsafe_rehearsal=True,
        )
        report = vxsec.verify([path], **asked)  # type: ignore[arg-type] # rows of data
        assert report.exit_status == 0
        (signature,) = report.files[0].signatures
        assert [str(time.source) for time in signature.times] == ["timestamp"]


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "a timestamp without an instance": (("--timestamp",), "witness.no-instance"),
    "a log entry without an instance": (("--log-entry",), "witness.no-instance"),
    "an instance that nothing uses": (("--trust-config", "config.json"), "usage.options"),
    "an instance that is not there": (("--timestamp", "--trust-config", "other.json"), "file.missing"),
    "a trusted root in place of a config": (("--timestamp", "--trust-config", "root.json"), "trust-config.media-type"),
}


@pytest.mark.parametrize(("options", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_is_refused(
    vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance, options: tuple[str, ...], code: str
) -> None:
    path = shop.pack("kernel")
    answer = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--blob", *options)
    assert answer.status == 2
    assert f"error[{code}]" in answer.err
    assert "hint:" in answer.err
    assert not _bundles(path)
    assert not instance.requests


def test_scan_takes_them_with_attest_only(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    answer = vxsec_run("scan", path, "--timestamp")
    assert answer.status == 2
    assert "error[usage.options]" in answer.err


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("service", ["timestamp", "rekor"])
def test_what_was_asked_for_and_did_not_come_is_no_signature(
    vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance, service: str, rekor: int
) -> None:
    path = shop.pack("kernel")
    config = instance.client_trust_config(rekor=rekor)  # type: ignore[arg-type] # 1 or 2
    (shop.folder / "config.json").write_bytes(config)
    instance.failing.add("timestamp" if service == "timestamp" else f"rekor-v{rekor}")  # type: ignore[arg-type] # a name
    answer = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--blob", *WITNESSES)
    assert answer.status == 4
    assert "error[witness.refused]" in answer.err
    assert not _bundles(path)


def test_an_instance_without_timestamps_has_none_to_give(
    vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance
) -> None:
    path = shop.pack("kernel")
    (shop.folder / "config.json").write_bytes(instance.client_trust_config(timestamps=False))
    answer = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--blob", *WITNESSES)
    assert answer.status == 2
    assert "error[witness.no-service]" in answer.err
    assert not instance.requests


@pytest.mark.parametrize("kept", ["tlogs", "timestampAuthorities"])
def test_a_witness_that_the_trusted_root_does_not_list_is_no_witness(
    vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance, kept: str
) -> None:
    path = shop.pack("kernel")
    document = json.loads(instance.client_trust_config())
    document["trustedRoot"]["timestampAuthorities" if kept == "tlogs" else "tlogs"] = []
    (shop.folder / "config.json").write_text(json.dumps(document), encoding="utf-8")
    answer = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--blob", *WITNESSES)
    assert answer.status == 10
    assert f"error[{'timestamp.untrusted' if kept == 'tlogs' else 'tlog.unknown-log'}]" in answer.err
    assert "nothing was stored" in answer.err
    assert not _bundles(path)


# -- SSH agents ---------------------------------------------------------------------------------------------------------


class TestAgents:
    def test_a_person_is_asked_to_touch_the_key(
        self, vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = make(SK_ED25519)
        path = shop.pack("kernel")
        sign = ("sign", path, "--signer", "ssh:agent", "--registry", shop.registry.url)
        with serving(HardwareAgent((key,))) as agent:
            monkeypatch.setenv("SSH_AUTH_SOCK", agent)
            answer = vxsec_run(*sign)
            assert answer.status == 0, answer.err
            # Once for FILE.sshsig, once for the statement.
            assert answer.err.count(f"touch your key {key.public.fingerprint}") == 2
            assert "touch" not in answer.out
            assert "touch" not in vxsec_run(*sign, "-q").err

    @pytest.mark.parametrize("what", ["--blob", "--registry"])
    def test_an_agent_that_lies_stores_nothing(
        self, vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        honest, other = make("ssh-ed25519"), HardwareAgent((make("ssh-ed25519", "other"),))

        def answer_as(message: bytes) -> bytes:
            if message == b"\x0b":
                return HardwareAgent((honest,))(message)
            return other(message.replace(honest.public.blob, other.keys[0].public.blob))

        path = shop.pack("kernel")
        before = set(shop.folder.iterdir())
        options = ("--blob",) if what == "--blob" else ("--registry", shop.registry.url)
        with serving(answer_as) as agent:
            monkeypatch.setenv("SSH_AUTH_SOCK", agent)
            answer = vxsec_run("sign", path, "--signer", "ssh:agent", *options)
        assert answer.status == 10
        assert "error[sshsig.invalid]" in answer.err
        assert "nothing was stored" in answer.err
        assert set(shop.folder.iterdir()) == before


# -- gpg ----------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not has_gpg(), reason="gpg is not installed")
@pytest.mark.parametrize("what", ["--blob", "--registry"])
def test_a_gpg_key_too_weak_to_count_stores_nothing(
    vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    with gpg_home() as home:
        monkeypatch.setenv("GNUPGHOME", str(home.folder))
        fingerprint = home.make("weak", "rsa1024")
        path = shop.pack("kernel")
        before = set(shop.folder.iterdir())
        options = ("--blob",) if what == "--blob" else ("--registry", shop.registry.url)
        answer = vxsec_run("sign", path, "--signer", f"gpg:{fingerprint}", *options)
    assert answer.status == 10
    assert "error[openpgp.weak-key]" in answer.err
    assert "nothing was stored" in answer.err
    assert set(shop.folder.iterdir()) == before
