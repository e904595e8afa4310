"""Reports for a person at a terminal: short, escaped, the verdict last and the next command with every refusal.

Every function returns lines. Text from outside goes through ``escape_text``; colours are added by the caller's ``paint``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.artifact import Artifact
from vxsec.model.decision import Disposition, Mode, Verdict
from vxsec.model.report import PublishState
from vxsec.report.escape import escape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vxsec.model.decision import Decision, RuleResult, SubjectDecision
    from vxsec.model.finding import Finding
    from vxsec.model.report import (
        ArtifactInspection,
        FileVerdict,
        InstallReport,
        LockfileInspection,
        PublishReport,
        ReleaseDifference,
        SignedFile,
        TreeFailure,
        VerifyReport,
    )

    Paint = Callable[[str, str], str]

__all__ = [
    "plain",
    "render_artifact",
    "render_decision_text",
    "render_differences",
    "render_install",
    "render_lockfile",
    "render_publish",
    "render_signed",
    "render_verify",
]

_SHOWN_FILES = 40
_SHOWN_FAILURES = 50


def plain(text: str, _style: str) -> str:
    """A ``paint`` that adds nothing."""
    return text


def render_decision_text(decision: Decision, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """The policy's answer: one line per subject, and for each result that closes or warns what was expected and found."""
    policy = decision.policy
    yield f"policy {escape_text(policy.name)} v{policy.version} ({escape_text(policy.source)}, sha256 {policy.sha256[:12]}…)"
    yield f"phase {decision.phase}, at {decision.now.isoformat()}"
    if decision.as_of:
        yield f"judged as of {decision.now.isoformat()}, not now"
    if not decision.trust.signed:
        yield f"trust {escape_text(decision.trust.source)} (unsigned file)"
    if decision.rehearsal:
        yield paint("REHEARSAL: the trust root was made for a demonstration", "warn")
    for subject in decision.subjects:
        yield from _subject_lines(subject, verbose=verbose, paint=paint)
    yield _decision_line(decision, paint)


def _decision_line(decision: Decision, paint: Paint) -> str:
    closed = sum(1 for subject in decision.subjects if not subject.allowed)
    if decision.allowed and decision.mode is Mode.WARN:
        return paint("NOT ENFORCED: the policy only warns", "warn")
    if decision.allowed:
        return paint(f"ALLOWED: {_count(len(decision.subjects), 'package')}", "good")
    return paint(f"DENIED: {closed} of {_count(len(decision.subjects), 'package')}", "bad")


def _subject_lines(subject: SubjectDecision, *, verbose: bool, paint: Paint) -> Iterator[str]:
    word = paint("ok", "good") if subject.allowed else paint("no", "bad")
    signed = f"  signed by {', '.join(map(escape_text, subject.signed_by))}" if subject.signed_by else ""
    yield f"{word}  {escape_text(subject.subject.label)}{signed}"
    for result in subject.results:
        quiet = result.verdict in {Verdict.PASS, Verdict.NOT_APPLICABLE}
        if verbose or not quiet:
            yield from _result_lines(result, paint)


def _result_lines(result: RuleResult, paint: Paint) -> Iterator[str]:
    note = "" if result.disposition is Disposition.ENFORCED else "  NOT ENFORCED"
    style = {Verdict.PASS: "good", Verdict.NOT_APPLICABLE: "dim"}.get(result.verdict, "bad" if not note else "warn")
    yield f"    {paint(result.verdict.value, style)} {escape_text(result.use)} [{escape_text(result.code)}]{note}"
    yield f"        {escape_text(result.message)}"
    for label, text in (("expected", result.expected), ("found", result.found), ("next", result.hint)):
        if text is not None:
            yield f"        {label + ':':<10}{escape_text(text)}"


