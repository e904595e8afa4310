"""Whatever vxsec accepts, npm's node-tar and Python's tarfile see as exactly the same files and bytes.

``TARBALL_CASES`` raises the number of mutated archives, ``TARBALL_SEED`` gives other ones.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from support.tar_factory import MANIFEST, file, gzip_member, manifest, pax, tgz
from support.tar_mutations import SEEDS, mutate
from support.tar_readers import differences, installed_as, running_node_tar
from vxsec.errors import TarballError
from vxsec.formats.tarball import read_tarball

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.node_tools import NodeTools
    from support.tar_readers import NodeTar
    from vxsec.formats.tarball import Tarball

pytestmark = pytest.mark.node

CASES = int(os.environ.get("TARBALL_CASES", "4000"))
SEED = os.environ.get("TARBALL_SEED", "1")
INSTALLED = 40


@pytest.fixture(scope="module")
def node_tar(node_tools: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeTar]:
    with running_node_tar(node_tools, tmp_path_factory.mktemp("node-tar")) as running:
        yield running


@pytest.mark.parametrize("raw", SEEDS)
def test_every_seed_is_accepted_and_seen_alike(raw: bytes, node_tar: NodeTar) -> None:
    data = gzip_member(raw)
    tarball = read_tarball(data)
    assert differences(tarball, data, node_tar) == []
    assert differences(tarball, data, node_tar, chunk=1000) == []


def test_the_comparison_notices_a_difference(node_tar: NodeTar) -> None:
    tarball = read_tarball(tgz(manifest()))
    seen = differences(tarball, tgz(manifest(), file("package/a")), node_tar)
    assert [text.partition(" ")[0] for text in seen] == ["tarfile", "node-tar", "npm"]


def test_mutated_archives_are_seen_alike_or_refused(node_tar: NodeTar) -> None:
    accepted = 0
    for case, data, tarball in _accepted(CASES):
        accepted += 1
        assert differences(tarball, data, node_tar) == [], f"case {case} of seed {SEED}: {data.hex()}"
    assert accepted > CASES // 10  # else the mutations are too wild to say anything


def test_node_tar_misreads_a_name_that_its_own_pieces_cut_in_two(node_tar: NodeTar) -> None:
    """Why such a name is refused: at every 16 KiB of the unpacked archive, whatever the network does."""
    overrides = (pax(comment="c" * length, path="package/é.js") for length in range(512))
    override = next(override for override in overrides if override[1024:1025] == b"\xa9")  # the second byte of é
    data = tgz(file("package/fill", bytes(16384 - 3 * 512)), override, file("PaxHeader"))
    with pytest.raises(TarballError) as caught:
        read_tarball(data)
    assert caught.value.code == "archive.override"
    listed = node_tar.read(data)["listed"]
    assert isinstance(listed, list)
    assert [entry[1] for entry in listed] == ["package/fill", "PaxHeader"]


def test_npm_installs_exactly_the_inventory(node_tools: NodeTools, tmp_path: Path) -> None:
    inventories: dict[str, Tarball] = {}
    for _, data, tarball in _accepted(CASES):
        if hashlib.sha512(MANIFEST).hexdigest() not in {
            file.sha512 for file in tarball.files if file.path == "package.json"
        }:
            continue
        name = f"@vextrus/ker{len(inventories):03}"
        renamed = gzip.compress(gzip.decompress(data).replace(b"@vextrus/kernel", name.encode()), mtime=0)
        (tmp_path / f"{name[9:]}.tgz").write_bytes(renamed)
        inventories[name] = read_tarball(renamed)
        if len(inventories) == INSTALLED:
            break
    wanted = {name: f"file:{name[9:]}.tgz" for name in inventories}
    (tmp_path / "package.json").write_text(json.dumps({"name": "top", "dependencies": wanted}), encoding="utf-8")
    environment = node_tools.environment(tmp_path / "home")
    done = node_tools.run_npm("install", "--ignore-scripts", "--offline", cwd=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    assert len(inventories) == INSTALLED
    for name, tarball in inventories.items():
        assert _tree(tmp_path / "node_modules" / name) == {
            installed_as(file.path): file.sha512 for file in tarball.files
        }


def _accepted(cases: int) -> Iterator[tuple[int, bytes, Tarball]]:
    for case in range(cases):
        data = mutate(Random(f"{SEED}/{case}"))  # noqa: S311 - repeatable damage, no secret
        try:
            yield case, data, read_tarball(data)
        except TarballError:
            continue


def _tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha512(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
