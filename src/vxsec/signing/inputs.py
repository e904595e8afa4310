"""What a signer may see of the outside world."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.model.verification import Requirements
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.host.http import HttpClient

__all__ = ["SignerInputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInputs:
    """The outside world as a signer may see it: files, named environment variables, and a password when one is needed.

    ``stored_password`` gives a password that was named beforehand (a file, a variable), None where a person would be asked:
    gpg's agent asks by itself. ``trust_config`` is the Sigstore instance for keyless signing, None for the public-good one.
    """

    read_file: Callable[[str], bytes]
    environ: Callable[[str], str | None]
    password: Callable[[], bytes]
    stored_password: Callable[[], bytes | None] = lambda: None
    trust_config: bytes | None = None
    asked: Requirements = field(default_factory=Requirements)
    """Witnesses asked for beside the signature: timestamps, log entries."""
    http: Callable[[], HttpClient] | None = None
    """Speaks to the instance of ``trust_config`` for them."""
