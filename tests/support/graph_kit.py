"""Dependency graphs for tests: made by hand, and by hypothesis with everything a hostile lockfile can say."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support.lockfile_kit import sri
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.digest import digest_bytes
from vxsec.model.package import PackageRef

__all__ = ["APP", "DIGESTS", "dependency", "graph_of", "graphs"]

APP = PackageRef(name="@scope/app", version="1.0.0")
DIGESTS = digest_bytes(b"the tarball")

_NAMES = ["a", "b", "c", "@scope/d", "@scope/app", "x__proto__", "constructor"]
_VERSIONS = ["1.0.0", "1.0.0-rc.1+build.5", "not a version", "1.0.0#2", "<b>", '"', "/home/me", "1" * 300]
_LICENSES = [
    None,
    "",
    "MIT",
    "(MIT OR Apache-2.0)",
    "Apache-2.0 WITH LLVM-exception",
    "SEE LICENSE IN X",
    "mit",
    "]-->",
    "x\ny",
]
_INTEGRITY = [
    None,
    sri(b"one"),
    sri(b"two"),
    sri(b"one", "sha1"),
    sri(b"one", "sha384"),
    f"{sri(b'one')} {sri(b'one', 'sha256')}",
    f"{sri(b'one')} {sri(b'two')}",
    "nonsense",
]


def dependency(label: str, *needs: str, **fields: Any) -> Dependency:
    """A dependency from a registry whose key is its label."""
    name, _, version = label[1:].partition("@")
    package = PackageRef(name=label[0] + name, version=version) if version else None
    return Dependency(**{"key": label, "package": package, "label": label, "source": DependencySource.REGISTRY, "needs": needs, **fields})  # fmt: skip


def graph_of(*dependencies: Dependency, root_needs: tuple[str, ...] = (), **fields: Any) -> DependencyGraph:
    """A graph of :data:`APP`."""
    return DependencyGraph(root=APP, root_needs=root_needs, dependencies=dependencies, **fields)


@st.composite
def graphs(draw: st.DrawFn) -> DependencyGraph:
    """Any graph: equal labels, circles, every source, odd licences and integrity."""
    keys = [f"k{number}" for number in range(draw(st.integers(0, 6)))]
    some = (
        st.lists(st.sampled_from(keys), unique=True, max_size=4).map(lambda found: tuple(sorted(found)))
        if keys
        else st.just(())
    )
    dependencies = []
    for key in keys:
        name, version = draw(st.sampled_from(_NAMES)), draw(st.none() | st.sampled_from(_VERSIONS))
        source = draw(st.sampled_from(DependencySource)) if version is not None else DependencySource.RANGE
        label = f"{name}@{version}" if version is not None else f"{name}@{draw(st.sampled_from(['^1', '*', 'git:…']))}"
        dependencies.append(
            Dependency(
                key=key,
                package=PackageRef(name=name, version=version) if version is not None else None,
                label=label,
                source=source,
                integrity=draw(st.sampled_from(_INTEGRITY)),
                license=draw(st.sampled_from(_LICENSES) | st.text(max_size=12)),
                optional=draw(st.booleans()),
                dev=draw(st.booleans()),
                paths=("/home/me/never",),
                needs=draw(some),
            )
        )
    return DependencyGraph(
        root=APP,
        root_needs=draw(some),
        dependencies=tuple(dependencies),
        unresolved=draw(st.sampled_from([(), ("gone@^1",)])),
        source="/home/me/package-lock.json",
    )
