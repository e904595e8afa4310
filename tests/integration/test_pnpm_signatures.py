"""What we sign as a registry, judged by clients that know nothing of us: unmodified pnpm 11 and 12, and npm's own pacote."""

from __future__ import annotations

import base64
import json
import subprocess
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.pnpm import PNPM_GENERATIONS, install_pnpm
from vxsec.formats.public_key import render_public_key
from vxsec.host.clock import utc_now
from vxsec.host.http import HttpClient
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact
from vxsec.registry.publish_document import build_publish_document
from vxsec.report.npm_signatures import registry_signed_document
from vxsec.signing.key import KeySigner, generate_pkcs8
from vxsec.testing import RegistrySimulator
from vxsec.testing.artifacts import pack
from vxsec.usecases.npm_signatures import build_registry_keys, sign_registry
from vxsec.usecases.verify_npm import verify_packument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.node_tools import NodeTools
    from vxsec.model.report.npm import PackumentVerdict

    Document = dict[str, Any]

pytestmark = pytest.mark.node

NAME, OTHER, VERSION = "@team/kernel", "@team/other", "1.0.0"
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A registry on loopback that signs nothing itself, keys, and two packages whose signatures we made."""

    folder: Path
    registry: RegistrySimulator

    def write_key(self, name: str) -> None:
        pkcs8 = generate_pkcs8()
        body = base64.encodebytes(pkcs8).decode().strip()
        text = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
        (self.folder / f"{name}.key").write_text(text, encoding="ascii")
        (self.folder / f"{name}.pub").write_bytes(render_public_key(KeySigner(pkcs8, where=name).spki))

    def publish(self, name: str) -> None:
        data = pack({"name": name, "version": VERSION}, {"index.js": f"// {name}".encode()})
        artifact = read_artifact(data, filename=name)
        assert isinstance(artifact, Artifact)
        self.file(name).write_bytes(data)
        sent = build_publish_document(artifact, registry_url=self.registry.url, tag="latest", access=None)
        assert self.registry.publish(sent)[0] == 201

    def file(self, name: str) -> Path:
        return self.folder / f"{name.partition('/')[2]}.tgz"

    def signed(self, name: str, key: str = "registry") -> list[dict[str, str]]:
        """Our ``dist.signatures`` for what the registry serves."""
        packument = self.folder / "served.json"
        packument.write_text(json.dumps(self.registry.packument(name)), encoding="utf-8")
        made = sign_registry([self.file(name)], signer=f"file:{self.folder}/{key}.key", packument=packument)
        document: Any = registry_signed_document(made)
        assert (document["files"][0]["name"], document["files"][0]["version"]) == (name, VERSION)
        signatures: list[dict[str, str]] = document["files"][0]["signatures"]
        return signatures

    def serve(self, signatures: list[dict[str, str]] | None) -> None:
        """What the registry answers for the package from now on."""

        def change(document: Document) -> Document:
            document["versions"][VERSION]["dist"]["signatures"] = signatures
            return document

        self.registry.tamper_packument(NAME, change)

    def keys(self, **options: Any) -> bytes:
        given = {"keys": [self.folder / "registry.pub"], **options}
        return build_registry_keys(given.pop("keys"), **given)

    def our_verdict(self) -> PackumentVerdict:
        """Ours, by the keys document from elsewhere, over what the registry answers now."""
        for route, path in ((NAME, "asked.json"), ("-/npm/v1/keys", "keys.json")):
            (self.folder / path).write_bytes(_get(f"{self.registry.url}{route}"))
        return verify_packument(
            self.file(NAME),
            packument=self.folder / "asked.json",
            npm_keys=self.folder / "keys.json",
            registry=self.registry.url,
            expect=f"{NAME}@{VERSION}",
        )


def _get(url: str) -> bytes:
    """What the registry answers, as any client sees it."""
    answer = HttpClient().request("GET", url, max_bytes=1 << 20)
    assert answer.status == 200
    return answer.body


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with RegistrySimulator() as registry:
        made = Shop(folder=folder, registry=registry)
        for key in ("registry", "stranger"):
            made.write_key(key)
        for name in (NAME, OTHER):
            made.publish(name)
        yield made


def _flipped(signatures: list[dict[str, str]]) -> list[dict[str, str]]:
    raw = bytearray(base64.b64decode(signatures[0]["sig"]))
    raw[-1] ^= 1
    return [{**signatures[0], "sig": base64.b64encode(raw).decode()}]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the registry serves, whether pnpm takes it, and our code."""

    signatures: Callable[[Shop], list[dict[str, str]] | None]
    pnpm: bool
    ours: str
    keys: Callable[[Shop], bytes] = Shop.keys


