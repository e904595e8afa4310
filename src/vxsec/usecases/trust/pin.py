"""Which repository is meant: a change is made to no other one, because what is signed here fits wherever its keys are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.usecases.user_config import load_user_config
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["Pin", "require_pin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The digest of the first root, the least version of ``timestamp``, and what to tell of where they came from."""

    root_sha256: str
    minimum_version: int | None
    notes: tuple[str, ...] = ()


def require_pin(
    directory: str | os.PathLike[str],
    *,
    root_sha256: str | None,
    minimum_version: int | None,
    environ: Mapping[str, str],
) -> Pin:
    """What was given, or what the user's own configuration says; never what the repository says of itself.

    A repository of an attacker's may name the online key of another one: timestamp and snapshot signed over it would fit there.

    Args:
        directory: Named in an error.
        root_sha256: The digest given; the configuration is not looked at then.
        minimum_version: The least version given; the configuration's holds as well, where its digest does.
        environ: Where the user's folders are looked up.

    Raises:
        UsageError: ``tuf.no-root``: nobody said which repository is meant.
        ConfigurationError: ``config.*``: the configuration cannot be used as it is.
    """
    if root_sha256 is not None:
        return Pin(root_sha256=root_sha256, minimum_version=minimum_version)
    config = load_user_config(environ=environ)
    if config.trust_root is None:
        raise UsageError(
            "a trust repository is changed from the digest of its first root on, and none was given",
            code="tuf.no-root",
            where=str(directory),
            hint="add --trust-root SHA256, as you were given it from outside of the repository, or write it as trust-root "
            "into your own configuration",
        )
    configured = config.trust_minimum_version.value if config.trust_minimum_version is not None else 0
    return Pin(
        root_sha256=config.trust_root.value,
        minimum_version=max(minimum_version or 0, configured) or None,
        notes=(f"the first root is the one that {config.trust_root.origin} names",),
    )
