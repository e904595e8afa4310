from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.sbom.leaks import find_leaks

_RUN = "a1B2" * 10
# Put together here, so that no scanner of this repository takes them for real.
_TOKENS = {
    "npm": f"npm_{_RUN[:36]}",
    "GitHub": f"ghp_{_RUN[:36]}",
    "GitHub, fine-grained": f"github_pat_{_RUN}",
    "GitLab": f"glpat-{_RUN[:20]}",
    "Slack": f"xoxb-{'1234567890' * 2}",
    "AWS": "AKIA" + "Q1W2E3R4T5Y6U7I8",
    "PyPI": f"pypi-{_RUN}",
    "Stripe": f"sk_live_{_RUN[:24]}",
    "a JSON web token": f"eyJ{_RUN[:12]}.eyJ{_RUN[:12]}.{_RUN}",
    "a private key": "-----BEGIN" + " OPENSSH PRIVATE KEY-----",
    "npm's configuration": "_auth" + "Token=abc",
    "npm's configuration, spaced": "_password" + " = abc",
    "a URL with user and password": "https://me:" + "pw@registry.example.test/a",
    "a URL with a password alone": "https://:" + "pw@registry.example.test/a",
    "a URL with a token for a user": f"https://{_RUN}@registry.example.test/a",
}
_ENCODED = "pkg:npm/a@1?download_url=https%3A%2F%2Fme%3A" + "pw%40registry.example.test"


def kinds(text: str) -> list[str]:
    return [kind for kind, _ in find_leaks(text)]


@pytest.mark.parametrize("name", _TOKENS)
@pytest.mark.parametrize("around", ["{}", "see {} there", "({})"])
def test_a_credential_is_found_and_not_repeated(name: str, around: str) -> None:
    token = _TOKENS[name]
    found = dict(find_leaks(around.format(token)))
    assert "credential" in found
    assert token not in found["credential"]
    assert _RUN[:12] not in found["credential"]


def test_a_credential_that_is_percent_encoded_is_found() -> None:
    assert kinds(_ENCODED) == ["credential"]


@pytest.mark.parametrize(
    "text",
    [
        "/home/alice/app",
        "/Users/alice/app/package.json",
        "/etc/ssl/x",
        "/tmp/build",  # noqa: S108 - a text
        "/private/var/x",
        "/builds/group/app",
        "/__w/app/app",
        "/github/workspace",
        "/opt/app/x",
        "/any/thing",
        "node: /workspace/app",
        '"/srv/x"',
        "C:\\Users\\alice",
        "d:/jobs/app",
        "\\\\server\\share\\x",
        "file:///etc/passwd",
        "file:../a.tgz",
        "file:~/a.tgz",
        "FILE:C:/x",
        "%2Fhome%2Falice%2Fapp",
    ],
)
def test_a_path_of_a_machine_is_found(text: str) -> None:
    assert "path" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost/x",
        "http://localhost:4873/x",
        "https://registry.example.test:8443/x",
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://[::1]/x",
        "http://[fe80::1%25eth0]:80/x",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "https://verdaccio/",
        "https://npm.internal/x",
        "https://git.corp/",
        "https://nas.home.arpa./",
        "ssh://git@git.example.test:2222/x.git",
        "https://alice@registry.example.test/x",
    ],
)
def test_a_host_of_a_private_network_or_a_user_is_found(text: str) -> None:
    assert kinds(text) == ["host"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "MIT",
        "pkg:npm/%40scope/a@1.0.0",
        "pkg:npm/a@1.0.0-rc.1%2Bbuild",
        "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "b" * 128,
        "node_modules/@scope/a/node_modules/b",
        "https://registry.example.test/a/-/a-1.0.0.tgz",
        "https://registry.example.test:443/a",
        "http://registry.example.test:80/a",
        "https://example.test/home/alice",
        "git+ssh://git@github.com/a/b.git",
        "git+ssh://git@github.com:a/b.git",
        "git@github.com:a/b.git",
        "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "Jane <jane@example.test>",
        "either/or",
        "and/or /",
        "//comment",
        "1:1",
        "a:b",
        "https://8.8.8.8/x",
        "cpe:2.3:a:x:y:1.0:*:*:*:*:*:*:*",
        "an npm_token in a sentence",
        "https:///x",
        "http://*/x",
        "C:",
        "100%",
    ],
)
def test_what_everybody_may_know_is_no_leak(text: str) -> None:
    assert kinds(text) == []


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert set(kinds(text)) <= {"credential", "path", "host"}


@pytest.mark.parametrize(
    "text",
    [
        "-eyJ" * 100_000,
        "npm_" * 100_000,
        "_auth" + " " * 400_000,
        "https://" * 50_000,
        "-----BEGIN " * 40_000,
        "%25" * 100_000,
        "/home" * 80_000,
        "a:" * 200_000,
        "\\\\" * 200_000,
        "http://" + "a@" * 200_000,
        "xoxb-" * 80_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_long_text_costs_no_more_than_its_length(text: str) -> None:
    began = time.perf_counter()
    list(find_leaks(text))
    assert time.perf_counter() - began < 5.0
