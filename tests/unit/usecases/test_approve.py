"""Approving without a registry: what is shown, what is asked, and what is not signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from vxsec.errors import TarballError, UsageError, VxsecError
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from vxsec.model.report.signing import Approval

REGISTRY = "https://registry.example.test/"
TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
keys:
  - {{id: a, file: "{keys}/alice.pub", roles: [human], {window}, holder: alice}}
  - {{id: c, file: "{keys}/ci.pub", roles: [machine], {window}, holder: ci}}
holders: [{{id: alice, kind: person}}, {{id: ci, kind: machine}}]
registries:
  internal: {{url: "https://registry.example.test/", scopes: ["@acme"]}}
  staging: {{url: "https://staging.example.test/", scopes: ["@beta"]}}
"""


@pytest.fixture
def folder(tmp_path: Path, keys: Path) -> Path:
    window = 'from: "2026-01-01T00:00:00Z", until: "2100-01-01T00:00:00Z"'
    (tmp_path / "trust.yaml").write_text(TRUST.format(keys=keys, window=window), encoding="utf-8")
    for name in ("@acme/kernel", "@acme/base", "@beta/x", "left-pad"):
        data = pack({"name": name, "version": "1.0.0"}, {"index.js": name.encode()})
        (tmp_path / f"{name.rpartition('/')[2]}.tgz").write_bytes(data)
    (tmp_path / "bad.tgz").write_bytes(b"no gzip")
    return tmp_path


def approve(folder: Path, keys: Path, *names: str, trusted: bool = True, **more: Any) -> Approval:
    values: dict[str, Any] = {"trust": folder / "trust.yaml" if trusted else None, "offline": True, **more}
    files = [folder / f"{name}.tgz" for name in names]
    return vxsec.approve(files, signer=f"file:{keys}/alice.pem", project_dir=folder, **values)


def sidecars(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.sigstore.jsonl"))


def test_one_approval_over_all_files_lies_beside_each(folder: Path, keys: Path) -> None:
    made = approve(folder, keys, "kernel", "base")
    assert sidecars(folder) == ["base.tgz.sigstore.jsonl", "kernel.tgz.sigstore.jsonl"]
    assert len({Path(one.bundle).read_bytes() for one in made.files}) == 1
    assert [one.subject for one in made.files] == ["pkg:npm/%40acme/kernel@1.0.0", "pkg:npm/%40acme/base@1.0.0"]
    assert made.pushed == ()


def test_a_bundle_of_ones_own_is_written_once(folder: Path, keys: Path) -> None:
    made = approve(folder, keys, "kernel", "base", bundle=folder / "approval.json")
    assert {one.bundle for one in made.files} == {str(folder / "approval.json")}
    assert sidecars(folder) == []


@pytest.mark.parametrize(
    ("trusted", "more", "note"),
    [
        (True, {}, "--offline"),
        (False, {"registry": REGISTRY}, "no trust document"),
        (True, {"registry": REGISTRY}, "--offline"),
    ],
    ids=["offline", "no trust document", "a URL beside the trust document"],
)
def test_without_a_previous_version_the_full_inventory_is_shown(
    folder: Path, keys: Path, trusted: bool, more: dict[str, Any], note: str
) -> None:
    difference = approve(folder, keys, "kernel", trusted=trusted, **more).differences[0]
    assert difference.previous is None
    assert difference.added == ("index.js", "package.json")
    assert note in str(difference.note)
    assert "full inventory" in str(difference.note)


def test_the_reviewer_sees_the_difference_before_anything_is_signed(folder: Path, keys: Path) -> None:
    seen: list[int] = []

    def review(differences: Any) -> bool:
        seen.append(len(differences))
        assert sidecars(folder) == []
        return False

    with pytest.raises(UsageError) as caught:
        approve(folder, keys, "kernel", "base", review=review)
    assert caught.value.code == "approve.declined"
    assert seen == [2]
    assert sidecars(folder) == []


def test_an_approval_is_bound_to_a_policy_and_its_version(folder: Path, keys: Path) -> None:
    made = approve(folder, keys, "kernel", policy="vxsec:recommended")
    assert b"vxsec-recommended" not in Path(made.files[0].bundle).read_bytes()  # inside the payload, which is base64
    report = vxsec.verify([folder / "kernel.tgz"], trust=folder / "trust.yaml", predicate_type="urn:vxsec:approval:v1")
    assert report.exit_status == 0


REFUSED: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "no files": ((), {}, "usage.no-files"),
    "files of two registries": (("kernel", "x"), {}, "approve.registries"),
    "a name that no registry lists": (("left-pad",), {}, "registry.missing"),
    "a push without a trust document": (("kernel",), {"trusted": False, "push": True}, "approve.push"),
    "a policy without a trust document": (
        ("kernel",),
        {"trusted": False, "registry": REGISTRY, "policy": "vxsec:minimal"},
        "approve.policy",
    ),
    "a policy nobody ships": (("kernel",), {"policy": "vxsec:none"}, "policy.unknown-shipped"),
    "a push of a name that no registry lists": (
        ("left-pad",),
        {"registry": REGISTRY, "push": True, "offline": False},
        "approve.push",
    ),
    "a push without a connection": (("kernel",), {"push": True}, "usage.options"),
    "no registry at all": (("kernel",), {"trusted": False}, "registry.missing"),
}


@pytest.mark.parametrize(("names", "more", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_and_signs_nothing(
    folder: Path, keys: Path, names: tuple[str, ...], more: dict[str, Any], code: str
) -> None:
    with pytest.raises(VxsecError) as caught:
        approve(folder, keys, *names, **more)
    assert (caught.value.code, caught.value.exit_status) == (code, 2)
    assert sidecars(folder) == []


def test_refuses_bytes_that_are_no_package_and_signs_none_of_the_others(folder: Path, keys: Path) -> None:
    with pytest.raises(TarballError):
        approve(folder, keys, "kernel", "bad")
    assert sidecars(folder) == []
