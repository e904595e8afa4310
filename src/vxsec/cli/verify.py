"""``vxsec verify``: files, or a whole lockfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import (
    AT,
    DB,
    configured_policy,
    configured_trust,
    connection_options,
    evidence_options,
    output_options,
    refuse_options,
    trust_options,
)
from vxsec.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.cli.output import Output
    from vxsec.model.verification import Requirements
    from vxsec.usecases.trust_source import TrustSource

__all__ = ["command"]

_COUNT = click.IntRange(min=0, max=8)
_LOCKFILE_ENDINGS = ("-lock.json", "npm-shrinkwrap.json", "-lock.yaml", ".lock")


@click.command(name="verify")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option("--lockfile", metavar="FILE", help="Verify every package of this lockfile instead of files.")
@click.option("--key", "keys", multiple=True, metavar="PEM|SSH", help="A public key; repeat for several.")
@click.option(
    "--identity", metavar="SUBJECT", help="A certificate's subject, exact: an e-mail address or a workflow's URI."
)
@click.option("--issuer", metavar="URL", help="Who vouches for --identity, exact.")
@click.option(
    "--trusted-root",
    "trusted_roots",
    multiple=True,
    metavar="FILE|public-good",
    help="Sigstore's trusted root for --identity; the public-good one if not given.",
)
@click.option("--min-log-entries", type=_COUNT, help="Logs that must hold the signature; else what the root offers.")
@click.option("--min-timestamps", type=_COUNT, help="Timestamp authorities that must have seen it.")
@click.option("--min-scts", type=_COUNT, help="Certificate logs that must hold the certificate.")
@click.option("--gpg-keyring", metavar="FILE", help="Exported OpenPGP keys.")
@click.option(
    "--gpg-fingerprint", "gpg_fingerprints", multiple=True, metavar="FPR", help="A primary key of it, in full."
)
@trust_options
@click.option("--policy", metavar="FILE|vxsec:NAME", help="With --lockfile: the policy that decides.")
@click.option("--bundle", "bundles", multiple=True, metavar="FILE", help="A bundle file; else those beside each file.")
@click.option(
    "--envelope", "envelopes", multiple=True, metavar="FILE", help="A raw DSSE envelope, several signatures included."
)
@click.option(
    "--signature",
    "signatures",
    multiple=True,
    metavar="FILE.asc|.sshsig",
    help="An OpenPGP or SSH signature over the file.",
)
@click.option("--packument", metavar="FILE", help="A packument: verify the registry's signature over the version.")
@click.option(
    "--npm-keys", metavar="FILE", help="The registry's keys for --packument, from elsewhere than that registry."
)
@click.option("--threshold", type=click.IntRange(min=1), help="How many distinct signers; 1 if not given.")
@click.option(
    "--type",
    "predicate_type",
    metavar="URI|NAME",
    help="Count only statements of this type: a URI, or slsa-provenance …",
)
@click.option("--expect", metavar="NAME@VERSION", help="What manifest and statements must say.")
@click.option("--registry", metavar="LABEL|URL", help="The registry a release must be for.")
@click.option("--offline", is_flag=True, help="With --lockfile: open no connection.")
@DB
@AT
@evidence_options
@connection_options
@output_options
def command(
    *,
    files: tuple[str, ...],
    lockfile: str | None,
    keys: tuple[str, ...],
    identity: str | None,
    issuer: str | None,
    trusted_roots: tuple[str, ...],
    min_log_entries: int | None,
    min_timestamps: int | None,
    min_scts: int | None,
    gpg_keyring: str | None,
    gpg_fingerprints: tuple[str, ...],
    trust: TrustSource | None,
    policy: str | None,
    bundles: tuple[str, ...],
    envelopes: tuple[str, ...],
    signatures: tuple[str, ...],
    packument: str | None,
    npm_keys: str | None,
    threshold: int | None,
    predicate_type: str | None,
    expect: str | None,
    registry: str | None,
    offline: bool,
    db: str | None,
    at: datetime | None,
    evidence: str | None,
    log: str | None,
    unsafe_http: tuple[str, ...],
    unsafe_tls: tuple[str, ...],
    out: Output,
) -> int:
    """Verify files against keys or a trust document, or every package of a lockfile against a policy."""
    if files == (".",) and lockfile is None:
        files, lockfile = (), "."
    if lockfile is None:
        refuse_options(
            {
                "--policy": policy,
                "--evidence": evidence,
                "--db": db,
                "--log": log,
                "--offline": offline,
                "--unsafe-http": unsafe_http,
                "--unsafe-tls": unsafe_tls,
            },
            "needs --lockfile",
            hint=_what_to_add(files, judged=policy is not None),
        )
        if packument is not None:
            refuse_options(
                {
                    "--key": keys,
                    "--identity": identity,
                    "--gpg-fingerprint": gpg_fingerprints,
                    "--bundle": bundles,
                    "--envelope": envelopes,
                    "--signature": signatures,
                    "--threshold": threshold,
                    "--type": predicate_type,
                },
                "judges other signatures than --packument does",
                hint="verify them with a command of their own, without --packument",
            )
            return _verify_packument(
                files,
                packument=packument,
                npm_keys=npm_keys,
                trust=trust,
                registry=registry,
                expect=expect,
                at=at,
                out=out,
            )
        refuse_options({"--npm-keys": npm_keys}, "needs --packument")
        if not (keys or identity or issuer or gpg_keyring or gpg_fingerprints):
            trust = trust or configured_trust()
        from vxsec import verify
        from vxsec.report.verification import render_verify, verify_document

        report = verify(
            files,
            keys=keys,
            identity=identity,
            issuer=issuer,
            trusted_roots=trusted_roots,
            requirements=_requirements(min_log_entries, min_timestamps, min_scts),
            gpg_keyring=gpg_keyring,
            gpg_fingerprints=gpg_fingerprints,
            trust=trust,
            bundles=bundles,
            envelopes=envelopes,
            signatures=signatures,
            threshold=1 if threshold is None else threshold,
            predicate_type=_type_uri(predicate_type) if predicate_type is not None else None,
            expect=expect,
            registry=registry,
            at=at,
        )
        out.emit(render_verify(report, verbose=out.verbose, paint=out.paint), lambda: verify_document(report))
        return report.exit_status
    refuse_options(
        {
            "FILE": files,
            "--key": keys,
            "--identity": identity,
            "--issuer": issuer,
            "--trusted-root": trusted_roots,
            "--min-log-entries": min_log_entries is not None,
            "--min-timestamps": min_timestamps is not None,
            "--min-scts": min_scts is not None,
            "--gpg-keyring": gpg_keyring,
            "--gpg-fingerprint": gpg_fingerprints,
            "--bundle": bundles,
            "--envelope": envelopes,
            "--signature": signatures,
            "--packument": packument,
            "--npm-keys": npm_keys,
            "--threshold": threshold,
            "--type": predicate_type,
            "--expect": expect,
        },
        "cannot be used together with --lockfile",
    )
    from vxsec import verify_lockfile
    from vxsec.report.installation import install_document, render_install

    tree = verify_lockfile(
        lockfile,
        policy=policy or configured_policy(),
        trust=trust or configured_trust(),
        registry=registry,
        evidence=evidence,
        db=db,
        log=log,
        offline=offline,
        at=at,
        unsafe_http=unsafe_http,
        unsafe_tls=unsafe_tls,
        progress=out.progress,
    )
    out.emit(render_install(tree, verbose=out.verbose, paint=out.paint), lambda: install_document(tree))
    return tree.exit_status


def _verify_packument(
    files: tuple[str, ...],
    *,
    packument: str,
    npm_keys: str | None,
    trust: TrustSource | None,
    registry: str | None,
    expect: str | None,
    at: datetime | None,
    out: Output,
) -> int:
    """One tarball, by what the registry signed of it."""
    from vxsec import verify_packument
    from vxsec.report.npm_signatures import render_packument_verdict
    from vxsec.report.verification import verify_document

    if len(files) != 1:
        raise UsageError(
            f"--packument speaks of one tarball, found {len(files)}",
            code="usage.files",
            hint="give FILE.tgz and the packument of its package",
        )
    verdict = verify_packument(
        files[0], packument=packument, npm_keys=npm_keys, trust=trust, registry=registry, expect=expect, at=at
    )
    out.emit(
        render_packument_verdict(verdict, verbose=out.verbose, paint=out.paint),
        lambda: verify_document(verdict.as_report()),
    )
    return verdict.exit_status


def _requirements(log_entries: int | None, timestamps: int | None, scts: int | None) -> Requirements | None:
    """What was asked for; what was not is what the trusted root lists."""
    if log_entries is None and timestamps is None and scts is None:
        return None
    from vxsec.model.verification import Requirements

    return Requirements(log_entries=log_entries, timestamps=timestamps, scts=scts)


def _type_uri(text: str) -> str:
    from vxsec.formats.predicate_types import predicate_type_uri

    return predicate_type_uri(text)


def _what_to_add(files: tuple[str, ...], *, judged: bool) -> str | None:
    """For whoever means a lockfile, or a policy's answer about files."""
    if any(file.endswith(_LOCKFILE_ENDINGS) for file in files):
        return "add --lockfile before the lockfile's name"
    return "for the packages of a project add --lockfile FILE; files are judged by vxsec gate" if judged else None
