"""The client that the public sigstore-conformance suite speaks to, over the verifier's own functions.

Protocol (its ``docs/cli_protocol.md``)::

    sign-bundle [--staging] [--in-toto] --identity-token T --bundle F [--trusted-root F] [--signing-config F] FILE
    verify-bundle [--staging] --bundle F (--certificate-identity I --certificate-oidc-issuer U | --key PEM)
                  [--trusted-root F] FILE|sha256:HEX

Exit status 0 means accepted.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import UsageError, VerificationError, VxsecError
from vxsec.formats.public_key import parse_public_key
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.model.digest import digest_bytes
from vxsec.model.verified import VerifiedStatement
from vxsec.signing.keyless import KeylessSigner
from vxsec.usecases.signers import blob_checked, sign_checked
from vxsec.verification.bundle import verify_bundle, verify_statement_subject
from vxsec.verification.identity import require_identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.verified import VerifiedBlob

__all__ = ["main", "public_root", "sign", "verify"]

_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})\Z")


def main(arguments: Sequence[str]) -> int:
    """Run one command of the protocol and return its exit status; an error goes to the standard error stream."""
    try:
        options = _parser().parse_args(arguments)
        if options.command == "sign-bundle":
            line = sign(
                Path(options.file).read_bytes(),
                token=options.identity_token,
                root=Path(options.trusted_root).read_bytes() if options.trusted_root else None,
                config=Path(options.signing_config).read_bytes() if options.signing_config else None,
                statement=options.in_toto,
            )
            Path(options.bundle).write_bytes(line + b"\n")
            return 0
        verify(
            bundle=Path(options.bundle).read_bytes(),
            root=Path(options.trusted_root).read_bytes() if options.trusted_root else public_root(options.staging),
            file=options.file,
            key=Path(options.key).read_bytes() if options.key else None,
            identity=options.certificate_identity,
            issuer=options.certificate_oidc_issuer,
        )
    except VxsecError as error:
        sys.stderr.write(f"error[{error.code}]: {error}\n")
        return error.exit_status
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def sign(data: bytes, *, token: str, root: bytes | None, config: bytes | None, statement: bool) -> bytes:
    """``sign-bundle``: a bundle over the bytes, or over the statement that they are, verified before it is given."""
    if (root is None) != (config is None):
        raise UsageError("a trusted root and a signing config belong together", code="usage.sign-bundle")
    both = None
    if root is not None and config is not None:
        media_type = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
        both = dump_json(
            {
                "mediaType": media_type,
                "trustedRoot": read_json(root, where="trusted root").value,
                "signingConfig": read_json(config, where="signing config").value,
            }
        )
    signer = KeylessSigner(token, trust_config=both)
    return sign_checked(signer, data) if statement else blob_checked(signer, digest_bytes(data).sha256)


def verify(
    *,
    bundle: bytes,
    root: bytes,
    file: str,
    key: bytes | None = None,
    identity: str | None = None,
    issuer: str | None = None,
    now: datetime | None = None,
) -> VerifiedStatement | VerifiedBlob:
    """``verify-bundle``; ``file`` is a path or ``sha256:HEX``."""
    if (key is None) == (identity is None) or (identity is None) != (issuer is None):
        raise UsageError("give either a key, or an identity and its issuer", code="usage.identity")
    digest = _DIGEST.match(file)
    data = None if digest else Path(file).read_bytes()
    digests = None if data is None else digest_bytes(data)
    sha256 = digest[1].lower() if digest else digests.sha256 if digests else None
    verified = verify_bundle(
        read_bundle(bundle, where="bundle"),
        keys=[] if key is None else [parse_public_key(key, where="key")],
        roots=read_trusted_root(root, where="trusted root"),
        sha256=sha256,
        blob=None if data is None else lambda: data,
        now=now or datetime.now(UTC),
    )
    if identity is not None and issuer is not None:
        require_identity(verified.signature, subject=identity, issuer=issuer)
    elif verified.signature.identity is not None:
        raise VerificationError("signed with a certificate, and a key was asked for", code="signature.untrusted-key")
    if isinstance(verified, VerifiedStatement):
        if digests is not None:
            verify_statement_subject(verified, digests=digests)
        elif not any(subject.digest.get("sha256") == sha256 for subject in verified.statement.subjects):
            raise VerificationError("a statement about other bytes", code="signature.subject-mismatch")
    return verified


def public_root(staging: bool = False) -> bytes:
    """The trusted root of the public-good instance, or of its staging: the copies inside the ``sigstore`` distribution."""
    from importlib.resources import files

    host = "sigstage" if staging else "sigstore"
    return (
        files("sigstore").joinpath("_store", f"https%3A%2F%2Ftuf-repo-cdn.{host}.dev", "trusted_root.json").read_bytes()
    )


class _Parser(argparse.ArgumentParser):
    """Errors are ours, so that the exit status is."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _parser() -> _Parser:
    parser = _Parser(prog="sigstore-client", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    signing = commands.add_parser("sign-bundle", allow_abbrev=False)
    verifying = commands.add_parser("verify-bundle", allow_abbrev=False)
    for command in (signing, verifying):
        command.add_argument("--staging", action="store_true")
        command.add_argument("--bundle", required=True)
        command.add_argument("--trusted-root")
        command.add_argument("file")
    signing.add_argument("--in-toto", action="store_true")
    signing.add_argument("--identity-token", required=True)
    signing.add_argument("--signing-config")
    verifying.add_argument("--certificate-identity")
    verifying.add_argument("--certificate-oidc-issuer")
    verifying.add_argument("--key")
    return parser
