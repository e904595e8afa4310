"""``vxsec verify``: files, or a whole lockfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import AT, DB, connection_options, evidence_options, output_options, refuse_options

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.cli.output import Output

__all__ = ["command"]

_LOCKFILE_ENDINGS = ("-lock.json", "npm-shrinkwrap.json", "-lock.yaml", ".lock")


@click.command(name="verify")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option("--lockfile", metavar="FILE", help="Verify every package of this lockfile instead of files.")
@click.option("--key", "keys", multiple=True, metavar="PEM", help="A public key; repeat for several.")
@click.option("--trust", metavar="FILE", help="The identities document: keys, people, registries.")
@click.option("--policy", metavar="FILE|vxsec:NAME", help="With --lockfile: the policy that decides.")
@click.option("--bundle", "bundles", multiple=True, metavar="FILE", help="A bundle file; else those beside each file.")
@click.option("--threshold", type=click.IntRange(min=1), help="How many distinct signers; 1 if not given.")
@click.option("--type", "predicate_type", metavar="URI", help="Count only statements of this predicate type.")
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
    trust: str | None,
    policy: str | None,
    bundles: tuple[str, ...],
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
        from vxsec import verify
        from vxsec.report.verification import render_verify, verify_document

        report = verify(
            files,
            keys=keys,
            trust=trust,
            bundles=bundles,
            threshold=1 if threshold is None else threshold,
            predicate_type=predicate_type,
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
            "--bundle": bundles,
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
        policy=policy,
        trust=trust,
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


def _what_to_add(files: tuple[str, ...], *, judged: bool) -> str | None:
    """For whoever means a lockfile, or a policy's answer about files."""
    if any(file.endswith(_LOCKFILE_ENDINGS) for file in files):
        return "add --lockfile before the lockfile's name"
    return "for the packages of a project add --lockfile FILE; files are judged by vxsec gate" if judged else None
