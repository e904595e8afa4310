"""Everybody who signs with the real instance, and everybody who judges what was signed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import vxsec
from support.reader import demo_tarball
from support.sigstore_oracles import Question, Said, ask_javascript, ask_python
from vxsec.errors import VxsecError
from vxsec.formats.public_key import parse_public_key
from vxsec.model.verification import Requirements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from real.instance import RealInstance
    from support.node_tools import NodeTools
    from vxsec.testing.sigstore.issuer import OidcIssuer

__all__ = ["PERSON", "VERIFIERS", "Judges", "Made", "Verifier", "sign_everything"]

PERSON = "alice@example.test"
REGISTRY = "https://registry.example.test/"
PROVENANCE = "https://slsa.dev/provenance/v1"
STATEMENT_V1 = "https://in-toto.io/Statement/v1"
Verifier = Literal["cosign", "sigstore-python", "sigstore-js", "vxsec"]
VERIFIERS: tuple[Verifier, ...] = ("cosign", "sigstore-python", "sigstore-js", "vxsec")
_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One bundle, what it is about, and what to judge it by.

    ``identity`` and ``issuer`` stand for a certificate, ``key`` for the file of a public key. ``statement`` is the predicate
    type where it is no bare signature. ``bare``: neither a log nor a timestamp authority saw it.
    """

    bundle: Path
    file: Path
    root: Path
    identity: str = PERSON
    issuer: str = ""
    key: Path | None = None
    statement: str | None = None
    bare: bool = False


class Judges:
    """The four verifiers over :class:`Made`, each through its own public interface."""

    def __init__(self, instance: RealInstance, node: NodeTools) -> None:
        self.instance = instance
        self.node = node

    def ask(self, verifier: Verifier, made: Made) -> Said:
        """The verdict; ``code`` is ours, or the kind of error of others."""
        asked = {
            "cosign": self.cosign,
            "sigstore-python": self.python,
            "sigstore-js": self.javascript,
            "vxsec": self.vxsec,
        }
        return asked[verifier](made)

    def cosign(self, made: Made) -> Said:
        """``cosign verify-blob`` or ``verify-blob-attestation``."""
        command: list[str | Path] = ["verify-blob", "--bundle", made.bundle]
        if made.statement is not None:
            command = ["verify-blob-attestation", "--bundle", made.bundle, "--type", made.statement]
        if made.key is not None:
            # Of a signature by key cosign looks at timestamps only where it is told to.
            command += ["--key", made.key, *([] if made.bare else ["--use-signed-timestamps"])]
        else:
            command += ["--certificate-identity", made.identity, "--certificate-oidc-issuer", made.issuer]
        command += ["--insecure-ignore-tlog"] if made.bare else ["--trusted-root", made.root]
        done = self.instance.cosign(*command, made.file)
        return Said(accepted=done.returncode == 0, message=done.stderr)

    def python(self, made: Made) -> Said:
        """The library of sigstore-python, which leaves a statement's subject to its caller."""
        return ask_python(self._question(made))

    def python_program(self, made: Made) -> Said:
        """``sigstore verify identity``, which looks at a statement's subject too."""
        done = _sigstore(
            self.instance, "verify", "identity", "--offline", "--bundle", made.bundle,
            "--cert-identity", made.identity, "--cert-oidc-issuer", made.issuer, made.file,
        )  # fmt: skip
        return Said(accepted=done.returncode == 0, message=" ".join(done.stderr.split()))

    def javascript(self, made: Made) -> Said:
        """The library of sigstore-js, which leaves a statement's subject to its caller."""
        (said,) = ask_javascript(self.node, [self._question(made)])
        return said

    def javascript_all(self, made: Sequence[Made]) -> list[Said]:
        """As :meth:`javascript`, in one process."""
        return ask_javascript(self.node, [self._question(one) for one in made])

    def vxsec(self, made: Made, *, now: datetime | None = None) -> Said:
        """:func:`vxsec.verify`. With a key, everything that lies beside its signature is asked for."""
        by_key = Requirements(log_entries=1, timestamps=1)
        try:
            report = vxsec.verify(
                [made.file],
                bundles=[made.bundle],
                keys=[made.key] if made.key is not None else [],
                identity=made.identity if made.key is None else None,
                issuer=made.issuer if made.key is None else None,
                trusted_roots=[] if made.bare else [made.root],
                requirements=by_key if made.key is not None and not made.bare else None,
                predicate_type=made.statement,
                now=now,
            )
        except VxsecError as error:
            return Said(accepted=False, code=f"raised {error.code}", message=str(error))
        (file,) = report.files
        return Said(accepted=file.verified, code=file.code, message=file.message)

    def vxsec_program(self, made: Made, *more: str) -> tuple[int, str]:
        """``vxsec verify --json``: exit status and what it printed."""
        who: list[str | Path] = ["--identity", made.identity, "--issuer", made.issuer]
        if made.key is not None:
            who = ["--key", made.key]
        root: list[str | Path] = [] if made.bare else ["--trusted-root", made.root]
        done = _vxsec(self.instance, "verify", made.file, "--bundle", made.bundle, *who, *root, "--json", *more)
        return done.returncode, done.stdout

    def _question(self, made: Made) -> Question:
        return Question(
            root=made.root.read_bytes(),
            bundle=made.bundle.read_bytes(),
            blob=None if made.statement is not None else made.file.read_bytes(),
            identity=made.identity,
            issuer=made.issuer,
            spki=None if made.key is None else parse_public_key(made.key.read_bytes(), where="key"),
        )


