"""Strict documents: one file, one meaning, whichever reader opens it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import ConfigurationError, VxsecError
from vxsec.formats.strict_yaml import read_document
from vxsec.limits import Limits

REFUSED = {
    "an anchor": (b"a: &x 1\n", "document.anchor", "p.yaml:1 a"),
    "an anchor on a key": (b"&x a: 1\n", "document.anchor", "p.yaml:1"),
    "an alias": (b"a: 1\nb: *a\n", "document.alias", "p.yaml:2 b"),
    "an alias as a key": (b"*a : 1\n", "document.alias", "p.yaml:1"),
    "a tag": (b"a: !!str 1\n", "document.tag", "p.yaml:1 a"),
    "the non-specific tag": (b"a: ! b\n", "document.tag", "p.yaml:1 a"),
    "a tag on a mapping": (b"--- !!map {a: 1}\n", "document.tag", "p.yaml:1"),
    "a python object": (b"a: !!python/object/apply:os.system [ls]\n", "document.tag", "p.yaml:1 a"),
    "a directive": (b"%YAML 1.1\n---\na: 1\n", "document.directive", "p.yaml:1"),
    "a merge key": (b"a: 1\n<<: {b: 2}\n", "document.merge-key", "p.yaml:2"),
    "a merge word as value": (b"a: <<\n", "document.ambiguous-scalar", "p.yaml:1 a"),
    "a duplicate key": (b"a: 1\nb: 2\na: 3\n", "document.duplicate-key", "p.yaml:3"),
    "a duplicate key, once quoted": (b"a: 1\n'a': 3\n", "document.duplicate-key", "p.yaml:2"),
    "a duplicate key deep inside": (b"a:\n  - {b: 1, b: 1}\n", "document.duplicate-key", "p.yaml:2 a[0]"),
    "two documents": (b"a: 1\n---\na: 2\n", "document.several-documents", "p.yaml:2"),
    "an empty file": (b"", "document.empty", "p.yaml"),
    "blanks": (b" \n\n", "document.empty", "p.yaml"),
    "only a comment": (b"# nothing here\n", "document.empty", "p.yaml"),
    "a number as key": (b"1: a\n", "document.key", "p.yaml:1"),
    "an empty key": (b"null: a\n", "document.key", "p.yaml:1"),
    "a list as key": (b"? [a]\n: b\n", "document.key", "p.yaml:1"),
    "a key that YAML 1.1 reads as true": (b"on: a\n", "document.ambiguous-scalar", "p.yaml:1"),
    "Latin-1": (b"a: 1\nb: \xe9\n", "document.encoding", "p.yaml:2"),
    "UTF-16": ("a: 1".encode("utf-16"), "document.encoding", "p.yaml:1"),
    "a byte order mark": (b"\xef\xbb\xbfa: 1\n", "document.control-character", "p.yaml:1"),
    "an escape character": (b"a: 1\nb: \x1b[2J\n", "document.control-character", "p.yaml:2"),
    "a bidirectional override in a comment": ("# \u202e\n".encode(), "document.control-character", "p.yaml:1"),
    "a line break only some readers see": ("a: b\u2028c\n".encode(), "document.control-character", "p.yaml:1"),
    "the next-line character": ("a: b\x85c: d\n".encode(), "document.control-character", "p.yaml:1"),
    "a lone carriage return": (b"a: 1\rb: 2\n", "document.control-character", "p.yaml:1"),
    "an escaped control character": (b'a: "\\x07"\n', "document.control-character", "p.yaml:1 a"),
    "an escaped bidirectional override": (b'a: "\\u202e"\n', "document.control-character", "p.yaml:1 a"),
    "half a surrogate pair": (b'a: "\\ud800"\n', "document.syntax", "p.yaml:1"),
    "broken YAML": (b"a: [1\nb: 2\n", "document.syntax", "p.yaml:2"),
    "a tab as indentation": (b"a:\n\tb: 1\n", "document.syntax", "p.yaml:2"),
    "lists 33 deep": (b"[" * 33 + b"]" * 33, "document.depth", None),
    "lists a hundred thousand deep": (b"[" * 100_000, "document.depth", None),
    "an integer beyond 2^53": (b"a: 9007199254740992\n", "document.number", "p.yaml:1 a"),
    "an integer of a hundred thousand digits": (b"a: " + b"1" * 100_000, "document.number", "p.yaml:1 a"),
    "more bytes than allowed": (b"#" * (2**20 + 1), "document.too-large", "p.yaml"),
}

AMBIGUOUS = (
    *("y", "Yes", "no", "NO", "n", "on", "Off", "True", "FALSE", "~", "Null", "NULL", "="),
    *("012", "0o17", "0x1f", "0b11", "1_000", "+1", "-0", "1:30", "190:20:30", "1:30.5"),
    *("1.5", "1.", ".5", "1e3", "1.5e+3", ".inf", "-.INF", ".NaN", "-1.5"),
    *("2026-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00"),
)


@pytest.mark.parametrize(("data", "code", "where"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str, where: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_document(data, filename="p.yaml")
    assert caught.value.code == code
    assert where is None or caught.value.where == where


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_says_quote_it_where_readers_disagree(text: str) -> None:
    with pytest.raises(ConfigurationError, match="quote it") as caught:
        read_document(f"a: {text}\n".encode(), filename="p.yaml")
    assert caught.value.code == "document.ambiguous-scalar"
    assert read_document(f"a: '{text}'\n".encode(), filename="p.yaml").plain() == {"a": text}


def test_reads_the_few_scalars_all_readers_agree_on() -> None:
    data = b"""
    # comment
    text: some words   # comment
    version: 1.2.3
    range: ^1.0.0
    url: https://registry.example.test/
    quoted: "true"
    number: 12
    minus: -3
    zero: 0
    yes-word: true
    no-word: false
    nothing: null
    empty:
    list: [a, "b c", {d: e}]
    block: |
      two
      lines
    unicode: "\xc3\xa9 \xe6\x97\xa5"
    """
    assert read_document(data, filename="p.yml").plain() == {
        "text": "some words",
        "version": "1.2.3",
        "range": "^1.0.0",
        "url": "https://registry.example.test/",
        "quoted": "true",
        "number": 12,
        "minus": -3,
        "zero": 0,
        "yes-word": True,
        "no-word": False,
        "nothing": None,
        "empty": None,
        "list": ["a", "b c", {"d": "e"}],
        "block": "two\nlines\n",
        "unicode": "\u00e9 \u65e5",
    }
    assert read_document(b"a: 1\r\nb: 2\r\n", filename="p.yaml").plain() == {"a": 1, "b": 2}
    assert isinstance(read_document(b"[" * 32 + b"]" * 32, filename="p.yaml").plain(), list)


def test_reads_the_same_from_json_and_toml() -> None:
    expected = {"a": 1, "b": ["x", True], "c": {"d": "e"}}
    yaml = read_document(b"a: 1\nb: [x, true]\nc: {d: e}\n", filename="p.yaml")
    json = read_document(b'{"a": 1, "b": ["x", true], "c": {"d": "e"}}', filename="P.JSON")
    toml = read_document(b'a = 1\nb = ["x", true]\n[c]\nd = "e"\n', filename="p.toml")
    assert yaml.plain() == json.plain() == toml.plain() == expected
    assert yaml["c"]["d"].where == "p.yaml:3 c.d"
    assert json["c"]["d"].where == "P.JSON c.d"


OTHER_FORMATS = {
    "a duplicate key in JSON": (b'{"a":1,"a":2}', "p.json", "document.duplicate-key"),
    "a decimal in JSON": (b'{"a":1.5}', "p.json", "document.ambiguous-scalar"),
    "a control character in JSON": (b'{"a":"\\u0007"}', "p.json", "document.control-character"),
    "a control character in a JSON key": (b'{"\\u0007":1}', "p.json", "document.control-character"),
    "too large an integer in JSON": (b'{"a":9007199254740993}', "p.json", "document.number"),
    "JSON 40 deep": (b"[" * 40 + b"]" * 40, "p.json", "document.depth"),
    "JSON 400 deep": (b"[" * 400 + b"]" * 400, "p.json", "document.depth"),
    "broken JSON": (b"{", "p.json", "document.syntax"),
    "YAML in a JSON file": (b"a: 1", "p.json", "document.syntax"),
    "a date in TOML": (b"a = 2026-01-01\n", "p.toml", "document.ambiguous-scalar"),
    "a float in TOML": (b"a = 1.0\n", "p.toml", "document.ambiguous-scalar"),
    "a duplicate key in TOML": (b"a = 1\na = 2\n", "p.toml", "document.syntax"),
    "an integer of five thousand digits in TOML": (b"a = " + b"9" * 5000, "p.toml", "document.syntax"),
    "a hexadecimal integer of five thousand digits in TOML": (b"a = 0x" + b"f" * 5000, "p.toml", "document.number"),
    "TOML nested without end": (b"a = " + b"[" * 100_000, "p.toml", "document.depth"),
    "TOML with a dotted key of ten thousand parts": (b"a." * 10_000 + b"a = 1", "p.toml", "document.depth"),
    "TOML with a dotted key of 40 parts": (b"a." * 40 + b"a = 1", "p.toml", "document.depth"),
}


@pytest.mark.parametrize(("data", "name", "code"), OTHER_FORMATS.values(), ids=OTHER_FORMATS.keys())
def test_holds_other_formats_to_the_same_values(data: bytes, name: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_document(data, filename=name)
    assert caught.value.code == code


def test_accessors_give_values_or_name_the_place() -> None:
    root = read_document(b"a: text\nb: [x, z]\nc: 3\nd: true\ne: null\n'odd key': {f: 1}\n", filename="p.yaml")
    assert root["a"].string() == "text"
    assert root["b"].strings() == ("x", "z")
    assert root["c"].integer() == 3
    assert root["d"].boolean() is True
    assert root.get("e") is None
    assert root.get("nothing") is None
    assert root["odd key"].mapping() == {"f": 1}
    assert root["odd key"]["f"].where == 'p.yaml:6 "odd key".f'
    assert [key for key, _ in root.only("a", "b", "c", "d", "e", "odd key").members()] == [
        "a",
        "b",
        "c",
        "d",
        "e",
        "odd key",
    ]


WRONG = {
    "a missing member": (lambda n: n["nothing"], "document.missing", "expected a member 'nothing', found none"),
    "an unknown member": (
        lambda n: n.only("al", "b"),
        "document.unknown-member",
        "unknown member 'a' (did you mean 'al'?)",
    ),
    "a string where a list is expected": (lambda n: list(n["a"].items()), "document.type", "found a string 'text'"),
    "an integer where a string is expected": (
        lambda n: n["c"].string(),
        "document.type",
        "expected a string, found an integer",
    ),
    "a boolean where an integer is expected": (
        lambda n: n["d"].integer(),
        "document.type",
        "expected an integer, found a boolean",
    ),
    "an integer where a boolean is expected": (lambda n: n["c"].boolean(), "document.type", "expected true or false"),
    "a list where a mapping is expected": (
        lambda n: n["b"].get("x"),
        "document.type",
        "expected a mapping, found a list",
    ),
    "a list with something else in it": (
        lambda n: n["f"].strings(),
        "document.type",
        "expected a string, found nothing",
    ),
}


@pytest.mark.parametrize(("access", "code", "message"), WRONG.values(), ids=WRONG.keys())
def test_accessors_refuse(access: object, code: str, message: str) -> None:
    node = read_document(b"a: text\nb: [x, z]\nc: 3\nd: true\nf: [x, null]\n", filename="p.yaml")
    assert callable(access)
    with pytest.raises(ConfigurationError) as caught:
        access(node)
    assert caught.value.code == code
    assert message in str(caught.value)
    assert str(caught.value).startswith("p.yaml:")


def test_a_tighter_bound_is_honoured() -> None:
    with pytest.raises(ConfigurationError, match="at most 2 bytes"):
        read_document(b"a: 1", filename="p.yaml", limits=Limits(yaml_bytes=2))


@given(
    data=st.binary(max_size=60) | st.text("ab:-[]{}#&*!|>'\"%@, \n\t0", max_size=40).map(str.encode),
    name=st.sampled_from(["p.yaml", "p.json", "p.toml"]),
)
def test_only_vxsec_errors_escape(data: bytes, name: str) -> None:
    try:
        read_document(data, filename=name).plain()
    except VxsecError as error:
        code = error.code
    else:
        return
    assert code.startswith("document.")
