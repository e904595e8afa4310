from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import ConfigurationError
from vxsec.formats.registry_url import normalise_registry_url

ACCEPTED = {
    "as it should be": ("https://registry.example.test/", "https://registry.example.test/"),
    "no trailing slash": ("https://registry.example.test", "https://registry.example.test/"),
    "several trailing slashes": ("https://registry.example.test/npm///", "https://registry.example.test/npm/"),
    "capitals in scheme and host only": ("HTTPS://Registry.Example.Test/Npm", "https://registry.example.test/Npm/"),
    "default https port": ("https://registry.example.test:443/", "https://registry.example.test/"),
    "default http port": ("http://localhost:80", "http://localhost/"),
    "empty port": ("https://registry.example.test:/", "https://registry.example.test/"),
    "another port": ("http://127.0.0.1:4873", "http://127.0.0.1:4873/"),
    "https on port 80 is not the default": ("https://registry.example.test:80", "https://registry.example.test:80/"),
    "IPv6 in its short form": ("http://[0:0:0:0:0:0:0:1]:4873/", "http://[::1]:4873/"),
    "an escape that must stay": ("https://h.test/My%20Project/x", "https://h.test/My%20Project/x/"),
    "an escape in small letters": ("https://h.test/a%c3%a9", "https://h.test/a%C3%A9/"),
    "an escape of an ordinary character": ("https://h.test/%6epm/", "https://h.test/npm/"),
}

REFUSED = {
    "no scheme": "registry.example.test",
    "another scheme": "ftp://registry.example.test/",
    "a file": "file:///etc/passwd",
    "no host": "https:///npm/",
    "user and password": "https://user:secret@registry.example.test/",
    "user only": "https://user@registry.example.test/",
    "query": "https://registry.example.test/?a=1",
    "empty query": "https://registry.example.test/?",
    "fragment": "https://registry.example.test/#x",
    "backslash": "https://registry.example.test\\@evil.test/",
    "line break": "https://registry.example.test/\nx",
    "tab that urlsplit would drop": "https://regis\ttry.example.test/",
    "space": "https://registry.example.test/a b",
    "letters of another script": "https://reg\u0131stry.example.test/",
    "dot segment": "https://registry.example.test/npm/../x",
    "encoded dot segment": "https://registry.example.test/npm/%2e%2e/x",
    "encoded slash": "https://registry.example.test/npm%2fx",
    "empty segment inside": "https://registry.example.test/npm//x",
    "broken escape": "https://registry.example.test/%zz",
    "port out of range": "https://registry.example.test:99999/",
    "port that is no number": "https://registry.example.test:port/",
    "final dot": "https://registry.example.test./",
    "short IPv4": "http://127.1/",
    "number as address": "http://2130706433/",
    "hexadecimal address": "http://0x7f000001/",
    "escape in the host": "http://local%68ost/",
    "broken IPv6": "http://[::1::2]/",
    "IPv6 zone": "http://[fe80::1%25eth0]/",
    "IPv4 inside the brackets": "http://[127.0.0.1]/",
    "bracket never closed": "http://[::1/",
    "empty text": "",
}


@pytest.mark.parametrize(("given_url", "expected"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_one_spelling(given_url: str, expected: str) -> None:
    assert normalise_registry_url(given_url) == expected
    assert normalise_registry_url(expected) == expected


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED.keys())
def test_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        normalise_registry_url(url)
    assert caught.value.code == "registry.url"
    assert "secret" not in str(caught.value)


@given(st.text(alphabet="htps:/.@[]%#?\\aA09-_~ \n\u0131", max_size=30))
def test_normal_form_is_stable_or_refused(tail: str) -> None:
    try:
        once = normalise_registry_url("https://" + tail)
    except ConfigurationError:
        return
    assert normalise_registry_url(once) == once
    assert once.endswith("/")
