"""Whether a key may say what it said, now: its role, its window, and that nobody took it back.

There is no trusted time in this version, so everything is judged now: a superseded key is not good from that time on, a
compromised one is never good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import VerificationError
from vxsec.formats.timestamps import render_time
from vxsec.model.trust import RevocationReason

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.digest import Digests
    from vxsec.model.trust import HolderKind, Role, TrustedKey, TrustRoot

__all__ = ["rejection", "require_good_now", "require_role"]


def require_role(key: TrustedKey, role: Role, kind: HolderKind, what: str) -> None:
    """The key has the role that ``what`` needs, and so has its holder.

    Raises:
        VerificationError: ``signature.role``.
    """
    if role not in key.roles or key.holder.kind is not kind:
        raise rejection(
            "signature.role",
            f"{what} by a key of role {role.value}, held by a {kind.value}",
            f"key {key.id!r} with {', '.join(key.roles) or 'no role'}, held by a {key.holder.kind.value}",
        )


def require_good_now(key: TrustedKey, *, trust: TrustRoot, digests: Digests, now: datetime) -> None:
    """The key is in its window, and neither it nor the bytes are revoked.

    Raises:
        VerificationError: ``key.not-yet-valid``, ``key.expired``, ``key.revoked`` or ``digest.revoked``.
    """
    judged = f"a judgement at {render_time(now)}"
    if now < key.valid_from:
        raise rejection("key.not-yet-valid", f"key {key.id!r} from {render_time(key.valid_from)} on", judged)
    if now >= key.valid_until:
        raise rejection("key.expired", f"key {key.id!r} before {render_time(key.valid_until)}", judged)
    for revocation in trust.key_revocations:
        if revocation.key == key.id and _is_void(revocation.reason, revocation.since, now):
            found = f"{revocation.reason.value} since {render_time(revocation.since)}"
            raise rejection("key.revoked", f"key {key.id!r} in good standing", found)
    for digest in trust.digest_revocations:
        if digest.sha512 == digests.sha512 and _is_void(digest.reason, digest.since, now):
            found = f"{digest.reason.value} since {render_time(digest.since)}"
            raise rejection("digest.revoked", "bytes in good standing", found)


def rejection(code: str, expected: str, found: str) -> VerificationError:
    """Why one signature does not count."""
    return VerificationError(f"expected {expected}, found {found}", code=code)


def _is_void(reason: RevocationReason, since: datetime, now: datetime) -> bool:
    """Without trusted time a compromised key is never good: nothing shows that a signature is older than the theft."""
    return reason is RevocationReason.COMPROMISED or now >= since
