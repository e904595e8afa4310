"""The fuzzing targets are right, and a few thousand guided runs of each find nothing but refusals."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vxsec.errors import FormatError, VerificationError

PROGRAM = Path(__file__).with_name("atheris_targets.py")
RUNS = 3_000
NEEDS = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="the distribution atheris is not installed"
)
AVAILABLE = sys.version_info < (3, 14) and sys.platform == "linux"  # what atheris publishes

# The program is no package: it is run by its path, here as there.
_spec = importlib.util.spec_from_file_location("atheris_targets", PROGRAM)
assert _spec is not None
assert _spec.loader is not None
targets = importlib.util.module_from_spec(_spec)
sys.modules["atheris_targets"] = targets
_spec.loader.exec_module(targets)

every_target = pytest.mark.parametrize("name", targets.TARGETS)
edits = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 40), st.binary(max_size=4))


@every_target
def test_every_seed_is_taken_or_refused(name: str) -> None:
    target = targets.TARGETS[name]
    door = targets.refusing(target.open())
    seeds = target.seeds()
    assert seeds
    for seed in seeds:
        door(seed)


@every_target
def test_some_seed_is_taken_so_that_fuzzing_starts_deep_inside(name: str) -> None:
    target = targets.TARGETS[name]
    door, taken = target.open(), 0
    for seed in target.seeds():
        try:
            door(seed)
        except (FormatError, VerificationError):
            continue
        taken += 1
    assert taken


@every_target
def test_edited_seeds_are_taken_or_refused(name: str) -> None:
    target = targets.TARGETS[name]
    door, seeds = targets.refusing(target.open()), target.seeds()

    @settings(max_examples=100)
    @given(st.sampled_from(seeds), edits)
    def edited(seed: bytes, edit: tuple[float, int, bytes]) -> None:
        at = int(edit[0] * len(seed))
        door(seed[:at] + edit[2] + seed[at + edit[1] :])

    edited()


def test_anything_but_a_refusal_escapes() -> None:
    def broken(_: bytes) -> None:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        targets.refusing(broken)(b"")

    def vague(_: bytes) -> None:
        raise FormatError("no reason", code="vague")

    with pytest.raises(AssertionError, match="without a reason"):
        targets.refusing(vague)(b"")


@pytest.mark.parametrize("argv", [[], ["no-such-target"]])
def test_an_unknown_target_is_told_the_known_ones(argv: list[str]) -> None:
    done = subprocess.run([sys.executable, str(PROGRAM), *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(name in done.stderr for name in targets.TARGETS)


if AVAILABLE:

    @NEEDS
    @every_target
    def test_guided_runs_find_only_refusals(name: str, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, str(PROGRAM), name, f"-runs={RUNS}", "-seed=1", f"-artifact_prefix={tmp_path}/"],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        assert f"Done {RUNS} runs" in done.stderr
