"""What is done to good bundles of the real instance, and what everybody answers to it.

A row is one alteration: of the bundle, of the trusted root, or of what is asked. Ours is refused by reason code; of the others
a part of the reason is held, so that a refusal for want of a file or a flag is none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from real import edits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from real.clients import Made
    from real.edits import Document, Stage

__all__ = ["ACCEPTS", "TAMPERINGS", "Tampering"]

Part = Literal["all", "statement", "certificate", "key"]
ACCEPTS = "accepts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampering:
    """One alteration, and what comes of it.

    ``code`` is what we refuse it with; ``codes`` where it is another for a statement, or for a signature by key. ``cosign``,
    ``python`` and ``javascript`` match the reason of each (regular expressions), or are :data:`ACCEPTS`; ``why`` explains
    that.
    """

    code: str
    cosign: str
    python: str
    javascript: str
    bundle: Callable[[Document, Stage], None] | None = None
    root: Callable[[Document, Stage], None] | None = None
    asked: Callable[[Made, Stage], Made] | None = None
    part: Part = "all"
    codes: Mapping[Part, str] = field(default_factory=dict)
    why: str = ""

    def fits(self, made: Made) -> bool:
        """Whether it can be done to this bundle."""
        return _is(made, self.part)

    def expected(self, made: Made) -> str:
        """Our code for this bundle."""
        return next((code for part, code in self.codes.items() if _is(made, part)), self.code)

    def apply(self, made: Made, stage: Stage) -> Made:
        """The altered copy, written to the stage's folder."""
        if self.bundle is not None:
            document = json.loads(made.bundle.read_bytes())
            self.bundle(document, stage)
            made = replace(made, bundle=_write(stage.folder / made.bundle.name, document))
        if self.root is not None:
            document = json.loads(made.root.read_bytes())
            self.root(document, stage)
            made = replace(made, root=_write(stage.folder / "trusted_root.json", document))
        return made if self.asked is None else self.asked(made, stage)


def _is(made: Made, part: Part) -> bool:
    return {
        "all": True,
        "statement": made.statement is not None,
        "certificate": made.key is None,
        "key": made.key is not None,
    }[part]


def _write(path: Path, document: Document) -> Path:
    path.write_text(json.dumps(document))
    return path


_ORIGIN, _SIZE, _ROOT = 0, 1, 2
# What others say, where several rows have it.
_TREE = "does not match expected root"
_NOTE = "unverified checkpoint signature"
_STAMPS = "threshold not met for verified signed timestamps"
_NAME = "expected SAN value"
_ROOT_HASH = "inclusion proof contains invalid root hash"
_CHECKPOINT = "checkpoint: invalid signature"
_NO_TIME = "not enough sources of verified time"
_JS_PROOF, _JS_NOTE = "calculated root hash does not match", "invalid checkpoint signature"
_JS_STAMP, _JS_CHAIN = "timestamp could not be verified", "Failed to verify certificate chain"
_UNUSED = "it makes the logged body anew from the bundle and never reads the bundle's copy"
_WINDOW = (
    "a Rekor 2 entry states no time to compare with the window "
    "([sigstore-go 496](https://github.com/sigstore/sigstore-go/issues/496)); we take the timestamp's"
)

