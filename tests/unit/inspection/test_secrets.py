"""Credentials in files: found whatever the file is, never shown whole, and no file is hostile enough to stop the search.

Nothing here is a credential: every one is put together when the test runs, so that no scanner stumbles over this file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import textwrap
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.tar_factory import file, manifest, tgz
from support.wheel_factory import wheel
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.secret_detectors import DETECTORS, LibraryDetector, PatternDetector, is_placeholder
from vxsec.inspection.secrets import find_secrets
from vxsec.limits import Limits
from vxsec.model.artifact import Artifact
from vxsec.model.secret import SECRET_DETECTORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.evidence import SecretEvidence

R = random.Random(7)  # noqa: S311 - not for secrets, in spite of what they look like
PLAIN = string.ascii_letters + string.digits


def _random(count: int, letters: str = PLAIN) -> str:
    return "".join(R.choices(letters, k=count))


def _artifact(*files: tuple[str, bytes]) -> Artifact:
    artifact = read_artifact(
        tgz(manifest(), *(file(f"package/{path}", data) for path, data in files)), filename="a.tgz"
    )
    assert isinstance(artifact, Artifact), artifact
    return artifact


def _search(data: bytes, limits: Limits | None = None) -> SecretEvidence:
    return find_secrets(_artifact(("a.txt", data)), limits=limits or Limits())


def _b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


KEY = "-----BEGIN {} KEY-----\n" + base64.b64encode(hashlib.sha512(b"x").digest()).decode() + "\n"
JWT = f"{_b64({'alg': 'HS256'})}.{_b64({'sub': '1', 'name': 'somebody'})}.{_random(43)}"
FOUND = {
    "a token of npm": ("npm", "const t = '" + "npm_" + _random(36) + "';"),
    "a token in an .npmrc": ("npm", "//registry.example.test/:_authToken=" + _random(24)),
    "a token of Verdaccio, quoted": ("npm", '//registry.example.test/:_authToken="' + _random(40) + '=="'),
    "a password in an .npmrc": ("npm", "//registry.example.test/npm/:_password = " + _random(16)),
    "a key of AWS": ("aws", "id: AKIA" + _random(16, string.ascii_uppercase)),
    "a secret of AWS": ("aws", "aws_secret_access_key = '" + _random(40) + "'"),
    "a token of GitHub": ("github", "ghp_" + _random(36)),
    "a fine-grained token of GitHub": ("github", "github_pat_" + _random(82)),
    "a token of GitLab": ("gitlab", "glpat-" + _random(20)),
    "a token of Slack": ("slack", "xoxb-" + "1234567890-" * 2 + _random(24, string.ascii_lowercase)),
    "a hook of Slack": (
        "slack",
        "https://hooks.slack.com/services/T" + _random(8) + "/B" + _random(8) + "/" + _random(24),
    ),
    "a password in a URL": ("basic-auth", "redis://worker:" + _random(12) + "@db.example.test/0"),
    "a token behind a line end of JSON": ("npm", r'"x":"foo\n' + "npm_" + _random(36) + '"'),
    "a token behind a tab of a string in a string": ("github", r"foo\\t" + "ghp_" + _random(36)),
    "a token behind an escape of a URL": ("npm", "https://h.example.test/?t%3D" + "npm_" + _random(36)),
    "a token behind an escape of JSON": ("npm", r"t\u003d" + "npm_" + _random(36)),
    "a token behind an escape of JavaScript": ("npm", r"t\x3d" + "npm_" + _random(36)),
    "a token behind an octal escape": ("npm", r"t\075" + "npm_" + _random(36)),
    "a JSON web token behind a line end of JSON": ("jwt", rf"foo\n{JWT}"),
    "a JSON web token behind an escape of a URL": ("jwt", f"?jwt%3D{JWT}"),
    "a JSON web token in a query": ("jwt", f"?jwt={JWT}"),
    "a token with an escape in an .npmrc": ("npm", "//registry.example.test/:_authToken=" + _random(24) + "%3D"),
    "a token in an .npmrc in JSON": ("npm", '"//registry.example.test/:_authToken=' + _random(24) + r'\nsave=true\n"'),
    "a quoted token in JSON": ("npm", r'"//registry.example.test/:_authToken=\"' + _random(24) + r'\""'),
    "a password with a dollar in a URL": ("basic-auth", "redis://worker:q7$" + _random(9) + "@db.example.test/0"),
    "a password with an escape in a URL": ("basic-auth", "redis://worker:q7%40" + _random(9) + "@db.example.test/0"),
    "a password with a star in a URL": ("basic-auth", "redis://worker:q7*" + _random(9) + "@db.example.test/0"),
    "a password that says that it is one": (
        "basic-auth",
        "redis://worker:MyPassword-" + _random(9) + "@db.example.test/0",
    ),
    "a private key": ("private-key", KEY.format("RSA PRIVATE")),
    "a private key on one line of a script": ("private-key", "k='" + KEY.format("PRIVATE").replace("\n", "\\n") + "'"),
    "a private key that is encrypted": ("private-key", KEY.format("ENCRYPTED SIGSTORE PRIVATE")),
    "a key of OpenPGP": ("private-key", KEY.format("PGP PRIVATE").replace("KEY-", "KEY BLOCK-")),
    "a key of PuTTY": ("private-key", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n" + "A" * 64),
    "a token of PyPI": ("pypi", "pypi-AgEIcHlwaS5vcmc" + _random(90)),
    "a JSON web token": ("jwt", f"Bearer {JWT}"),
    "a key of Stripe": ("stripe", "sk_live_" + _random(24)),
    "a key of SendGrid": ("sendgrid", "SG." + _random(22) + "." + _random(43)),
    "a key of OpenAI": ("openai", "sk-" + _random(20) + "T3BlbkFJ" + _random(20)),
    "a key of Azure": ("azure-storage", "AccountKey=" + _random(86) + "=="),
    "a token of Artifactory": ("artifactory", "token: AKCp" + _random(69)),
}


@pytest.mark.parametrize(("detector", "text"), FOUND.values(), ids=FOUND.keys())
def test_finds(detector: str, text: str) -> None:
    evidence = _search(f"first line\nsecond {text}\n".encode())
    assert [(fact.detector, fact.path, fact.line) for fact in evidence.found] == [(detector, "a.txt", 2)]
    shown = evidence.found[0].shown
    assert len(shown) <= 4
    assert shown in text
    assert (evidence.files, evidence.not_read) == (2, ())


SHORT_LINES = base64.b64encode(hashlib.sha512(b"x").digest()).decode()
ALONE = {
    "a token of no registry": ("npm", "_authToken=" + _random(30) + "0"),
    "a user and password of no registry": ("npm", "_auth = " + base64.b64encode(b"worker:s3cr3tpa5s7").decode()),
    "quoted": ("npm", '_auth="' + base64.b64encode(b"worker:s3cr3tpa5s7").decode() + '"'),
    "behind a line end of JSON": ("npm", r'"save=true\n_authToken=' + _random(30) + r'0\n"'),
    **{
        f"a private key of {width} characters a line": (
            "private-key",
            "-----BEGIN PRIVATE " + "KEY-----\n" + textwrap.fill(SHORT_LINES, width),
        )
        for width in (8, 16, 32, 33, 64, 76)
    },
    "a private key of short lines in JSON": (
        "private-key",
        "'-----BEGIN PRIVATE " + r"KEY-----\n" + textwrap.fill(SHORT_LINES, 32).replace("\n", r"\n") + r"\n'",
    ),
}


@pytest.mark.parametrize(("detector", "text"), ALONE.values(), ids=ALONE.keys())
@pytest.mark.parametrize("first", ["", "save=true\n", "save=true\r\n"])
def test_finds_at_the_beginning_of_a_line(detector: str, text: str, first: str) -> None:
    found = _search(f"{first}{text}\n".encode()).found
    assert {fact.detector for fact in found} == {detector}


NOT_FOUND = {
    "a variable": "//registry.example.test/:_authToken=${NPM_TOKEN}",
    "a placeholder": "https://user:password@registry.example.test/",
    "a placeholder in brackets": "https://<user>:<token>@registry.example.test/",
    "npm's own example": "//registry.example.test/:_authToken=MYTOKEN",
    "an example key": "AKIAIOSFODNN7EXAMPLE",
    "code that handles keys": "if (pem.startsWith('-----BEGIN PRIVATE KEY-----')) return parse(pem.slice(27)); " * 9,
    "a variable of a shell": "//registry.example.test/:_authToken=$NPM_TOKEN https://me:$PASSWORD@registry.example.test/",
    "a variable of Windows": "//registry.example.test/:_authToken=%NPM_TOKEN%",
    "code that has such a field": "this._auth=e.auth2,_authToken=function(){}\n  _auth = requests2.auth.HTTPBasicAuth\n_auth=1",
    "a function with such a name": "_auth=function(){return 12345678901234}\n_authToken=await fetch2(something)",
    "an address put together": 'a="redis://"+user+":"+pass1+"@"+host; b=`https://${u}:${p1}@x.example.test`',
    "patterns over addresses": r"https://[^:]+:[^@]+@x ://\S+:\S+@x ://*:*@x ://.+:.+@x",
    "a format": "https://%s:%s@registry.example.test mysql://%(user)s:%(pw)s@db.example.test",
    "a masked password": "https://me:ab***@registry.example.test",
    "code behind the first line of a key": "'-----BEGIN PRIVATE KEY-----'\n  const parsedKey1 = decodeBase64Text(\n    privateKeyText\n)",
    "a public key": "-----BEGIN PUBLIC KEY-----\n" + "A" * 64,
    "the middle of something longer": "xghp_" + _random(36) + " x" + "npm_" + _random(36),
    "the beginning of something longer": "npm_" + _random(50),
    "a digest": "sha1 '" + hashlib.sha1(b"x").hexdigest() + "'",  # noqa: S324 - an ordinary text of 40 digits
    "a source map in a comment": "//# sourceMappingURL=data:application/json;base64,"
    + _b64({"version": 3, "sources": []})
    + ".",
    "a token that is none": "eyJhbGciOiJIUzI1NiJ9.eyJ" + "!" * 9 + " eyJub3QgYmFzZQ.eyJub3QganNvbg.x",
    "a port": "http://localhost:3000/a@b ssh://git@host:22/a",
}


def test_a_mark_before_a_setting_is_none_of_it() -> None:
    assert [fact.detector for fact in _search(b"\xef\xbb\xbf_authToken=" + TOKEN[4:]).found] == ["npm"]


@pytest.mark.parametrize("text", NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_does_not_stumble_over(text: str) -> None:
    assert _search(text.encode()).found == ()


def test_every_detector_has_a_name_that_policies_know_and_a_row_above() -> None:
    assert {detector.name for detector in DETECTORS} == set(SECRET_DETECTORS) == {name for name, _ in FOUND.values()}
    assert list(SECRET_DETECTORS) == sorted(SECRET_DETECTORS)


TOKEN = b"ghp_" + _random(36).encode()
ANYWHERE = {
    "one long line": b"a;" * 300_000 + TOKEN + b";b" * 300_000,
    "a binary": bytes(range(256)) * 40 + b"\0" + TOKEN + b"\0",
    "UTF-16": ("x\n" + TOKEN.decode()).encode("utf-16"),
    "UTF-16 the other way round": b"\xfe\xff" + TOKEN.decode().encode("utf-16-be"),
    "UTF-16 that ends in the middle": TOKEN.decode().encode("utf-16") + b"\0",
    "UTF-16 without a mark": ("x\n" + TOKEN.decode()).encode("utf-16-le"),
    "UTF-16 without a mark the other way round": ("x\n" + TOKEN.decode()).encode("utf-16-be"),
    "UTF-16 between other letters": ("\u0434\u4e2d " + TOKEN.decode() + " \u0434").encode("utf-16-le"),
    "UTF-32": ("x\n" + TOKEN.decode()).encode("utf-32"),
    "UTF-32 without a mark": ("x\n" + TOKEN.decode()).encode("utf-32-le"),
    "UTF-32 without a mark the other way round": ("x\n" + TOKEN.decode()).encode("utf-32-be"),
    "UTF-16 in a binary": bytes(range(256)) * 40 + TOKEN.decode().encode("utf-16-le") + bytes(range(256)),
    "plain text behind a mark of UTF-16": b"\xff\xfe\n" + TOKEN,
    "the very beginning": TOKEN,
    "carriage returns": b"a\r\nb\r\n" + TOKEN + b"\r\n",
}


@pytest.mark.parametrize("data", ANYWHERE.values(), ids=ANYWHERE.keys())
def test_finds_a_token_in(data: bytes) -> None:
    assert [(fact.detector, fact.shown) for fact in _search(data).found] == [("github", "ghp_")]


def test_lines_are_counted_over_all_findings() -> None:
    data = b"\n".join([b"a", TOKEN, b"", TOKEN[:-1] + b"0", b"https://worker:s3cr3tpa5s@x.example.test"])
    assert [(fact.line, fact.detector) for fact in _search(data).found] == [
        (2, "github"),
        (4, "github"),
        (5, "basic-auth"),
    ]


def test_a_short_value_is_hidden_wholly() -> None:
    assert [fact.shown for fact in _search(b"https://worker:p5Q@x.example.test").found] == [""]
    assert [fact.shown for fact in _search(b"https://worker:p5Qz7Kk2@x.example.test").found] == ["p5"]


def test_a_file_that_is_too_large_is_named() -> None:
    artifact = _artifact(("b.bin", b"x" * 2_000), ("a.bin", TOKEN), ("c.bin", b"y" * 700))
    evidence = find_secrets(artifact, limits=Limits(secret_file_bytes=1_000, secret_total_bytes=600))
    assert evidence.not_read == ("b.bin", "c.bin")
    assert [fact.path for fact in evidence.found] == ["a.bin"]


def test_more_findings_than_are_listed_leave_the_file_unread() -> None:
    data = b"\n".join(b"ghp_" + _random(36).encode() for _ in range(30))
    evidence = _search(data, Limits(secret_findings=10))
    assert len(evidence.found) == 10
    assert evidence.not_read == ("a.txt",)


def test_a_wheel_is_searched_too() -> None:
    artifact = read_artifact(
        wheel({"demo/settings.py": b"T = '" + TOKEN + b"'\n"}), filename="demo-1.0.0-py3-none-any.whl"
    )
    assert isinstance(artifact, Artifact), artifact
    assert [(fact.path, fact.line) for fact in find_secrets(artifact).found] == [("demo/settings.py", 1)]


HOSTILE = {
    "beginnings of tokens": b"eyJ",
    "tokens that are none": b"eyJaaaaaaaaaa.",
    "URLs with ports": b"://a:",
    "slashes": b"//a",
    "names of clouds": b"aws'",
    "dashes": b"sk-",
    "first lines of keys": b"-----BEGIN PRIVATE KEY-----",
    "first lines without an end": b"-----BEGIN A ",
    "quoted digests": b"'" + b"a1" * 20,
    "settings": b"/:_authToken=",
    "settings of no registry": b"\n_auth=",
    "passwords": b"://a:a",
    "escapes": b"\\neyJ",
    "web tokens that are padded": b"=eyJ",
    "keys of short lines": b"-----BEGIN PRIVATE KEY-----" + b"AAAAAAAA\\n" * 3,
    "keys of short lines without end": b"-----BEGIN PRIVATE KEY-----" + b"A" * 15 + b"\n\r" * 40,
    "almost UTF-16": b"a\0" * 7 + b"\0",
    "almost UTF-32": b"a\0\0\0" * 7 + b"\0",
    "nothing at all": b"\0",
    "line ends": b"\n",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_of_anything_takes_no_longer_than_seconds(unit: bytes) -> None:
    started = time.process_time()
    _search((unit * (1_000_000 // len(unit) + 1))[:1_000_000])
    assert time.process_time() - started < 5


def test_where_the_library_is_asked_too_often_the_candidates_stand() -> None:
    evidence = _search(b" ".join([b"eyJhbGciOiJIUzI1NiJ9.eyJ" + b"A" * 9] * 6_000))
    assert {fact.detector for fact in evidence.found} == {"jwt"}


class _Stumbling:
    def analyze_string(self, string: str) -> Iterator[str]:
        raise RecursionError(string)


def test_a_library_that_stumbles_has_not_said_that_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vxsec.inspection.secret_detectors._load", lambda _module, _plugin: _Stumbling())
    assert [fact.detector for fact in _search(TOKEN).found] == ["github"]


def test_brackets_that_nest_deep_in_a_token_are_no_way_out() -> None:
    nested = base64.urlsafe_b64encode(b'{"a":' + b"[" * 5_000).decode().rstrip("=")
    assert _search(f"{_b64({'alg': 'x'})}.{nested}.x".encode()).files == 2


@pytest.mark.parametrize(
    "value",
    [
        "pass",
        "Secret",
        "aaaaaaaa",
        "<token>",
        "${X}",
        "%s",
        "your-password",
        "XXXXXXXX",
        "npm_token",
        "$PW",
        "password123",
    ],
)
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["pa$$w0rd", "q7%40x", "a*b", "MyPassword-2024!", "abc%3D%3D", "s3cret-key-of-mine"])
def test_no_placeholders(value: str) -> None:
    assert not is_placeholder(value)


@given(st.binary(max_size=400))
def test_nothing_escapes_but_findings(data: bytes) -> None:
    for detector in DETECTORS:
        for place, value in detector.find(data):
            assert 0 <= place < len(data)
            assert value


def test_the_detectors_are_of_two_kinds() -> None:
    assert {type(detector) for detector in DETECTORS} == {LibraryDetector, PatternDetector}
