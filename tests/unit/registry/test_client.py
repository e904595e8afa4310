"""The client's judgement of answers, with the network port replaced by a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from vxsec.errors import FormatError, NetworkError, UndecidedError, UsageError, VerificationError, VxsecError
from vxsec.formats.npmrc import merge_npmrc, parse_npmrc
from vxsec.host.http import HttpClient
from vxsec.host.http_message import HttpResponse
from vxsec.registry.client import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "https://registry.example.test/npm/"
TOKEN = "//registry.example.test/npm/:_authToken=s3cret"
NAME = "@vextrus/a"
VERSION = {"name": NAME, "version": "1.0.0"}
PACKUMENT = {"name": NAME, "versions": {"1.0.0": VERSION}}


class Script(HttpClient):
    """Gives the answers it was made with, in order, and notes the requests."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.seen: list[dict[str, Any]] = []

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int,
        authorization_scope: str | None = None,
        client_certificate: tuple[str, str] | None = None,
    ) -> HttpResponse:
        self.seen.append(
            {
                "method": method,
                "url": url,
                "headers": headers,
                "body": body,
                "scope": authorization_scope,
                "certificate": client_certificate,
                "max_bytes": max_bytes,
            }
        )
        status, content = self.answers.pop(0)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        return HttpResponse(status=status, headers={}, body=data, url=url)


def client(*answers: tuple[int, object], npmrc: str = TOKEN) -> tuple[RegistryClient, Script]:
    script = Script(*answers)
    config = merge_npmrc([parse_npmrc(npmrc, where="user", expand=None)])
    return RegistryClient(URL, config, script), script


def test_a_scoped_name_is_escaped_and_the_token_sent_with_its_scope() -> None:
    asked, script = client(
        (200, PACKUMENT),
        npmrc=TOKEN + "\n//registry.example.test/npm/:certfile=c\n//registry.example.test/npm/:keyfile=k",
    )
    found = asked.fetch_packument(NAME)
    assert found is not None
    assert found.name == NAME
    (request,) = script.seen
    assert (request["method"], request["url"]) == ("GET", URL + "@vextrus%2fa")
    assert request["headers"]["authorization"] == "Bearer s3cret"
    assert request["scope"] == URL
    assert request["certificate"] == ("c", "k")


def test_a_version_is_asked_for_exactly() -> None:
    asked, script = client((200, {"name": "a", "version": "1.0.0+b"}))
    assert asked.fetch_version("a", "1.0.0+b") is not None
    assert script.seen[0]["url"] == URL + "a/1.0.0%2Bb"


@pytest.mark.parametrize("ask", [lambda c: c.fetch_packument(NAME), lambda c: c.fetch_version(NAME, "1.0.0")])
def test_with_a_token_404_is_absence(ask: Any) -> None:
    assert ask(client((404, {}))[0]) is None


def test_without_a_token_404_is_absence_only_after_an_answer_about_the_same_name() -> None:
    asked, _ = client((200, PACKUMENT), (404, {}), (404, {}), npmrc="")
    asked.fetch_packument(NAME)
    assert asked.fetch_version(NAME, "2.0.0") is None
    with pytest.raises(UndecidedError) as caught:
        asked.fetch_version("@vextrus/b", "1.0.0")
    assert caught.value.code == "registry.hidden-404"


def test_a_certificate_alone_does_not_make_404_absence() -> None:
    asked, _ = client((404, {}), npmrc="//registry.example.test/:certfile=c\n//registry.example.test/:keyfile=k")
    with pytest.raises(UndecidedError) as caught:
        asked.fetch_packument(NAME)
    assert caught.value.code == "registry.hidden-404"


ANSWERS: dict[str, tuple[int, object, type[VxsecError], str]] = {
    "not authorised": (401, {"error": "no"}, UndecidedError, "registry.unauthorised"),
    "forbidden": (403, {"error": "no"}, UndecidedError, "registry.unauthorised"),
    "a server's failure": (503, b"<html>", NetworkError, "registry.server-error"),
    "another status": (418, {}, UndecidedError, "registry.unexpected-status"),
    "an empty answer": (204, b"", UndecidedError, "registry.unexpected-status"),
    "no JSON": (200, b"<html>", FormatError, "json.syntax"),
    "another package": (200, {"name": "@vextrus/b"}, FormatError, "packument.name"),
    "a wrong shape": (200, [], FormatError, "packument.shape"),
}


