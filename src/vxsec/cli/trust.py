"""``vxsec trust``: make a trust repository, change it, look at it, carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import DURATION, TIME, output_options, password_options, password_source, refuse_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from typing import Any, TypeVar

    from vxsec.cli.output import Output
    from vxsec.model.report.trust import TrustChange

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["command"]

_DIRECTORY = click.argument("directory", metavar="DIR")
_REPOSITORY = click.argument("path", metavar="DIR|EXPORT")
_PIN = click.option(
    "--trust-root",
    "root_sha256",
    metavar="SHA256",
    help="The digest of the first root, as you were given it from outside of the repository. A change needs it, here or in "
    "your own configuration.",
)
_MINIMUM = click.option(
    "--minimum-version", type=click.IntRange(min=1), help="The least version of timestamp that is believed."
)
_SIGNERS = click.option(
    "--signer", "signers", multiple=True, required=True, metavar="URI", help="file:KEY or env:NAME; repeat for several."
)
_PROPOSE = click.option(
    "--propose", is_flag=True, help="Put the change by for the others to sign (trust sign), where signatures lack."
)
_TOP = ("root", "timestamp", "snapshot", "targets")
_FILES = ("identities", "policies", "waivers", "databases")
_ALL = click.Choice([*_TOP, *_FILES, "revocations"])


def _changing(function: F) -> F:
    for option in (output_options, password_options, _PROPOSE, _MINIMUM, _PIN, _SIGNERS):
        function = option(function)  # type: ignore[assignment]  # a decorated command is called like the one within
    return function


@click.group(name="trust")
def command() -> None:
    """Make a trust repository, change it, look at it, carry it. Whom vxsec believes is in there, and signed."""


@command.command()
@_DIRECTORY
@click.option(
    "--root-key",
    "root_keys",
    multiple=True,
    required=True,
    metavar="KEY",
    help="A key that decides: a signer, or the .pub file of who is not here; repeat for several.",
)
@click.option("--threshold", type=click.IntRange(min=1), help="How many of them must sign; 2, or 1 if there is one.")
@click.option("--online-key", metavar="KEY", help="The key of a scheduled job that renews timestamp and snapshot.")
@click.option(
    "--identities",
    metavar="FILE",
    default="vxsec/trust.yaml",
    show_default=True,
    help="The identities document; the files it names come with it.",
)
@password_options
@output_options
def init(
    *,
    directory: str,
    root_keys: tuple[str, ...],
    threshold: int | None,
    online_key: str | None,
    identities: str,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Make a trust repository in the new folder DIR, and tell the digest of its first root."""
    from vxsec.usecases.trust.init import init_trust

    change = init_trust(
        directory,
        identities=identities,
        root_keys=root_keys,
        threshold=threshold,
        online_key=online_key,
        password=password_source(password_file, password_env),
    )
    return _tell(change, out)