def render_verify(report: VerifyReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """One line per file; for a refusal the reason, each signature that did not count, and the next step."""
    if report.as_of is not None:
        yield f"judged as of {report.as_of.isoformat()}, not now"
    for file in report.files:
        yield from _verdict_lines(file, verbose=verbose, paint=paint)
    if len(report.files) > 1:
        good = sum(1 for file in report.files if file.verified)
        yield f"{good} of {len(report.files)} files verified"


def _verdict_lines(file: FileVerdict, *, verbose: bool, paint: Paint) -> Iterator[str]:
    name = escape_text(file.file)
    if file.verified:
        kinds = ", ".join(map(escape_text, file.predicate_types)) or "bare signature"
        yield f"{paint('verified', 'good')}  {name}  by {', '.join(map(escape_text, file.signed_by))} ({kinds})"
    else:
        yield f"{paint('NOT VERIFIED', 'bad')}  {name}  [{escape_text(file.code)}] {escape_text(file.message)}"
    if verbose or not file.verified:
        for item in file.rejected[:_SHOWN_FAILURES]:
            yield f"    not counted [{escape_text(item.code)}] {escape_text(item.source)}: {escape_text(item.message)}"
        if len(file.rejected) > _SHOWN_FAILURES:
            yield f"    and {len(file.rejected) - _SHOWN_FAILURES} more"
    if file.hint is not None and not file.verified:
        yield f"    next: {escape_text(file.hint)}"


def render_install(report: InstallReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """The tree: what is wrong, what could not be evaluated, the policy's refusals, and totals that add up."""
    for failure in report.failures[:_SHOWN_FAILURES]:
        yield from _tree_lines(failure, paint("FAILED", "bad"))
    for item in report.not_evaluated[:_SHOWN_FAILURES]:
        yield from _tree_lines(item, paint("NOT EVALUATED", "warn"))
    if report.decision is not None:
        if report.decision.rehearsal:
            yield paint("REHEARSAL: the trust root was made for a demonstration", "warn")
        for subject in report.decision.subjects:
            warned = any(r.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE} for r in subject.results)
            if verbose or warned or subject.signed_by:
                yield from _subject_lines(subject, verbose=verbose, paint=paint)
    totals = report.totals
    inside = f" ({totals.bundled} of them bundled in another package)" if totals.bundled else ""
    yield (
        f"{_count(totals.total, 'package')} in {escape_text(report.lockfile)}: {totals.verified} verified + "
        f"{totals.allowed_unsigned} allowed unsigned{inside} + {totals.local} local + {totals.failed} failed + "
        f"{totals.not_evaluated} not evaluated"
    )
    if not totals.total and not report.not_evaluated:
        yield "nothing to install: the lockfile lists no packages"
    if report.exit_status == 0 and report.decision is not None and report.decision.mode is Mode.WARN:
        yield paint("NOT ENFORCED: the policy only warns", "warn")
    else:
        yield paint("VERIFIED", "good") if report.exit_status == 0 else paint("NOT VERIFIED", "bad")


def _tree_lines(item: TreeFailure, word: str) -> Iterator[str]:
    yield f"{word}  {escape_text(item.package)}  [{escape_text(item.code)}] {escape_text(item.message)}"
    yield f"    at {escape_text(item.path)}"
    if item.hint is not None:
        yield f"    next: {escape_text(item.hint)}"


def render_publish(report: PublishReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """The decision, then one line per package saying what is live, with which digest."""
    yield from render_decision_text(report.decision, verbose=verbose, paint=paint)
    styles = {PublishState.FAILED: "bad", PublishState.NOT_ATTEMPTED: "warn"}
    for package in report.packages:
        state = paint(package.state.value, styles.get(package.state, "good"))
        live = ""
        if package.state is PublishState.FAILED:
            live = " (it is or may be live)" if package.live else " (not live)"
        name, tag = escape_text(str(package.package)), escape_text(package.tag)
        yield f"{state}  {name}  tag {tag}  sha512 {package.digests.sha512[:16]}…{live}"
        if package.detail is not None:
            yield f"    {escape_text(package.detail)}"
    if report.decision.allowed and report.failure_status:
        yield paint("INCOMPLETE: run the same command again; what is live with the same bytes is skipped", "bad")


def render_signed(files: Iterable[SignedFile]) -> Iterator[str]:
    """What was signed, and where the bundle is."""
    for file in files:
        kind = escape_text(file.predicate_type or "bare signature")
        yield f"signed  {escape_text(file.file)}  as {escape_text(file.subject)}  ({kind})"
        yield f"    {escape_text(file.bundle)}"


def render_differences(differences: Sequence[ReleaseDifference], *, paint: Paint = plain) -> Iterator[str]:
    """What a person approves: files and manifest fields that change for those who install."""
    for item in differences:
        against = (
            f"against {escape_text(str(item.previous))}" if item.previous is not None else escape_text(item.note or "")
        )
        yield f"{paint(escape_text(str(item.package)), 'good')}  {against}"
        for field in item.manifest:
            yield f"    ~ package.json {escape_text(field.field)}: {escape_text(field.registry)} -> {escape_text(field.tarball)}"
        for mark, paths in (("+", item.added), ("-", item.removed), ("~", item.changed)):
            for path in paths[:_SHOWN_FILES]:
                yield f"    {mark} {escape_text(path)}"
            if len(paths) > _SHOWN_FILES:
                yield f"    {mark} and {len(paths) - _SHOWN_FILES} more"
        if item.previous is not None and not (item.manifest or item.added or item.removed or item.changed):
            yield "    nothing but the version changes"


def render_artifact(report: ArtifactInspection, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """Everything about a tarball."""
    artifact = report.artifact
    yield f"{escape_text(artifact.filename)}"
    yield f"  sha512  {artifact.digests.sha512}"
    yield f"  sha256  {artifact.digests.sha256}"
    yield f"  sha1    {artifact.digests.sha1}"
    if not isinstance(artifact, Artifact):
        yield from _finding_lines(report.findings, paint)
        yield paint("REFUSED: not a tarball that every installer sees alike", "bad")
        return
    yield f"  integrity {artifact.digests.integrity}"
    yield f"  package {escape_text(str(artifact.package))}  ({escape_text(artifact.package.purl)})"
    yield f"  {len(artifact.files)} files, {artifact.digests.size} bytes packed, {artifact.unpacked_size} unpacked"
    shown = artifact.files if verbose else artifact.files[:_SHOWN_FILES]
    for file in shown:
        yield f"    {file.mode:04o} {file.size:>10} {file.sha512[:16]}… {escape_text(file.path)}"
    if len(shown) < len(artifact.files):
        yield f"    and {len(artifact.files) - len(shown)} more (-v shows all)"
    yield from _finding_lines(report.findings, paint)
    bad = report.exit_status != 0
    yield paint("NOT SOUND" if bad else "SOUND", "bad" if bad else "good")


def render_lockfile(report: LockfileInspection, *, paint: Paint = plain) -> Iterator[str]:
    """Everything about a lockfile."""
    lockfile = report.lockfile
    yield f"{escape_text(report.source)}"
    entries = _count(len(lockfile.packages), "entry", "entries")
    yield f"  {lockfile.format} {lockfile.format_version}, {entries}, sha512 {lockfile.sha512[:16]}…"
    yield from _finding_lines(report.findings, paint)
    bad = report.exit_status != 0
    yield paint("NOT SOUND" if bad else "SOUND", "bad" if bad else "good")


def _finding_lines(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    styles = {"high": "bad", "medium": "warn", "low": "dim"}
    for finding in sorted(findings, key=lambda item: -item.severity.rank):
        where = f" {escape_text(finding.where)}:" if finding.where else ""
        level = paint(finding.severity.value, styles[finding.severity.value])
        yield f"  {level} [{escape_text(finding.code)}]{where} {escape_text(finding.message)}"


def _count(number: int, singular: str, plural: str | None = None) -> str:
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
