"""Taking trust away: one more line in the repository's list of revocations, signed by whoever may."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.formats.strict_yaml import read_document
from vxsec.formats.timestamps import render_time
from vxsec.host.clock import utc_now
from vxsec.model.trust_repository import REVOCATIONS_PATH
from vxsec.usecases.trust.commit import commit, open_to_change
from vxsec.usecases.trust.draft import read_draft

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.report.trust import TrustChange

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["revoke_trust"]


def revoke_trust(
    directory: PathLike,
    *,
    reason: str,
    signers: Sequence[str],
    key: str | None = None,
    identity: tuple[str, str] | None = None,
    sha512: str | None = None,
    log: str | None = None,
    since: datetime | None = None,
    root_sha256: str | None = None,
    minimum_version: int | None = None,
    password: Password = None,
    propose: bool = False,
    now: datetime | None = None,
    environ: Mapping[str, str] | None = None,
) -> TrustChange:
    """Add a revocation.

    Args:
        directory: The repository.
        reason: ``superseded``: what is older by a trusted time stays good. ``compromised``: only what is provably older.
        signers: One key of ``revocations``, and one of ``snapshot`` and ``timestamp``.
        key: The id of a key of the identities document.
        identity: Or subject and issuer of an identity.
        sha512: Or a tarball.
        log: Or a log or timestamp authority, by its URI.
        since: From when on; now if not given.
        root_sha256: As in ``add_trust``.
        minimum_version: Likewise.
        password: For encrypted keys.
        propose: Put it by for the others to sign, in place of failing where signatures lack.
        now: When it is signed; the clock if not given.
        environ: As in ``add_trust``.

    Raises:
        UsageError: ``trust.revoke-what``: none or several of what there is to revoke; as ``commit``.
        ConfigurationError: ``trust.revocation``: no such key, identity or log, or another reason.
        VerificationError: ``tuf.*``: the repository does not verify as it is.
    """
    moment = now or utc_now()
    subject = identity or (None, None)
    given = {"key": key, "identity": subject[0], "issuer": subject[1], "sha512": sha512, "log": log}
    named = {name: value for name, value in given.items() if value is not None}
    if len(named.keys() - {"issuer"}) != 1:
        raise UsageError(
            "expected one of a key, an identity, a SHA-512 and a log to revoke",
            code="trust.revoke-what",
            hint="name one: --key ID, --identity SUBJECT --issuer URL, --sha512 HEX or --log URI",
        )
    opened = open_to_change(
        directory,
        signers=signers,
        password=password,
        now=moment,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        environ=environ,
    )
    draft = read_draft(opened.fetch, opened.verified)
    document = read_document(opened.verified.target("revocations", REVOCATIONS_PATH), filename=REVOCATIONS_PATH)
    rows = [dict(item.mapping()) for item in document["revocations"].items()]
    row = {**named, "reason": reason, "since": render_time(since or moment)}
    draft.set_target("revocations", REVOCATIONS_PATH, _render([*rows, *([row] if row not in rows else [])]))
    return commit(opened, draft, now=moment, propose=propose)


def _render(rows: Sequence[Mapping[str, object]]) -> bytes:
    """One revocation a line, so that a difference shows what was added; JSON's strings are YAML's, too."""
    lines = [
        "  - {" + ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in row.items()) + "}"
        for row in rows
    ]
    return "\n".join(["apiVersion: vxsec/trust/v1", "kind: Revocations", "revocations:", *lines, ""]).encode()
