"""content.files beyond its cases: which names the defaults deny, and which patterns a policy may write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.policy_cases import make_evidence, make_policy, run_rule
from vxsec.errors import ConfigurationError
from vxsec.model.artifact import FileEntry
from vxsec.model.evidence import ContentEvidence

RULE = "content.files"


def _content(*paths: str, **manifest: object) -> ContentEvidence:
    inventory = tuple(FileEntry(path=path, mode=0o644, size=1, sha512="") for path in paths)
    return ContentEvidence(refused=(), files=len(paths), inventory=inventory, manifest=manifest or None)


@pytest.mark.parametrize(
    "path",
    [
        ".env", ".env.local", "a/.ENV", ".npmrc", "x/y/.Npmrc", ".pypirc", ".netrc", "a.pem", "A.KEY", "certs/a.p12", "a.pfx",
        "id_rsa", "keys/id_rsa.pub", "id_ed25519", ".git/config", "a/.git/HEAD", ".DS_Store", "src/.ds_store",
        "node_modules/a/index.js", "a/node_modules/b/c.js", "metafile-cjs.json", "dist/metafile-esm.json",
    ],
)  # fmt: skip
def test_denied_by_default(path: str) -> None:
    assert run_rule(RULE, make_evidence(content=_content("package.json", path))).code == "files.denied"


@pytest.mark.parametrize(
    "path",
    ["environment.js", ".environment/a.js", "npmrc", ".npmrc.md", "pem.js", "a.keys", "rid_rsa", ".gitignore", ".github/a.yml",
     "node_modules.js", "modules/a.js", "metafile.json", "dist/index.js.map", "test/a.js", "a.test.js"],
)  # fmt: skip
def test_not_denied_by_default(path: str) -> None:
    # .env* means .environment, too, where it is a file; a folder of that name is no file.
    assert run_rule(RULE, make_evidence(content=_content("package.json", path))).code == "files.clean"


@pytest.mark.parametrize(
    "pattern", ["", "/a", "a/", "a//b", "../a", "a/./b", "!a", "{a,b}", "[ab]", "a\\b", "x" * 2000]
)
@pytest.mark.parametrize("key", ["allow", "deny"])
def test_a_pattern_that_is_not_understood_is_refused(key: str, pattern: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": {key: [pattern]}})
    assert caught.value.code == "policy.value"


def _bundling(*paths: str) -> str:
    content = replace(_content("package.json", *paths), bundled=frozenset({"b", "@s/c"}))
    return run_rule(RULE, make_evidence(content=content)).code


@pytest.mark.parametrize(
    "path", ["b/index.js", "@s/c/index.js", "b/node_modules/d/index.js", "b/node_modules/@s/d/x.js"]
)
def test_bundling_explains_a_folder(path: str) -> None:
    assert _bundling(f"node_modules/{path}") == "files.clean"


@pytest.mark.parametrize(
    "path",
    ["node_modules/evil/index.js", "node_modules/@s/evil/index.js", "node_modules/@s/b/x.js", "node_modules/B/x.js",
     "node_modules/bb/x.js", "node_modules/index.js", "Node_Modules/b/index.js", "dist/node_modules/b/index.js",
     "node_modules/.bin/b", "node_modules/node_modules/b/x.js", "node_modules/@s/x.js", "node_modules/b/.npmrc",
     "node_modules/b/node_modules/d/.env"],
)  # fmt: skip
def test_bundling_explains_nothing_else(path: str) -> None:
    assert _bundling("node_modules/b/index.js", path) == "files.denied"


@pytest.mark.parametrize("stated", [["b"], True, [], None])
def test_what_the_manifest_says_is_not_asked_again(stated: object) -> None:
    content = _content("node_modules/b/index.js", bundleDependencies=stated)
    assert run_rule(RULE, make_evidence(content=content)).code == "files.denied"


def test_case_counts_for_what_is_allowed() -> None:
    result = run_rule(RULE, make_evidence(content=_content("DIST/a.js")), parameters={"allow": ["dist/**"]})
    assert result.code == "files.not-allowed"


def test_a_long_list_ends() -> None:
    result = run_rule(RULE, make_evidence(content=_content(*(f"{number}.pem" for number in range(40)))))
    assert result.found is not None
    assert result.found.count("(*.pem)") == 5
    assert result.found.endswith("and 35 more")
    assert result.message == "40 files that the policy denies"
