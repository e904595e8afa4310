from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import ConfigurationError, VxsecError
from vxsec.formats.npmrc import NpmConfig, NpmrcValue, merge_npmrc, parse_npmrc

ENVIRONMENT = {"TOKEN": "s3cret", "HOST": "registry.example.test", "EMPTY": ""}


def user(text: str) -> NpmConfig:
    return merge_npmrc([parse_npmrc(text, where="user", expand=ENVIRONMENT.get)], home="/home/ci")


def project(text: str, user_text: str = "") -> NpmConfig:
    return merge_npmrc(
        [parse_npmrc(text, where="project", expand=None), parse_npmrc(user_text, where="user", expand=ENVIRONMENT.get)]
    )


# Expected values are what npm's own `ini` package gives.
LINES: dict[str, tuple[str, dict[str, NpmrcValue]]] = {
    "key and value": ("a=b", {"a": "b"}),
    "blanks around both": ("  a =  b  ", {"a": "b"}),
    "comments and empty lines": ("; x=1\n  # y=2\n\na=b", {"a": "b"}),
    "a comment after the value": ("a=b ; rest\nc=d#rest", {"a": "b", "c": "d"}),
    "an escaped comment mark": ("a=b\\;c\\#d\\\\e", {"a": "b;c#d\\e"}),
    "a backslash before anything else": ("a=b\\c\\", {"a": "b\\c\\"}),
    "double quotes": ('a="b ; c"', {"a": "b ; c"}),
    "double quotes with an escape": ('a="b\\nc"', {"a": "b\nc"}),
    "double quotes that are no JSON": ('a="b\\qc"', {"a": '"b\\qc"'}),
    "single quotes": ("a='b # c'", {"a": "b # c"}),
    "a quoted number stays text": ("a='12'", {"a": "12"}),
    "true, false, null": ("a=true\nb=false\nc=null", {"a": True, "b": False, "c": None}),
    "a key alone": ("a", {"a": True}),
    "an empty value": ("a=", {"a": ""}),
    "a list": ("a[]=1\na[]=2", {"a": ("1", "2")}),
    "a value, then a list": ("a=1\na[]=2", {"a": ("1", "2")}),
    "a list, then a value": ("a[]=1\na=2", {"a": ("1", "2")}),
    "the last of two": ("a=1\na=2", {"a": "2"}),
    "an equals sign in the value": ("a=b=c==", {"a": "b=c=="}),
    "a section ends what counts": ("a=1\n[x]\nb=2", {"a": "1"}),
    "carriage returns": ("a=1\r\nb=2\rc=3", {"a": "1", "b": "2", "c": "3"}),
    "a byte order mark": ("\ufeffa=1", {"a": "1"}),
    "a line of only an equals sign": ("=x", {}),
    "an environment variable": ("a=x${TOKEN}y", {"a": "xs3crety"}),
    "an environment variable in the key": ("//${HOST}/:_authToken=1", {"//registry.example.test/:_authToken": "1"}),
    "an unset variable": ("a=${NOPE}", {"a": "${NOPE}"}),
    "an unset variable that may be": ("a=x${NOPE?}", {"a": "x"}),
    "an empty variable": ("a=x${EMPTY}", {"a": "x"}),
    "an escaped variable": ("a='\\${TOKEN}'", {"a": "${TOKEN}"}),
    "a backslash that is itself escaped": ("a='\\\\${TOKEN}'", {"a": "\\s3cret"}),
}


@pytest.mark.parametrize(("text", "values"), LINES.values(), ids=LINES.keys())
def test_lines_are_read_as_npm_reads_them(text: str, values: dict[str, NpmrcValue]) -> None:
    assert dict(parse_npmrc(text, where="user", expand=ENVIRONMENT.get).values) == values


def test_a_project_file_is_not_expanded() -> None:
    assert dict(parse_npmrc("a=${TOKEN}", where="project", expand=None).values) == {"a": "${TOKEN}"}


def test_secrets_are_not_shown() -> None:
    config = user("//h.example.test/:_authToken=s3cret")
    assert "s3cret" not in repr(config)
    assert "s3cret" not in repr(config.credentials_for("https://h.example.test/"))


def test_the_registry_of_a_name() -> None:
    config = project(
        "@vextrus:registry=https://Registry.example.test:443/npm",
        "registry=http://127.0.0.1:4873\n@x:registry=https://x.test",
    )
    assert config.registry_for("@vextrus/a") == "https://registry.example.test/npm/"
    assert config.registry_for("@x/a") == "https://x.test/"
    assert config.registry_for("@other/a") == config.registry_for("a") == "http://127.0.0.1:4873/"
    assert config.scopes() == ("@vextrus", "@x")
    assert config.scope_registry("@other") is None
    assert config.source == "project, user"


