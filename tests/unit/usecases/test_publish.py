"""Publishing, without a registry: the order, and what is believed after something went wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import NetworkError, UndecidedError, UsageError, VerificationError
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact
from vxsec.model.report.publication import PublishState
from vxsec.model.trust import Registry
from vxsec.testing.artifacts import pack
from vxsec.usecases import publish as module
from vxsec.usecases.publish import _dependencies_first, _Plan, _send_all

if TYPE_CHECKING:
    from collections.abc import Callable

INTERNAL = Registry(
    label="internal",
    url="https://registry.example.test/",
    scopes=("@acme",),
    packages=(),
    evidence="@acme/vxsec-evidence",
)


def artifact(name: str, **manifest: object) -> Artifact:
    read = read_artifact(pack({"name": f"@acme/{name}", "version": "1.0.0", **manifest}), filename=f"{name}.tgz")
    assert isinstance(read, Artifact)
    return read


class StandIn:
    """A registry's client as far as sending one package needs it; each answer can be another."""

    def __init__(self, served: Artifact) -> None:
        self.served: Artifact | None = None
        self.will_serve = served
        self.integrity: str | None = served.digests.integrity
        self.data = served.data
        self.put_error: BaseException | None = None
        self.taken = True
        self.sent: list[bytes] = []

    def put_package(self, _name: str, body: bytes) -> None:
        self.sent.append(body)
        if self.taken:
            self.served = self.will_serve
        if self.put_error is not None:
            raise self.put_error

    def fetch_version(self, _name: str, _version: str) -> object:
        return SimpleNamespace(integrity=self.integrity, tarball=None) if self.served is not None else None

    def fetch_packument(self, _name: str) -> object:
        tags = {"latest": "2.0.0"}
        versions = {"1.0.0": SimpleNamespace(integrity=self.integrity)} if self.served is not None else {}
        return SimpleNamespace(tags=tags, versions=versions)

    def fetch_tarball(self, _name: str, _version: str, *, tarball_url: str | None) -> bytes:
        assert tarball_url is None
        return self.data


def plan(one: Artifact, client: StandIn | None = None, **fields: Any) -> _Plan:
    values: dict[str, Any] = {"tag": "latest", "tag_stated": False, "access": None, "bundles": ()}
    stand_in = cast("Any", client or StandIn(one))
    return _Plan(artifact=one, registry=INTERNAL, client=stand_in, **{**values, **fields})


# -- the order -----------------------------------------------------------------------------------------------------------


def order(edges: dict[str, tuple[str, ...]], given_order: str, field: str = "dependencies") -> str:
    plans = [
        plan(artifact(name, **{field: {f"@acme/{to}": "1" for to in edges.get(name, ())}})) for name in given_order
    ]
    return "".join(one.artifact.package.name.removeprefix("@acme/") for one in _dependencies_first(plans))


ORDERS: dict[str, tuple[dict[str, tuple[str, ...]], str, str]] = {
    "nothing depends on anything: as given": ({}, "cab", "cab"),
    "a chain given backwards": ({"a": ("b",), "b": ("c",)}, "abc", "cba"),
    "a diamond": ({"a": ("b", "c"), "b": ("d",), "c": ("d",)}, "abcd", "dbca"),
    "what is not published here does not matter": ({"a": ("x", "b")}, "ab", "ba"),
    "a circle: each once": ({"a": ("b",), "b": ("a",)}, "ab", "ba"),
    "a circle entered elsewhere": ({"a": ("b",), "b": ("c",), "c": ("a",)}, "cab", "bac"),
    "itself": ({"a": ("a",)}, "a", "a"),
    "a circle with something below it": ({"a": ("b",), "b": ("a", "c")}, "abc", "cba"),
}


