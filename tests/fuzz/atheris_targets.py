"""Coverage-guided fuzzing of every door for foreign signature material, with atheris where it is installed.

    python tests/fuzz/atheris_targets.py TARGET [-runs=N] [-seed=N] [any other libFuzzer option or corpus folder]

A run starts from real documents and ends with an error where anything but a refusal escapes. Libraries are imported in
the targets, so that one target can be run where another's are not there.
"""  # fmt: skip

from __future__ import annotations

import base64
import importlib
import importlib.resources
import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TARGETS", "Target", "main", "refusing"]

TESTS = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GPG_STATUS = (
    b"[GNUPG:] NEWSIG alice@example.test\n[GNUPG:] KEY_CONSIDERED 0123456789ABCDEF0123456789ABCDEF01234567 0\n"
    b"[GNUPG:] SIG_ID dGhlIGlkIG9mIGEgc2lnbmF0dXI 2026-11-21 1795262400\n"
    b"[GNUPG:] GOODSIG 89ABCDEF01234567 alice@example.test\n"
    b"[GNUPG:] VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567 2026-11-21 1795262400 0 4 0 22 8 00 "
    b"0123456789ABCDEF0123456789ABCDEF01234567\n[GNUPG:] TRUST_ULTIMATE 0 pgp\n"
)


@dataclass(frozen=True)
class Target:
    """One door: documents to start from, and what is done with the bytes."""

    name: str
    seeds: Callable[[], list[bytes]]
    open: Callable[[], Callable[[bytes], object]]


def refusing(door: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """The door with its refusals taken for answers; anything else that it raises is a defect."""
    from vxsec.errors import FormatError, VerificationError

    def run(data: bytes) -> None:
        try:
            door(bytes(data))
        except (FormatError, VerificationError) as error:
            if not error.code or "." not in error.code:
                raise AssertionError(f"a refusal without a reason: {error!r}") from error

    return run


# -- the doors ---------------------------------------------------------------------------------------------------------


def _bundle_seeds() -> list[bytes]:
    from support.signing_kit import approval, release, signer

    key = signer("ci")
    return [release(key).line, approval(signer("alice")).line, *_bundles_of_sigstore()]


def _bundles_of_sigstore() -> list[bytes]:
    """The public suite's, where the data folder lies beside the checkout."""
    folder = TESTS.parents[1] / "shared" / "conformance" / "sigstore"
    return [path.read_bytes() for path in sorted(folder.rglob("*.sigstore.json"))[:10]] if folder.is_dir() else []


def _open_bundle() -> Callable[[bytes], object]:
    from support.signing_kit import signer
    from vxsec.formats.sigstore_bundle import read_bundle
    from vxsec.formats.trusted_root import read_trusted_root
    from vxsec.verification.bundle import verify_bundle

    key = signer("ci")
    roots = read_trusted_root(_trusted_root_seeds()[0], where="root")

    def door(data: bytes) -> None:
        bundle = read_bundle(data, where="bundle")
        verify_bundle(bundle, keys=[key.spki], roots=roots, blob=lambda: b"a", now=NOW)

    return door


def _trusted_root_seeds() -> list[bytes]:
    store = importlib.resources.files("sigstore") / "_store"
    folders = sorted((folder for folder in store.iterdir() if folder.is_dir()), key=lambda folder: folder.name)
    found = [folder / "trusted_root.json" for folder in folders]
    return [file.read_bytes() for file in found if file.is_file()]


def _open_trusted_root() -> Callable[[bytes], object]:
    from vxsec.formats.trusted_root import read_trusted_root

    return lambda data: read_trusted_root(data, where="root")


def _envelope_seeds() -> list[bytes]:
    return [json.dumps(json.loads(line)["dsseEnvelope"]).encode() for line in _bundle_seeds()[:2]]


def _open_envelope() -> Callable[[bytes], object]:
    from support.signing_kit import signer
    from vxsec.formats.dsse_envelope import read_envelope
    from vxsec.verification.envelope import verify_envelope

    keys = [signer("ci").spki, signer("alice").spki]
    return lambda data: verify_envelope(read_envelope(data, where="envelope"), keys=keys)


def _sshsig_seeds() -> list[bytes]:
    from support.ssh_kit import KINDS, armored, blob_of, make, public_line, signed_by

    signatures = [signed_by(make(kind), b"message") for kind in KINDS]
    keys = [blob_of(make(kind)) for kind in KINDS]
    return [*signatures, *map(armored, signatures), *keys, *(public_line(make(kind)).encode() for kind in KINDS)]


def _open_sshsig() -> Callable[[bytes], object]:
    from support.ssh_kit import KINDS, make
    from vxsec.errors import FormatError
    from vxsec.formats.ssh_key import parse_ssh_public_key
    from vxsec.verification.sshsig import verify_sshsig

    keys = {make(kind).public.blob: make(kind).public for kind in KINDS}

    def door(data: bytes) -> None:
        try:
            parse_ssh_public_key(data)
        except FormatError:
            # Most bytes are no key: then they may be a signature, by the key that it names.
            named = [key for blob, key in keys.items() if blob in data]
            verify_sshsig(data, b"message", key=(named or list(keys.values()))[0])

    return door


def _open_gpg_status() -> Callable[[bytes], object]:
    from vxsec.formats.gpg_status import read_gpg_status

    return read_gpg_status


def _npm_keys_seeds() -> list[bytes]:
    from support.signing_kit import signer

    return [
        json.dumps(
            {
                "keys": [
                    {
                        "expires": expires,
                        "keyid": "SHA256:" + base64.b64encode(bytes([number]) * 32).decode().rstrip("="),
                        "keytype": "ecdsa-sha2-nistp256",
                        "scheme": "ecdsa-sha2-nistp256",
                        "key": base64.b64encode(signer(f"registry {number}").spki).decode(),
                    }
                    for number, expires in enumerate((None, "2027-11-21T00:00:00.000Z"))
                ]
            }
        ).encode()
    ]


def _open_npm_keys() -> Callable[[bytes], object]:
    from vxsec.formats.npm_keys import read_npm_keys

    return lambda data: read_npm_keys(data, where="keys")


TARGETS = {
    target.name: target
    for target in (
        Target("bundle", _bundle_seeds, _open_bundle),
        Target("trusted-root", _trusted_root_seeds, _open_trusted_root),
        Target("envelope", _envelope_seeds, _open_envelope),
        Target("sshsig", _sshsig_seeds, _open_sshsig),
        Target("gpg-status", lambda: [GPG_STATUS], _open_gpg_status),
        Target("npm-keys", _npm_keys_seeds, _open_npm_keys),
    )
}


def main(argv: list[str]) -> int:
    """Run one target until libFuzzer has had enough; it leaves the process itself.

    Returns:
        2 where the target is not known or atheris is not installed.
    """
    target = TARGETS.get(argv[1]) if len(argv) > 1 else None
    if target is None:
        print(f"usage: {argv[0]} {'|'.join(TARGETS)} [-runs=N]", file=sys.stderr)  # noqa: T201 - a program's answer
        return 2
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed: pip install --group fuzz", file=sys.stderr)  # noqa: T201 - likewise
        return 2
    sys.path.insert(0, str(TESTS))
    with atheris.instrument_imports(include=["vxsec"]):
        door = refusing(target.open())
    with tempfile.TemporaryDirectory(prefix="vxsec-fuzz-") as corpus:
        for number, seed in enumerate(target.seeds()):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        atheris.Setup([argv[0], *argv[2:], corpus], door)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
