"""The bodies of Rekor's log entries: what was signed, the signature, and by whom, as canonical JSON.

Kinds: ``hashedrekord`` 0.0.1 and 0.0.2, ``dsse`` 0.0.1 and 0.0.2, ``intoto`` 0.0.2 (Rekor's ``pkg/types``, rekor-tiles'
``entry.proto``).
"""

from __future__ import annotations

import json

from vxsec.model.attestation import pae
from vxsec.testing.sigstore.keys import HashName, digest, encode, key_details, public_key_of, render_verifier
from vxsec.values import dataclass

__all__ = ["Logged", "canonical", "entry_body", "envelope_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What is logged. ``verifier`` is the DER of a certificate or of a public key.

    For a file ``digest`` is the file's; for an envelope it is that of the pre-authentication encoding, and ``payload`` and
    ``payload_type`` are the envelope's.
    """

    signature: bytes
    verifier: bytes
    digest: bytes
    algorithm: HashName = "sha256"
    payload: bytes = b""
    payload_type: str = ""
    envelope: bytes = b""
    """The envelope as it was uploaded; made from the rest where it is empty."""

    @classmethod
    def of_envelope(
        cls, *, payload_type: str, payload: bytes, signature: bytes, verifier: bytes, algorithm: HashName = "sha256"
    ) -> Logged:
        """For a DSSE envelope with one signature."""
        return cls(
            signature=signature,
            verifier=verifier,
            digest=digest(pae(payload_type, payload), algorithm),
            algorithm=algorithm,
            payload=payload,
            payload_type=payload_type,
        )


def canonical(value: object) -> bytes:
    """JSON in the form of RFC 8785, for what entries hold: ASCII names, strings and whole numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def envelope_json(payload_type: str, payload: bytes, signature: bytes) -> bytes:
    """A DSSE envelope with one signature, compact."""
    signatures = [{"sig": encode(signature)}]
    return canonical({"payload": encode(payload), "payloadType": payload_type, "signatures": signatures})


def entry_body(kind: str, version: str, logged: Logged) -> bytes:
    """The canonical body of one entry.

    Raises:
        KeyError: No such kind and version.
    """
    return canonical({"apiVersion": version, "kind": kind, "spec": _SPECS[kind, version](logged)})


def _hashedrekord_1(logged: Logged) -> dict[str, object]:
    return {
        "data": {"hash": {"algorithm": logged.algorithm, "value": logged.digest.hex()}},
        "signature": {
            "content": encode(logged.signature),
            "publicKey": {"content": encode(render_verifier(logged.verifier))},
        },
    }


def _hashedrekord_2(logged: Logged) -> dict[str, object]:
    data = {"algorithm": _named(logged.algorithm), "digest": encode(logged.digest)}
    return {"hashedRekordV002": {"data": data, "signature": _signature_2(logged)}}


def _dsse_1(logged: Logged) -> dict[str, object]:
    return {
        "envelopeHash": _hash_1(_envelope(logged)),
        "payloadHash": _hash_1(logged.payload),
        "signatures": [
            {"signature": encode(logged.signature), "verifier": encode(render_verifier(logged.verifier))},
        ],
    }


def _dsse_2(logged: Logged) -> dict[str, object]:
    payload = {"algorithm": "SHA2_256", "digest": encode(digest(logged.payload))}
    return {"dsseV002": {"payloadHash": payload, "signatures": [_signature_2(logged)]}}


def _intoto_2(logged: Logged) -> dict[str, object]:
    # Rekor encodes the payload and the signature of this kind a second time.
    envelope = {
        "payloadType": logged.payload_type,
        "signatures": [
            {
                "publicKey": encode(render_verifier(logged.verifier)),
                "sig": encode(encode(logged.signature).encode()),
            }
        ],
    }
    return {
        "content": {
            "envelope": envelope,
            "hash": _hash_1(_envelope(logged)),
            "payloadHash": _hash_1(logged.payload),
        }
    }


_SPECS = {
    ("hashedrekord", "0.0.1"): _hashedrekord_1,
    ("hashedrekord", "0.0.2"): _hashedrekord_2,
    ("dsse", "0.0.1"): _dsse_1,
    ("dsse", "0.0.2"): _dsse_2,
    ("intoto", "0.0.2"): _intoto_2,
}


def _hash_1(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": digest(data).hex()}


def _signature_2(logged: Logged) -> dict[str, object]:
    verifier: dict[str, object] = {"keyDetails": key_details(public_key_of(logged.verifier))}
    if render_verifier(logged.verifier).startswith(b"-----BEGIN CERTIFICATE"):
        verifier["x509Certificate"] = {"rawBytes": encode(logged.verifier)}
    else:
        verifier["publicKey"] = {"rawBytes": encode(logged.verifier)}
    return {"content": encode(logged.signature), "verifier": verifier}


def _envelope(logged: Logged) -> bytes:
    return logged.envelope or envelope_json(logged.payload_type, logged.payload, logged.signature)


def _named(algorithm: HashName) -> str:
    return f"SHA2_{algorithm.removeprefix('sha')}"
