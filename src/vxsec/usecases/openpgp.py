"""How OpenPGP and SSH signatures are checked here: the verifier's own judgement, with gpg or Sequoia behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.trust import KeyKind

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.trust import TrustRoot
    from vxsec.verification.detached import DetachedCheck
    from vxsec.verification.openpgp import GpgPort

__all__ = ["openpgp_port", "trust_checks"]


def openpgp_port() -> GpgPort:
    """Sequoia where it is installed, else gpg; neither is started before a signature is there to be checked."""
    from vxsec.host.gnupg import run_gpg
    from vxsec.verification.sequoia import fastest_port

    return fastest_port(run_gpg)


def trust_checks(trust: TrustRoot, *, now: datetime) -> dict[bytes, DetachedCheck]:
    """The checks for every OpenPGP and SSH key of a trust root; empty, and nothing is loaded, where it has none."""
    keys = [key for key in trust.keys if key.kind is not KeyKind.PLAIN]
    if not keys:
        return {}
    from vxsec.verification.detached import detached_checks

    return detached_checks(keys, openpgp=openpgp_port(), now=now)