@pytest.mark.parametrize(("status", "body", "kind", "code"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_that_is_no_packument(status: int, body: object, kind: type[VxsecError], code: str) -> None:
    with pytest.raises(kind) as caught:
        client((status, body))[0].fetch_packument(NAME)
    assert caught.value.code == code


@pytest.mark.parametrize("npmrc", ["", TOKEN])
def test_who_is_not_let_in_is_told_the_line_to_add(npmrc: str) -> None:
    with pytest.raises(UndecidedError) as caught:
        client((401, {}), npmrc=npmrc)[0].fetch_packument(NAME)
    assert caught.value.hint == "add to ~/.npmrc: //registry.example.test/npm/:_authToken=${NPM_TOKEN}"
    assert ("not accepted" in str(caught.value)) is bool(npmrc)


@pytest.mark.parametrize("document", [{"name": NAME, "version": "1.0.1"}, {"name": "@vextrus/b", "version": "1.0.0"}])
def test_another_version_than_asked_for(document: dict[str, str]) -> None:
    with pytest.raises(FormatError) as caught:
        client((200, document))[0].fetch_version(NAME, "1.0.0")
    assert caught.value.code == "packument.name"


@pytest.mark.parametrize(
    ("name", "version", "code"),
    [
        ("../a", "1.0.0", "registry.name"),
        ("@a/../b", "1.0.0", "registry.name"),
        ("", "1.0.0", "registry.name"),
        ("a?b", "1.0.0", "registry.name"),
        ("a", "..", "registry.version"),
        ("a", "1/2", "registry.version"),
        ("a", "", "registry.version"),
        ("a", "1\n", "registry.version"),
    ],
)
def test_names_and_versions_cannot_leave_their_place(name: str, version: str, code: str) -> None:
    asked, script = client()
    with pytest.raises(UsageError) as caught:
        asked.fetch_version(name, version)
    assert caught.value.code == code
    assert script.seen == []


OWN = {
    "as the registry says": (URL + "@vextrus/a/-/a-1.0.0.tgz", URL + "@vextrus/a/-/a-1.0.0.tgz"),
    "http for an https registry, as npm writes it": (
        "http://registry.example.test/npm/@vextrus/a/-/a-1.0.0.tgz",
        URL + "@vextrus/a/-/a-1.0.0.tgz",
    ),
    "a place of its own below the registry": (URL + "download/x/abc", URL + "download/x/abc"),
    "nothing stated": (None, URL + "@vextrus/a/-/a-1.0.0.tgz"),
}


@pytest.mark.parametrize(("stated", "asked_for"), OWN.values(), ids=OWN.keys())
def test_a_tarball_below_the_registry(stated: str | None, asked_for: str) -> None:
    asked, script = client((200, b"bytes"))
    assert asked.fetch_tarball(NAME, "1.0.0", tarball_url=stated) == b"bytes"
    assert script.seen[0]["url"] == asked_for
    assert script.seen[0]["headers"]["authorization"] == "Bearer s3cret"


FOREIGN = {
    "another host": "https://evil.test/npm/a.tgz",
    "another path": "https://registry.example.test/other/a.tgz",
    "a path that begins the same": "https://registry.example.test/npm-evil/a.tgz",
    "another port": "https://registry.example.test:8443/npm/a.tgz",
    "a host that begins the same": "https://registry.example.test.evil.test/npm/a.tgz",
    "user information": "https://registry.example.test/npm/@evil.test/../../a.tgz",
    "climbing out": URL + "../a.tgz",
    "climbing out in disguise": URL + "%2e%2E/a.tgz",
    "a backslash": URL + "..\\a.tgz",
    "a query": URL + "a.tgz?x",
    "a line break": URL + "a.tgz\n",
    "a file": "file:///etc/passwd",
    "no URL": "a.tgz",
    "nothing": "",
}


@pytest.mark.parametrize("stated", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_tarball_is_not_fetched(stated: str) -> None:
    asked, script = client()
    with pytest.raises(VerificationError) as caught:
        asked.fetch_tarball(NAME, "1.0.0", tarball_url=stated)
    assert caught.value.code == "registry.foreign-tarball"
    assert script.seen == []


def test_a_missing_tarball_is_no_answer() -> None:
    with pytest.raises(UndecidedError) as caught:
        client((404, {}))[0].fetch_tarball(NAME, "1.0.0")
    assert caught.value.code == "registry.tarball-missing"


def test_a_publish_is_sent_as_it_is() -> None:
    asked, script = client((201, {}), (404, {}), npmrc=TOKEN)
    asked.put_package(NAME, b"{}")
    request = script.seen[0]
    assert (request["method"], request["url"], request["body"]) == ("PUT", URL + "@vextrus%2fa", b"{}")
    assert request["headers"]["content-type"] == "application/json"


PUTS: dict[str, tuple[int, object, str]] = {
    "a conflict": (409, {"error": "already present"}, "registry.conflict"),
    "the public registry's conflict": (
        403,
        {"error": "You cannot publish over the previously published versions: 1.0.0."},
        "registry.conflict",
    ),
    "forbidden": (403, {"error": "user ci is not allowed to publish package"}, "registry.forbidden"),
    "not authorised": (401, {}, "registry.unauthorised"),
    "refused by a gate": (422, {"error": "rule says no"}, "registry.refused"),
    "too large": (413, b"too large", "registry.refused"),
    "a failure": (500, b"", "registry.server-error"),
    "a redirect that nobody followed": (302, b"", "registry.refused"),
}


@pytest.mark.parametrize(("status", "body", "code"), PUTS.values(), ids=PUTS.keys())
def test_a_publish_that_was_not_taken(status: int, body: object, code: str) -> None:
    with pytest.raises(UndecidedError) as caught:
        client((status, body))[0].put_package(NAME, b"{}")
    assert caught.value.code == code


def test_the_registrys_words_are_shown_without_the_token() -> None:
    with pytest.raises(UndecidedError) as caught:
        client((400, {"reason": "bad header Bearer s3cret \x1b[31m"}))[0].put_package(NAME, b"{}")
    assert "bad header Bearer ***" in str(caught.value)
    assert "\x1b" not in str(caught.value)
