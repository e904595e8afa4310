"""Raw DSSE envelopes as what they are equivalent to: one bundle for each signature that matters.

Who may sign, and which signatures count toward a file, is judged where it is judged for every other bundle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import RefusedError, VerificationError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import RejectedSignature
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from vxsec.model.attestation import Bundle

    PathLike = str | os.PathLike[str]

__all__ = ["EnvelopeBundles", "read_envelopes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeBundles:
    """What envelope files hold for the keys that matter: each bundle with its file, and why other files hold nothing."""

    bundles: tuple[tuple[Bundle, str], ...]
    rejected: tuple[RejectedSignature, ...]


def read_envelopes(
    envelopes: Sequence[PathLike], *, keys: Sequence[bytes], names: Sequence[str] = (), limits: Limits = DEFAULT_LIMITS
) -> EnvelopeBundles:
    """Read envelope files and take the signatures of these keys out of them.

    Guarantees: however many signatures an envelope holds, at most ``limits.envelope_checks`` are checked. What comes back is
    to be verified like any other bundle.

    Args:
        envelopes: Paths.
        keys: Public keys that may have signed, canonical DER.
        names: Exact key ids of OpenPGP and SSH keys, whose signatures are checked by whoever counts them.
        limits: Bounds on bytes, signatures and checks.

    Raises:
        UsageError: An unreadable file; ``verify.no-keys``.
    """
    from vxsec.formats.dsse_envelope import read_envelope
    from vxsec.verification.envelope import split_envelope

    bundles: list[tuple[Bundle, str]] = []
    rejected: list[RejectedSignature] = []
    for path in envelopes:
        source = str(path)
        data = read_bounded(path, max_bytes=limits.envelope_bytes)
        try:
            split = split_envelope(
                read_envelope(data, where=source, limits=limits), keys=keys, names=names, limits=limits
            )
        except (RefusedError, VerificationError) as error:
            rejected.append(RejectedSignature(code=error.code, message=str(error), source=source))
            continue
        bundles.extend((bundle, source) for bundle in split.bundles)
        if not split.complete:
            message = f"more signatures than the {limits.envelope_checks} that are checked"
            rejected.append(RejectedSignature(code="envelope.too-many", message=message, source=source))
    return EnvelopeBundles(bundles=tuple(bundles), rejected=tuple(rejected))