def _ours(shop: Shop) -> list[dict[str, str]]:
    return shop.signed(NAME)


ROWS = {
    "signed by us": Row(signatures=_ours, pnpm=True, ours="verified"),
    "one bit turned": Row(signatures=lambda shop: _flipped(_ours(shop)), pnpm=False, ours="npm.signature-invalid"),
    "the signature of another package": Row(
        signatures=lambda shop: shop.signed(OTHER), pnpm=False, ours="npm.signature-invalid"
    ),
    "signed by a key that is not listed": Row(
        signatures=lambda shop: shop.signed(NAME, "stranger"), pnpm=False, ours="npm.unknown-key"
    ),
    "a stranger's signature under our key's id": Row(
        signatures=lambda shop: [{**shop.signed(NAME, "stranger")[0], "keyid": _ours(shop)[0]["keyid"]}],
        pnpm=False,
        ours="npm.signature-invalid",
    ),
    "no signature": Row(signatures=lambda _: None, pnpm=False, ours="npm.unsigned"),
    "an empty list": Row(signatures=lambda _: [], pnpm=False, ours="npm.unsigned"),
    "two keys, both listed": Row(
        signatures=lambda shop: [*shop.signed(NAME, "stranger"), *_ours(shop)],
        keys=lambda shop: shop.keys(keys=[shop.folder / "registry.pub", shop.folder / "stranger.pub"]),
        pnpm=True,
        ours="verified",
    ),
    "a key that had expired when the version was published": Row(
        signatures=_ours,
        keys=lambda shop: shop.keys(keys=[], retired=[(shop.folder / "registry.pub", utc_now() - DAY)]),
        pnpm=False,
        ours="key.expired",
    ),
    "a key that expires tomorrow": Row(
        signatures=_ours, keys=lambda shop: shop.keys(expires=utc_now() + DAY), pnpm=True, ours="verified"
    ),
}