def test_without_a_line_it_is_what_npm_uses() -> None:
    assert NpmConfig().registry_for("a") is None
    assert NpmConfig().source == "npm's defaults"


BASIC = base64.b64encode(b"ci:p:w").decode()
AUTH: dict[str, tuple[str, str, str | None]] = {
    "a token": ("//h.test/:_authToken=t", "https://h.test/@a%2fb", "Bearer t"),
    "a token without the final slash": ("//h.test:_authToken=t", "https://h.test/a", "Bearer t"),
    "a token for a path": ("//h.test/npm/:_authToken=t", "https://h.test/npm/a", "Bearer t"),
    "the longest path wins": (
        "//h.test/:_authToken=short\n//h.test/npm/:_authToken=long",
        "https://h.test/npm/a",
        "Bearer long",
    ),
    "a token wins over a password": ("//h.test/:_auth=eDp5\n//h.test/:_authToken=t", "https://h.test/", "Bearer t"),
    "basic authentication": (f"//h.test/:_auth={BASIC}", "https://h.test/", f"Basic {BASIC}"),
    "user and password": (
        f"//h.test/:username=ci\n//h.test/:_password={base64.b64encode(b'p:w').decode()}",
        "https://h.test/",
        f"Basic {BASIC}",
    ),
    "a port that belongs to it": ("//h.test:8443/:_authToken=t", "https://h.test:8443/a", "Bearer t"),
    "the default port written": ("//h.test:443/:_authToken=t", "https://h.test/a", "Bearer t"),
    "the default port in the URL": ("//h.test/:_authToken=t", "https://h.test:443/a", "Bearer t"),
    "capitals in the URL's host": ("//h.test/:_authToken=t", "https://H.TEST/a", "Bearer t"),
    "another host": ("//h.test/:_authToken=t", "https://evil.test/a", None),
    "a host that ends the same": ("//h.test/:_authToken=t", "https://evilh.test/a", None),
    "a host below it": ("//h.test/:_authToken=t", "https://a.h.test/", None),
    "another port": ("//h.test/:_authToken=t", "https://h.test:8443/a", None),
    "http's port is not https's": ("//h.test:80/:_authToken=t", "https://h.test/a", None),
    "the path above": ("//h.test/npm/:_authToken=t", "https://h.test/a", None),
    "a path that begins the same": ("//h.test/npm:_authToken=t", "https://h.test/npm-other/a", None),
    "a path that climbs out": ("//h.test/npm/:_authToken=t", "https://h.test/npm/../a", None),
    "a path that climbs out in disguise": ("//h.test/npm/:_authToken=t", "https://h.test/npm/%2E./a", None),
    "a token for everything is never sent": ("_authToken=t\n_auth=eDp5", "https://h.test/", None),
    "a user without a password": ("//h.test/:username=ci", "https://h.test/", None),
    "an empty token": ("//h.test/:_authToken=", "https://h.test/", None),
    "the host hidden in user information": ("//h.test/:_authToken=t", "https://h.test@evil.test/", None),
}


@pytest.mark.parametrize(("text", "url", "expected"), AUTH.values(), ids=AUTH.keys())
def test_a_credential_goes_only_where_it_belongs(text: str, url: str, expected: str | None) -> None:
    found = user(text).credentials_for(url)
    assert (found.authorization if found else None) == expected


def test_a_client_certificate_goes_along() -> None:
    config = user("//h.test/:certfile=~/c.pem\n//h.test/:keyfile=/k.pem\n//h.test/:_authToken=t")
    found = config.credentials_for("https://h.test/a")
    assert found is not None
    assert (found.scope, found.source) == ("//h.test/", "user")
    assert (found.certfile, found.keyfile, found.authorization) == ("/home/ci/c.pem", "/k.pem", "Bearer t")
    alone = user("//h.test:certfile=c\n//h.test:keyfile=k").credentials_for("https://h.test/")
    assert alone is not None
    assert (alone.scope, alone.authorization) == ("//h.test/", None)


def test_a_project_cannot_redirect_the_users_token() -> None:
    config = project("registry=https://evil.test/", "//h.test/:_authToken=${TOKEN}")
    assert config.credentials_for(config.registry_for("a") or "") is None