def sign_everything(instance: RealInstance) -> dict[str, Made]:
    """Sign with each client, by identity and by key, a file and a statement about it."""
    folder = instance.folder
    file = folder / "file"
    file.write_bytes(b"hello from the real instance\n")
    predicate = {"buildDefinition": {"buildType": "https://example.test/t", "externalParameters": {}}}
    predicate |= {"runDetails": {"builder": {"id": "https://example.test/builder"}}}
    (folder / "predicate.json").write_text(json.dumps(predicate))
    subject = {"name": "file", "digest": {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}}
    statement = {"_type": STATEMENT_V1, "subject": [subject], "predicateType": PROVENANCE, "predicate": predicate}
    (folder / "statement.json").write_text(json.dumps(statement))
    made = Made(bundle=folder, file=file, root=instance.trusted_root, issuer=instance.person.url)
    return {
        **_by_cosign(instance, made),
        **_by_sigstore_python(instance, made),
        **_by_vxsec(instance, made),
        **_by_key(instance, made),
    }


def _by_cosign(instance: RealInstance, made: Made) -> dict[str, Made]:
    """The entry of index 0 first: cosign leaves that number out of the bundle, which not everybody reads."""
    sign, about = ("sign-blob", made.file), ("attest-blob", "--statement", "statement.json")
    old = ("attest-blob", "--type", PROVENANCE, "--predicate", "predicate.json", made.file)
    told = replace(made, statement=PROVENANCE)
    return {
        "cosign, the log's first entry": _cosign(instance, "cosign-first", made, *sign),
        "cosign, file": _cosign(instance, "cosign-file", made, *sign),
        "cosign, statement": _cosign(instance, "cosign-statement", told, *about),
        "cosign, statement v0.1": _cosign(instance, "cosign-statement-v01", told, *old),
    }


def _cosign(instance: RealInstance, name: str, made: Made, *command: str | Path, token: bool = True) -> Made:
    bundle = instance.folder / f"{name}.sigstore.json"
    who = ["--identity-token", instance.person.token(subject=PERSON)] if token else []
    config: list[str | Path] = ["--signing-config", instance.signing_config, "--trusted-root", instance.trusted_root]
    _require(instance.cosign(command[0], "--bundle", bundle, *who, *config, *command[1:]))
    return replace(made, bundle=bundle)


def _by_sigstore_python(instance: RealInstance, made: Made) -> dict[str, Made]:
    token = ("--identity-token", instance.person.token(subject=PERSON))
    signed, told = (instance.folder / f"sigstore-python-{kind}.sigstore.json" for kind in ("file", "statement"))
    _require(_sigstore(instance, "sign", *token, "--bundle", signed, made.file))
    about = ("--predicate", "predicate.json", "--predicate-type", PROVENANCE)
    _require(_sigstore(instance, "attest", *token, *about, "--bundle", told, made.file))
    return {
        "sigstore-python, file": replace(made, bundle=signed),
        "sigstore-python, statement": replace(made, bundle=told, statement=PROVENANCE),
    }