@command.command()
@_DIRECTORY
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--role", type=click.Choice(_FILES), required=True, help="Whose files they are.")
@click.option("--remove", multiple=True, metavar="NAME", help="Take this file out; repeat for several.")
@_changing
def add(
    *,
    directory: str,
    files: tuple[str, ...],
    role: str,
    remove: tuple[str, ...],
    signers: tuple[str, ...],
    root_sha256: str | None,
    minimum_version: int | None,
    propose: bool,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Sign files into a role: the identities document with everything it names, policies, waivers, databases."""
    from vxsec.usecases.trust.add import add_trust

    change = add_trust(
        directory,
        files,
        role=role,
        signers=signers,
        remove=remove,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        propose=propose,
        password=password_source(password_file, password_env),
    )
    return _tell(change, out)


@command.command()
@_DIRECTORY
@click.option("--role", type=_ALL, required=True, help="Whose keys change.")
@click.option("--add-key", "add_keys", multiple=True, metavar="KEY", help="A public key file to let in.")
@click.option(
    "--remove-key",
    "remove_keys",
    multiple=True,
    metavar="KEY",
    help="A key to put out: its .pub file, or digits of the SHA-256 that trust show writes.",
)
@click.option("--threshold", type=click.IntRange(min=1), help="How many must sign from now on.")
@_changing
def rotate(
    *,
    directory: str,
    role: str,
    add_keys: tuple[str, ...],
    remove_keys: tuple[str, ...],
    threshold: int | None,
    signers: tuple[str, ...],
    root_sha256: str | None,
    minimum_version: int | None,
    propose: bool,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Change who may sign for a role. A new root is signed by the keys before it and by its own."""
    from vxsec.usecases.trust.rotate import rotate_trust

    change = rotate_trust(
        directory,
        role=role,
        signers=signers,
        add=add_keys,
        remove=remove_keys,
        threshold=threshold,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        propose=propose,
        password=password_source(password_file, password_env),
    )
    return _tell(change, out)


@command.command()
@_DIRECTORY
@click.option("--role", "roles", type=_ALL, multiple=True, help="Renew this role, too; repeat for several.")
@click.option("--valid-for", type=DURATION, help="How long (ISO 8601, such as P30D).")
@_changing
def refresh(
    *,
    directory: str,
    roles: tuple[str, ...],
    valid_for: timedelta | None,
    signers: tuple[str, ...],
    root_sha256: str | None,
    minimum_version: int | None,
    propose: bool,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Renew timestamp (and snapshot when it is time), so that readers know the repository is current."""
    from vxsec.usecases.trust.rotate import refresh_trust

    change = refresh_trust(
        directory,
        signers=signers,
        roles=roles,
        valid_for=valid_for,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        propose=propose,
        password=password_source(password_file, password_env),
    )
    return _tell(change, out)


@command.command()
@_DIRECTORY
@click.option("--key", metavar="ID", help="A key of the identities document.")
@click.option("--identity", metavar="SUBJECT", help="An identity; with --issuer.")
@click.option("--issuer", metavar="URL", help="Who vouches for that identity.")
@click.option("--sha512", metavar="HEX", help="A tarball.")
@click.option("--log", metavar="URI", help="A log or timestamp authority.")
@click.option(
    "--reason",
    type=click.Choice(["superseded", "compromised"]),
    required=True,
    help="superseded: what is provably older stays good.",
)
@click.option("--since", type=TIME, help="From when on (RFC 3339); now if not given.")
@_changing
def revoke(
    *,
    directory: str,
    key: str | None,
    identity: str | None,
    issuer: str | None,
    sha512: str | None,
    log: str | None,
    reason: str,
    since: datetime | None,
    signers: tuple[str, ...],
    root_sha256: str | None,
    minimum_version: int | None,
    propose: bool,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Take trust away from a key, an identity, a tarball or a log."""
    from vxsec.usecases.trust.revoke import revoke_trust

    if (identity is None) != (issuer is None):
        refuse_options({"--identity": identity}, "needs its --issuer", hint="add --issuer URL")
        refuse_options({"--issuer": issuer}, "belongs to an --identity", hint="add --identity SUBJECT")
    change = revoke_trust(
        directory,
        reason=reason,
        signers=signers,
        key=key,
        identity=(identity, issuer) if identity is not None and issuer is not None else None,
        sha512=sha512,
        log=log,
        since=since,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        propose=propose,
        password=password_source(password_file, password_env),
    )
    return _tell(change, out)


@command.command()
@_DIRECTORY
@click.option("--signer", "signers", multiple=True, metavar="URI", help="file:KEY or env:NAME; none to look only.")
@_PIN
@_MINIMUM
@password_options
@output_options
def sign(
    *,
    directory: str,
    signers: tuple[str, ...],
    root_sha256: str | None,
    minimum_version: int | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Say what a proposed change does, and sign it; with the last signature that lacks it is made."""
    from vxsec.usecases.trust.propose import sign_proposal

    change = sign_proposal(
        directory,
        signers=signers,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        password=password_source(password_file, password_env),
    )
    return _tell(change, out)


@command.command()
@_REPOSITORY
@_PIN
@output_options
def show(*, path: str, root_sha256: str | None, out: Output) -> int:
    """Say who signs for what, who may do what, and which files there are."""
    from vxsec.report.trust import render_trust, trust_document
    from vxsec.usecases.trust.show import show_trust

    report = show_trust(path, root_sha256=root_sha256)
    out.emit(render_trust(report), lambda: trust_document(report))
    return 0


@command.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@output_options
def diff(*, before: str, after: str, out: Output) -> int:
    """Say who gained and who lost what between two repositories (folders or exports) or identities documents."""
    from vxsec.report.trust import difference_document, render_difference
    from vxsec.usecases.trust.show import diff_trust

    difference = diff_trust(before, after)
    out.emit(render_difference(difference, paint=out.paint), lambda: difference_document(difference))
    return 0


@command.command()
@_REPOSITORY
@_PIN
@_MINIMUM
@output_options
def check(*, path: str, root_sha256: str | None, minimum_version: int | None, out: Output) -> int:
    """Verify all of it, and say what will expire: 0 fine, 11 what cannot wait, 4 stale, 10 not verified."""
    from vxsec.report.trust import check_document, render_check
    from vxsec.usecases.trust.check import check_trust_repository

    result = check_trust_repository(path, root_sha256=root_sha256, minimum_version=minimum_version)
    out.emit(render_check(result, verbose=out.verbose, paint=out.paint), lambda: check_document(result))
    return result.exit_status


@command.command()
@_REPOSITORY
@click.argument("export_file", metavar="FILE")
@_PIN
@output_options
def export(*, path: str, export_file: str, root_sha256: str | None, out: Output) -> int:
    """Write the whole repository into FILE, which --trust FILE reads on a site without a connection."""
    from vxsec.usecases.trust.export import export_trust

    return _tell(export_trust(path, export_file, root_sha256=root_sha256), out)


def _tell(change: TrustChange, out: Output) -> int:
    from vxsec.report.trust import change_document, render_change

    out.emit(render_change(change), lambda: change_document(change))
    return 0
