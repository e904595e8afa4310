"""content.size beyond its cases: bounds are bounds of vxsec's own, and the largest file is named."""

from __future__ import annotations

import pytest

from support.policy_cases import make_evidence, make_policy, run_rule
from vxsec.errors import ConfigurationError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import FileEntry
from vxsec.model.evidence import ContentEvidence

RULE = "content.size"


@pytest.mark.parametrize(
    "parameters",
    [
        {"maxPacked": DEFAULT_LIMITS.archive_packed_bytes + 1},
        {"maxUnpacked": DEFAULT_LIMITS.archive_unpacked_bytes + 1},
        {"maxFile": 0},
        {"maxFiles": -1},
        {"maxFiles": DEFAULT_LIMITS.archive_members + 1},
    ],
    ids=str,
)
def test_a_bound_cannot_be_loosened_beyond_what_is_read(parameters: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": parameters})
    assert caught.value.code == "policy.value"


def test_the_largest_file_is_named() -> None:
    inventory = tuple(FileEntry(path=f"{size}.js", mode=0o644, size=size, sha512="") for size in (3, 90, 7))
    content = ContentEvidence(refused=(), files=3, inventory=inventory, packed_size=1, unpacked_size=100)
    result = run_rule(RULE, make_evidence(content=content), parameters={"maxFile": 50})
    assert (result.code, result.found) == ("size.file", "'90.js' with 90 bytes")


def test_without_parameters_a_gigabyte_is_too_much() -> None:
    content = ContentEvidence(refused=(), files=3, packed_size=1, unpacked_size=2**30)
    assert run_rule(RULE, make_evidence(content=content)).code == "size.unpacked"