@pytest.fixture(scope="module", params=PNPM_GENERATIONS)
def project(
    request: pytest.FixtureRequest, shop: Shop, node_tools: NodeTools, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], tuple[int, Document]]:
    """``pnpm audit signatures`` in a project that has the package installed."""
    home = tmp_path_factory.mktemp(request.param)
    pnpm = install_pnpm(node_tools, request.param, home)
    folder = home / "project"
    folder.mkdir()
    manifest = {"name": "app", "version": "1.0.0", "private": True, "dependencies": {NAME: VERSION}}
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / ".npmrc").write_text(shop.registry.npmrc(), encoding="utf-8")
    done = pnpm.run("install", "--ignore-scripts", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return lambda: pnpm.audit_signatures(folder)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_pnpm_and_we_judge_alike(shop: Shop, project: Callable[[], tuple[int, Document]], row: Row) -> None:
    shop.serve(row.signatures(shop))
    shop.registry.serve_keys(row.keys(shop))
    status, answer = project()
    assert (status == 0) is row.pnpm, answer
    if row.pnpm:
        assert (answer["audited"], answer["verified"]) == (1, 1)
    assert shop.our_verdict().signature.code == row.ours


def test_we_do_not_believe_the_date_that_pnpm_believes(shop: Shop, project: Callable[[], tuple[int, Document]]) -> None:
    """A packument says itself when a version was published, and npm's clients judge a key's expiry by that."""
    shop.serve(_ours(shop))
    shop.registry.serve_keys(shop.keys(keys=[], retired=[(shop.folder / "registry.pub", utc_now() - DAY)]))
    before = shop.registry.snapshot()

    def dated_back(document: Document) -> Document:
        changed = deepcopy(document)
        changed["time"][VERSION] = (datetime.now(tz=UTC) - 30 * DAY).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return changed

    shop.registry.tamper_packument(NAME, dated_back)
    try:
        status, _ = project()
        assert status == 0
        assert shop.our_verdict().signature.code == "key.expired"
    finally:
        shop.registry.rewind(before)


# -- npm's own verifier ----------------------------------------------------------------------------------------------------

PACOTE = """
const pacote = require(process.argv[2])
const [registry, spec, keys] = [process.argv[3], process.argv[4], JSON.parse(process.argv[5]).keys]
const pem = key => `-----BEGIN PUBLIC KEY-----\\n${key}\\n-----END PUBLIC KEY-----`
const options = {
  registry, cache: process.argv[6], preferOnline: true, fullMetadata: true, verifySignatures: true,
  [`${registry.replace('http:', '').replace(/\\/$/, '')}/:_keys`]: keys.map(key => ({ ...key, pemkey: pem(key.key) })),
}
pacote.manifest(spec, options).then(
  found => console.log(JSON.stringify({ ok: true, signatures: found._signatures })),
  error => console.log(JSON.stringify({ ok: false, code: error.code })),
)
"""
"""``npm audit signatures`` without the part that asks the public Sigstore instance for its trust root."""


def _pacote(shop: Shop, keys: bytes, tools: NodeTools, folder: Path) -> Document:
    module = Path(tools.npm[-1]).parents[1] / "node_modules" / "pacote"
    script = folder / "verify.cjs"
    script.write_text(PACOTE, encoding="utf-8")
    words = [str(module), shop.registry.url, f"{NAME}@{VERSION}", keys.decode(), str(folder / "cache")]
    done = subprocess.run(
        [*tools.node, str(script), *words],
        env=tools.environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer: Document = json.loads(done.stdout)
    return answer


PACOTE_CODES = {
    "signed by us": None,
    "one bit turned": "EINTEGRITYSIGNATURE",
    "the signature of another package": "EINTEGRITYSIGNATURE",
    "signed by a key that is not listed": "EMISSINGSIGNATUREKEY",
    "a key that had expired when the version was published": "EEXPIREDSIGNATUREKEY",
    "two keys, both listed": None,
}


@pytest.mark.parametrize(("row", "code"), PACOTE_CODES.items(), ids=PACOTE_CODES.keys())
def test_npms_own_verifier_judges_alike(
    shop: Shop, node_tools: NodeTools, tmp_path: Path, row: str, code: str | None
) -> None:
    signatures = ROWS[row].signatures(shop)
    shop.serve(signatures)
    answer = _pacote(shop, ROWS[row].keys(shop), node_tools, tmp_path)
    assert answer == ({"ok": True, "signatures": signatures} if code is None else {"ok": False, "code": code})


# -- the simulator's own signatures ----------------------------------------------------------------------------------------


def test_we_verify_what_the_simulator_signs_and_not_with_a_key_it_retired(tmp_path: Path) -> None:
    with RegistrySimulator(signs=True) as registry:
        made = Shop(folder=tmp_path, registry=registry)
        made.publish(NAME)
        assert made.our_verdict().signature.code == "verified"
        registry.rotate_keys()
        assert made.our_verdict().signature.code == "verified"  # it expires a millisecond later
        registry.serve_keys(_expired(made))
        assert made.our_verdict().signature.code == "key.expired"


def _expired(made: Shop) -> bytes:
    document = json.loads((made.folder / "keys.json").read_bytes())
    document["keys"][0]["expires"] = "2020-01-01T00:00:00.000Z"
    return json.dumps(document).encode()
