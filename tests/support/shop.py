"""A small shop that publishes: a folder with keys, a trust document, an .npmrc, tarballs, and a loopback registry."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

import vxsec
from vxsec.formats.cosign_key import decrypt_key
from vxsec.model.artifact import Artifact
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vxsec.testing import RegistrySimulator

__all__ = ["PASSWORD", "Shop", "make_database", "make_keys"]

PASSWORD = b"for tests only"
WINDOW = 'from: "2020-01-01T00:00:00Z", until: "2100-01-01T00:00:00Z"'
_ADVISORIES = Path(__file__).parents[2] / "fixtures" / "osv" / "npm"
_NAMES = ("ci", "ci2", "alice", "bob", "mallory")


def make_keys(folder: Path) -> None:
    """One key pair per name. The tests sign with a plain copy (``NAME.pem``): unlocking the real file takes 0.3 s each time."""
    for name in _NAMES:
        pair = vxsec.generate_key(folder / name, password=PASSWORD)
        pkcs8 = decrypt_key(Path(pair.private).read_bytes(), PASSWORD, where=pair.private)
        pem = load_der_private_key(pkcs8, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)


def make_database(folder: Path, *, exported_at: datetime | None = None) -> None:
    """A small advisory database, as fresh as the run unless said otherwise."""
    vxsec.import_database(
        [_ADVISORIES], directory=folder, ecosystem="npm", exported_at=exported_at or datetime.now(UTC)
    )


@dataclass(slots=True)
class Shop:
    """The workspace of one test."""

    folder: Path
    keys: Path
    registry: RegistrySimulator
    extra_registries: str = ""
    published: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the trust document and the .npmrc."""
        self.write_trust()
        (self.folder / ".npmrc").write_text(self.registry.npmrc("@acme"), encoding="utf-8")
        (self.folder / "password").write_bytes(PASSWORD + b"\n")

    @property
    def trust(self) -> Path:
        """The trust document."""
        return self.folder / "trust.yaml"

    def write_trust(self, *, revocations: str = "[]", rehearsal: bool = False, window: str = WINDOW) -> None:
        """Two machines (ci, ci2), two people (alice, bob); mallory is nobody."""
        lines = ["apiVersion: vxsec/trust/v1", "kind: Identities"]
        if rehearsal:
            lines.append("rehearsal: true")
        lines.append("keys:")
        for name in ("ci", "ci2", "alice", "bob"):
            role = "machine" if name.startswith("ci") else "human"
            lines.append(
                f'  - {{id: {name}-key, file: "{self.keys / name}.pub", roles: [{role}], {window}, holder: {name}}}'
            )
        lines.append("holders:")
        kinds = {"ci": "machine", "ci2": "machine", "alice": "person", "bob": "person"}
        lines.extend(f"  - {{id: {name}, kind: {kind}}}" for name, kind in kinds.items())
        lines += [
            "registries:",
            f'  internal: {{url: "{self.registry.url}", scopes: ["@acme"]}}',
            self.extra_registries,
        ]
        lines.append(f"revocations: {revocations}")
        self.trust.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def pack(
        self,
        name: str,
        version: str = "1.0.0",
        *,
        manifest: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Path:
        """Make a tarball."""
        document = {"name": f"@acme/{name}", "version": version, "main": "index.js", **(manifest or {})}
        path = self.folder / f"acme-{name}-{version}.tgz"
        path.write_bytes(pack(document, files or {"index.js": f"module.exports = {json.dumps(name)};\n".encode()}))
        return path

    def uri(self, key: str) -> str:
        """A signer URI."""
        return f"file:{self.keys / key}.pem"

    def sign(self, *paths: Path, key: str = "ci", registry: str | None = None) -> None:
        """Sign releases."""
        vxsec.sign(paths, signers=[self.uri(key)], trust=self.trust, registry=registry, password=PASSWORD)

    def describe(self, *paths: Path, key: str = "ci", lockfile: Path | None = None) -> None:
        """Attest the SBOM of each, as CI does after building it; a dependency that nothing resolves leaves a package without."""
        self._workspace(paths)
        for path in paths:
            try:
                vxsec.attest_sbom(
                    [path],
                    signers=[self.uri(key)],
                    lockfile=lockfile,
                    authors=["The shop"],
                    timestamp=datetime(2026, 11, 1, tzinfo=UTC),
                    password=PASSWORD,
                    project_dir=self.folder,
                )
            except vxsec.VxsecError as error:
                if error.code != "sbom.no-lockfile":
                    raise

    def _workspace(self, paths: Sequence[Path]) -> None:
        """The lockfile of a workspace that holds these packages, where they depend on one another and none is there."""
        target = self.folder / "package-lock.json"
        artifacts = [vxsec.open_artifact(path) for path in paths]
        manifests = [item.manifest for item in artifacts if isinstance(item, Artifact)]
        names = {manifest.package.name for manifest in manifests}
        needed = {name for manifest in manifests for name in manifest.strings("dependencies")}
        if not needed or not needed <= names or target.exists():
            return
        packages: dict[str, Any] = {"": {"name": "workspace", "version": "0.0.0", "workspaces": ["packages/*"]}}
        for manifest in manifests:
            folder = f"packages/{manifest.package.name.rpartition('/')[2]}"
            fields = {"name": manifest.package.name, "version": manifest.package.version}
            packages[folder] = {**fields, "dependencies": manifest.strings("dependencies")}
            packages[f"node_modules/{manifest.package.name}"] = {"resolved": folder, "link": True}
        document = {"name": "workspace", "lockfileVersion": 3, "requires": True, "packages": packages}
        target.write_text(json.dumps(document), encoding="utf-8")

    def approve(self, *paths: Path, key: str = "alice") -> None:
        """Approve releases."""
        vxsec.approve(
            paths, signer=self.uri(key), trust=self.trust, password=PASSWORD, project_dir=self.folder, offline=True
        )

    def release(self, *paths: Path) -> None:
        """Describe, sign and approve."""
        self.describe(*paths)
        self.sign(*paths)
        self.approve(*paths)

    def policy(
        self,
        rules: str,
        *,
        mode: str = "enforce",
        phases: str = "[publish, promote, install]",
        registry: str = "internal",
    ) -> Path:
        """A policy with one scope; ``rules`` are the lines of its list, each ``{id: …, use: …}``."""
        path = self.folder / "policy.yaml"
        listed = "\n".join(f"      - {line}" for line in rules.strip().splitlines())
        path.write_text(
            f"apiVersion: vxsec/policy/v1\nkind: Policy\nmetadata: {{name: test, version: 1}}\nmode: {mode}\nscopes:\n"
            f"  - id: ours\n    match: {{ecosystem: npm, registry: {registry}}}\n    phases: {phases}\n    rules:\n{listed}\n",
            encoding="utf-8",
        )
        return path

    def lockfile(self, *paths: Path, edit: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
        """What npm would write for a project that depends on these tarballs; ``edit`` changes entries by package name."""
        packages: dict[str, dict[str, Any]] = {"": {"name": "consumer", "version": "1.0.0", "dependencies": {}}}
        for path in paths:
            artifact = vxsec.open_artifact(path)
            name = artifact.package.name  # type: ignore[union-attr]  # the shop's tarballs are accepted
            version = artifact.package.version  # type: ignore[union-attr]  # likewise
            entry: dict[str, Any] = {"version": version, "integrity": artifact.digests.integrity}
            packages[f"node_modules/{name}"] = {**entry, **(edit or {}).get(name, {})}
            packages[""]["dependencies"][name] = f"^{version}"
        target = self.folder / "package-lock.json"
        document = {
            "name": "consumer",
            "version": "1.0.0",
            "lockfileVersion": 3,
            "requires": True,
            "packages": packages,
        }
        target.write_text(json.dumps(document, indent=2), encoding="utf-8")
        return target
