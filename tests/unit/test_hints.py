"""Every refusal names a next step, and every ``vxsec …`` in one is a command that the command line takes."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from support.policy_cases import (
    NOW,
    load_cases,
    make_evidence,
    make_policy,
    make_subject,
    make_trust,
    minimal_use,
)
from vxsec import errors
from vxsec.cli.root import COMMANDS, root
from vxsec.errors import VxsecError, next_step
from vxsec.formats.npmrc import merge_npmrc, parse_npmrc
from vxsec.formats.public_key import parse_public_key
from vxsec.formats.trust_document import parse_trust_document
from vxsec.host.files import read_bounded
from vxsec.host.http import HttpClient
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import EVIDENCE_ENDINGS, RefusedArtifact
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import Phase
from vxsec.model.evidence import ContentEvidence, SignatureEvidence
from vxsec.policy.document import parse_policy
from vxsec.policy.engine import evaluate
from vxsec.policy.rules import BUILTIN
from vxsec.usecases.inputs import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vxsec.formats.npmrc import NpmConfig
    from vxsec.model.evidence import SubjectRef

SOURCE = Path(errors.__file__).parent
ERRORS = {name for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, VxsecError)} - {
    "TarballError"
}  # its codes are told by the archive's own reasons
COMMAND = re.compile(rf"(?:(?<=^)|(?<=: ))vxsec ({'|'.join(COMMANDS)})\b[^;,()]*")
"""A command stands at the beginning or behind a colon; elsewhere ``vxsec sign`` is a word of the sentence."""

WITHOUT_A_STEP = {
    "internal": "a defect: the command line says how to report it",
    "usage": "the message of the option parser says it, and --help is named",
    "usage.duplicate": "both places are in the message",
    "configuration": "never raised without a code of its own",
    "nothing-to-judge": "never raised without a code of its own",
    "undecided": "never raised without a code of its own",
    "refused": "never raised without a code of its own",
    "format.malformed": "never raised without a code of its own",
    "verification.failed": "never raised without a code of its own",
}
"""Codes without a next step, and why."""


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE), ast.parse(path.read_text(encoding="utf-8"))


def _text(node: ast.expr) -> Iterator[str]:
    """The literal texts an expression may give; what is filled in stands as one word."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)
        case ast.IfExp(body=first, orelse=second):
            yield from _text(first)
            yield from _text(second)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from (a + b for a in _text(left) for b in _text(right))
        case _:
            pass


def _literal_hints() -> Iterator[tuple[str, str]]:
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                yield from ((f"{path}:{node.value.lineno}", text) for text in _text(node.value))
            if isinstance(node, ast.Assign) and any(ast.unparse(t).endswith("hint") for t in node.targets):
                yield from ((f"{path}:{node.lineno}", text) for text in _text(node.value))


def _subjects() -> Iterator[tuple[Phase, SubjectRef]]:
    file = make_subject()
    for phase in Phase:
        yield phase, file
        yield phase, replace(file, filename="my files/kernel 1.tgz", registry="other")
        yield phase, replace(file, filename="-kernel.tgz")
    for label in ("@vextrus/kernel@1.1.0", "node_modules/@vextrus/kernel"):
        yield Phase.INSTALL, replace(file, filename=label)
    yield Phase.INSTALL, replace(file, filename="node_modules/x", package=None)


def _decided_hints() -> Iterator[tuple[str, str]]:
    """What the rules say about every fixture case, and about subjects of every kind, with all evidence missing or empty."""
    trust = make_trust()
    two = make_trust(labels=("internal", "staging"))
    for case in load_cases():
        for judged in (*case.decide().subjects, *case.decide(two).subjects):
            yield from ((case.path.parent.name, result.hint) for result in judged.results if result.hint)
    content = ContentEvidence(refused=(), files=1, packed_size=1, unpacked_size=1)
    for rule in BUILTIN:
        for phase, subject in _subjects():
            for evidence in (
                make_evidence(subject),
                make_evidence(subject, content=content, signatures=SignatureEvidence(signers=())),
                make_evidence(subject, signatures=SignatureEvidence(signers=(), foreign=True)),
                make_evidence(subject, signatures=SignatureEvidence(signers=(), incomplete="cut short")),
            ):
                policy = make_policy(minimal_use(rule.id), phases=tuple(Phase))
                decision = evaluate(policy, trust, [evidence], phase=phase, now=NOW)
                for result in decision.subjects[0].results:
                    yield f"{rule.id} in {phase} of {subject.filename}", result.hint or ""


def _commands(text: str) -> Iterator[str]:
    yield from (found[0].strip() for found in COMMAND.finditer(text))


