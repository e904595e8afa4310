"""What sigstore-python, sigstore-js and cosign say about a bundle, each asked through its own public interface."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.locked_npm import install_locked
from vxsec.formats.public_key import render_public_key
from vxsec.testing.sigstore.mint import BLOB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.node_tools import NodeTools

__all__ = ["Question", "Said", "ask_cosign", "ask_javascript", "ask_python"]

_FOLDER = Path(__file__).with_name("sigstore_js")
_PREDICATE = "urn:vxsec:rehearsal:v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A bundle, the trusted root to judge it by, and whom it must be from; ``blob`` is None for an envelope.

    ``spki`` (DER) is the key to judge a bundle without a certificate by.
    """

    root: bytes
    bundle: bytes
    blob: bytes | None
    identity: str
    issuer: str
    spki: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The verdict, and in its own words why not; ``code`` is the kind of error."""

    accepted: bool
    code: str = ""
    message: str = ""


def ask_python(question: Question) -> Said:
    """What sigstore-python says. Whatever escapes it is a refusal, a ``TypeError`` too: ``code`` names it."""
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity
    from sigstore_models.trustroot.v1 import TrustedRoot as RawRoot

    policy = Identity(identity=question.identity, issuer=question.issuer)
    try:
        verifier = Verifier(trusted_root=TrustedRoot(RawRoot.from_json(question.root)))
        bundle = Bundle.from_json(question.bundle)
        if question.blob is None:
            verifier.verify_dsse(bundle, policy)
        else:
            verifier.verify_artifact(question.blob, bundle, policy)
    except Exception as error:  # noqa: BLE001 - an oracle that crashes has not accepted
        return Said(accepted=False, code=type(error).__name__, message=str(error))
    return Said(accepted=True)


def ask_javascript(tools: NodeTools, questions: Sequence[Question]) -> list[Said]:
    """What sigstore-js says to each, in one process."""
    lines = [
        json.dumps(
            {
                "root": question.root.decode(),
                "bundle": question.bundle.decode(),
                "blob": None if question.blob is None else base64.b64encode(question.blob).decode(),
                "key": None if question.spki is None else render_public_key(question.spki).decode(),
                # It takes the identity for a pattern.
                "identity": None if question.spki is not None else f"^{re.escape(question.identity)}$",
                "issuer": question.issuer,
            }
        )
        for question in questions
    ]
    installed = install_locked(tools, _FOLDER, name="sigstore-js")
    done = subprocess.run(
        [*tools.node, str(_FOLDER / "verify.cjs")],
        input="".join(f"{line}\n" for line in lines),
        env={"PATH": os.environ.get("PATH", os.defpath), "NODE_PATH": str(installed / "node_modules")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = [Said(**json.loads(line)) for line in done.stdout.splitlines()]
    assert len(said) == len(questions), done.stderr
    return said


def ask_cosign(cosign: str, question: Question, folder: Path) -> Said:
    """What cosign says, offline, in a process of its own; an envelope is judged as an attestation of ``BLOB``."""
    (folder / "root.json").write_bytes(question.root)
    (folder / "bundle.json").write_bytes(question.bundle)
    (folder / "file").write_bytes(BLOB if question.blob is None else question.blob)
    if question.spki is None:
        who = ["--certificate-identity", question.identity, "--certificate-oidc-issuer", question.issuer]
    else:
        (folder / "key.pub").write_bytes(render_public_key(question.spki))
        who = ["--key", "key.pub"]
    kind = ["verify-blob"] if question.blob is not None else ["verify-blob-attestation", "--type", _PREDICATE]
    done = subprocess.run(
        [cosign, *kind, "--bundle", "bundle.json", "--trusted-root", "root.json", *who, "file"],
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode == 0:
        return Said(accepted=True)
    words = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    return Said(accepted=False, code="Error", message=words[0].removeprefix("Error: ") if words else done.stderr)
