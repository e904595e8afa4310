"""Signing with gpg: the user's own home, agent, pinentry and smart card, through ``python-gnupg``.

What gpg made is believed only after it was read and verified again, in a home of its own, with the public key of the key
that was asked for: a ``gpg.conf`` can add signers, text mode and weak digests.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from vxsec.errors import ConfigurationError, FormatError, UndecidedError, UsageError, VerificationError
from vxsec.formats.gpg_status import read_gpg_status
from vxsec.formats.openpgp_armor import SIGNATURE, read_armor
from vxsec.formats.openpgp_certificate import read_openpgp_certificates
from vxsec.formats.openpgp_packet import read_detached_signature
from vxsec.host.clock import utc_now
from vxsec.host.gnupg import find_gpg, run_gpg
from vxsec.model.openpgp import openpgp_identity

if TYPE_CHECKING:
    from vxsec.model.openpgp import OpenPgpCertificate

__all__ = ["GpgSigner"]

_FINGERPRINT = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})\Z")
_DIGEST = "SHA512"  # the only one that every key may sign: P-521 takes no shorter one
_SHOWN = 200
_LIST = "gpg --list-secret-keys --with-subkey-fingerprint"


class GpgSigner:
    """A :class:`vxsec.signing.signer.FileSigner` over one key that gpg holds.

    Args:
        fingerprint: The whole fingerprint of a primary key (gpg chooses the subkey that signs), or of the subkey to sign
            with; 40 or 64 hex digits, spaces allowed.
        passphrase: The key's passphrase, handed to gpg through a pipe; without it gpg's agent asks, or knows it.
        home: gpg's home; the user's own if not given.

    Raises:
        UsageError: ``signer.gpg-fingerprint``.
        ConfigurationError: ``gnupg.no-secret-key``.
        UndecidedError: ``gnupg.missing``, ``gnupg.sign-failed``.
    """

    suffix = ".asc"
    algorithm = "openpgp"

    def __init__(self, fingerprint: str, *, passphrase: str | None = None, home: str | None = None) -> None:
        self._asked = _whole(fingerprint)
        self._passphrase = passphrase
        self._gpg = _open(home)
        self._certificate = self._find()

    def __repr__(self) -> str:
        return f"GpgSigner({self._asked})"

    @property
    def spki(self) -> bytes:
        """What the key is counted by: ``openpgp:`` and the primary fingerprint."""
        return openpgp_identity(self._certificate.fingerprint)

    @property
    def hint(self) -> str:
        """What names the key in a bundle: likewise."""
        return self.spki.decode("ascii")

    @property
    def certificate(self) -> bytes:
        """The public key, binary: what a trust document needs of it."""
        return self._certificate.body

    def sign(self, data: bytes) -> bytes:
        """Sign ``data`` and return the signature packet.

        Raises:
            UndecidedError: ``gnupg.sign-failed``, with what gpg says; ``gnupg.missing``.
            VerificationError: ``gnupg.self-check`` where gpg made something else than was asked for.
        """
        return read_armor(self.sign_file(data), kind=SIGNATURE, where="gpg")

    def sign_file(self, data: bytes) -> bytes:
        """Sign ``data`` and return what belongs into ``FILE.asc``; ``gpg --verify FILE.asc FILE`` accepts it.

        Raises:
            UndecidedError: As :meth:`sign`.
            VerificationError: As :meth:`sign`.
        """
        # With "!" gpg signs with this very key; a primary key chooses among its subkeys, which is what its owner set up.
        chosen = self._asked if self._asked == self._certificate.fingerprint else f"{self._asked}!"
        try:
            made = self._gpg.sign_file(
                io.BytesIO(data),
                passphrase=self._passphrase,
                clearsign=False,
                detach=True,
                extra_args=["--local-user", chosen, "--digest-algo", _DIGEST],
            )
        except (OSError, ValueError) as error:
            raise _failed(str(error)) from error
        if not made.data:
            raise _failed(_last_line(made.stderr) or str(made.status))
        self._check(made.data, data)
        return bytes(made.data)

    def _find(self) -> OpenPgpCertificate:
        """The public key of a secret key that gpg has."""
        try:
            listed = self._gpg.list_keys(secret=True, keys=[self._asked])
            exported = self._gpg.export_keys(self._asked, armor=False) if listed else b""
        except (OSError, ValueError) as error:
            raise _failed(str(error)) from error
        try:
            found = read_openpgp_certificates(exported, where=f"gpg:{self._asked}") if exported else ()
        except FormatError as error:
            raise ConfigurationError(error.message, code=error.code, where=error.where, hint=error.hint) from error
        for certificate in found:
            if any(key.fingerprint == self._asked for key in certificate.keys):
                return certificate
        raise ConfigurationError(
            f"gpg has no secret key {self._asked}",
            code="gnupg.no-secret-key",
            hint=f"{_LIST} shows those it has",
        )

    def _check(self, signature: bytes, data: bytes) -> None:
        try:
            facts = read_detached_signature(signature, where="gpg")
            done = run_gpg(facts.packet, data, certificates=self._certificate.body, at=max(utc_now(), facts.created_at))
            reports = read_gpg_status(done.status).signatures
        except FormatError as error:
            raise _not_as_asked(error.message) from error
        valid = reports[0].valid if len(reports) == 1 else None
        if valid is None or reports[0].verdicts != ("GOODSIG",):
            raise _not_as_asked("the signature does not verify")
        made_by = {valid.fingerprint, valid.primary}
        if self._asked not in made_by or valid.primary != self._certificate.fingerprint:
            raise _not_as_asked(f"expected a signature by {self._asked}, found one by {valid.fingerprint}")


def _whole(fingerprint: str) -> str:
    whole = fingerprint.replace(" ", "").upper().removeprefix("0X")
    if not _FINGERPRINT.match(whole):
        raise UsageError(
            f"expected a whole fingerprint (40 or 64 hex digits), found {fingerprint[:80]!r}: anyone can make a key with a "
            "given short id, name or address",
            code="signer.gpg-fingerprint",
            hint=f"{_LIST} shows it",
        )
    return whole


def _open(home: str | None) -> Any:  # noqa: ANN401 - python-gnupg has no types
    program = find_gpg()
    import gnupg

    try:
        opened = gnupg.GPG(gpgbinary=program, gnupghome=home)
    except (OSError, ValueError) as error:
        raise _failed(str(error)) from error
    if opened.version is None:
        raise _failed("it does not tell its version")
    return opened


def _last_line(stderr: str) -> str:
    """What gpg said last to people: why it did not sign."""
    lines = [line.removeprefix("gpg: ").strip() for line in stderr.splitlines() if line.startswith("gpg: ")]
    return lines[-1] if lines else ""


def _failed(said: str) -> UndecidedError:
    return UndecidedError(
        f"gpg did not sign: {said[:_SHOWN]!r}",
        code="gnupg.sign-failed",
        hint="try it by hand: echo test | gpg --detach-sign --armor --local-user FINGERPRINT (in a terminal, after "
        "export GPG_TTY=$(tty))",
    )


def _not_as_asked(found: str) -> VerificationError:
    return VerificationError(
        f"gpg made a signature that vxsec would not accept: {found[:_SHOWN]}",
        code="gnupg.self-check",
        hint="look into gpg.conf for local-user, textmode, digest-algo and the like; gpg --card-status shows a card",
    )
