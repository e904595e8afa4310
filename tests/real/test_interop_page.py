"""What ``docs/explanation/interop.md`` says is what the tests hold: tables, versions, codes. Needs no servers."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from real.matrix import MATRIX, NOT_READ, TAMPERED, render_good, render_tampered
from real.tampering import ACCEPTS, TAMPERINGS
from support.gpg_kit import has_gpg
from support.gpg_matrix import gpg_cases
from support.ssh_matrix import render_matrix

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "explanation" / "interop.md").read_text(encoding="utf-8")


def _between(name: str) -> str:
    (found,) = re.findall(rf"^<!-- {name} -->\n(.*?)^<!-- end -->$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_table_of_good_bundles_is_what_is_tested() -> None:
    assert _between("real: good") == render_good(), "run: PYTHONPATH=tests python -m real.matrix"


def test_the_table_of_alterations_is_what_is_tested() -> None:
    assert _between("real: tampered") == render_tampered(), "run: PYTHONPATH=tests python -m real.matrix"


def test_the_table_of_ssh_is_what_is_tested() -> None:
    assert _between("ssh") == render_matrix(), "run: PYTHONPATH=tests python -m support.ssh_matrix"


@pytest.mark.skipif(not has_gpg(), reason="needs gpg")
def test_the_table_of_openpgp_is_what_is_tested() -> None:
    rows = [tuple(line.strip("| ").split(" | ")) for line in _between("gpg").splitlines()[2:]]
    expected = {case.name.replace("|", "\\|").replace("`", ""): case.expect for case in gpg_cases()}
    assert {row[0]: row[2].strip("`*") for row in rows} == expected, (
        "run: PYTHONPATH=tests python -m support.gpg_matrix"
    )


@pytest.mark.parametrize(
    ("module", "written"),
    [
        ("github.com/sigstore/cosign/v3", "| cosign | {} |"),
        ("github.com/sigstore/fulcio", "| Fulcio (certificates) | {} |"),
        ("github.com/sigstore/rekor-tiles/v2", "| rekor-tiles {} |"),
        ("github.com/sigstore/timestamp-authority/v2", "| timestamp authority | {} |"),
        ("github.com/google/certificate-transparency-go", "CTFE of certificate-transparency-go {} on"),
        ("github.com/google/trillian", "on trillian {},"),
    ],
)
def test_the_versions_of_the_servers_are_those_that_are_built(module: str, written: str) -> None:
    pins = (CHECKOUT / "tests" / "real" / "tools" / "go.mod").read_text(encoding="utf-8")
    (pinned,) = re.findall(rf"^\t{re.escape(module)} v(\S+)", pins, re.MULTILINE)
    assert written.format(pinned) in PAGE


def test_the_versions_of_the_clients_are_those_that_are_installed() -> None:
    assert f"| sigstore-python | {version('sigstore')} |" in PAGE
    package = json.loads((CHECKOUT / "tests" / "support" / "sigstore_js" / "package.json").read_bytes())
    for name in ("@sigstore/bundle", "@sigstore/verify"):
        assert f"{name} {package['dependencies'][name]}" in PAGE


def test_every_code_of_the_table_is_in_the_reference() -> None:
    reference = (CHECKOUT / "docs" / "reference" / "verification-checks.md").read_text(encoding="utf-8")
    codes = {code for row in TAMPERINGS.values() for code in (row.code, *row.codes.values())}
    assert {code for code in codes if f"`{code}`" not in reference} == set()


def test_what_is_said_of_others_has_a_reason_each() -> None:
    assert {name for name, _ in NOT_READ} <= set(MATRIX)
    assert len(TAMPERED) == 10
    unexplained = {
        name for name, row in TAMPERINGS.items() if ACCEPTS in {row.cosign, row.python, row.javascript} and not row.why
    }
    assert unexplained == {
        "Fulcio was trusted until a while before",
        "the CT log was trusted until a while before",
    }, "explain it, or leave the cell empty on purpose and add it here"
