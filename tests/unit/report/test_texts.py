"""What people read: the verdict in words, the reason and the next step, nothing a name could add, and lists that end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from support.policy_cases import NOW, finding, make_evidence, make_policy, make_signer, make_subject, make_trust
from support.published_schemas import published_errors
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact, FileEntry, PlainArchive, RefusedArtifact
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import Phase
from vxsec.model.digest import digest_bytes
from vxsec.model.evidence import ContentEvidence, FieldDifference, InstallScript, SignatureEvidence
from vxsec.model.finding import Severity
from vxsec.model.package import PackageRef
from vxsec.model.report.inspection import ArtifactInspection, LockfileInspection
from vxsec.model.report.installation import InstallReport, TreeAccount, TreeFailure
from vxsec.model.report.publication import PublishedPackage, PublishReport, PublishState
from vxsec.model.report.signing import Approval, ReleaseDifference, SignedFile
from vxsec.model.report.verification import FileVerdict, VerifyReport
from vxsec.policy.engine import evaluate
from vxsec.report.decision import render_decision_text
from vxsec.report.inspection import inspection_document, render_artifact, render_lockfile
from vxsec.report.installation import install_document, render_install
from vxsec.report.publication import publish_document, render_publish
from vxsec.report.signing import approval_document, render_differences, render_signed, signed_document
from vxsec.report.verification import render_verify, verify_document
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from vxsec.model.decision import Decision

HOSTILE = "\x1b[2Jname\u202e\nALLOWED: 1 package"
DIGESTS = digest_bytes(b"")
KERNEL = PackageRef(name="@acme/kernel", version="1.0.0")


def text(lines: Any) -> str:
    """Every line is one line, and no character in it acts upon a terminal."""
    listed = list(lines)
    for line in listed:
        assert line.isprintable() or line.replace("…", "").isprintable(), repr(line)
    return "\n".join(listed)


def paint(words: str, style: str) -> str:
    return f"<{style}>{words}</{style}>"


def decide(
    *, mode: str = "enforce", signed: bool = True, search_incomplete: bool = False, count: int = 1, **trust: Any
) -> Decision:
    signatures = SignatureEvidence(
        signers=(make_signer(),) if signed else (),
        incomplete="the registry is away" if search_incomplete else None,
    )
    evidence = [make_evidence(make_subject(version=f"1.{number}.0"), signatures=signatures) for number in range(count)]
    policy = make_policy({"use": "signature.threshold"}, mode=mode)
    return evaluate(policy, make_trust(**trust), evidence, phase=Phase.PUBLISH, now=NOW)


# -- decisions -----------------------------------------------------------------------------------------------------------


DECISIONS: dict[str, tuple[dict[str, Any], str]] = {
    "allowed": ({}, "<good>ALLOWED: 1 package</good>"),
    "several allowed": ({"count": 3}, "<good>ALLOWED: 3 packages</good>"),
    "denied": ({"signed": False, "count": 2}, "<bad>DENIED: 2 of 2 packages</bad>"),
    "undecided": (
        {"signed": False, "search_incomplete": True},
        "<bad>UNDECIDED: 1 of 1 package; it may be tried again</bad>",
    ),
    "only warned": ({"signed": False, "mode": "warn"}, "<warn>NOT ENFORCED: the policy only warns</warn>"),
}


@pytest.mark.parametrize(("how", "last"), DECISIONS.values(), ids=DECISIONS.keys())
def test_the_last_line_is_the_verdict(how: dict[str, Any], last: str) -> None:
    assert list(render_decision_text(decide(**how), paint=paint))[-1] == last


def test_a_refusal_says_expected_found_and_next() -> None:
    shown = text(render_decision_text(decide(signed=False)))
    for word in ("signature.none", "expected:", "found:", "next:", "fail signature.threshold"):
        assert word in shown
    assert "no  @vextrus/kernel@1.0.0" in shown


def test_a_step_that_helps_with_two_results_of_a_package_is_shown_once() -> None:
    rules = ({"use": "signature.threshold"}, {"id": "again", "use": "signature.threshold"})
    evidence = [
        make_evidence(make_subject(version=version), signatures=SignatureEvidence(signers=()))
        for version in ("1.0.0", "1.1.0")
    ]
    decision = evaluate(make_policy(*rules), make_trust(), evidence, phase=Phase.PUBLISH, now=NOW)
    shown = text(render_decision_text(decision))
    assert shown.count("next:     vxsec sign kernel-1.0.0.tgz") == shown.count("vxsec sign kernel-1.1.0.tgz") == 1
    assert shown.count("next:     as above") == 2


def test_what_passed_is_shown_when_asked_for() -> None:
    assert "pass signature.threshold" not in text(render_decision_text(decide()))
    assert "pass signature.threshold" in text(render_decision_text(decide(), verbose=True))


def test_a_warning_is_marked_at_its_rule() -> None:
    assert "[signature.none]  NOT ENFORCED" in text(render_decision_text(decide(signed=False, mode="warn")))


def test_what_is_unusual_about_a_decision_is_said() -> None:
    usual = decide(signed=True)
    assert "(unsigned file)" in text(render_decision_text(usual))
    signed = replace(usual, trust=replace(usual.trust, signed=True))
    assert "(unsigned file)" not in text(render_decision_text(signed))
    assert "judged as of 2026-11-21T12:00:00Z, not now" in text(render_decision_text(replace(usual, as_of=True)))
    assert "REHEARSAL" in text(render_decision_text(replace(usual, rehearsal=True)))


def test_names_in_a_decision_speak_to_nobody() -> None:
    refused = ContentEvidence(refused=(finding("archive.link", "high", message=HOSTILE, where=HOSTILE),))
    subject = replace(make_subject(), package=None, filename=HOSTILE)
    policy = make_policy({"use": "archive.safe"})
    decision = evaluate(
        policy, make_trust(source=HOSTILE), [make_evidence(subject, content=refused)], phase=Phase.PUBLISH, now=NOW
    )
    shown = text(render_decision_text(decision, verbose=True))
    assert "\\x1b[2Jname\\u{202e}\\x0aALLOWED" in shown
    assert "\nALLOWED" not in shown


# -- verify --------------------------------------------------------------------------------------------------------------


def verdict(*, verified: bool = False, **fields: Any) -> FileVerdict:
    values = {"file": "k.tgz", "sha256": "", "sha512": "", "code": "signature.none", "message": "none found"}
    return FileVerdict(**{**values, "verified": verified, **fields})


REJECTED = tuple(RejectedSignature(code="key.unknown", message=f"number {n}", source="b.jsonl") for n in range(60))


def test_a_verified_file_says_by_whom_and_by_what() -> None:
    signed = verdict(verified=True, signed_by=("ci", "alice"), predicate_types=("urn:vxsec:release:v1",))
    shown = text(render_verify(VerifyReport(files=(signed,)), paint=paint))
    assert shown == "<good>verified</good>  k.tgz  by ci, alice (urn:vxsec:release:v1)"
    bare = VerifyReport(files=(verdict(verified=True, signed_by=("ci.pub",)),))
    assert text(render_verify(bare)).endswith("by ci.pub (bare signature)")


@pytest.mark.parametrize(
    ("verbose", "number", "shown", "more"),
    [
        (False, 0, 0, None),
        (False, 3, 3, None),
        (False, 5, 3, "and 2 more (-v shows them)"),
        (True, 5, 5, None),
        (True, 60, 50, "and 10 more"),
    ],
)
def test_a_refused_file_says_why_and_lists_some_signatures(
    verbose: bool, number: int, shown: int, more: str | None
) -> None:
    report = VerifyReport(files=(verdict(rejected=REJECTED[:number], hint="do this"),))
    lines = list(render_verify(report, verbose=verbose))
    assert lines[0] == "NOT VERIFIED  k.tgz  [signature.none] none found"
    assert sum("not counted" in line for line in lines) == shown
    assert [line.strip() for line in lines if " more" in line] == ([more] if more else [])
    assert lines[-1] == "    next: do this"


def test_rejected_signatures_of_a_verified_file_are_shown_when_asked_for() -> None:
    report = VerifyReport(files=(verdict(verified=True, rejected=REJECTED[:1], hint="not needed"),))
    assert "not counted" not in text(render_verify(report))
    shown = text(render_verify(report, verbose=True))
    assert "not counted [key.unknown] b.jsonl: number 0" in shown
    assert "next:" not in shown


def test_several_files_are_counted_and_another_time_is_said() -> None:
    report = VerifyReport(files=(verdict(), verdict(verified=True)), as_of=datetime(2026, 1, 1, tzinfo=UTC))
    lines = list(render_verify(report))
    assert lines[0] == "judged as of 2026-01-01T00:00:00Z, not now"
    assert lines[-1] == "1 of 2 files verified"
    assert published_errors(verify_document(report)) == []


def test_names_in_a_verdict_speak_to_nobody() -> None:
    item = verdict(
        file=HOSTILE,
        code=HOSTILE,
        message=HOSTILE,
        hint=HOSTILE,
        rejected=(RejectedSignature(code=HOSTILE, message=HOSTILE, source=HOSTILE),),
    )
    text(render_verify(VerifyReport(files=(item,))))
    signed = replace(item, verified=True, signed_by=(HOSTILE,), predicate_types=(HOSTILE,))
    text(render_verify(VerifyReport(files=(signed,)), verbose=True))


# -- install -------------------------------------------------------------------------------------------------------------


def tree(number: int, **fields: Any) -> tuple[TreeFailure, ...]:
    values = {"code": "tree.x", "message": "wrong", "hint": "look"}
    return tuple(
        TreeFailure(**{"path": f"node_modules/p{n}", "package": f"p{n}@1.0.0", **values, **fields})
        for n in range(number)
    )


def test_failures_end_after_fifty_in_text_and_are_complete_in_json() -> None:
    report = InstallReport(lockfile="l", decision=None, failures=tree(60), totals=TreeAccount(failed=60))
    shown = text(render_install(report))
    assert shown.count("FAILED  ") == 50
    assert shown.endswith("NOT VERIFIED")
    assert "    next: look" in shown
    assert "next:" not in text(render_install(replace(report, failures=tree(1, hint=None))))
    document = install_document(report)
    assert len(document["failures"]) == 60  # type: ignore[arg-type]  # a list, as the schema says
    assert published_errors(document) == []


def test_one_cause_that_blocks_many_is_told_once() -> None:
    blocked = (*tree(52, code="network.timeout", hint=None), *tree(1, code="network.offline"))
    report = InstallReport(
        lockfile="l", decision=None, failures=(), not_evaluated=blocked, totals=TreeAccount(not_evaluated=53)
    )
    shown = text(render_install(report))
    assert shown.count("NOT EVALUATED  ") == 2
    assert "    and 2 more" in shown
    assert shown.count("next:") == 1


def test_a_lockfile_with_nothing_to_fetch_says_so() -> None:
    report = InstallReport(lockfile="l", decision=None, failures=(), totals=TreeAccount(local=2))
    assert "nothing to fetch" in text(render_install(report))
    empty = InstallReport(lockfile="l", decision=None, failures=(), totals=TreeAccount())
    assert text(render_install(empty)) == "VERIFIED"


def test_bundled_packages_and_a_policy_that_only_warns_are_said() -> None:
    totals = TreeAccount(allowed_unsigned=2, bundled=1)
    report = InstallReport(lockfile="l", decision=decide(signed=False, mode="warn"), failures=(), totals=totals)
    shown = text(render_install(report))
    assert "2 allowed unsigned (1 of them bundled in another package)" in shown
    assert shown.endswith("NOT ENFORCED: the policy only warns")
    assert "signature.none" in shown


def test_what_was_not_evaluated_is_not_told_again_as_a_refusal_of_the_policy() -> None:
    decision = decide(signed=False)
    path = decision.subjects[0].subject.filename
    report = InstallReport(
        lockfile="l",
        decision=decision,
        failures=(),
        not_evaluated=tree(1, path=path),
        totals=TreeAccount(not_evaluated=1),
    )
    assert "signature.none" not in text(render_install(report, verbose=True))


def test_names_in_a_tree_speak_to_nobody() -> None:
    hostile = tree(1, path=HOSTILE, package=HOSTILE, code=HOSTILE, message=HOSTILE, hint=HOSTILE)
    report = InstallReport(
        lockfile=HOSTILE, decision=None, failures=hostile, not_evaluated=hostile, totals=TreeAccount(failed=2)
    )
    text(render_install(report))


# -- publish -------------------------------------------------------------------------------------------------------------


def published(state: str, **fields: Any) -> PublishedPackage:
    values = {"package": KERNEL, "digests": DIGESTS, "tag": "latest"}
    return PublishedPackage(**{**values, "state": PublishState(state), **fields})


@pytest.mark.parametrize(("live", "words"), [(True, "(it is or may be live)"), (False, "(not live)")])
def test_a_failure_says_whether_the_version_is_live(live: bool, words: str) -> None:
    failed = published("failed", live=live, detail="network.timeout: no answer")
    report = PublishReport(decision=decide(), packages=(failed, published("not-attempted")), failure_status=4)
    lines = list(render_publish(report, paint=paint))
    assert any(
        line.startswith("<bad>failed</bad>  @acme/kernel@1.0.0  tag latest") and line.endswith(words) for line in lines
    )
    assert any(line.startswith("<warn>not-attempted</warn>") for line in lines)
    assert "    network.timeout: no answer" in lines
    assert "run the same command again" in lines[-1]
    assert publish_document(report)["verdict"] == ("partly-published" if live else "not-published")
    assert published_errors(publish_document(report)) == []


def test_a_publish_that_is_done_has_nothing_to_add() -> None:
    report = PublishReport(decision=decide(), packages=(published("published", live=True),))
    assert "INCOMPLETE" not in text(render_publish(report))
    denied = PublishReport(decision=decide(signed=False), packages=(published("not-attempted"),), failure_status=4)
    assert "INCOMPLETE" not in text(render_publish(denied))


def test_a_tag_and_a_detail_speak_to_nobody() -> None:
    report = PublishReport(
        decision=decide(), packages=(published("failed", tag=HOSTILE, detail=HOSTILE),), failure_status=4
    )
    text(render_publish(report))


# -- sign, approve -------------------------------------------------------------------------------------------------------

SIGNED = SignedFile(file="k.tgz", subject="pkg:npm/k@1", predicate_type=None, key_hint="h", bundle="k.sigstore.jsonl")


def difference(**fields: Any) -> ReleaseDifference:
    values: dict[str, Any] = {
        "package": KERNEL,
        "previous": None,
        "added": (),
        "removed": (),
        "changed": (),
        "manifest": (),
    }
    return ReleaseDifference(**{**values, **fields})


def test_what_was_signed_and_where_the_bundle_is() -> None:
    assert list(render_signed([SIGNED])) == ["signed  k.tgz  as pkg:npm/k@1  (bare signature)", "    k.sigstore.jsonl"]
    typed = replace(SIGNED, predicate_type="urn:x")
    assert "(urn:x)" in text(render_signed([typed]))
    assert published_errors(signed_document([SIGNED, typed])) == []
    text(
        render_signed([SignedFile(file=HOSTILE, subject=HOSTILE, predicate_type=HOSTILE, key_hint="", bundle=HOSTILE)])
    )


def test_a_difference_shows_manifest_and_files_and_an_end_of_the_list() -> None:
    paths = tuple(f"f{number}.js" for number in range(50))
    item = difference(
        previous=PackageRef(name="@acme/kernel", version="0.9.0"),
        added=paths,
        removed=("gone.js",),
        changed=("index.js",),
        manifest=(FieldDifference(field="dependencies.x", tarball="2", registry="1"),),
    )
    shown = text(render_differences([item]))
    assert "@acme/kernel@1.0.0  against @acme/kernel@0.9.0" in shown
    assert "~ package.json dependencies.x: 1 -> 2" in shown
    assert "    + and 10 more" in shown
    assert "    - gone.js" in shown
    assert "    ~ index.js" in shown
    document = approval_document(Approval(files=(SIGNED,), differences=(item,)))
    assert published_errors(document) == []
    assert len(document["differences"][0]["added"]) == 50  # type: ignore[index]  # as the schema says


def test_no_difference_and_no_previous_version_are_said() -> None:
    same = difference(previous=PackageRef(name="@acme/kernel", version="0.9.0"))
    assert "nothing but the version changes" in text(render_differences([same]))
    unknown = text(render_differences([difference(note="this is the full inventory", added=("a",))]))
    assert "this is the full inventory" in unknown
    assert "nothing but the version" not in unknown
    assert text(render_differences([difference()])) == "@acme/kernel@1.0.0  "


def test_paths_and_fields_speak_to_nobody() -> None:
    field = FieldDifference(field=HOSTILE, tarball=HOSTILE, registry=HOSTILE)
    text(render_differences([difference(note=HOSTILE, added=(HOSTILE,), manifest=(field,))]))


# -- inspect -------------------------------------------------------------------------------------------------------------


def inspection(artifact: PlainArchive | RefusedArtifact, *findings: Any) -> ArtifactInspection:
    return ArtifactInspection(
        artifact=artifact, findings=findings, install_scripts=(), differences=(), fail_on=Severity.HIGH
    )


def archive(files: int = 1) -> PlainArchive:
    entries = tuple(FileEntry(path=f"f{n}", mode=0o755, size=n, sha512=DIGESTS.sha512) for n in range(files))
    return PlainArchive(filename="c.tgz", digests=DIGESTS, root="chart", files=entries, unpacked_size=files)


def test_a_long_archive_is_cut_and_shown_whole_when_asked_for() -> None:
    report = inspection(archive(45))
    assert "    and 5 more (-v shows all)" in text(render_artifact(report))
    assert " more " not in text(render_artifact(report, verbose=True))
    assert published_errors(inspection_document(report)) == []


def test_the_worst_finding_comes_first_and_decides() -> None:
    low, high = finding("a.low", "low", where="f"), finding("a.high", "high")
    lines = list(render_artifact(inspection(archive(), low, high), paint=paint))
    assert lines[-1] == "<bad>NOT SOUND</bad>"
    assert [line.split("]")[0].rpartition("[")[2] for line in lines if "[a." in line] == ["a.high", "a.low"]
    assert any("f: something" in line for line in lines)
    assert list(render_artifact(inspection(archive(), low)))[-1] == "SOUND"


def test_refused_bytes_show_digests_and_reasons_and_no_files() -> None:
    refused = RefusedArtifact(filename=HOSTILE, digests=DIGESTS, reasons=(finding("archive.gzip", "high"),))
    report = inspection(refused, *refused.reasons)
    shown = text(render_artifact(report))
    assert DIGESTS.sha512 in shown
    assert shown.endswith("REFUSED: not a tarball that every installer sees alike")
    assert published_errors(inspection_document(report)) == []


def test_paths_in_an_archive_speak_to_nobody() -> None:
    hostile = PlainArchive(
        filename=HOSTILE,
        digests=DIGESTS,
        root=HOSTILE,
        files=(FileEntry(path=HOSTILE, mode=0o644, size=0, sha512=DIGESTS.sha512),),
        unpacked_size=0,
    )
    text(render_artifact(inspection(hostile, finding(HOSTILE, "low", message=HOSTILE, where=HOSTILE))))


def test_a_package_shows_what_it_is_and_what_runs_on_install() -> None:
    data = pack({"name": "@acme/kernel", "version": "1.0.0", "scripts": {"install": "node x"}}, {"x.js": b""})
    artifact = read_artifact(data, filename="k.tgz")
    assert isinstance(artifact, Artifact)
    script = InstallScript(event="install", command="node x", implicit=False)
    report = ArtifactInspection(
        artifact=artifact, findings=(), install_scripts=(script,), differences=(), fail_on=Severity.HIGH
    )
    shown = text(render_artifact(report))
    assert "package @acme/kernel@1.0.0  (pkg:npm/%40acme/kernel@1.0.0)" in shown
    assert shown.endswith("SOUND")
    document = inspection_document(report)
    assert document["installScripts"] == [{"event": "install", "command": "node x", "implicit": False}]
    assert published_errors(document) == []


@pytest.mark.parametrize(
    ("severity", "verdict", "word"), [("low", "sound", "SOUND"), ("high", "not-sound", "NOT SOUND")]
)
def test_a_lockfile_shows_how_many_entries_it_has(severity: str, verdict: str, word: str) -> None:
    data = b'{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}'
    report = LockfileInspection(
        source=HOSTILE,
        lockfile=parse_lockfile(data, filename="package-lock.json"),
        findings=(finding("a.b", severity),),
        fail_on=Severity.HIGH,
    )
    lines = text(render_lockfile(report)).splitlines()
    assert "3, 1 entry, sha512 " in lines[1]
    assert lines[-1] == word
    document = inspection_document(report)
    assert (document["verdict"], document["packages"]) == (verdict, 1)
    assert published_errors(document) == []
