"""Write docs/reference from the code: `make docs`. A test holds the pages equal to what this makes.

Nothing here depends on click's wrapping, the terminal's width, the clock or the machine, so the bytes are the same
everywhere.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import click

from vxsec import errors
from vxsec.cli.options import output_options
from vxsec.cli.root import COMMANDS, root
from vxsec.formats.trust_document import TRUST_API_VERSION, TRUST_KIND
from vxsec.model.decision import Mode, Phase
from vxsec.model.trust import HolderKind, RevocationReason, Role
from vxsec.policy.language import LATER_KEYS, LATER_KINDS, LATER_RULES
from vxsec.policy.parameters import describe_parameters
from vxsec.policy.rules import BUILTIN
from vxsec.policy.schema import policy_schema
from vxsec.policy.shipped import SHIPPED, load_shipped
from vxsec.report.trusted_base import render_trusted_base
from vxsec.usecases.doctor.trusted_base import measure_trusted_base
from vxsec.usecases.verify_npm import CHECKS as NPM_CHECKS
from vxsec.verification import checks, provenance
from vxsec.verification.checks import CHECKS
from vxsec.verification.provenance import PROVENANCE_CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

    from vxsec.policy.rule import Rule

__all__ = ["EXAMPLES", "EXIT_CODES", "example_of", "pages", "verifier"]

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
PROSE = Path(__file__).with_suffix("")
VERIFIER = REFERENCE.parent / "explanation" / "verifier.md"
FIGURES = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- /figures -->)", re.DOTALL)
GENERATED = "<!-- Generated from the code by `make docs`: edit the code, not this page. -->"

EXIT_CODES: tuple[tuple[str, str], ...] = (
    ("0", "pass"),
    ("1", "internal error: a defect"),
    ("2", "usage or configuration: a bad option, a missing or malformed policy, trust document or key"),
    ("3", "arguments given, but nothing in them that this version can judge"),
    (
        "4",
        "could not decide: a registry did not answer, data is missing or too old, the log could not be written",
    ),
    ("5", "partly done: a version is live, others are not; run it again"),
    ("10", "verification failed, or the bytes of a package, lockfile, SBOM or bundle are refused"),
    ("11", "a policy rule failed, or findings at or above the threshold"),
    ("130, 143", "interrupted, terminated"),
)
"""Idea 5 of the house. The README has the same table; a test compares them."""

FAMILIES = (
    *("bundle", "certificate", "digest", "envelope", "github-attestations", "gnupg", "identity", "key", "keyless"),
    *(
        "npm",
        "npm-attestations",
        "npm-keys",
        "openpgp",
        "pep740",
        "provenance",
        "sct",
        "signature",
        "signer",
        "ssh-agent",
    ),
    *("sshsig", "statement", "timestamp", "tlog", "tree", "trust-config", "trusted-root", "tuf", "verify", "witness"),
)
"""The families of reason codes that verification and signing use."""
EVIDENCE_FILES = {"signature.asc", "signature.sshsig"}

EXAMPLES: dict[str, str] = {
    "signature.threshold": "{threshold: 2, minPerRole: {machine: 1, human: 1}}",
    "release.approval": "{min: 1, maxAge: P14D}",
    "archive.safe": "{maxFiles: 2000}",
    "manifest.consistent": "{ignore: [readme]}",
    "content.install-scripts": '{allow: ["@vextrus/kernel@^1.0.0#' + "0123456789abcdef" * 4 + '"]}',
    "manifest.expect": '{repository: "https://git.example.test/vextrus/monorepo", required: [license, types]}',
    "content.files": '{allow: ["*.js", "*.d.ts", package.json, README.md]}',
    "content.secrets": '{allow: ["test/example.pem#private-key"]}',
    "content.size": "{maxPacked: 1000000, maxFiles: 200}",
    "deps.exotic": "{allowGit: [left-pad]}",
    "sbom.complete": "{matchLockfile: true}",
    "malware.deny": "{maxDbAge: P1D}",
    "vuln.threshold": "{deny: {severity: high, fixAvailable: true}, grace: {high: P7D, critical: P1D}}",
    "license.allow": "{allow: [MIT, ISC, Apache-2.0, BSD-3-Clause], exceptions: [left-pad]}",
    "version.monotonic": "{allowDowngradeTags: [release-1.x]}",
}
"""What stands behind ``with:`` in a rule's example; a rule without an entry is shown without parameters."""


