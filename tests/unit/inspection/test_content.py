"""Content evidence: what npm would run, what changes its digest, and which ranges cannot be installed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from support.tar_factory import file, manifest, symlink, tgz
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.content import derive_content

if TYPE_CHECKING:
    from vxsec.model.evidence import ContentEvidence


def _content(files: dict[str, str] | None = None, **fields: object) -> ContentEvidence:
    document = {"name": "@vextrus/kernel", "version": "1.0.0", **fields}
    pieces = [file(f"package/{path}", body.encode()) for path, body in (files or {}).items()]
    return derive_content(read_artifact(tgz(manifest(json.dumps(document).encode()), *pieces), filename="k.tgz"))


SCRIPTS: list[tuple[str, dict[str, str], dict[str, object], list[tuple[str, str, bool]]]] = [
    ("no scripts at all", {}, {}, []),
    ("scripts npm does not run on install", {}, {"scripts": {"test": "x", "prepare": "x", "prepublishOnly": "x"}}, []),
    ("an empty command", {}, {"scripts": {"install": ""}}, []),
    ("a command that is no string", {}, {"scripts": {"install": ["x"]}}, []),
    ("scripts that are no mapping", {}, {"scripts": "x"}, []),
    ("all three, in npm's order", {}, {"scripts": {"postinstall": "c", "install": "b", "preinstall": "a"}},
     [("preinstall", "a", False), ("install", "b", False), ("postinstall", "c", False)]),
    ("binding.gyp", {"binding.gyp": "{}"}, {}, [("install", "node-gyp rebuild", True)]),
    ("binding.gyp in other letters", {"Binding.gyp": "{}"}, {}, [("install", "node-gyp rebuild", True)]),
    ("binding.gyp and postinstall", {"binding.gyp": "{}"}, {"scripts": {"postinstall": "c"}},
     [("install", "node-gyp rebuild", True), ("postinstall", "c", False)]),
    ("binding.gyp and an empty install", {"binding.gyp": "{}"}, {"scripts": {"install": ""}},
     [("install", "node-gyp rebuild", True)]),
    ("binding.gyp and preinstall", {"binding.gyp": "{}"}, {"scripts": {"preinstall": "a"}}, [("preinstall", "a", False)]),
    ("binding.gyp and install", {"binding.gyp": "{}"}, {"scripts": {"install": "b"}}, [("install", "b", False)]),
    ("binding.gyp and gypfile false", {"binding.gyp": "{}"}, {"gypfile": False}, []),
    ("binding.gyp and gypfile zero", {"binding.gyp": "{}"}, {"gypfile": 0}, [("install", "node-gyp rebuild", True)]),
    ("binding.gyp one level down", {"deps/binding.gyp": "{}"}, {"gypfile": True}, []),
    ("another .gyp file", {"addon.gyp": "{}"}, {}, []),
]  # fmt: skip


@pytest.mark.parametrize(("files", "fields", "expected"), [row[1:] for row in SCRIPTS], ids=[row[0] for row in SCRIPTS])
def test_install_scripts(
    files: dict[str, str], fields: dict[str, object], expected: list[tuple[str, str, bool]]
) -> None:
    content = _content(files, **fields)
    assert [(script.event, script.command, script.implicit) for script in content.install_scripts] == expected
    assert (content.install_digest is None) == (not expected)


NAMED = [
    ("as written", "node scripts/run.js", "scripts/run.js"),
    ("with a leading ./", "node ./scripts/run.js", "scripts/run.js"),
    ("with a way round", "node lib/../scripts/./run.js", "scripts/run.js"),
    ("in double quotes", 'node "scripts/run.js"', "scripts/run.js"),
    ("in single quotes", "node -r './scripts/run.js' x", "scripts/run.js"),
    ("with Windows separators", "node .\\scripts\\run.js", "scripts/run.js"),
    ("without .js", "node scripts/run", "scripts/run.js"),
    ("a folder with an index", "node scripts", "scripts/index.js"),
    ("before a semicolon", "node run.js;true", "run.js"),
    ("after an equals sign", "node --require=./run.cjs", "run.cjs"),
    ("a shell script", "sh ./run.sh || exit 0", "run.sh"),
    ("a name with an ampersand", "sh 'a&b.sh'", "a&b.sh"),
]


@pytest.mark.parametrize(("command", "path"), [row[1:] for row in NAMED], ids=[row[0] for row in NAMED])
def test_the_digest_covers_a_file_the_script_names(command: str, path: str) -> None:
    scripts = {"postinstall": command}
    before = _content({path: "1"}, scripts=scripts).install_digest
    assert before != _content({path: "2"}, scripts=scripts).install_digest
    assert before == _content({path: "1", "other.js": "1"}, scripts=scripts).install_digest
    assert before != _content({}, scripts=scripts).install_digest


def test_the_digest_covers_binding_gyp() -> None:
    assert _content({"binding.gyp": "1"}).install_digest != _content({"binding.gyp": "2"}).install_digest


def test_the_digest_covers_the_command_and_the_event() -> None:
    digests = {
        _content(scripts=scripts).install_digest
        for scripts in ({"install": "a"}, {"install": "b"}, {"preinstall": "a"}, {"install": "a", "postinstall": "a"})
    }
    assert len(digests) == 4


def test_the_digest_covers_scripts_that_a_script_runs() -> None:
    def digest(build: str, more: str = "x", file_text: str = "1") -> str | None:
        scripts = {"install": "npm run build", "build": build, "postbuild": more, "unrelated": build}
        return _content({"b.js": file_text}, scripts=scripts).install_digest

    assert digest("node a.js") != digest("node b.js")
    assert digest("node b.js") != digest("node b.js", file_text="2")
    assert digest("node a.js", "x") != digest("node a.js", "y")
    assert digest("npm run build") is not None  # a script that names itself ends


def test_the_digest_does_not_depend_on_what_is_not_run() -> None:
    scripts = {"install": "node a.js"}
    plain = _content({"a.js": "1"}, scripts=scripts)
    other = _content({"b.js": "9", "a.js": "1"}, scripts={**scripts, "test": "mocha"}, description="x")
    assert plain.install_digest == other.install_digest


def test_the_digest_stays_what_it_was() -> None:
    """An approval holds this value, so that the encoding must not change by accident."""
    digest = _content({"a.js": "1"}, scripts={"install": "node a.js"}).install_digest
    canonical = (
        '{"domain":"vxsec/install-scripts/v1","scripts":[["install","node a.js",false]],"named":[],'
        f'"files":[["a.js","{hashlib.sha512(b"1").hexdigest()}"]]}}'
    )
    assert digest == hashlib.sha256(canonical.encode()).hexdigest()


RANGES = [
    ("workspace:^", True),
    ("workspace:*", True),
    ("catalog:", True),
    ("catalog:react", True),
    ("link:../a", True),
    ("portal:../a", True),
    ("file:../a.tgz", True),
    ("FILE:../a.tgz", True),
    (" workspace:*", True),
    ("../a", True),
    ("./a.tgz", True),
    ("/srv/a", True),
    ("~/a", True),
    ("^1.0.0", False),
    ("~1.0.0", False),
    ("*", False),
    ("", False),
    ("npm:other@1", False),
    ("git+https://git.example.test/a.git", False),
    ("https://registry.example.test/a.tgz", False),
]


@pytest.mark.parametrize(("text", "found"), RANGES)
@pytest.mark.parametrize("field", ["dependencies", "optionalDependencies", "peerDependencies"])
def test_ranges_that_cannot_be_installed(field: str, text: str, found: bool) -> None:
    content = _content(None, **{field: {"a": text, "b": 1}})
    expected = [(field, "a", text)] if found else []
    assert [(entry.field, entry.name, entry.range) for entry in content.uninstallable] == expected


def test_development_ranges_are_nobodys_business() -> None:
    assert _content(devDependencies={"a": "workspace:*"}).uninstallable == ()


def test_a_refused_artifact_has_reasons_and_nothing_else() -> None:
    data = tgz(manifest(b'{"name":"a","version":"1.0.0","scripts":{"install":"x"}}'), symlink("package/l", b"a"))
    content = derive_content(read_artifact(data, filename="k.tgz"))
    assert [reason.code for reason in content.refused] == ["archive.link"]
    assert (content.install_scripts, content.files, content.packed_size) == ((), 0, len(data))


def test_sizes_and_findings_are_carried_over() -> None:
    data = tgz(manifest(), file("package/a", b"12", mode=0o666))
    content = derive_content(read_artifact(data, filename="k.tgz"))
    assert (content.files, content.packed_size, content.unpacked_size) == (2, len(data), 46)
    assert [finding.code for finding in content.findings] == ["archive.world-writable"]
    assert content.refused == ()
