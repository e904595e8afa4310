"""Signatures made in many ways, and who accepts them: ssh-keygen, and vxsec or why not.

    PYTHONPATH=tests python -m support.ssh_matrix        # print the table
"""  # fmt: skip

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.ssh_kit import (
    KINDS,
    SK_ECDSA,
    SK_ED25519,
    Key,
    armored,
    blob_of,
    make,
    sign_wire,
    signed_by,
    sshsig,
    string,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES", "MESSAGE", "ROWS", "Row", "render_matrix"]

MESSAGE = b"the bytes of a tarball\n"
HARDWARE = (SK_ED25519, SK_ECDSA)


@dataclass(frozen=True)
class Row:
    """A signature that was changed or made in a certain way, and who accepts it: ssh-keygen, and we (None) or why not."""

    name: str
    kinds: tuple[str, ...]
    make: Callable[[Key], bytes]
    theirs: bool
    ours: str | None


def _reserved(key: Key) -> bytes:
    good = signed_by(key, MESSAGE)
    return good.replace(string(b"vxsec") + string(b""), string(b"vxsec") + string(b"tag"), 1)


def _tail(key: Key) -> bytes:
    return armored(signed_by(key, MESSAGE) + b"\0")


ROWS = (
    Row("good, SHA-512", KINDS, lambda key: armored(signed_by(key, MESSAGE)), theirs=True, ours=None),
    Row(
        "good, SHA-256", KINDS, lambda key: armored(signed_by(key, MESSAGE, hash_name="sha256")), theirs=True, ours=None
    ),
    Row(
        "RSA with SHA-256",
        ("ssh-rsa",),
        lambda key: armored(signed_by(key, MESSAGE, algorithm="rsa-sha2-256")),
        True,
        None,
    ),
    Row(
        "RSA with SHA-1",
        ("ssh-rsa",),
        lambda key: armored(signed_by(key, MESSAGE, algorithm="ssh-rsa")),
        theirs=False,
        ours="sshsig.sha1",
    ),
    Row("file changed", KINDS, lambda key: armored(signed_by(key, b"other")), theirs=False, ours="sshsig.invalid"),
    Row(
        "another namespace",
        KINDS,
        lambda key: armored(signed_by(key, MESSAGE, namespace=b"file")),
        theirs=False,
        ours="sshsig.namespace",
    ),
    Row(
        "another key",
        KINDS,
        lambda key: armored(signed_by(make(key.kind, "other"), MESSAGE)),
        theirs=False,
        ours="sshsig.other-key",
    ),
    Row(
        "another key's signature, renamed",
        KINDS,
        lambda key: armored(sshsig(public=blob_of(key), signature=sign_wire(make(key.kind, "other"), b"anything"))),
        theirs=False,
        ours="sshsig.invalid",
    ),
    Row("truncated", KINDS, lambda key: armored(signed_by(key, MESSAGE)[:-3]), theirs=False, ours="sshsig.malformed"),
    Row("a byte behind the last field", KINDS, _tail, theirs=False, ours="sshsig.malformed"),
    Row(
        "text before the armor",
        ("ssh-ed25519",),
        lambda key: b"junk\n" + armored(signed_by(key, MESSAGE)),
        theirs=False,
        ours="sshsig.malformed",
    ),
    Row(
        "text behind the armor",
        ("ssh-ed25519",),
        lambda key: armored(signed_by(key, MESSAGE)) + b"junk\n",
        theirs=True,
        ours="sshsig.malformed",
    ),
    Row(
        "something in the reserved field",
        ("ssh-ed25519",),
        lambda key: armored(_reserved(key)),
        True,
        "sshsig.reserved",
    ),
    Row(
        "nobody touched", HARDWARE, lambda key: armored(signed_by(key, MESSAGE, flags=0)), True, "sshsig.user-presence"
    ),
    Row("touched, with PIN", HARDWARE, lambda key: armored(signed_by(key, MESSAGE, flags=5)), theirs=True, ours=None),
    Row(
        "counter changed",
        HARDWARE,
        lambda key: armored(signed_by(key, MESSAGE)[:-1] + b"\xff"),
        theirs=False,
        ours="sshsig.invalid",
    ),
)
CASES = [(row, kind) for row in ROWS for kind in row.kinds]


def render_matrix() -> str:
    """The table in Markdown: one row for each way of making a signature and each answer."""
    lines = ["| signature | kinds of key | `ssh-keygen -Y verify` | vxsec |", "| --- | --- | --- | --- |"]
    for row in ROWS:
        kinds = "all" if row.kinds == KINDS else ", ".join(f"`{kind}`" for kind in row.kinds)
        ours = "accepted" if row.ours is None else f"refused, `{row.ours}`"
        lines.append(f"| {row.name} | {kinds} | {'accepted' if row.theirs else 'refused'} | {ours} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_matrix(), end="")  # noqa: T201 - this is what it is run for
