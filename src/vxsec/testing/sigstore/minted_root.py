"""The trusted root over minted material, with the windows that its recipe asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vxsec.model.trusted_root import CertificateAuthority as TrustedAuthority
from vxsec.model.trusted_root import TransparencyLog as TrustedLog
from vxsec.model.trusted_root import TrustedRoot, Window
from vxsec.testing.sigstore.documents import trusted_root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.testing.sigstore.authority import CertificateAuthority
    from vxsec.testing.sigstore.ct_log import CtLog
    from vxsec.testing.sigstore.log import TransparencyLog
    from vxsec.testing.sigstore.recipe import Generation, Root, Stamper
    from vxsec.testing.sigstore.timestamp import TimestampAuthority

__all__ = ["mint_root"]

_FULCIO = "https://fulcio.example.test"


def mint_root(
    root: Root,
    *,
    authority: CertificateAuthority,
    ct_log: CtLog,
    logs: Mapping[Generation, TransparencyLog],
    timestamps: Mapping[Stamper, TimestampAuthority],
) -> bytes:
    """Write ``trusted_root.json`` over these authorities, each in the window that ``root`` gives it, or left out."""
    stampers: list[tuple[Window | None, Stamper]] = [
        (root.tsa, "trusted"),
        (root.expired_tsa, "expired"),
        (root.wrong_usage_tsa, "not-for-timestamps"),
    ]
    document = trusted_root(
        TrustedRoot(
            certificate_authorities=_authority(root.ca, _FULCIO, authority.chain),
            logs=_log(root.rekor_v1, logs["v1"]) + _log(root.rekor_v2, logs["v2"]),
            ct_logs=_log(root.ct, ct_log),
            timestamp_authorities=tuple(
                found
                for window, name in stampers
                for found in _authority(window, timestamps[name].uri, timestamps[name].chain)
            ),
            source="minted",
            sha256="",
            rehearsal=root.rehearsal,
        )
    )
    if root.edit is not None:
        root.edit(document)
    return json.dumps(document).encode()


def _authority(window: Window | None, uri: str, chain: tuple[bytes, ...]) -> tuple[TrustedAuthority, ...]:
    return () if window is None else (TrustedAuthority(uri=uri, chain=chain, window=window),)


def _log(window: Window | None, log: TransparencyLog | CtLog) -> tuple[TrustedLog, ...]:
    if window is None:
        return ()
    return (TrustedLog(base_url=log.base_url, spki=log.spki, log_id=log.log_id, window=window),)
