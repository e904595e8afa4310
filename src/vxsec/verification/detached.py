"""Signatures that are not an algorithm's own but a format around it: OpenPGP and SSH keys over the same bytes.

A bundle by such a key names it in ``publicKey.hint`` (``openpgp:FINGERPRINT``, ``ssh:SHA256:…``) and holds the binary detached
OpenPGP signature, or the SSHSIG blob, where a plain key's signature would stand; what is signed is the same pre-authentication
encoding. Other tools refuse such a bundle, as they should: they cannot check it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from vxsec.model.trust import KeyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from vxsec.model.ssh import SshPublicKey
    from vxsec.model.trust import TrustedKey
    from vxsec.verification.openpgp import GpgPort

__all__ = ["DetachedCheck", "DetachedChecks", "detached_checks", "openpgp_check", "ssh_check"]


class DetachedCheck(NamedTuple):
    """How one key's signatures are checked; ``verify`` takes the signature and the bytes it covers."""

    hint: str
    verify: Callable[[bytes, bytes], None]


DetachedChecks: TypeAlias = "Mapping[bytes, DetachedCheck]"
"""By what the key is counted by (``TrustedKey.spki``)."""


def detached_checks(keys: Iterable[TrustedKey], *, openpgp: GpgPort, now: datetime) -> dict[bytes, DetachedCheck]:
    """The checks for every OpenPGP and SSH key of a trust document.

    Args:
        keys: All its keys; plain ones need none.
        openpgp: Runs gpg, or what takes its place.
        now: The time of judgement, aware.
    """
    found: dict[bytes, DetachedCheck] = {}
    for key in keys:
        if key.kind is KeyKind.OPENPGP:
            fingerprint = key.spki.removeprefix(b"openpgp:").decode("ascii")
            found[key.spki] = openpgp_check(fingerprint, key.certificate, openpgp=openpgp, now=now)
        elif key.ssh is not None:
            found[key.spki] = ssh_check(key.ssh)
    return found


def openpgp_check(fingerprint: str, certificate: bytes, *, openpgp: GpgPort, now: datetime) -> DetachedCheck:
    """For the OpenPGP key with this primary fingerprint (upper-case hex), given as exported."""

    def check(signature: bytes, data: bytes) -> None:
        from vxsec.verification.openpgp import verify_openpgp

        verify_openpgp(signature, data, certificates=certificate, allowed=[fingerprint], run=openpgp, now=now)

    return DetachedCheck(f"openpgp:{fingerprint}", check)


def ssh_check(key: SshPublicKey) -> DetachedCheck:
    """For one SSH key; a hardware key must have been touched."""

    def check(signature: bytes, data: bytes) -> None:
        from vxsec.verification.sshsig import verify_sshsig

        verify_sshsig(signature, data, key=key)

    return DetachedCheck(key.hint, check)