@pytest.mark.parametrize("field", ["dependencies", "optionalDependencies", "peerDependencies"])
@pytest.mark.parametrize(("edges", "given_order", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_dependencies_go_first(edges: dict[str, tuple[str, ...]], given_order: str, expected: str, field: str) -> None:
    assert order(edges, given_order, field) == expected


def test_development_dependencies_do_not_matter() -> None:
    assert order({"a": ("b",)}, "ab", "devDependencies") == "ab"


@given(st.permutations("abcdef"), st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"))))
def test_every_package_is_placed_once_and_after_what_it_needs_unless_in_a_circle(
    names: list[str], pairs: set[tuple[str, str]]
) -> None:
    edges = {name: tuple(sorted(to for start, to in pairs if start == name)) for name in names}
    placed = order(edges, "".join(names))
    assert sorted(placed) == sorted(names)
    if all(start > to for start, to in pairs):  # no circle
        assert all(placed.index(to) < placed.index(start) for start, to in pairs)


def test_a_chain_of_thousands_is_no_recursion() -> None:
    class Manifest:
        def __init__(self, to: int) -> None:
            self.to = to

        def strings(self, field: str) -> dict[str, str]:
            return {f"p{self.to}": "1"} if field == "dependencies" else {}

    plans = [
        cast(
            "_Plan",
            SimpleNamespace(artifact=SimpleNamespace(package=SimpleNamespace(name=f"p{n}"), manifest=Manifest(n + 1))),
        )
        for n in range(5000)
    ]
    assert _dependencies_first(plans) == plans[::-1]


# -- sending one ---------------------------------------------------------------------------------------------------------


def send(one: _Plan) -> PublishState:
    return one.send(lambda _line: None)


def test_what_was_sent_is_read_back() -> None:
    client = StandIn(artifact("kernel"))
    one = plan(client.will_serve, client)
    assert send(one) is PublishState.PUBLISHED
    assert len(client.sent) == 1
    assert one.outcome(PublishState.PUBLISHED).live


def test_a_live_version_is_read_back_and_not_sent() -> None:
    client = StandIn(artifact("kernel"))
    client.served = client.will_serve
    assert send(plan(client.will_serve, client, live=True)) is PublishState.ALREADY_LIVE
    assert client.sent == []


def _lost_answer(client: StandIn) -> None:
    client.put_error = NetworkError("the connection was closed", code="network.protocol")


def test_an_answer_that_got_lost_is_no_failure_where_the_version_is_there() -> None:
    client = StandIn(artifact("kernel"))
    _lost_answer(client)
    assert send(plan(client.will_serve, client)) is PublishState.PUBLISHED


def _lost_request(client: StandIn) -> None:
    _lost_answer(client)
    client.taken = False


def _refused(client: StandIn) -> None:
    client.put_error, client.taken = UndecidedError("HTTP 403", code="registry.forbidden"), False


def _interrupted(client: StandIn) -> None:
    client.put_error = KeyboardInterrupt()


def _swallowed(client: StandIn) -> None:
    client.taken = False


def _other_bytes(client: StandIn) -> None:
    client.data = b"other"


def _other_integrity(client: StandIn) -> None:
    client.integrity = artifact("other").digests.integrity


def _no_integrity(client: StandIn) -> None:
    client.integrity = None


FAILURES: dict[str, tuple[Callable[[StandIn], None], str, bool, int]] = {
    "the request got lost": (_lost_request, "network.protocol: ", False, 4),
    "the registry refused": (_refused, "registry.forbidden: ", False, 4),
    "accepted, but not to be found": (_swallowed, "publish.read-back: ", True, 4),
    "the registry serves other bytes": (_other_bytes, "publish.read-back-mismatch: ", True, 10),
    "the registry states another integrity": (_other_integrity, "publish.read-back-mismatch: ", True, 10),
    "the registry states no integrity": (_no_integrity, "publish.read-back-mismatch: ", True, 10),
    "Ctrl-C after the request went out": (_interrupted, "interrupted", True, 130),
}


@pytest.mark.parametrize(("change", "detail", "live", "status"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_stops_there_and_says_what_may_be_live(
    change: Callable[[StandIn], None], detail: str, live: bool, status: int
) -> None:
    client = StandIn(artifact("kernel"))
    change(client)
    later = StandIn(artifact("later"))
    packages, failure = _send_all([plan(client.will_serve, client), plan(later.will_serve, later)], lambda _line: None)
    assert [package.state for package in packages] == [PublishState.FAILED, PublishState.NOT_ATTEMPTED]
    assert str(packages[0].detail).startswith(detail)
    assert (packages[0].live, failure) == (live, status)
    assert later.sent == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_what_stops_it_before_anything_was_sent_is_raised(
    monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def stopping(*_arguments: object, **_options: object) -> None:
        raise kind

    monkeypatch.setattr(module, "push_bundles", stopping)
    with pytest.raises(kind):
        _send_all([plan(artifact("kernel"))], lambda _line: None)


def test_a_defect_after_something_went_live_is_told_and_stays_a_defect() -> None:
    client = StandIn(artifact("kernel"))
    client.put_error = RuntimeError("x")
    packages, failure = _send_all([plan(client.will_serve, client)], lambda _line: None)
    assert (packages[0].detail, packages[0].live, failure) == ("internal error: RuntimeError", True, 1)


# -- what is there already -----------------------------------------------------------------------------------------------


def look(client: StandIn, **fields: Any) -> _Plan:
    one = plan(client.will_serve, client, **fields)
    one.inspect_registry()
    return one


def test_a_live_version_with_these_bytes_is_skipped_and_keeps_its_tags() -> None:
    client = StandIn(artifact("kernel"))
    client.served = client.will_serve
    one = look(client, tag="next", tag_stated=True)
    assert (one.live, one.tag) == (True, "none")
    assert "npm dist-tag add @acme/kernel@1.0.0 next" in str(one.note)
    assert look(client).note is None


@pytest.mark.parametrize("change", [_other_integrity, _no_integrity])
def test_refuses_a_version_that_is_live_and_not_certainly_with_these_bytes(change: Callable[[StandIn], None]) -> None:
    client = StandIn(artifact("kernel"))
    client.served = client.will_serve
    change(client)
    with pytest.raises(VerificationError) as caught:
        look(client)
    assert caught.value.code == "publish.version-exists"


def test_refuses_to_move_latest_back_unless_a_tag_is_given() -> None:
    client = StandIn(artifact("kernel"))
    with pytest.raises(UsageError) as caught:
        look(client)
    assert caught.value.code == "publish.tag-required"
    assert look(client, tag="maintenance", tag_stated=True).live is False
