"""Strict JSON: what two readers could see differently is refused, with a code and a place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.strict_json import dump_json, parse_json, read_json
from vxsec.limits import Limits

REFUSED = {
    "a duplicate key at the top": (b'{"a":1,"a":2}', "json.duplicate-key"),
    "a duplicate key written with an escape": (b'{"a":1,"\\u0061":2}', "json.duplicate-key"),
    "a duplicate key deep inside": (b'[{"x":{"b":1,"b":1}}]', "json.duplicate-key"),
    "NaN": (b"[NaN]", "json.number"),
    "minus infinity": (b"[-Infinity]", "json.number"),
    "a decimal that overflows": (b"[1e999]", "json.number"),
    "a number of a hundred digits": (b"1" * 100, "json.number"),
    "Latin-1 bytes": (b'{"a":"\xe9"}', "json.encoding"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "json.encoding"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "json.encoding"),
    "half a surrogate pair": (b'{"a":"\\ud800"}', "json.encoding"),
    "half a surrogate pair in a key": (b'{"\\udfff":1}', "json.encoding"),
    "nothing": (b"", "json.syntax"),
    "a comment": (b"{} // x", "json.syntax"),
    "a trailing comma": (b"[1,]", "json.syntax"),
    "single quotes": (b"{'a':1}", "json.syntax"),
    "a raw newline in a string": (b'"a\nb"', "json.syntax"),
    "two documents": (b"{}{}", "json.syntax"),
    "arrays 101 deep": (b"[" * 101 + b"]" * 101, "json.depth"),
    "arrays a hundred thousand deep": (b"[" * 100_000, "json.depth"),
    "objects 200 deep": (b'{"a":' * 200 + b"1" + b"}" * 200, "json.depth"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_json(data, where="doc")
    assert caught.value.code == code
    assert caught.value.where == "doc"


def test_refuses_more_bytes_than_allowed() -> None:
    with pytest.raises(FormatError, match="at most 4 bytes"):
        parse_json(b"[1,2]", where="doc", limits=Limits(json_bytes=4))


PARTS = {
    "objects in an array": b"[" + b"{}," * 5 + b"1]",
    "numbers in an array": b"[" + b"1," * 9 + b"1]",
    "members of an object": b'{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":0,"k":1}',
    "commas in text, which cost nothing and are counted all the same": b'["' + b"," * 10 + b'"]',
    "what is no JSON at all": b"[" * 11,
}


@pytest.mark.parametrize("data", PARTS.values(), ids=PARTS.keys())
def test_more_parts_than_allowed_are_refused_before_any_is_built(data: bytes) -> None:
    with pytest.raises(FormatError, match="at most 9 objects") as caught:
        read_json(data, where="doc", max_parts=9)
    assert caught.value.code == "json.too-large"


def test_as_many_parts_as_allowed_are_read() -> None:
    assert parse_json(b'[{"a":1},{}]', where="doc", max_parts=4) == [{"a": 1}, {}]


ARRAYS = {
    "fewer elements than asked for": (b"[1]", "x.count", "expected 2 to 3 elements, found 1"),
    "more elements than allowed": (b"[1,2,3,4]", "x.count", "expected 2 to 3 elements, found 4"),
    "an object": (b"{}", "json.type", "expected an array, found an object"),
}


@pytest.mark.parametrize(("data", "code", "message"), ARRAYS.values(), ids=ARRAYS.keys())
def test_an_array_is_counted_before_its_elements_are_nodes(data: bytes, code: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        read_json(data, where="doc").array(most=3, least=2, code="x.count")
    assert (caught.value.code, caught.value.where) == (code, "doc")


def test_an_array_within_its_bounds_is_its_elements() -> None:
    assert [item.where for item in read_json(b"[1,2]", where="d").array(most=2, code="x")] == ["d[0]", "d[1]"]
    with pytest.raises(FormatError, match="expected at most 1 of them, found 2"):
        read_json(b"[1,2]", where="d").array(most=1, code="x", what="of them")


def test_accepts_depth_at_the_limit_a_mark_where_asked_and_a_surrogate_pair() -> None:
    assert parse_json(b"[" * 100 + b"]" * 100, where="doc")
    assert parse_json(b"\xef\xbb\xbf{}", where="doc", allow_bom=True) == {}
    assert parse_json(b'"\\ud83d\\ude00"', where="doc") == "\U0001f600"


def test_errors_grow_a_path() -> None:
    node = read_json(b'{"packages":[{"name":1}]}', where="lock")
    with pytest.raises(FormatError, match="expected a string, found a number") as caught:
        [item["name"].string() for item in node["packages"].items()]
    assert caught.value.where == "lock.packages[0].name"
    with pytest.raises(FormatError, match="'version'"):
        node["version"]
    with pytest.raises(FormatError, match="unknown member 'packages'"):
        node.only("name")
    with pytest.raises(FormatError, match="expected an array, found an object"):
        list(node.items())
    with pytest.raises(FormatError, match="expected true or false"):
        node["packages"].boolean()
    with pytest.raises(FormatError, match="expected an integer, found a boolean"):
        read_json(b"true", where="x").integer()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(values)
def test_reads_what_it_writes(value: object) -> None:
    assert parse_json(dump_json(value), where="doc") == value
    assert parse_json(dump_json(value, indent=2), where="doc") == value


@given(st.binary(max_size=200))
def test_only_its_own_error_escapes_and_it_never_accepts_what_python_refuses(data: bytes) -> None:
    try:
        value = parse_json(data, where="doc")
    except FormatError:
        return
    assert json.loads(data) == value


def test_members_that_are_null_or_absent_and_members_in_file_order() -> None:
    node = read_json(b'{"b": null, "a": "x", "c": {"d": 1}}', where="doc")
    assert node.get("b") is None
    assert node.get("z") is None
    assert [(name, child.where) for name, child in node.members()] == [("b", "doc.b"), ("a", "doc.a"), ("c", "doc.c")]
    assert node.only("a", "b", "c") is node
    assert node["c"].mapping() == {"d": 1}
    with pytest.raises(FormatError, match="expected an object, found a string"):
        node["a"].mapping()


def test_a_list_of_strings_holds_nothing_else() -> None:
    assert read_json(b'["a", "b"]', where="x").strings() == ("a", "b")
    for data, where in ((b'["a", null]', "x[1]"), (b'"a"', "x"), (b"[[]]", "x[0]")):
        with pytest.raises(FormatError) as caught:
            read_json(data, where="x").strings()
        assert (caught.value.code, caught.value.where) == ("json.type", where)


def test_many_brackets_side_by_side_are_not_deep_and_a_pair_beside_numbers_is_whole() -> None:
    assert parse_json(b"[" + b"[],{}," * 200 + b"1]", where="doc")
    assert parse_json(b'[1, null, "\\ud83d\\ude00", {"\\ud83d\\ude00": [true, 1.5]}]', where="doc")


def test_a_mark_is_refused_unless_asked_for_and_only_one() -> None:
    for data, allowed in ((b"\xef\xbb\xbf[]", False), (b"\xef\xbb\xbf\xef\xbb\xbf[]", True)):
        with pytest.raises(FormatError):
            parse_json(data, where="doc", allow_bom=allowed)
