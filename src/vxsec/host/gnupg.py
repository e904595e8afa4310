"""Asking gpg about one detached signature. What comes back is what gpg reported; nothing here judges it.

gpg runs in a home of its own that is made for the run and removed after it: no options, keys, trust or agent of the user
take part, and nothing of the run stays. The keys are read from a file (``--keyring``), which GnuPG does without importing
them; no agent, ``dirmngr`` or ``keyboxd`` is started (``--no-autostart``). The signature, the signed bytes and the keys lie
in that home under fixed names, so that no name from outside is ever an argument.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vxsec.errors import UndecidedError
from vxsec.host.process import STATUS_FD, find_program, run
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.openpgp import GpgRun, openpgp_inputs

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["find_gpg", "run_gpg"]

_OPTIONS: Final = (
    "--no-options",
    "--batch",
    "--no-tty",
    "--quiet",
    "--no-autostart",
    "--disable-dirmngr",
    "--no-auto-key-retrieve",
    "--no-auto-key-locate",
    "--no-auto-check-trustdb",
    "--trust-model=always",
    "--no-random-seed-file",
    "--lock-never",
    "--no-default-keyring",
    "--display-charset=utf-8",
)
_LAST: Final = 2**32 - 2
"""The last second of gpg's clock, in 2106: a later one would wrap round to where expired keys are good again."""


def find_gpg() -> str:
    """The absolute path of gpg.

    Raises:
        UndecidedError: ``gnupg.missing``.
    """
    found = find_program("gpg")
    if found is None:
        raise UndecidedError(
            "no program 'gpg' on the PATH",
            code="gnupg.missing",
            hint="install GnuPG: apt install gpg (Debian, Ubuntu), or brew install gnupg (macOS)",
        )
    return found


def run_gpg(
    signature: bytes,
    data: bytes,
    *,
    certificates: bytes,
    at: datetime,
    limits: Limits = DEFAULT_LIMITS,
) -> GpgRun:
    """Let gpg verify a detached signature; a :class:`vxsec.verification.openpgp.GpgPort`.

    Guarantees: gpg gets both files, the signature and what it signs, and only these keys; its clock stands at ``at``; the
    status lines come through a pipe of their own. The private home (mode 0700) is gone when the call returns or raises.

    Args:
        signature: One signature packet.
        data: The signed bytes.
        certificates: Public keys, binary.
        at: The time gpg takes for now, aware.
        limits: Bounds on gpg's time and output.

    Raises:
        UndecidedError: ``gnupg.missing``, ``gnupg.home`` where no private folder can be made, ``process.timeout``,
            ``process.too-large``, ``process.start``.
    """
    program = find_gpg()
    try:
        with tempfile.TemporaryDirectory(prefix="vxsec-gpg-", ignore_cleanup_errors=True) as home:
            folder = Path(home)
            names = ("signature", "data", "certificates")
            for name, content in zip(names, (signature, data, certificates), strict=True):
                (folder / name).write_bytes(content)
            done = run(
                [
                    program,
                    *_OPTIONS,
                    "--homedir",
                    home,
                    "--keyring",
                    str(folder / "certificates"),
                    "--faked-system-time",
                    f"{min(max(int(at.timestamp()), 0), _LAST)}!",
                    "--status-fd",
                    STATUS_FD,
                    "--verify",
                    "--",
                    str(folder / "signature"),
                    str(folder / "data"),
                ],
                timeout=limits.gpg_seconds,
                max_bytes=limits.gpg_output_bytes,
                env={"HOME": home, "GNUPGHOME": home},
                cwd=home,
            )
    except OSError as error:
        raise UndecidedError(
            f"cannot make a private folder for gpg: {error.strerror}",
            code="gnupg.home",
            hint="TMPDIR names a folder that exists, that this user may write to, and that has room for the signed file",
        ) from error
    return GpgRun(
        argv=done.argv,
        exit_code=done.exit_code,
        status=done.status,
        inputs=openpgp_inputs(signature, data, certificates),
    )
