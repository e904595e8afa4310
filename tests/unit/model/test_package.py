"""Names, versions and purls of packages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.model.package import Manifest, PackageRef, is_npm_name

NAMES = st.from_regex(
    r"(@[a-z0-9~!'()*-][a-z0-9._~-]{0,20}/)?[a-z0-9~!'()*-][a-z0-9._~-]{0,40}", fullmatch=True
).filter(is_npm_name)


@pytest.mark.parametrize("name", ["a", "left-pad", "@acme/kernel", "JSONStream", "a.b_c~d", "@a/b!", "x" * 214])
def test_names_of_packages(name: str) -> None:
    assert is_npm_name(name)


NO_NAMES = {
    "nothing": "",
    "a scope alone": "@acme",
    "a scope and a slash": "@acme/",
    "no scope before the slash": "/kernel",
    "a slash without a scope": "acme/kernel",
    "two slashes": "@acme/kernel/x",
    "a dot in front": ".hidden",
    "a dot in front, in a scope": "@acme/.hidden",
    "an underscore in front": "_private",
    "a scope that begins with a dot": "@.acme/kernel",
    "a scope that begins with an underscore": "@_acme/kernel",
    "npm's own folder": "node_modules",
    "npm's own folder in a scope": "@acme/node_modules",
    "the icon every server has": "favicon.ico",
    "climbing": "..",
    "a space": "left pad",
    "a line end": "left-pad\n",
    "a percent escape": "left%2fpad",
    "letters beyond ASCII": "l\u0435ft-pad",
    "215 letters": "x" * 215,
}


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES.keys())
def test_no_names_of_packages(name: str) -> None:
    assert not is_npm_name(name)
    with pytest.raises(FormatError) as caught:
        PackageRef.parse(f"{name}@1.0.0")
    assert caught.value.code == "package.malformed"


PURLS = {
    "left-pad@1.3.0": "pkg:npm/left-pad@1.3.0",
    "@acme/kernel@1.0.0": "pkg:npm/%40acme/kernel@1.0.0",
    "kernel@1.0.0+build.5": "pkg:npm/kernel@1.0.0%2Bbuild.5",
    "@a/b!@2.0.0-rc.1": "pkg:npm/%40a/b%21@2.0.0-rc.1",
}


@pytest.mark.parametrize(("text", "purl"), PURLS.items(), ids=PURLS.keys())
def test_a_purl_is_written_in_one_way_and_read_back(text: str, purl: str) -> None:
    package = PackageRef.parse(text)
    assert package.purl == purl
    assert PackageRef.parse_purl(purl) == package
    assert str(package) == text


@given(NAMES, st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=40))
def test_every_purl_written_is_read_back(name: str, version: str) -> None:
    package = PackageRef(name=name, version=version)
    assert PackageRef.parse_purl(package.purl) == package


NO_PURLS = {
    "nothing": "",
    "another type": "pkg:cargo/kernel@1.0.0",
    "a Python name that is not in its normal form": "pkg:pypi/Vx_Sec@1.0",
    "a scope in a Python name": "pkg:pypi/%40acme/kernel@1.0",
    "no type": "kernel@1.0.0",
    "no version": "pkg:npm/kernel",
    "a scope not escaped": "pkg:npm/@acme/kernel@1.0.0",
    "an escape that need not be": "pkg:npm/k%65rnel@1.0.0",
    "a qualifier": "pkg:npm/kernel@1.0.0?arch=x86",
    "a subpath": "pkg:npm/kernel@1.0.0#lib",
    "small letters in an escape": "pkg:npm/kernel@1.0.0%2bbuild",
    "a name that npm refuses": "pkg:npm/.hidden@1.0.0",
    "a slash before the name": "pkg:npm//kernel@1.0.0",
}


@pytest.mark.parametrize("purl", NO_PURLS.values(), ids=NO_PURLS.keys())
def test_refuses_what_it_would_not_write(purl: str) -> None:
    with pytest.raises(FormatError) as caught:
        PackageRef.parse_purl(purl)
    assert caught.value.code == "purl.malformed"


@pytest.mark.parametrize("text", ["kernel", "@acme/kernel", "kernel@", "@1.0.0", ""])
def test_refuses_a_name_without_version_or_a_version_without_name(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        PackageRef.parse(text)
    assert caught.value.code == "package.malformed"


def test_a_message_cuts_what_is_too_long_to_read() -> None:
    with pytest.raises(FormatError) as caught:
        PackageRef.parse("x" * 100_000)
    assert len(str(caught.value)) < 200


def test_a_manifest_gives_the_strings_of_a_field_and_nothing_else() -> None:
    document = {"scripts": {"test": "x", "odd": 1, "none": None}, "dependencies": ["a"]}
    manifest = Manifest(package=PackageRef(name="a", version="1.0.0"), document=document)
    assert manifest.strings("scripts") == {"test": "x"}
    assert manifest.strings("dependencies") == {}
    assert manifest.strings("peerDependencies") == {}
