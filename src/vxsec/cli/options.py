"""Options that mean the same in every command."""

from __future__ import annotations

import os
import sys
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from vxsec.cli.output import Output
from vxsec.errors import ConfigurationError, FormatError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from vxsec.usecases.trust_source import PolicySource, TrustSource

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "AT",
    "DB",
    "DURATION",
    "EXPIRES",
    "FILES",
    "TIME",
    "configured",
    "configured_policy",
    "configured_trust",
    "connection_options",
    "evidence_options",
    "gate_options",
    "output_options",
    "password_options",
    "password_source",
    "refuse_options",
    "require_password",
    "signer_options",
    "trust_options",
    "witness_options",
]

_SMALL = 1 << 20


class _Time(click.ParamType["datetime"]):
    """RFC 3339, with a zone."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        from vxsec.formats.timestamps import parse_time

        try:
            return parse_time(str(value), where="option")
        except FormatError as error:
            self.fail(error.message, param, ctx)


class _Duration(click.ParamType["timedelta"]):
    """ISO 8601."""

    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from vxsec.policy.parameters import parse_duration

        try:
            return parse_duration(str(value), where="option")
        except ConfigurationError as error:
            self.fail(error.message, param, ctx)


FILES = click.argument("files", nargs=-1, required=True, metavar="FILE...")
TIME = _Time()
DURATION = _Duration()
AT = click.option("--at", type=TIME, help="Judge as of this time (RFC 3339); marks the answer.")
EXPIRES = click.option("--expires", type=TIME, help="Not to be published after this time (RFC 3339).")

DB = click.option(
    "--db", metavar="DIR", help="The folder of the advisory database; else VXSEC_DB, else the user's own."
)


def output_options(function: Callable[..., int], *, formats: Sequence[str] = ("text", "json")) -> Callable[..., int]:
    """``--format``, ``--json``, ``-o``, ``-q``, ``-v``, given to the command as one ``out``.

    A command may have more formats than these two; ``out.format`` says which was asked for.
    """

    @wraps(function)
    def command(
        *, output_format: str, as_json: bool, output: str | None, quiet: bool, verbose: bool, **arguments: object
    ) -> int:
        if as_json and output_format not in {"text", "json"}:
            raise UsageError(
                f"--json and --format {output_format} are two formats", code="usage.options", hint="leave --json out"
            )
        chosen = "json" if as_json else output_format
        return function(out=Output(output_format=chosen, output=output, quiet=quiet, verbose=verbose), **arguments)

    for option in reversed(
        [
            click.option(
                "--format",
                "output_format",
                type=click.Choice(formats),
                default="text",
                show_default=True,
                envvar="VXSEC_FORMAT",
                help="How the result is written.",
            ),
            click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
            click.option(
                "-o", "--output", metavar="FILE", help="Write the result here, atomically; - is standard output."
            ),
            click.option("-q", "--quiet", is_flag=True, help="No progress on standard error."),
            click.option("-v", "--verbose", is_flag=True, help="Show what passed, too."),
        ]
    ):
        command = option(command)
    return command


def signer_options(function: F) -> F:
    """``--trust-config`` for keyless signers and witnesses, and the password options."""
    option = click.option(
        "--trust-config",
        metavar="FILE",
        help="The Sigstore instance for keyless:, --timestamp and --log-entry, as its client trust config.",
    )
    return password_options(option(function))


def witness_options(function: F) -> F:
    """``--timestamp`` and ``--log-entry``; with ``signer_options``, which says where they come from."""
    for option in (
        click.option(
            "--log-entry",
            is_flag=True,
            help="Have each signature in a transparency log of the instance; a key needs --trust-config.",
        ),
        click.option(
            "--timestamp",
            is_flag=True,
            help="Have a signed timestamp (RFC 3161) for each signature; a key needs --trust-config.",
        ),
    ):
        function = option(function)
    return function


def password_options(function: F) -> F:
    """``--password-file`` and ``--password-env``: never the password itself."""
    for option in (
        click.option("--password-env", metavar="NAME", help="Environment variable that holds the key's password."),
        click.option("--password-file", metavar="FILE", help="File that holds the key's password (one line)."),
    ):
        function = option(function)
    return function


def trust_options(function: F) -> F:
    """``--trust`` and ``--trust-root``, given to the command as one ``trust``."""

    @wraps(function)
    def command(*, trust: str | None, trust_root: str | None, **arguments: object) -> int:
        if trust is None and trust_root is not None:
            raise UsageError(
                "--trust-root is the digest of a trust repository's first root, and no repository was given",
                code="usage.options",
                hint="add --trust DIR",
            )
        if trust is None:
            return int(function(trust=None, **arguments))
        from vxsec.usecases.trust_source import TrustSource

        return int(function(trust=TrustSource(path=trust, root_sha256=trust_root), **arguments))

    for option in (
        click.option(
            "--trust-root",
            metavar="SHA256",
            help="The digest of the trust repository's first root, which you were given from outside of it.",
        ),
        click.option(
            "--trust",
            metavar="FILE|DIR",
            help="Who may sign, which names are ours: an identities document, or a trust repository (or its export).",
        ),
    ):
        command = option(command)
    return cast("F", command)


def configured(function: F) -> F:
    """Fill in ``trust`` and ``policy`` from the user's own configuration where the command line says nothing."""

    @wraps(function)
    def command(*, trust: TrustSource | None, policy: str | None, **arguments: object) -> int:
        return int(function(trust=trust or configured_trust(), policy=policy or configured_policy(), **arguments))

    return cast("F", command)


