"""The same answers as the ``semver`` package inside npm, on thousands of generated versions and ranges."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from support.npm_reader import node_binary, npm_module
from vxsec.errors import FormatError
from vxsec.versions.npm import NpmVersion, is_version
from vxsec.versions.npm_range import is_range, satisfies

SHARED = Path(__file__).parents[3] / "shared" / "vectors" / "versions" / "semver-versions.txt"
ORACLE = """
const semver = require(process.argv[1]);
const ask = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const order = (a, b) => semver.valid(a) && semver.valid(b) ? semver.compare(a, b) : null;
process.stdout.write(JSON.stringify({
  valid: ask.versions.map((v) => semver.valid(v) !== null),
  order: ask.pairs.map(([a, b]) => order(a, b)),
  range: ask.questions.map(([, r]) => semver.validRange(r) !== null),
  satisfies: ask.questions.map(([v, r]) => semver.satisfies(v, r)),
  audited: ask.questions.map(([v, r]) => semver.satisfies(v, r, { includePrerelease: true })),
}));
"""


def _versions(rng: random.Random, count: int) -> list[str]:
    words = ["0", "1", "2", "10", "01", "a", "b", "alpha", "beta-1", "x", "-", "1a", "rc", "007"]
    found = []
    for _ in range(count):
        parts = [str(rng.choice([0, 0, 1, 1, 2, 3, 10, 11])) for _ in range(rng.choice([3, 3, 3, 3, 3, 3, 2, 4]))]
        text = ".".join(parts)
        if rng.random() < 0.5:
            text += "-" + ".".join(rng.choices(words, k=rng.randint(1, 3)))
        if rng.random() < 0.2:
            text += "+" + ".".join(rng.choices(words, k=rng.randint(1, 2)))
        if rng.random() < 0.03:
            text = rng.choice(["0", "-", "+", ".", "9007199254740991", "9007199254740992"]) + text
        found.append(text)
    return found


def _ranges(rng: random.Random, versions: list[str], count: int) -> list[str]:
    operators = ["", "", "^", "~", "~>", ">", ">=", "<", "<=", "=", "v", "==", "^ ", "~ ", "> ", ">= ", "!", "<>"]
    partials = [
        "*",
        "x",
        "X",
        "1",
        "0",
        "1.x",
        "1.2",
        "0.1",
        "1.*",
        "0.0",
        "1.2.x",
        "0.0.x",
        "x.1",
        "1.x.2",
        "",
        "1.2.3*",
    ]

    def word() -> str:
        body = rng.choice(versions) if rng.random() < 0.6 else rng.choice(partials)
        return rng.choice(operators) + body

    def alternative() -> str:
        if rng.random() < 0.2:
            return f"{word()} - {word()}" if rng.random() < 0.4 else f"{rng.choice(versions)} - {rng.choice(partials)}"
        return rng.choice([" ", " ", "  ", ",", "\t"]).join(word() for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))

    found = []
    for _ in range(count):
        text = rng.choice(["||", " || ", "|| "]).join(alternative() for _ in range(rng.choice([1, 1, 1, 2, 3])))
        if rng.random() < 0.05:
            position = rng.randrange(len(text) + 1)
            text = text[:position] + rng.choice("^~<>=*x. -|v+0") + text[position:]
        found.append(text)
    return [text for text in found if len(text) <= 256]


@pytest.mark.node
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_versions_and_ranges_mean_what_npm_says(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same questions on every run
    versions = _versions(rng, 2000)
    good = [text for text in versions if is_version(text)]
    pairs = [(rng.choice(good), rng.choice(good)) for _ in range(3000)]
    questions = [(rng.choice(good), text) for text in _ranges(rng, good, 4000)]
    # Near misses: versions close to the ones the range names.
    questions += [(text.partition(" ")[0].lstrip("^~<>=v"), text) for _, text in questions[:1500]]
    questions = [(version, text) for version, text in questions if is_version(version)]

    asked = json.dumps({"versions": versions, "pairs": pairs, "questions": questions})
    done = subprocess.run(
        [node_binary(), "-e", ORACLE, npm_module("semver")], input=asked, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)

    assert [is_version(text) for text in versions] == said["valid"]
    assert [_compare(a, b) for a, b in pairs] == said["order"]
    wrong = [text for (_, text), expected in zip(questions, said["range"], strict=True) if is_range(text) != expected]
    assert wrong == []
    for member, include_prerelease in (("satisfies", False), ("audited", True)):
        wrong_answers = [
            (version, text, expected)
            for (version, text), expected in zip(questions, said[member], strict=True)
            if _satisfies(version, text, include_prerelease=include_prerelease) != expected
        ]
        assert wrong_answers == []
    assert said["satisfies"] != said["audited"]
    assert sum(said["satisfies"]) > 300
    assert sum(said["range"]) > 1500
    assert not all(said["range"])


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent")
def test_the_shared_ordering_vectors_hold() -> None:
    judged = refused = 0
    for line in SHARED.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("//"):
            continue
        left, sign, right = (word.removeprefix("v") for word in line.split())  # the v is not part of the version
        if not (is_version(left) and is_version(right)):
            refused += 1  # components beyond 2**53 and five components, which npm does not read either
            continue
        assert _compare(left, right) == {"<": -1, "=": 0, ">": 1}[sign], line
        judged += 1
    assert judged > 70
    assert refused <= 5


def _compare(left: str, right: str) -> int:
    a, b = NpmVersion.parse(left), NpmVersion.parse(right)
    return (a > b) - (a < b)


def _satisfies(version: str, range_: str, *, include_prerelease: bool) -> bool:
    try:
        return satisfies(version, range_, include_prerelease=include_prerelease)
    except FormatError:
        return False