def pages() -> dict[str, str]:
    """File name to text of every generated page of docs/reference."""
    made = {
        "cli.md": _cli(),
        "rules.md": _rules(),
        "policy.md": _policy(),
        "exit-codes-and-errors.md": _errors(),
        "schemas.md": _schemas(),
        "trust-document.md": _trust_document(),
        "verification-checks.md": _checks(),
    }
    return {name: _page(text) for name, text in made.items()}


def _fill(name: str, **values: str) -> str:
    """The prose of a page, `.ci/reference/NAME.md`, with what the code says in it."""
    return Template((PROSE / f"{name}.md").read_text(encoding="utf-8")).substitute(values)


def _page(text: str) -> str:
    title, _, rest = text.partition("\n")
    return re.sub(r"\n{3,}", "\n\n", f"{title}\n\n{GENERATED}\n{rest}".rstrip() + "\n")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])


def _markdown(text: str) -> str:
    """A docstring's text with Markdown's backquotes, each paragraph on one line."""
    paragraphs = inspect.cleandoc(text).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


# -- the command line ----------------------------------------------------------------------------------------------------


def _cli() -> str:
    common = _common_options()
    context = click.Context(root, info_name="vxsec")
    commands = {f"vxsec {name}": root.get_command(context, name) for name in COMMANDS}
    return _fill(
        "cli",
        commands=_table(
            ["command", "what it answers or does"],
            [[f"[`vxsec {name}`](#vxsec-{name})", text] for name, (_, text) in COMMANDS.items()],
        ),
        common=_options(common.values()),
        each="\n\n".join(_command(command, path, common) for path, command in commands.items() if command is not None),
    )


def _common_options() -> dict[str, click.Option]:
    """The options that every command has through ``output_options``, by what is said of them."""

    def nothing(**_: object) -> int:
        return 0

    listed: list[click.Parameter] = vars(output_options(nothing))["__click_params__"]
    return {_said(item): item for item in reversed(listed) if isinstance(item, click.Option)}


def _said(option: click.Option) -> str:
    return "\0".join([*option.opts, repr(option.type), option.help or ""])


def _command(command: click.Command, path: str, common: Mapping[str, click.Option]) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    own = [item for item in options if _said(item) not in common]
    parts = [f"## {path}", f"    {usage}", _markdown(command.help or "")]
    if own:
        parts.append(_options(own))
    if len(own) < len(options):
        parts.append("And the [output options](#output-options).")
    if isinstance(command, click.Group):
        inner = {f"{path} {name}": command.get_command(context, name) for name in command.list_commands(context)}
        parts += [_command(item, name, common) for name, item in inner.items() if item is not None]
    return "\n\n".join(parts)


def _options(options: Iterable[click.Option]) -> str:
    return _table(["option", "meaning"], [[f"`{_form(item)}`", _meaning(item)] for item in options])