def _refusal(command: str) -> str | None:
    """Why the command line would not take ``command``; None where it would."""
    words = shlex.split(command)[1:]
    try:
        with click.Context(root, info_name="vxsec") as parent:
            name, chosen, rest = root.resolve_command(parent, words)
            while isinstance(chosen, click.Group) and (
                (rest and not rest[0].startswith("-")) or not chosen.invoke_without_command
            ):
                name, chosen, rest = chosen.resolve_command(parent, rest)
            assert chosen is not None
            chosen.make_context(name, rest, parent=parent)
    except click.ClickException as error:
        return error.format_message()
    return None


def _all_hints() -> dict[str, str]:
    """Each distinct hint, with the first place it comes from."""
    steps = [(f"next step of {code}", text) for code, text in errors._NEXT_STEPS.items()]
    found: dict[str, str] = {}
    for place, text in (*_literal_hints(), *steps, *_decided_hints()):
        found.setdefault(text, place)
    return found


def test_every_command_in_a_hint_is_one_that_can_be_typed() -> None:
    commands = {(place, command) for text, place in _all_hints().items() for command in _commands(text)}
    assert len(commands) > 20
    refused = [f"{place}: {command}: {why}" for place, command in sorted(commands) if (why := _refusal(command))]
    assert refused == []


def test_a_hint_that_begins_with_vxsec_is_a_command_first() -> None:
    for text, place in _all_hints().items():
        if text.startswith("vxsec "):
            assert text.startswith(next(_commands(text), "no command")), place


@pytest.mark.parametrize(
    "command",
    ["vxsec sign FILE", "vxsec gate FILE --no-such-option", "vxsec keys show", "vxsec keys generate A B"],
)
def test_the_check_itself_refuses(command: str) -> None:
    assert _refusal(command)


def test_no_command_is_given_for_what_is_no_file() -> None:
    for phase, subject in _subjects():
        policy = make_policy({"use": "signature.threshold"}, {"use": "archive.safe"}, phases=tuple(Phase))
        decision = evaluate(policy, make_trust(), [make_evidence(subject)], phase=phase, now=NOW)
        for result in decision.subjects[0].results:
            words = [word for command in _commands(result.hint or "") for word in shlex.split(command)]
            if subject.filename.endswith(".tgz"):
                assert any(word.endswith(subject.filename) for word in words), result
            else:
                assert subject.filename not in words


def _raised_codes() -> Iterator[tuple[str, str]]:
    """The code of every error raised without a hint of its own; one put together at run time counts by its family."""
    for path, tree in _trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in ERRORS:
                continue
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            if "hint" not in keywords:
                code = keywords.get("code", ast.Constant(getattr(errors, node.func.id).default_code))
                yield from ((f"{path}:{node.lineno}", text) for text in _text(code))


def test_every_error_names_a_next_step() -> None:
    codes = list(_raised_codes())
    assert len(codes) > 150
    assert [(place, code) for place, code in codes if next_step(code) is None and code not in WITHOUT_A_STEP] == []


def test_no_code_is_excused_that_has_a_step() -> None:
    assert [code for code in WITHOUT_A_STEP if next_step(code) is not None] == []


def test_the_step_of_a_code_is_its_own_else_its_family_s() -> None:
    assert errors.FormatError("m", code="json.encoding").hint == next_step("json.encoding") != next_step("json")
    assert errors.FormatError("m", code="json.other").hint == next_step("json")
    assert errors.FormatError("m", code="json.other", hint="mine").hint == "mine"
    assert errors.VxsecError("m").hint is None


# -- what used to lead nowhere -----------------------------------------------------------------------------------------


def _load_trust(data: bytes) -> None:
    parse_trust_document(data, source="trust.yaml", load_key=lambda _name: b"")


def _load_policy(text: str) -> None:
    parse_policy(text.encode(), source="policy.yaml")


def _config(text: str, expand: Callable[[str], str | None] | None = None) -> NpmConfig:
    return merge_npmrc([parse_npmrc(text, where=".npmrc", expand=expand)])