REFUSED: dict[str, tuple[NpmConfig, str]] = {
    "a variable in a project's token": (project("//h.test/:_authToken=${TOKEN}"), "npmrc.environment"),
    "a variable of the user that is not set": (user("//h.test/:_authToken=${NOPE}"), "npmrc.environment"),
    "a token with a line break": (user('//h.test/:_authToken="a\\nb"'), "npmrc.credential"),
    "a token with a blank": (user("//h.test/:_authToken=a b"), "npmrc.credential"),
    "a password that is not base64": (user("//h.test/:username=a\n//h.test/:_password=%"), "npmrc.credential"),
    "an auth that is not base64": (user("//h.test/:_auth=%"), "npmrc.credential"),
    "a token that is a list": (user("//h.test/:_authToken[]=a"), "npmrc.value"),
    "a token without a value": (user("//h.test/:_authToken"), "npmrc.value"),
}


@pytest.mark.parametrize(("config", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_credential_that_cannot_be_used(config: NpmConfig, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        config.credentials_for("https://h.test/a")
    assert caught.value.code == code
    assert "a\nb" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        pytest.param(project("registry=${HOST}"), "npmrc.environment", id="a variable in a project's registry"),
        pytest.param(user("registry=not a url"), "registry.url", id="no URL"),
        pytest.param(user("registry"), "npmrc.value", id="no value"),
        pytest.param(user("registry=https://u:s3cret@h.test/"), "registry.url", id="a password in the URL"),
    ],
)
def test_a_registry_that_cannot_be_used(config: NpmConfig, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        config.registry_for("a")
    assert caught.value.code == code
    assert "s3cret" not in str(caught.value)


def test_the_error_about_a_project_variable_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError) as caught:
        project("//h.test/:_authToken=${TOKEN}").credentials_for("https://h.test/")
    assert caught.value.where == "project"
    assert "~/.npmrc" in (caught.value.hint or "")


@pytest.mark.parametrize("line", ["strict-ssl=false", 'strict-ssl="false"'])
def test_certificate_checks_are_not_turned_off_by_a_file(line: str) -> None:
    file = parse_npmrc(line, where="project", expand=None)
    with pytest.raises(ConfigurationError) as caught:
        merge_npmrc([file])
    assert caught.value.code == "npmrc.strict-ssl"
    assert merge_npmrc([file], unsafe_tls=["https://registry.example.test/"]).registry is None
    assert merge_npmrc([parse_npmrc("strict-ssl=true", where="user", expand=None)]).cafile is None


def test_certificate_authorities() -> None:
    config = user('ca[]="-----BEGIN\\nA"\nca[]=B\\nC\ncafile=~/ca.pem')
    assert config.ca == "-----BEGIN\nA\nB\nC"
    assert config.cafile == "/home/ci/ca.pem"
    assert user("ca=null").ca is None
    assert user("ca=x").ca == "x"
    assert user("ca").ca is None


PROXIES = {"HTTPS_PROXY": "http://env.test:1", "HTTP_PROXY": "env.test:2", "NO_PROXY": "internal.test, .corp.test"}
ROUTES: dict[str, tuple[str, str, str | None]] = {
    "https from the environment": ("", "https://h.test/", "http://env.test:1"),
    "http from the environment, without a scheme": ("", "http://h.test/", "http://env.test:2"),
    "the file's own for https": ("https-proxy=http://file.test:3", "https://h.test/", "http://file.test:3"),
    "the file's proxy serves https too": ("proxy=https://file.test:4", "https://h.test/", "https://file.test:4"),
    "the file turns it off": ("proxy=null\nhttps-proxy=false", "https://h.test/", None),
    "an exception": ("", "https://internal.test/", None),
    "below an exception": ("", "https://a.corp.test/", None),
    "only ends like an exception": ("", "https://notinternal.test/", "http://env.test:1"),
    "the file's exceptions replace the environment's": (
        "noproxy=h.test",
        "https://internal.test/",
        "http://env.test:1",
    ),
    "everything is an exception": ("noproxy=*", "https://h.test/", None),
}


@pytest.mark.parametrize(("text", "url", "expected"), ROUTES.values(), ids=ROUTES.keys())
def test_proxies(text: str, url: str, expected: str | None) -> None:
    config = merge_npmrc([parse_npmrc(text, where="user", expand=None)], proxies=PROXIES)
    assert config.proxy_for(url) == expected


@pytest.mark.parametrize("proxy", ["socks5://h.test:1", "http://h.test/ x", "ftp://x"])
def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        user(f"https-proxy='{proxy}'").proxy_for("https://h.test/")
    assert caught.value.code == "npmrc.proxy"


@given(st.text(alphabet="a=[]'\"\\;#${}? \n\r\t:/@_.true", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    config = user(text)
    for ask in (config.registry_for, config.credentials_for, config.proxy_for):
        try:
            ask("https://a/")
        except VxsecError as error:
            assert error.code.startswith(("npmrc.", "registry."))  # noqa: PT017 - either outcome is fine
