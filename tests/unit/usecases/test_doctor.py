"""The judgements of ``doctor`` that need no machine: windows, clocks, ages, routes, credentials; and that no secret is shown."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.policy_cases import make_policy
from vxsec.errors import UsageError
from vxsec.formats.npmrc import merge_npmrc, parse_npmrc
from vxsec.formats.npmrc_keys import judge_key
from vxsec.model.report.doctor import Area, DoctorFinding, Level
from vxsec.model.scan import DatabaseState
from vxsec.model.trust import (
    Holder,
    HolderKind,
    KeyRevocation,
    Registry,
    RevocationReason,
    Role,
    TrustedKey,
    TrustRoot,
)
from vxsec.usecases.doctor.database import judge_age
from vxsec.usecases.doctor.examine import examine
from vxsec.usecases.doctor.machine import check_clock, newest_change
from vxsec.usecases.doctor.notes import Notes, redact, secrets_in
from vxsec.usecases.doctor.npmrc import NpmSettings, check_settings, shown_key
from vxsec.usecases.doctor.online import compare_clocks
from vxsec.usecases.doctor.registries import check_registries
from vxsec.usecases.doctor.trust import check_windows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://registry.example.test/npm/"
OWN = "//registry.example.test/npm/"


def codes(findings: Iterable[DoctorFinding]) -> list[tuple[str, str]]:
    return [(item.level.value, item.code.removeprefix("doctor.")) for item in findings]


# -- keys ----------------------------------------------------------------------------------------------------------------


def key(
    name: str, start: int, end: int, *, holder: str = "ci", roles: tuple[Role, ...] = (Role.MACHINE,)
) -> TrustedKey:
    """A key that is good from ``start`` to ``end`` days from now."""
    return TrustedKey(
        id=name,
        spki=name.encode(),
        roles=roles,
        holder=Holder(id=holder, kind=HolderKind.MACHINE),
        valid_from=NOW + start * DAY,
        valid_until=NOW + end * DAY,
    )


def root(*keys: TrustedKey, revoked: dict[str, int] | None = None, registry: Registry | None = None) -> TrustRoot:
    return TrustRoot(
        keys=keys,
        holders=tuple({item.holder for item in keys}),
        registries=(registry,) if registry is not None else (),
        key_revocations=tuple(
            KeyRevocation(key=name, reason=RevocationReason.SUPERSEDED, since=NOW + days * DAY)
            for name, days in (revoked or {}).items()
        ),
        digest_revocations=(),
        rehearsal=False,
        signed=False,
        source="trust.yaml",
        sha256="",
    )


A_YEAR = key("a", -100, 365)
WINDOWS = {
    "a good key": ([A_YEAR], {}, ["ok key"]),
    "the last day": ([key("a", -100, 1)], {}, ["problem key-expires-now"]),
    "four days left": ([key("a", -100, 4)], {}, ["warning key-expires-soon"]),
    "fifteen days left": ([key("a", -100, 15)], {}, ["warning key-expires"]),
    "thirty-one days left": ([key("a", -100, 31)], {}, ["ok key"]),
    "expired this second": ([key("a", -100, 0)], {}, ["problem key-expired", "problem role-empty"]),
    "expired, and replaced": ([key("a", -100, -1), key("b", -50, 365)], {}, ["ok key-replaced", "ok key"]),
    "expiring, and replaced": ([key("a", -100, 2), key("b", 1, 365)], {}, ["ok key-replaced", "ok key-later"]),
    "expiring, replaced too late": (
        [key("a", -100, 2), key("b", 5, 365)],
        {},
        ["problem key-expires-now", "ok key-later"],
    ),
    "expiring, replaced by a key that expires as well": (
        [key("a", -100, 2), key("b", -100, 3)],
        {},
        ["problem key-expires-now", "problem key-expires-now"],
    ),
    "replaced by somebody else's key": (
        [key("a", -100, 2), key("b", -100, 365, holder="other")],
        {},
        ["problem key-expires-now", "ok key"],
    ),
    "replaced by a key of another role": (
        [key("a", -100, 2), key("b", -100, 365, roles=(Role.HUMAN,))],
        {},
        ["problem key-expires-now", "ok key"],
    ),
    "replaced by a revoked key": (
        [key("a", -100, 2), key("b", -100, 365)],
        {"b": -1},
        ["problem key-expires-now", "ok key-revoked"],
    ),
    "not yet good": ([key("a", 1, 365)], {}, ["warning key-not-yet", "problem role-empty"]),
    "revoked": ([A_YEAR], {"a": -1}, ["warning key-revoked", "problem role-empty"]),
    "revoked, and replaced": ([A_YEAR, key("b", -1, 365)], {"a": -1}, ["ok key-revoked", "ok key"]),
    "to be revoked tomorrow": ([A_YEAR], {"a": 1}, ["problem key-expires-now"]),
    "a registry's key alone": ([key("a", -100, -1, roles=(Role.REGISTRY,))], {}, ["problem key-expired"]),
}


@pytest.mark.parametrize(("keys", "revoked", "expected"), WINDOWS.values(), ids=WINDOWS.keys())
def test_windows(keys: list[TrustedKey], revoked: dict[str, int], expected: list[str]) -> None:
    found = codes(check_windows(root(*keys, revoked=revoked), now=NOW))
    assert [" ".join(item) for item in found] == expected


# -- the clock -----------------------------------------------------------------------------------------------------------

CLOCKS = {
    "a clock at its beginning": (datetime(1970, 1, 1, tzinfo=UTC), None, "problem clock-early"),
    "a clock before this program": (datetime(2026, 10, 31, tzinfo=UTC), None, "problem clock-early"),
    "a file from the day after tomorrow": (NOW, ("a", NOW + 2 * DAY), "problem clock-behind"),
    "a file from a little more than a day on": (NOW, ("a", NOW + DAY + timedelta(seconds=1)), "problem clock-behind"),
    "a file from another time zone": (NOW, ("a", NOW + DAY), "ok clock"),
    "an old file": (NOW, ("a", NOW - 1000 * DAY), "ok clock"),
    "no file": (NOW, None, "ok clock"),
}


@pytest.mark.parametrize(("now", "newest", "expected"), CLOCKS.values(), ids=CLOCKS.keys())
def test_clock(now: datetime, newest: tuple[str, datetime] | None, expected: str) -> None:
    assert " ".join(codes([check_clock(now=now, newest=newest)])[0]) == expected


DATES = {
    "the same time": ("Sat, 21 Nov 2026 00:00:00 GMT", ["ok clock-agrees"]),
    "five minutes": ("Sat, 21 Nov 2026 00:05:00 GMT", ["ok clock-agrees"]),
    "five minutes and a second ahead": ("Sat, 21 Nov 2026 00:05:01 GMT", ["problem clock-off"]),
    "five minutes and a second behind": ("Fri, 20 Nov 2026 23:54:59 GMT", ["problem clock-off"]),
    "the same time in another zone": ("Sat, 21 Nov 2026 01:00:00 +0100", ["ok clock-agrees"]),
    "a time without a zone": ("Sat, 21 Nov 2026 00:00:00 -0000", ["ok clock-agrees"]),
    "no header": (None, []),
    "an empty header": ("", []),
    "words": ("yesterday", []),
    "a day that is none": ("Sat, 99 Nov 2026 00:00:00 GMT", []),
    "a year beyond all years": ("Sat, 21 Nov 99999999999 00:00:00 GMT", []),
    "a zone beyond all zones": ("Fri, 31 Dec 9999 23:59:59 -2359", []),
}


@pytest.mark.parametrize(("header", "expected"), DATES.values(), ids=DATES.keys())
def test_date_of_a_registry(header: str | None, expected: list[str]) -> None:
    assert [" ".join(item) for item in codes(compare_clocks(header, now=NOW, source=URL))] == expected


def test_the_newest_change_ignores_what_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert newest_change([path, "\x00"]) is None
    path.write_text("x", encoding="utf-8")
    found = newest_change([tmp_path / "none", path])
    assert found is not None
    assert found[0] == str(path)


# -- advisories ----------------------------------------------------------------------------------------------------------

AGES = {
    "data of today": (0, 3, False, "ok db"),
    "data of three days ago": (3, 3, False, "ok db"),
    "data of four days ago": (4, 3, False, "warning db-old"),
    "data older than the policy takes": (4, 3, True, "problem db-old"),
    "data of tomorrow": (-1, 3, False, "ok db"),
    "data of the day after tomorrow": (-2, 3, False, "problem db-future"),
}


@pytest.mark.parametrize(("age", "oldest", "needed", "expected"), AGES.values(), ids=AGES.keys())
def test_age(age: int, oldest: int, needed: bool, expected: str) -> None:
    when = NOW - age * DAY
    state = DatabaseState(
        ecosystem="npm", exported_at=when, imported_at=NOW, advisories=1, packages=1, sha256="0" * 64, source="x"
    )
    found = judge_age(state, now=NOW, oldest=oldest * DAY, needed=needed)
    assert " ".join(codes([found])[0]) == expected
    assert found.level is Level.OK or "vxsec db update" in (found.fix or "")


# -- registries ----------------------------------------------------------------------------------------------------------


def routes(
    npmrc: str, *, packages: tuple[str, ...] = (), scopes: tuple[str, ...] = ("@acme",), url: str = URL
) -> list[str]:
    registry = Registry(label="internal", url=url, scopes=scopes, packages=packages, evidence="@acme/x")
    config = merge_npmrc([parse_npmrc(npmrc, where="~/.npmrc", expand=lambda _name: None)], unsafe_tls=("x",))
    found = check_registries(root(A_YEAR, registry=registry), config)
    return [" ".join(item) for item in codes(found)]


TOKEN = f"{OWN}:_authToken=0123456789abcdef\n"
SCOPE = f"@acme:registry={URL}\n"
B64 = {name: base64.b64encode(text).decode() for name, text in {
    "hash": b"alice:$apr1$x$y", "sha": b"alice:{SHA}x", "good": b"alice:word:with:colons", "binary": b"\xff\xfe",
}.items()}  # fmt: skip
ROUTES = {
    "as it should be": (SCOPE + TOKEN, ["ok scope", "ok token"]),
    "one registry for everything": (f"registry={URL}\n{TOKEN}", ["ok scope", "ok token"]),
    "a token for the whole host": (f"{SCOPE}//registry.example.test/:_authToken=0123456789abcdef", ["ok scope", "ok token"]),
    "a user and a password": (f"{SCOPE}{OWN}:_auth={B64['good']}", ["ok scope", "ok token"]),
    "a client certificate": (f"{SCOPE}{OWN}:certfile=a\n{OWN}:keyfile=b", ["ok scope", "ok token"]),
    "nothing": ("", ["problem scope-missing", "warning token-missing"]),
    "another registry for everything": (f"registry=https://other.example.test/\n{TOKEN}", ["problem scope-missing", "ok token"]),
    "another port": (f"@acme:registry=https://registry.example.test:8443/npm/\n{TOKEN}", ["problem scope-other", "ok token"]),
    "a URL that is none": (f"@acme:registry=registry.example.test\n{TOKEN}", ["problem npmrc-value", "ok token"]),
    "a scope line that is a list": (f"@acme:registry[]={URL}\n{TOKEN}", ["problem npmrc-value", "ok token"]),
    "a token that is two words": (f"{SCOPE}{OWN}:_authToken=Bearer x", ["ok scope", "problem credential"]),
    "an empty token": (f"{SCOPE}{OWN}:_authToken=", ["ok scope", "problem token-near-miss"]),
    "a hash of htpasswd as a token": (f"{SCOPE}{OWN}:_authToken=alice:$2y$05$abcdefgh", ["ok scope", "problem auth-htpasswd"]),
    "a hash of htpasswd under _auth": (f"{SCOPE}{OWN}:_auth={B64['hash']}", ["ok scope", "problem auth-htpasswd"]),
    "a SHA-1 of htpasswd under _auth": (f"{SCOPE}{OWN}:_auth={B64['sha']}", ["ok scope", "problem auth-htpasswd"]),
    "bytes that are no text under _auth": (f"{SCOPE}{OWN}:_auth={B64['binary']}", ["ok scope", "problem auth-no-colon"]),
    "a user without a password": (f"{SCOPE}{OWN}:username=alice", ["ok scope", "problem token-near-miss"]),
    "a password in the key": (f"{SCOPE}//u:s3cr3ts@registry.example.test/npm/:_authToken=x", ["ok scope", "problem token-near-miss"]),
    "a token of another host": (f"{SCOPE}//other.example.test/npm/:_authToken=x", ["ok scope", "warning token-missing"]),
    "a key that is no URL": (f"{SCOPE}// /:_authToken=x", ["ok scope", "warning token-missing"]),
}  # fmt: skip


@pytest.mark.parametrize(("npmrc", "expected"), ROUTES.values(), ids=ROUTES.keys())
def test_routes_and_credentials(npmrc: str, expected: list[str]) -> None:
    assert routes(npmrc) == expected


def test_packages_without_a_scope_come_from_the_default_registry() -> None:
    assert routes(TOKEN, packages=("kernel",), scopes=()) == ["problem scope-missing", "ok token"]
    other = f"registry=https://other.example.test/\n{TOKEN}"
    assert routes(other, packages=("a", "b", "c", "d"), scopes=()) == ["problem scope-other", "ok token"]
    assert routes(SCOPE + TOKEN, packages=("@acme/kernel",), scopes=()) == ["ok scope", "ok token"]


def test_a_registry_of_another_ecosystem_is_not_npm_s_business() -> None:
    registry = Registry(label="python", url=URL, scopes=(), packages=("acme",), evidence="", ecosystem="pypi")
    assert list(check_registries(root(A_YEAR, registry=registry), merge_npmrc([]))) == []


def test_plain_http_is_for_loopback_only() -> None:
    assert routes("", url="http://registry.example.test/")[0] == "problem registry-http"
    assert "registry-http" not in str(routes("", url="http://127.0.0.1:4873/"))


# -- secrets -------------------------------------------------------------------------------------------------------------

SHOWN = {
    "a setting of another program": ("electron_mirror=x", "'electron_mirror'"),
    "a misspelt setting": ("Regsitry=x", "'Regsitry'"),
    "a misspelt scope line": ("@acme:regsitry=x", "'@acme:regsitry'"),
    "a word alone that is close to a setting": ("regsitry", "'regsitry'"),
    "a word alone, which may be a password": ("correcthorse", "(not shown"),
    "a token alone": ("npm_0123456789abcdefghijABCDEFGHIJ", "(not shown"),
    "base64 with its own equals sign": ("dXNlcjpwYXNz=", "(not shown"),
    "a token behind a colon": ("//h.example.test/:_authToken: npm_abc", "(not shown"),
    "a token before a colon": ("npm_ABC:regsitry=x", "(not shown"),
    "a password in the key": ("//u:s3cr3ts@h.example.test/:regsitry=x", "'//h.example.test/:regsitry'"),
    "two words": ("my password=x", "(not shown"),
}


@pytest.mark.parametrize(("line", "expected"), SHOWN.values(), ids=SHOWN.keys())
def test_how_a_key_is_shown(line: str, expected: str) -> None:
    ((name, value),) = parse_npmrc(line, where="x", expand=None).values.items()
    assert expected in shown_key(name, value, judge_key(name))


SECRETS = {
    "a token": ("//h/:_authToken=s3cr3t-token", {"s3cr3t-token"}),
    "a misspelt token": ("//h/:_authtoken=s3cr3t-token", {"s3cr3t-token"}),
    "an unscoped token": ("_authToken=s3cr3t-token", {"s3cr3t-token"}),
    "a password and what it decodes to": ("//h/:_password=czNjcjN0LXRva2Vu", {"czNjcjN0LXRva2Vu", "s3cr3t-token"}),
    "a user and a password": ("//h/:_auth=dTpzM2NyM3QtdG9rZW4=", {"dTpzM2NyM3QtdG9rZW4=", "u:s3cr3t-token", "s3cr3t-token"}),
    "a password in a proxy": ("proxy=http://u:s3cr3ts@h.example.test/", {"s3cr3ts"}),
    "a password in a URL that is none": ("proxy=http://u:s3cr3ts@[h/", {"http://u:s3cr3ts@[h/"}),
    "a list of tokens": ("_authToken[]=s3cr3t-1\n_authToken[]=s3cr3t-2", {"s3cr3t-1", "s3cr3t-2"}),
    "a variable is none": ("//h/:_authToken=${NPM_TOKEN}", set()),
    "a short word is none, because it is in other words": ("_auth=a", set()),
    "a setting is none": ("registry=https://registry.example.test/", set()),
    "a switch is none": ("strict-ssl=false\n_auth", set()),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SECRETS.values(), ids=SECRETS.keys())
def test_what_is_secret(text: str, expected: set[str]) -> None:
    assert secrets_in([parse_npmrc(text, where="x", expand=None)]) == expected


def test_secrets_are_taken_out_of_every_field() -> None:
    said = DoctorFinding(
        level=Level.PROBLEM, area=Area.NPMRC, code="doctor.x", found="a s3cr3t-token", expected="s3cr3t-tok", fix="s3cr3t",
        where="/s3cr3t-token",
    )  # fmt: skip
    (clean,) = redact([said], frozenset({"s3cr3t", "s3cr3t-token"}))
    assert (clean.found, clean.expected, clean.fix, clean.where) == ("a ***", "***-tok", "***", "/***")
    bare = Notes(Area.CLOCK).ok("x", "y")
    assert redact([bare], frozenset({"s3cr3t"})) == (bare,)


PIECES = st.sampled_from([*"ab:/@=.[]_${}\"' #;", "registry", "_authToken", "_auth", "strict-ssl", "@acme", OWN])
LINE = st.lists(PIECES, max_size=12).map("".join)


@given(st.lists(LINE, max_size=6))
def test_any_settings_get_an_answer_and_no_token_is_in_it(lines: list[str]) -> None:
    text = "\n".join([*lines, f"{OWN}:_authToken=npm_TOPsecret123", f"{OWN}:_password=npm_TOPsecret123"])
    raw = parse_npmrc(text, where="/nonexistent/.npmrc", expand=None)
    config = merge_npmrc([raw], unsafe_tls=("x",))
    registry = Registry(label="internal", url=URL, scopes=("@acme",), packages=(), evidence="@acme/x")
    found = [
        *check_registries(root(A_YEAR, registry=registry), config),
        *check_settings(NpmSettings(config=config, raw=(raw,)), tracked=frozenset()),
    ]
    assert found
    assert all("TOPsecret" not in str(item) for item in found)


# -- the whole -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["none", "file", "\x00"])
def test_a_folder_that_is_none_is_usage(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        examine(project_dir=tmp_path / name)
    assert caught.value.code == "file.missing"


def test_a_policy_without_scans_needs_no_database() -> None:
    from vxsec.usecases.doctor.database import _what_the_policy_needs

    assert _what_the_policy_needs(None) == (False, None)
    assert _what_the_policy_needs(make_policy({"use": "archive.safe"})) == (False, None)
