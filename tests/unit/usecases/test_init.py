"""Setting a repository up: what is found there, what is written, and what is refused before anything is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vxsec.errors import UsageError, VxsecError
from vxsec.formats.trust_document import parse_trust_document
from vxsec.usecases.init import InitReport, init

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://registry.example.test/"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NPM_CONFIG_USERCONFIG", raising=False)
    monkeypatch.delenv("npm_config_userconfig", raising=False)
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def manifest(folder: Path, **document: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(document), encoding="utf-8")


def run(base: Path, **more: Any) -> InitReport:
    values: dict[str, Any] = {"registry": URL, "password": lambda _name: b"secret", "now": NOW, **more}
    return init(base, **values)


def trust_of(base: Path) -> Any:
    folder = base / "vxsec"
    return parse_trust_document(
        (folder / "trust.yaml").read_bytes(), source="trust.yaml", load_key=lambda name: (folder / name).read_bytes()
    )


def test_keys_holders_and_registry_load_as_written(base: Path) -> None:
    manifest(base, name="@acme/kernel")
    report = run(base, machine="ci", person="alice")
    trust = trust_of(base)
    assert {(key.id, key.holder.kind.value) for key in trust.keys} == {("ci-2026", "machine"), ("alice-2026", "person")}
    assert [(one.label, one.url, one.scopes, one.evidence) for one in trust.registries] == [
        ("internal", URL, ("@acme",), "@acme/vxsec-evidence")
    ]
    assert {Path(path).name for path in report.written} == {
        "ci.key", "ci.pub", "alice.key", "alice.pub", ".gitignore", "policy.yaml", "trust.yaml", "vxsec-policy-1.schema.json",
    }  # fmt: skip
    assert not any("keys generate" in line for line in report.next_commands)
    assert not any("keys are missing" in line for line in report.not_done)


WORKSPACES: dict[str, tuple[object, set[str], set[str]]] = {
    "a list of patterns": (["packages/*"], {"@acme", "@beta"}, {"plain"}),
    "yarn's form": ({"packages": ["packages/a"]}, {"@acme"}, set()),
    "patterns that leave the repository or exclude": (
        ["../*", "/etc/*", "!packages/a", 7, "packages/b"],
        {"@beta"},
        set(),
    ),
}


@pytest.mark.parametrize(("workspaces", "scopes", "packages"), WORKSPACES.values(), ids=WORKSPACES.keys())
def test_own_names_are_those_of_the_workspaces_that_can_be_published(
    base: Path, workspaces: object, scopes: set[str], packages: set[str]
) -> None:
    manifest(base, name="@root/itself", workspaces=workspaces)
    manifest(base / "packages" / "a", name="@acme/a")
    manifest(base / "packages" / "b", name="@beta/b")
    manifest(base / "packages" / "c", name="plain")
    manifest(base / "packages" / "d", name="@private/d", private=True)
    manifest(base / "packages" / "e", name=".not-a-name")
    manifest(base / "packages" / "f", name=7)
    (base / "packages" / "g").mkdir()
    (base / "packages" / "file").write_text("", encoding="utf-8")
    report = run(base)
    assert (set(report.scopes), set(report.packages)) == (scopes, packages)
    assert trust_of_or_none(base) == "trust.empty"
    several = any("with several scopes" in line for line in report.not_done)
    assert several is (len(scopes) > 1)


def trust_of_or_none(base: Path) -> str | None:
    """A trust document without keys is not usable yet, and says so."""
    try:
        trust_of(base)
    except VxsecError as error:
        return error.code
    return None


def test_names_without_a_scope_are_listed_one_by_one(base: Path) -> None:
    manifest(base, name="kernel")
    report = run(base, machine="ci")
    assert (report.scopes, report.packages) == ((), ("kernel",))
    registry = trust_of(base).registries[0]
    assert registry.packages == ("kernel", "kernel-vxsec-evidence")
    assert registry.evidence == "kernel-vxsec-evidence"


def test_what_is_there_stays(base: Path) -> None:
    manifest(base, name="@acme/kernel")
    (base / "vxsec").mkdir()
    (base / "vxsec" / ".gitignore").write_text("mine\n", encoding="utf-8")
    report = run(base)
    assert (base / "vxsec" / ".gitignore").read_text(encoding="utf-8") == "mine\n"
    assert not any(path.endswith(".gitignore") for path in report.written)


REGISTRIES: dict[str, tuple[str, str]] = {
    "of the scope": ("@acme:registry=https://a.example.test\n", "https://a.example.test/"),
    "of all packages": ("registry=https://all.example.test\n", "https://all.example.test/"),
    "of the scope before that of all": (
        "registry=https://all.example.test\n@acme:registry=https://a.example.test/\n",
        "https://a.example.test/",
    ),
    "not that of another scope": (
        "@acme:registry=https://a.example.test\n@other:registry=https://o.example.test\n",
        "https://a.example.test/",
    ),
}


@pytest.mark.parametrize(("npmrc", "url"), REGISTRIES.values(), ids=REGISTRIES.keys())
def test_the_registry_is_the_one_npmrc_says(base: Path, npmrc: str, url: str) -> None:
    manifest(base, name="@acme/kernel")
    (base / ".npmrc").write_text(npmrc, encoding="utf-8")
    assert run(base, registry=None).registry == url


@pytest.mark.parametrize(
    ("level", "more", "missing"),
    [
        ("minimal", {}, ["vxsec/ci"]),
        ("minimal", {"machine": "bot"}, []),
        ("recommended", {}, ["vxsec/ci", "vxsec/alice"]),
        ("recommended", {"machine": "bot"}, ["vxsec/alice"]),
        ("recommended", {"person": "zoe"}, ["vxsec/ci"]),
    ],
)
def test_the_next_commands_make_the_keys_that_are_missing(
    base: Path, level: str, more: dict[str, Any], missing: list[str]
) -> None:
    manifest(base, name="@acme/kernel")
    report = run(base, level=level, password_option="--password-env PW", **more)
    made = [line for line in report.next_commands if "keys generate" in line]
    assert made == [f"vxsec keys generate {base}/{prefix} --password-env PW" for prefix in missing]
    assert any("vxsec approve" in line for line in report.next_commands) is (level == "recommended")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a registry without TLS": ({"registry": "http://registry.example.test"}, "init.plain-http"),
    "a registry that is no URL": ({"registry": "registry"}, "registry.url"),
    "no registry in .npmrc": ({"registry": None}, "init.no-registry"),
    "a scope without its sign": ({"scopes": ["acme"]}, "init.scope"),
    "a scope with a name": ({"scopes": ["@acme/x"]}, "init.scope"),
    "a scope that YAML would read otherwise": ({"scopes": ['@a", "@b']}, "init.scope"),
    "a key named like a path": ({"machine": "../ci"}, "init.name"),
    "a key named with letters beyond ASCII": ({"person": "zo\u00eb"}, "init.name"),
    "a key without a name": ({"person": ""}, "init.name"),
    "machine and person the same": ({"machine": "ci", "person": "ci"}, "init.name"),
    "keys without a password": ({"machine": "ci", "password": None}, "init.no-password"),
    "a level that nobody ships": ({"level": "strictest"}, "policy.unknown-shipped"),
}


@pytest.mark.parametrize(("more", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_before_anything_is_written(base: Path, more: dict[str, Any], code: str) -> None:
    manifest(base, name="@acme/kernel")
    with pytest.raises(UsageError) as caught:
        run(base, **more)
    assert caught.value.code == code
    assert not (base / "vxsec").exists()


def test_refuses_where_there_is_nothing_to_protect(base: Path) -> None:
    documents: tuple[dict[str, object] | None, ...] = (None, {"name": "x", "private": True}, {"workspaces": []})
    for document in documents:
        if document is not None:
            manifest(base, **document)
        with pytest.raises(UsageError) as caught:
            run(base)
        assert caught.value.code == "init.no-scope"


@pytest.mark.parametrize("name", ["policy.yaml", "trust.yaml"])
def test_refuses_a_repository_that_is_set_up(base: Path, name: str) -> None:
    manifest(base, name="@acme/kernel")
    (base / "vxsec").mkdir()
    (base / "vxsec" / name).write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        run(base)
    assert caught.value.code == "init.exists"
    assert [path.name for path in (base / "vxsec").iterdir()] == [name]


def test_refuses_a_folder_that_is_not_there(base: Path) -> None:
    with pytest.raises(UsageError) as caught:
        run(base / "gone")
    assert caught.value.code == "file.missing"


def test_plain_http_to_this_machine_is_for_trying_out(base: Path) -> None:
    manifest(base, name="@acme/kernel")
    assert run(base, registry="http://127.0.0.1:4873").registry == "http://127.0.0.1:4873/"