def _by_vxsec(instance: RealInstance, made: Made) -> dict[str, Made]:
    folder = instance.folder
    token = _token(instance, instance.person)
    names = ("file", "statement", "release", "workflow")
    bundles = {name: folder / f"vxsec-{name}.sigstore.json" for name in names}
    keyless = ("--signer", f"keyless:token:{token}", "--trust-config", instance.trust_config)
    _require(_vxsec(instance, "sign", made.file, "--blob", *keyless, "--bundle", bundles["file"]))
    vxsec.attest(
        [made.file],
        predicate_type=PROVENANCE,
        predicate=folder / "predicate.json",
        signers=[f"keyless:token:{token}"],
        trust_config=instance.trust_config,
        bundle=bundles["statement"],
    )
    package = folder / "kernel-1.0.0.tgz"
    shutil.copyfile(demo_tarball("kernel"), package)
    _require(_vxsec(instance, "sign", package, "--registry", REGISTRY, *keyless, "--bundle", bundles["release"]))
    built = ("--signer", f"keyless:token:{_token(instance, instance.builder)}", *keyless[2:])
    _require(_vxsec(instance, "sign", made.file, "--blob", *built, "--bundle", bundles["workflow"]))
    told = replace(made, statement=PROVENANCE, bundle=bundles["statement"])
    who = f"https://github.com/{instance.builder.workflow['job_workflow_ref']}"
    return {
        "vxsec, file": replace(made, bundle=bundles["file"]),
        "vxsec, statement": told,
        "vxsec, release": replace(told, statement="urn:vxsec:release:v1", file=package, bundle=bundles["release"]),
        "vxsec, file, by a workflow": replace(
            made, bundle=bundles["workflow"], identity=who, issuer=instance.builder.url
        ),
    }


def _token(instance: RealInstance, issuer: OidcIssuer) -> Path:
    path = instance.folder / f"token-{issuer.url.rpartition(':')[2]}"
    given = issuer.token(subject=PERSON) if issuer is instance.person else issuer.workflow_token()
    path.write_text(given)
    path.chmod(0o600)
    return path


def _by_key(instance: RealInstance, made: Made) -> dict[str, Made]:
    """cosign's key, with log and timestamp, and with neither; the same key file signs in vxsec."""
    folder = instance.folder
    _require(instance.cosign("generate-key-pair", "--output-key-prefix", "key"))
    _require(instance.cosign("signing-config", "create", "--out", "empty.json"))
    made = replace(made, key=folder / "key.pub")
    bare, told = replace(made, bare=True), replace(made, statement=PROVENANCE)
    key = ("--key", "key.key")
    sign, about = ("sign-blob", *key, made.file), ("attest-blob", *key, "--statement", "statement.json")
    found = {
        "cosign, file, key": _cosign(instance, "cosign-key-file", made, *sign, token=False),
        "cosign, statement, key": _cosign(instance, "cosign-key-statement", told, *about, token=False),
        "cosign, file, bare key": replace(bare, bundle=folder / "cosign-bare.sigstore.json"),
        "vxsec, file, bare key": replace(bare, bundle=folder / "vxsec-bare.sigstore.json"),
        "vxsec, statement, bare key": replace(told, bare=True, bundle=folder / "vxsec-bare-statement.sigstore.json"),
    }
    _require(
        instance.cosign(
            "sign-blob",
            *key,
            "--bundle",
            found["cosign, file, bare key"].bundle,
            "--signing-config",
            "empty.json",
            made.file,
        )
    )
    signer = ("--signer", f"file:{folder}/key.key", "--password-env", "COSIGN_PASSWORD")
    _require(_vxsec(instance, "sign", made.file, "--blob", *signer, "--bundle", found["vxsec, file, bare key"].bundle))
    _require(
        _vxsec(
            instance, "attest", made.file, "--type", PROVENANCE, "--predicate", "predicate.json", *signer,
            "--bundle", found["vxsec, statement, bare key"].bundle,
        )
    )  # fmt: skip
    return found


def _sigstore(instance: RealInstance, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return _run(instance, sys.executable, "-m", "sigstore", "--trust-config", instance.trust_config, *arguments)


def _vxsec(instance: RealInstance, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return _run(instance, Path(sys.executable).with_name("vxsec"), *arguments)


def _run(instance: RealInstance, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=instance.folder,
        env=instance.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )


def _require(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        raise RuntimeError(f"{done.args[:4]}: {done.stdout}{done.stderr}")