def _form(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return names
    if isinstance(option.type, click.Choice) and option.metavar is None:
        return f"{names} {'|'.join(str(choice) for choice in option.type.choices)}"
    return f"{names} {option.metavar or option.type.name.upper().replace(' RANGE', '')}"


def _meaning(option: click.Option) -> str:
    notes = ["required"] if option.required else []
    if option.multiple:
        notes.append("repeats")
    if isinstance(option.type, click.IntRange) and option.type.min is not None:
        notes.append(f"at least {option.type.min}")
    if option.show_default and isinstance(option.default, str | int | float) and not option.is_flag:
        notes.append(f"default `{option.default}`")
    if isinstance(option.envvar, str):
        notes.append(f"also `{option.envvar}`")
    text = (option.help or "").replace("``", "`")
    return f"{text} *{'; '.join(notes)}*" if notes else text


# -- the rules -----------------------------------------------------------------------------------------------------------


def _rules() -> str:
    index = [
        [
            f"[`{rule.id}`](#{rule.id.replace('.', '')})",
            rule.summary.rstrip("."),
            *("yes" if phase in rule.phases else "" for phase in Phase),
        ]
        for rule in BUILTIN
    ]
    return _fill(
        "rules",
        index=_table(["rule", "requires", *(str(phase) for phase in Phase)], index),
        each="\n\n".join(_rule(rule) for rule in BUILTIN),
    )


def _rule(rule: Rule[Any]) -> str:
    documentation = inspect.cleandoc(importlib.import_module(rule.check.__module__).__doc__ or "")
    summary, why, fix = re.split(r"^(?:Why|Fix): ", documentation, flags=re.MULTILINE)
    facts = [
        f"- Phases: {', '.join(phase for phase in Phase if phase in rule.phases)}",
        f"- Ecosystems: {', '.join(sorted(rule.ecosystems))}",
        f"- Evidence: {', '.join(sorted(rule.needs))}",
    ]
    rows = list(_parameters(describe_parameters(rule.parameters)))
    parts = [
        f"## {rule.id}",
        _markdown(summary),
        "\n".join(facts),
        f"**Why.** {_markdown(why)}",
        f"**Fix.** {_markdown(fix)}",
        _table(["parameter", "type", "default", "meaning"], rows) if rows else "It takes no parameters.",
        f"```yaml\n{example_of(rule)}\n```",
    ]
    return "\n\n".join(parts)


def example_of(rule: Rule[Any]) -> str:
    """One row of a policy's ``rules:``.

    Raises:
        SystemExit: The rule has required parameters and no example here.
    """
    values = EXAMPLES.get(rule.id)
    if values is None and describe_parameters(rule.parameters).get("required"):
        sys.exit(f"error: {rule.id} has required parameters: add a row to EXAMPLES in .ci/reference.py")
    identifier = rule.id.partition(".")[2]
    return f"- {{id: {identifier}, use: {rule.id}{f', with: {values}' if values else ''}}}"


def _parameters(schema: Mapping[str, Any], prefix: str = "") -> Iterator[list[str]]:
    required = schema.get("required", ())
    for key, item in schema["properties"].items():
        default = "required" if key in required else f"`{json.dumps(item['default'])}`" if "default" in item else ""
        yield [f"`{prefix}{key}`", _type(item), default, str(item.get("description", "")).replace("``", "`")]
        if item.get("type") == "object" and "properties" in item:
            yield from _parameters(item, f"{prefix}{key}.")


def _type(schema: Mapping[str, Any]) -> str:
    """A schema's type in a few words."""
    if "oneOf" in schema:
        return " or ".join(_type(item) for item in schema["oneOf"])
    words = schema.get("enum", [schema["const"]] if "const" in schema else [])
    kind = schema.get("type", "any")
    if words:
        *most, last = [f"`{word}`" for word in words]
        text = f"{', '.join(most)} or {last}" if most else last
    elif kind == "array":
        text = f"list of {_type(schema['items'])}"
    elif kind == "object" and isinstance(values := schema.get("additionalProperties"), dict):
        text = f"mapping of {_type(schema.get('propertyNames', {'type': 'string'}))} to {_type(values)}"
    elif kind == "object":
        text = "mapping"
    elif str(schema.get("pattern", "")).startswith("^P("):
        text = "duration"
    else:
        text = f"{kind}{_bounds(schema)}"
    return text


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is None:
        return "" if low is None else f", at least {low}"
    return f", at most {high}" if low is None else f", {low} to {high}"


# -- the policy file -----------------------------------------------------------------------------------------------------


def _policy() -> str:
    schema: Any = policy_schema()
    scope = schema["properties"]["scopes"]["items"]
    words = [
        ["phase", ", ".join(f"`{word}`" for word in Phase)],
        ["mode", ", ".join(f"`{word}`" for word in Mode)],
        ["role", ", ".join(f"`{word}`" for word in Role)],
        ["duration", "ISO 8601 without years and months: `P7D`, `P2W`, `PT30M`, `P1DT12H`"],
        ["time", 'RFC 3339 with its offset, quoted: `"2026-11-21T00:00:00Z"`'],
    ]
    return _fill(
        "policy",
        shipped=", ".join(f"`vxsec:{name}`" for name in SHIPPED),
        root=_members(schema),
        metadata=_members(schema["properties"]["metadata"]),
        requires=_members(schema["properties"]["requires"]),
        scope=_members(scope),
        match=_members(scope["properties"]["match"]),
        words=_table(["word", "values"], words),
        keys=_words(LATER_KEYS),
        kinds=_words(LATER_KINDS),
        later=_words(LATER_RULES - {rule.id for rule in BUILTIN}),
        policies="\n\n".join(
            f"### vxsec:{name}\n\n```yaml\n{load_shipped(name).decode('utf-8').rstrip()}\n```" for name in SHIPPED
        ),
    )


def _members(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    below = {"metadata", "requires", "scopes", "match", "rules"}
    rows = [
        [
            f"`{key}`",
            "see below" if key in below else _type(item),
            "yes" if key in required else "",
            str(item.get("description", "")),
        ]
        for key, item in schema["properties"].items()
    ]
    return _table(["key", "type", "required", "meaning"], rows)


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


# -- errors and schemas --------------------------------------------------------------------------------------------------


def _errors() -> str:
    tree = re.search(r"^::\n\n((?:    .*\n)+)", inspect.cleandoc(errors.__doc__ or ""), re.MULTILINE)
    assert tree is not None  # noqa: S101 - the drawing at the top of errors.py
    steps: Mapping[str, str] = errors._NEXT_STEPS  # noqa: SLF001 - its other reader is next_step
    return _fill(
        "exit-codes-and-errors",
        codes=_table(["code", "meaning"], EXIT_CODES),
        tree=inspect.cleandoc(tree[1]),
        steps=_table(["code or family", "next step"], [[f"`{code}`", step] for code, step in steps.items()]),
    )


def _trust_document() -> str:
    return _fill(
        "trust-document",
        version=TRUST_API_VERSION,
        kind=TRUST_KIND,
        roles=_words(Role),
        kinds=_words(HolderKind),
        reasons=_words(RevocationReason),
        example=(PROSE / "trust-example.yaml").read_text(encoding="utf-8").rstrip(),
    )


def _checks() -> str:
    known = {
        *CHECKS,
        *PROVENANCE_CHECKS,
        *(name for name, _ in NPM_CHECKS),
        *(rule.id for rule in BUILTIN),
        *LATER_RULES,
    }
    codes: dict[str, set[str]] = {}
    for code in _literals() - known - EVIDENCE_FILES:
        codes.setdefault(code.partition(".")[0], set()).add(code)
    return _fill(
        "verification-checks",
        checks=_table(["check", "holds when"], _sentences(checks, CHECKS)),
        provenance=_table(["check", "holds when"], _sentences(provenance, PROVENANCE_CHECKS)),
        npm=_table(["check", "holds when"], [[f"`{name}`", text] for name, text in NPM_CHECKS]),
        codes=_table(
            ["family", "codes"],
            [[f"`{name}`", ", ".join(f"`{code}`" for code in sorted(found))] for name, found in sorted(codes.items())],
        ),
    )


def _sentences(module: ModuleType, names: Sequence[str]) -> Iterator[list[str]]:
    """Each id with what the module's documentation says behind ````id``, ``.other``: sentence``.

    Raises:
        SystemExit: An id has no sentence.
    """
    text = " ".join(inspect.getsource(module).split())
    said: dict[str, str] = {}
    for found in re.finditer(r"((?:``[a-z.-]+``(?:, | and )?)+): (.+?\.)(?= |$)", text):
        listed = re.findall(r"``([a-z.-]+)``", found[1])
        prefix = listed[0].partition(".")[0]
        said |= {f"{prefix}{name}" if name.startswith(".") else name: found[2] for name in listed}
    for name in names:
        if name not in said:
            sys.exit(f"error: no sentence about the check {name}: write one beside its list")
        yield [f"`{name}`", _markdown(said[name]).rstrip(".")]


def _literals() -> set[str]:
    """Every text in the source that is written as a reason code of a family that verification uses."""
    pattern = re.compile(rf"(?:{'|'.join(FAMILIES)})\.[a-z][a-z0-9-]*")
    trees = (ast.parse(path.read_text("utf-8")) for path in Path(errors.__file__).parent.rglob("*.py"))
    constants = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and pattern.fullmatch(value)}


def _schemas() -> str:
    rows = []
    for path in sorted((REFERENCE / "schemas").glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))  # noqa: TID251 - our own files
        members = ", ".join(f"`{name}`" for name in schema.get("properties", {}))
        rows.append([f"[{schema['$id']}](schemas/{path.name})", schema.get("title", ""), members or "one of several"])
    return _fill("schemas", schemas=_table(["schema", "what it is", "members"], rows))


def verifier() -> str:
    """The page about the verifier, with the figures of its trusted base; versions are left out, they are the machine's."""
    table, _, _ = "\n".join(render_trusted_base(measure_trusted_base())).partition("\n\n")
    block = f"```text\n$ vxsec doctor trusted-base\n{table}\n```\n"
    return FIGURES.sub(lambda _: block, VERIFIER.read_text(encoding="utf-8"))


def main() -> None:
    """Write the pages, or with ``--check`` say which are not what the code says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page differs")
    check = parser.parse_args().check
    made = {REFERENCE / name: text for name, text in pages().items()} | {VERIFIER: verifier()}
    stale = [path for path, text in made.items() if _differs(path, text)]
    if check and stale:
        sys.exit(f"error: {', '.join(path.name for path in stale)} differ from the code: run make docs")
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(REFERENCE.parents[1])}\n")


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    main()