def configured_trust() -> TrustSource | None:
    """The trust root that the user's own configuration names, if it does.

    Raises:
        ConfigurationError: ``config.*``: it cannot be used as it is.
    """
    from vxsec.usecases.trust_source import TrustSource
    from vxsec.usecases.user_config import load_user_config

    config = load_user_config(environ=os.environ)
    if config.trust is None:
        return None
    return TrustSource(
        path=config.trust.value,
        root_sha256=config.trust_root.value if config.trust_root is not None else None,
        minimum_version=config.trust_minimum_version.value if config.trust_minimum_version is not None else None,
        origin=config.trust.origin,
    )


def configured_policy() -> PolicySource | None:
    """The policy that the user's own configuration names, if it does.

    Raises:
        ConfigurationError: ``config.*``.
    """
    from vxsec.usecases.trust_source import PolicySource
    from vxsec.usecases.user_config import load_user_config

    found = load_user_config(environ=os.environ).policy
    return PolicySource(path=found.value, origin=found.origin) if found is not None else None


def connection_options(function: F) -> F:
    """``--unsafe-http`` and ``--unsafe-tls``, each for one registry."""
    for option in (
        click.option("--unsafe-tls", multiple=True, metavar="URL", help="Do not verify this registry's certificate."),
        click.option("--unsafe-http", multiple=True, metavar="URL", help="Allow plain http to this registry."),
    ):
        function = option(function)
    return function


def gate_options(function: F) -> F:
    """Everything an evaluation takes beside the files, the same in ``gate`` and ``publish``."""
    for option in reversed(
        [
            click.option(
                "--policy",
                metavar="FILE|vxsec:NAME",
                help="The policy; vxsec:minimal and vxsec:recommended are shipped.",
            ),
            click.option("--registry", metavar="LABEL", help="Which registry, where several list a name."),
            click.option("--lockfile", metavar="FILE", help="The lockfile rules read; else the one in this folder."),
            click.option(
                "--bundle", "bundles", multiple=True, metavar="FILE", help="A bundle file about the files given."
            ),
            click.option("--packument", metavar="FILE", help="A packument, in place of asking the registry."),
            DB,
        ]
    ):
        function = option(function)
    return evidence_options(trust_options(configured(function)))


def evidence_options(function: F) -> F:
    """``--evidence`` and ``--log``."""
    for option in (
        click.option(
            "--log", metavar="FILE", help="Append the decision (one JSON line); if that fails, nothing passes."
        ),
        click.option("--evidence", metavar="DIR", help="A folder of bundle files, matched by digest."),
    ):
        function = option(function)
    return function


def refuse_options(given: Mapping[str, object], why: str, *, hint: str | None = None) -> None:
    """An option that would be ignored is an error: silence would look like a check.

    Raises:
        UsageError: ``usage.options`` for the first that is given (not None, not empty, not False).
    """
    for name, value in given.items():
        if value:
            raise UsageError(f"{name} {why}", code="usage.options", hint=hint or f"leave {name} out")


def password_source(
    password_file: str | None, password_env: str | None, *, confirm: bool = False
) -> Callable[[], bytes] | None:
    """How the password is to be had: a file, a variable, a question at the terminal, or not at all (None).

    Raises:
        UsageError: Both given, or the variable is not set.
    """
    if password_file is not None and password_env is not None:
        raise UsageError(
            "expected one of --password-file and --password-env, found both",
            code="usage.password",
            hint="leave one of the two out",
        )
    if password_env is not None:
        value = os.environ.get(password_env)
        if value is None:
            raise UsageError(
                f"the environment variable {password_env!r} is not set",
                code="usage.password",
                hint="set it (and export it), or name a file that holds the password: --password-file FILE",
            )
        return lambda: value.encode("utf-8", "surrogateescape")
    if password_file is not None:
        from vxsec.host.files import read_secret

        return cache(lambda: read_secret(password_file, max_bytes=_SMALL).rstrip(b"\r\n"))
    if not sys.stdin.isatty():
        return None
    from vxsec.usecases.signers import AskPassword

    return AskPassword(lambda: _prompted(confirm=confirm))


def require_password(password: bytes) -> bytes:
    """A new key's password, which must not be empty: a secret that CI forgot to set looks just like that.

    Raises:
        UsageError: ``usage.password``.
    """
    if not password:
        raise UsageError("the password is empty", code="usage.password", hint="set the secret that holds it")
    return password


def _prompted(*, confirm: bool) -> bytes:
    text = "Password of the new key" if confirm else "Password of the key"
    answer = click.prompt(text, hide_input=True, confirmation_prompt=confirm, default="", show_default=False, err=True)
    return str(answer).encode()