DATED = """\
apiVersion: vxsec/trust/v1
kind: Identities
holders: [{id: ci, kind: machine}]
keys: [{id: k, file: ci.pub, roles: [machine], holder: ci, from: DATE, until: "2027-11-21T00:00:00Z"}]
"""
POLICY = "apiVersion: vxsec/policy/v1\nkind: Policy\nmetadata: {name: p, version: 1}\nscopes: []\n"
STEPS = {
    "a private key where the public one is asked for": (
        lambda: parse_public_key(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n", where="ci.key"),
        "this is a private key: give the public key, the .pub file beside the private one",
    ),
    "bytes that are no key": (lambda: parse_public_key(b"hello", where="README"), "give the public key, the .pub file"),
    "a date without quotes": (
        lambda: _load_trust(DATED.replace("DATE", "2026-11-21").encode()),
        '"2026-11-21T00:00:00Z"',
    ),
    "a date in quotes": (lambda: _load_trust(DATED.replace("DATE", '"2026-11-21"').encode()), '"2026-11-21T00:00:00Z"'),
    "a time without quotes": (
        lambda: _load_trust(DATED.replace("DATE", "2026-11-21T08:00:00Z").encode()),
        'write "2026-11-21T08:00:00Z"',
    ),
    "a day that does not exist": (
        lambda: _load_trust(DATED.replace("DATE", '"2026-02-30T00:00:00Z"').encode()),
        'write it in full, in quotes: "2026-11-21T00:00:00Z"',
    ),
    "a number that is text": (
        lambda: _load_policy(POLICY.replace("name: p", "name: 1.10")),
        'write "1.10" for the text',
    ),
    "a waiver file": (
        lambda: _load_policy(POLICY.replace("kind: Policy", "kind: WaiverFile")),
        "give a file of kind: Policy",
    ),
    "mode audit": (lambda: _load_policy(POLICY + "mode: audit\n"), "write mode: warn"),
    "another language": (lambda: _load_policy(POLICY.replace("policy/v1", "policy/v2")), "apiVersion: vxsec/policy/v1"),
    "a variable that is not set": (
        lambda: _config("@a:registry=${HERE}", expand=lambda _name: None).registry_for("@a/b"),
        "export HERE=VALUE",
    ),
    "a certificate that is not checked": (
        lambda: _config("strict-ssl=false"),
        "--unsafe-tls URL",
    ),
    "plain http": (
        lambda: HttpClient().request("GET", "http://registry.example.test/npm/kernel", max_bytes=1),
        "--unsafe-http http://registry.example.test/",
    ),
    "a pattern that the shell left as it is": (lambda: read_bounded("*.tgz", max_bytes=1), "run npm pack first"),
}


@pytest.mark.parametrize(("act", "hint"), STEPS.values(), ids=STEPS.keys())
def test_the_next_step_helps_with(act: Callable[[], object], hint: str) -> None:
    with pytest.raises(VxsecError) as caught:
        act()
    assert hint in (caught.value.hint or "")


def test_a_registry_url_that_npmrc_holds_is_told_with_its_file() -> None:
    config = _config("@a:registry=ftp://x")
    with pytest.raises(VxsecError) as caught:
        config.registry_for("@a/b")
    assert (caught.value.code, caught.value.where) == ("registry.url", ".npmrc")


def test_a_lockfile_given_for_a_tarball_is_told_as_one() -> None:
    refused = read_artifact(b'\n{"lockfileVersion": 3}', filename="package-lock.json")
    assert isinstance(refused, RefusedArtifact)
    assert "--lockfile FILE" in refused.reasons[0].message
    other = read_artifact(b"<html>", filename="x.tgz")
    assert isinstance(other, RefusedArtifact)
    assert "--lockfile" not in other.reasons[0].message


@pytest.mark.parametrize("ending", EVIDENCE_ENDINGS)
def test_evidence_given_for_a_tarball_is_told_as_such(ending: str) -> None:
    refused = read_artifact(b'{"mediaType": "x"}', filename=f"dist/kernel-1.0.0.tgz{ending}")
    assert isinstance(refused, RefusedArtifact)
    assert refused.reasons[0].message.endswith("give the .tgz files only")
    assert "--lockfile" not in refused.reasons[0].message
    assert (refusal(refused).hint or "").startswith("give the .tgz files only")
    content = ContentEvidence(refused=refused.reasons, files=0, packed_size=1, unpacked_size=0)
    subject = replace(make_subject(), filename=refused.filename, package=None)
    policy = make_policy({"use": "archive.safe"})
    judged = evaluate(policy, make_trust(), [make_evidence(subject, content=content)], phase=Phase.PUBLISH, now=NOW)
    assert (judged.subjects[0].results[0].hint or "").startswith("give the .tgz files only")


def test_reasons_that_repeat_are_counted() -> None:
    same = RejectedSignature(code="signature.subject-mismatch", message="m", source="a.jsonl")
    evidence = SignatureEvidence(signers=(), rejected=(same, same, same, replace(same, source="b.jsonl")))
    decision = evaluate(
        make_policy({"use": "signature.threshold"}), make_trust(), [make_evidence(signatures=evidence)],
        phase=Phase.PUBLISH, now=NOW,
    )  # fmt: skip
    found = decision.subjects[0].results[0].found
    assert found == "0; not counted: 3 x signature.subject-mismatch in a.jsonl, signature.subject-mismatch in b.jsonl"


def test_a_scope_that_none_lists_is_told_to_list_it() -> None:
    content = ContentEvidence(refused=(), files=1, packed_size=1, unpacked_size=1)
    subject = make_subject(name="left-pad", registry="other")
    policy = make_policy({"use": "manifest.consistent"})
    decision = evaluate(policy, make_trust(), [make_evidence(subject, content=content)], phase=Phase.PUBLISH, now=NOW)
    assert "under registries: in trust.yaml" in (decision.subjects[0].results[0].hint or "")
