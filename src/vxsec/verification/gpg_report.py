"""Judging what gpg reported of one detached signature, against what was read of it before.

One verdict is expected, as good, by the very key and primary key, at the time and with the algorithms of the packet that was
read, and no word of failure or word unknown. The exit status only ever refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError, VerificationError
from vxsec.formats.gpg_status import read_gpg_status
from vxsec.formats.openpgp_packet import HASH_NAMES

if TYPE_CHECKING:
    from vxsec.model.openpgp import GpgRun, GpgSignature, OpenPgpCertificate, OpenPgpKey, OpenPgpSignature

__all__ = ["expired_key", "judge_gpg_report"]

_BAD_PUBLIC_KEY, _NO_PUBLIC_KEY = 6, 9  # of libgpg-error; bad: nothing good binds the key to its primary key
_V6 = 6


def judge_gpg_report(
    done: GpgRun, facts: OpenPgpSignature, certificate: OpenPgpCertificate, key: OpenPgpKey, *, retired: bool
) -> None:
    """Return if the report says that the signature is good, and says it of what was asked.

    Args:
        done: The run.
        facts: The signature as it was read.
        certificate: The certificate that was given to the run.
        key: The key of it that is said to have signed.
        retired: Accept the word that the key is revoked: it was only retired, after the signature was made.

    Raises:
        UndecidedError: ``gnupg.unsupported``.
        VerificationError: ``openpgp.status``, ``openpgp.bad-signature``, ``openpgp.expired-signature``,
            ``openpgp.expired-key``, ``openpgp.revoked-hard``, ``openpgp.unknown-key``, ``openpgp.not-checked``,
            ``openpgp.contradiction``.
    """
    try:
        status = read_gpg_status(done.status, where=done.argv[0])
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where, hint=error.hint) from error
    if status.unknown:
        raise _refused(
            f"gpg reports {status.unknown[0]!r}, which is not known here",
            "openpgp.status",
            "use a current version of vxsec with a gpg this new",
        )
    if len(status.signatures) != 1 or len(status.signatures[0].verdicts) != 1:
        if facts.version == _V6:
            raise _unsupported()
        raise _not_checked("expected one verdict, found " + ", ".join(status.alarms or ("none or several",)))
    report = status.signatures[0]
    _check_verdict(report, facts, key, retired=retired)
    if status.alarms or (report.verdicts == ("GOODSIG",) and done.exit_code != 0):
        raise _not_checked(f"a good signature, and {', '.join(status.alarms) or f'exit status {done.exit_code}'}")
    _check_agreement(report, facts, certificate, key)


def _check_verdict(report: GpgSignature, facts: OpenPgpSignature, key: OpenPgpKey, *, retired: bool) -> None:
    match report.verdicts[0]:
        case "GOODSIG":
            return
        case "REVKEYSIG" if retired:
            return
        case "REVKEYSIG":
            raise _refused(f"the key {key.fingerprint} is revoked", "openpgp.revoked-hard")
        case "EXPKEYSIG":
            raise expired_key(key)
        case "EXPSIG":
            raise _refused("the signature has ended", "openpgp.expired-signature", "sign the file again")
        case "BADSIG":
            raise _bad()
        case _:  # ERRSIG
            pass
    if facts.version == _V6:
        raise _unsupported()
    if report.error == _BAD_PUBLIC_KEY:
        raise _bad()
    if report.error == _NO_PUBLIC_KEY:
        raise _refused(f"gpg did not take the key {key.fingerprint}", "openpgp.unknown-key")
    raise _not_checked(f"gpg could not check it (reason {report.error})")


def _check_agreement(
    report: GpgSignature, facts: OpenPgpSignature, certificate: OpenPgpCertificate, key: OpenPgpKey
) -> None:
    """What was verified is what was read: anything else means that two readers saw two signatures."""
    valid = report.valid
    if valid is None:
        raise _not_checked("a good signature without VALIDSIG")
    found = (
        valid.fingerprint,
        valid.primary,
        valid.created,
        valid.version,
        valid.key_algorithm,
        HASH_NAMES.get(valid.hash_algorithm),
        valid.kind,
    )
    expected = (
        key.fingerprint,
        certificate.fingerprint,
        int(facts.created_at.timestamp()),
        facts.version,
        facts.key_algorithm,
        facts.hash_algorithm,
        "00",
    )
    if found != expected:
        raise _refused(f"expected VALIDSIG to say {expected}, found {found}", "openpgp.contradiction")


def _refused(message: str, code: str, hint: str | None = None) -> VerificationError:
    return VerificationError(message, code=code, hint=hint)


def expired_key(key: OpenPgpKey) -> VerificationError:
    """The refusal of a key that has expired."""
    return _refused(
        f"the key {key.fingerprint} has expired, and no trusted time shows that it signed before",
        "openpgp.expired-key",
        "its owner prolongs it (gpg --quick-set-expire FINGERPRINT 2y) and gives the public key again",
    )


def _bad() -> VerificationError:
    return _refused(
        "the signature is not one over these bytes by a key of this certificate",
        "openpgp.bad-signature",
        "check that file and signature belong together; if they do, one of them was changed",
    )


def _not_checked(message: str) -> VerificationError:
    return _refused(message, "openpgp.not-checked", "run gpg --verify SIGNATURE FILE by hand and look at what it says")


def _unsupported() -> UndecidedError:
    return UndecidedError(
        "a signature of version 6 (RFC 9580), which this gpg does not know",
        code="gnupg.unsupported",
        hint="install pysequoia beside vxsec, which does",
    )