TAMPERINGS: dict[str, Tampering] = {
    # what is asked
    "the file has one bit turned": Tampering(
        asked=edits.turn_file,
        code="bundle.digest-mismatch",
        codes={"statement": "signature.subject-mismatch"},
        cosign="invalid signature when validating|artifact digests do not match",
        python="message digest mismatch|in-toto statement has no subject",
        javascript="signature verification failed",
    ),
    "another identity is expected": Tampering(
        asked=edits.expect_another,
        part="certificate",
        code="identity.subject-mismatch",
        cosign=_NAME,
        python="SANs do not match",
        javascript="certificate identity error",
    ),
    "an identity that differs by one character is expected": Tampering(
        asked=edits.expect_alike,
        part="certificate",
        code="identity.subject-mismatch",
        cosign=_NAME,
        python="SANs do not match",
        javascript="certificate identity error",
    ),
    "another issuer is expected": Tampering(
        asked=edits.expect_other_issuer,
        part="certificate",
        code="identity.issuer-mismatch",
        cosign="expected issuer value",
        python="OIDCIssuer does not match",
        javascript="expected issuer=",
    ),
    "another key is expected": Tampering(
        asked=edits.expect_other_key,
        part="key",
        code="signature.untrusted-key",
        cosign=_TREE,
        python="",
        javascript="signature verification failed",
    ),
    # signature and certificate
    "the signature has one bit turned": Tampering(
        bundle=edits.turn_signature, code="signature.invalid", cosign=_TREE, python=_NO_TIME, javascript=_JS_STAMP
    ),
    "the statement is altered": Tampering(
        bundle=edits.change_payload,
        part="statement",
        code="signature.invalid",
        cosign=_TREE,
        python="DSSE: invalid signature",
        javascript="digest mismatch",
    ),
    "the certificate has one bit turned": Tampering(
        bundle=edits.turn_certificate,
        part="certificate",
        code="certificate.untrusted",
        cosign=_TREE,
        python="signature does not match",
        javascript=_JS_CHAIN,
    ),
    "the certificate is another one": Tampering(
        bundle=edits.swap_certificate,
        part="certificate",
        code="signature.invalid",
        cosign=_TREE,
        python="not valid at validation time|Signature is invalid|DSSE: invalid signature|OIDCIssuer does not match",
        javascript=f"{_JS_CHAIN}|signature verification failed",
    ),
    # the log
    "the checkpoint has another root hash": Tampering(
        bundle=edits.change_note(edits.set_line(_ROOT, edits.flip)),
        code="tlog.checkpoint-mismatch",
        cosign=_NOTE,
        python=_CHECKPOINT,
        javascript=_JS_NOTE,
    ),
    "checkpoint and proof have another root hash": Tampering(
        bundle=edits.change_note(edits.set_line(_ROOT, edits.flip), proof={"rootHash": _ROOT}),
        code="tlog.inclusion-proof",
        cosign=_NOTE,
        python=_ROOT_HASH,
        javascript=_JS_NOTE,
    ),
    "checkpoint and proof have another size": Tampering(
        bundle=edits.change_note(edits.set_line(_SIZE, lambda size: str(2 * int(size))), proof={"treeSize": _SIZE}),
        code="tlog.inclusion-proof",
        cosign=_NOTE,
        python="inclusion proof has wrong size",
        javascript=_JS_NOTE,
    ),
    "the checkpoint has another origin": Tampering(
        bundle=edits.change_note(edits.set_line(_ORIGIN, lambda _: "other.example.test")),
        code="tlog.checkpoint-origin",
        cosign=_NOTE,
        python=_CHECKPOINT,
        javascript=_JS_NOTE,
    ),
    "the checkpoint's signature has one bit turned": Tampering(
        bundle=edits.turn_checkpoint_signature,
        code="tlog.checkpoint-signature",
        cosign=_NOTE,
        python=_CHECKPOINT,
        javascript=_JS_NOTE,
    ),
    "a hash of the inclusion proof has one bit turned": Tampering(
        bundle=edits.turn_proof_hash,
        code="tlog.inclusion-proof",
        cosign=_TREE,
        python=_ROOT_HASH,
        javascript=_JS_PROOF,
    ),
    "the entry's index is not the proof's": Tampering(
        bundle=edits.raise_index,
        code="tlog.index-mismatch",
        cosign="index is beyond size|does not match expected root|wrong proof size",
        python=ACCEPTS,
        javascript=ACCEPTS,
        why="it takes the proof's own index, which is the one that the proof proves",
    ),
    "the logged body has one bit turned": Tampering(
        bundle=edits.turn_body,
        code="tlog.kind-mismatch",
        cosign=ACCEPTS,
        python=_ROOT_HASH,
        javascript=_JS_PROOF,
        why=_UNUSED,
    ),
    "the logged body is the same, written in another way": Tampering(
        bundle=edits.rewrite_body,
        code="tlog.inclusion-proof",
        cosign=ACCEPTS,
        python=_ROOT_HASH,
        javascript=_JS_PROOF,
        why=_UNUSED,
    ),
    "the log entry is taken away": Tampering(
        bundle=edits.drop_entry,
        code="tlog.too-few",
        cosign="not enough verified log entries",
        python="exactly one log entry",
        javascript="expected 1 tlog entries",
    ),
    "the log entry is of another signature": Tampering(
        bundle=edits.swap_entry,
        code="tlog.signature-mismatch",
        codes={"key": "tlog.artifact-mismatch", "statement": "tlog.artifact-mismatch"},
        cosign=_TREE,
        python="inconsistent with other materials",
        javascript="signature mismatch",
    ),
    "the log entry is there twice": Tampering(
        bundle=edits.double_entry,
        code="tlog.duplicate-entry",
        cosign="duplicate tlog entries",
        python="exactly one log entry",
        javascript="duplicate tlog entry",
    ),
    # the timestamp
    "the timestamp has one bit turned": Tampering(
        bundle=edits.turn_timestamp, code="timestamp.signature", cosign=_STAMPS, python=_NO_TIME, javascript=_JS_STAMP
    ),
    "the timestamp is taken away": Tampering(
        bundle=edits.drop_timestamp,
        code="certificate.no-trusted-time",
        codes={"key": "timestamp.too-few"},
        cosign=_STAMPS,
        python="must contain an inclusion promise or signed timestamp",
        javascript="expected 1 timestamps",
    ),
    "the timestamp is of another signature": Tampering(
        bundle=edits.swap_timestamp, code="timestamp.imprint", cosign=_STAMPS, python=_NO_TIME, javascript=_JS_STAMP
    ),
    "the timestamp is there twice": Tampering(
        bundle=edits.double_timestamp,
        code="timestamp.duplicate",
        cosign=ACCEPTS,
        python="duplicate timestamp found",
        javascript="duplicate timestamp",
        why="it counts the two as one",
    ),
    # the trusted root
    "another Fulcio is trusted": Tampering(
        root=edits.trust_other_chain("certificateAuthorities", "fulcio-chain.pem"),
        part="certificate",
        code="certificate.untrusted",
        cosign="leaf certificate verification failed",
        python="signature does not match",
        javascript=_JS_CHAIN,
    ),
    "another timestamp authority is trusted": Tampering(
        root=edits.trust_other_chain("timestampAuthorities", "tsa-chain.pem"),
        code="timestamp.untrusted",
        cosign=_STAMPS,
        python=_NO_TIME,
        javascript=_JS_STAMP,
    ),
    "another CT log is trusted": Tampering(
        root=edits.trust_other_log("ctlogs", "ct.pub"),
        part="certificate",
        code="sct.signature",
        cosign="only able to verify 0 SCT entries",
        python="failed to verify SCT",
        javascript="SCT verification failed",
    ),
    "another Rekor is trusted": Tampering(
        root=edits.trust_other_log("tlogs", "rekor.pub"),
        code="tlog.checkpoint-signature",
        cosign=_NOTE,
        python=_CHECKPOINT,
        javascript=_JS_NOTE,
    ),
    "Fulcio was trusted until a while before": Tampering(
        root=edits.trust_once_only("certificateAuthorities"),
        part="certificate",
        code="certificate.authority-window",
        cosign="leaf certificate verification failed",
        python=ACCEPTS,
        javascript=_JS_CHAIN,
    ),
    "the timestamp authority was trusted until a while before": Tampering(
        root=edits.trust_once_only("timestampAuthorities"),
        code="timestamp.authority-window",
        cosign=_STAMPS,
        python=_NO_TIME,
        javascript=_JS_STAMP,
    ),
    "the CT log was trusted until a while before": Tampering(
        root=edits.trust_once_only("ctlogs"),
        part="certificate",
        code="sct.log-window",
        cosign="only able to verify 0 SCT entries",
        python=ACCEPTS,
        javascript="SCT verification failed",
    ),
    "Rekor was trusted until a while before": Tampering(
        root=edits.trust_once_only("tlogs"),
        code="tlog.log-window",
        cosign=ACCEPTS,
        python=ACCEPTS,
        javascript=ACCEPTS,
        why=_WINDOW,
    ),
}
