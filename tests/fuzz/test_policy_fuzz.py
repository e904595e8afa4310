"""Whatever a policy file holds: it is a policy, or an error of ours that names the file. Never anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.policy_cases import NOW, evidence_from, load_cases, make_trust
from vxsec.errors import ConfigurationError
from vxsec.formats.strict_json import dump_json
from vxsec.formats.strict_yaml import read_document
from vxsec.model.decision import Phase, Verdict
from vxsec.policy.document import parse_policy
from vxsec.policy.engine import evaluate
from vxsec.policy.shipped import SHIPPED, load_shipped

if TYPE_CHECKING:
    import random

SEEDS = [load_shipped(name) for name in SHIPPED]
TREES = [read_document(data, filename="p.yaml").plain() for data in SEEDS]
WORDS = [
    "",
    "*",
    "no",
    "yes",
    "warn",
    "audit",
    "install",
    "with",
    "use",
    "id",
    "archive.safe",
    "expr",
    "\u202e",
    "x" * 300,
    "P7D",
    "other",
]
VALUES: st.SearchStrategy[Any] = (
    st.sampled_from(WORDS)
    | st.integers()
    | st.booleans()
    | st.none()
    | st.just([])
    | st.just({})
    | st.floats(allow_nan=False, allow_infinity=False)
)
EVIDENCE = [evidence_from(item) for case in load_cases() for item in case.table["evidence"]]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a tree."""
    children = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in children] + [place for _, child in children for place in _places(child)]


def _loads(data: bytes, name: str) -> None:
    """Loads it if it loads; then the engine must answer on any evidence, and close unless something enforced passed."""
    try:
        policy = parse_policy(data, source=name)
    except ConfigurationError as error:
        assert error.code.startswith(("document.", "policy."))  # noqa: PT017 - either way is fine, a third is not
        assert name in str(error) or "problems" in str(error)  # noqa: PT017 - likewise
        return
    assert policy.scopes
    for phase in Phase:
        decision = evaluate(policy, make_trust(), EVIDENCE[:20], phase=phase, now=NOW)
        for subject in decision.subjects:
            verdicts = {result.verdict for result in subject.results}
            assert Verdict.PASS in verdicts or verdicts & {Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_tree_with_pieces_changed(data: st.DataObject) -> None:
    tree = read_document(data.draw(st.sampled_from(SEEDS)), filename="p.yaml").plain()
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(tree)
        if not places:
            break
        container, key = data.draw(st.sampled_from(range(len(places))).map(places.__getitem__))
        match data.draw(st.sampled_from(["replace", "remove", "add", "copy"])):
            case "replace":
                container[key] = data.draw(VALUES)
            case "remove":
                del container[key]
            case "add" if isinstance(container, dict):
                container[data.draw(st.sampled_from(WORDS))] = data.draw(VALUES)
            case _:
                if isinstance(container, list):
                    container.append(container[key])
    _loads(dump_json(tree), "p.json")


@settings(max_examples=200, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    cuts=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 20), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_bytes_with_pieces_changed(seed: bytes, cuts: list[tuple[int, int, bytes]]) -> None:
    for start, length, piece in cuts:
        seed = seed[:start] + piece + seed[start + length :]
    _loads(seed, "p.yaml")


@settings(max_examples=100, deadline=None)
@given(seed=st.sampled_from(SEEDS), chance=st.randoms(use_true_random=False))
def test_lines_shuffled_doubled_and_dropped(seed: bytes, chance: random.Random) -> None:
    lines = [line for line in seed.splitlines(keepends=True) if not line.startswith(b"#")]
    chosen = chance.choices(range(len(lines)), k=4)
    for index in chosen:
        lines[index % len(lines)], lines[-1] = lines[-1], lines[index % len(lines)]
        if chance.random() < 0.5:
            lines.insert(index, lines[index % len(lines)])
        elif chance.random() < 0.5 and len(lines) > 1:
            del lines[index % len(lines)]
    _loads(b"".join(lines), "p.yaml")
