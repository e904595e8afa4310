"""Opening a trust repository for a change or a report, and making the change: verified first, and all at once."""

from __future__ import annotations

import hashlib
import os
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.trust_document import parse_trust_document
from vxsec.formats.trust_revocations import Revocations, parse_revocations_document
from vxsec.host.file_set import finish_pending, replace_members
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.trust import TrustChange
from vxsec.model.trust_repository import DELEGATED_ROLES, IDENTITIES_PATH, REVOCATIONS_PATH
from vxsec.usecases.signers import open_signers
from vxsec.usecases.trust.draft import ROLES, Hand, plain_signers
from vxsec.usecases.trust.files import PROPOSED, TIMESTAMP, disk_name, is_member, open_files
from vxsec.usecases.trust.memory import recall_versions, remember_versions
from vxsec.usecases.trust.pin import require_pin
from vxsec.values import dataclass
from vxsec.verification.tuf import verify_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.trust import TrustRoot
    from vxsec.model.verified import VerifiedTrust
    from vxsec.signing.signer import Signer
    from vxsec.usecases.trust.draft import Draft

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = [
    "Opened",
    "change_of",
    "changed_meanwhile",
    "check_unchanged",
    "commit",
    "open_repository",
    "open_to_change",
    "parse_documents",
    "write_state",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A repository that verifies, every role of it, whether it is stale or not.

    ``pinned`` is False where nobody said which first root is meant: the oldest one there was taken, so that what verifies
    is that it is whole, and not whose it is. For a change there are ``signers`` to make it with, ``environ`` to remember it,
    and ``notes``, which are to be told.
    """

    path: str
    fetch: Callable[[str], bytes | None]
    verified: VerifiedTrust
    pinned: bool
    signers: tuple[Signer, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def open_repository(path: PathLike, *, now: datetime, root_sha256: str | None = None) -> Opened:
    """Open a repository in a folder or an export, for a report.

    Raises:
        UsageError: It is no repository, or cannot be read.
        VerificationError: ``tuf.*``.
    """
    fetch = _files(path)
    verified = verify_trust(
        fetch, now=now, root_sha256=root_sha256 or _oldest(fetch), roles=DELEGATED_ROLES, unsafe_stale=True
    )
    return Opened(path=str(path), fetch=fetch, verified=verified, pinned=root_sha256 is not None)


def open_to_change(
    path: PathLike,
    *,
    signers: Sequence[str],
    password: Password,
    now: datetime,
    root_sha256: str | None,
    minimum_version: int | None,
    environ: Mapping[str, str] | None,
) -> Opened:
    """Open a repository in a folder, and finish what a killed change left once it is verified: reading sees it already.

    Guarantees: it is the one that was pinned, and not older than what was asked for or what this machine has seen. Expired
    it may be, since that is what is repaired here. The signers are open, and everybody who has to be asked for a password was,
    before the first byte is read.

    Args:
        path: The folder.
        signers: As ``open_signers`` takes them.
        password: For encrypted keys.
        now: When it is judged.
        root_sha256: The digest of the first root; what the user's own configuration says if None.
        minimum_version: The least version of ``timestamp`` that is believed.
        environ: Where the user's state and configuration are looked up; the process's own if None.

    Raises:
        UsageError: ``trust.not-a-folder`` for an export; ``tuf.no-root``; ``trust.key-kind``; as :func:`open_repository`.
        ConfigurationError: ``trust.state``: what was remembered cannot be read; ``config.*``; ``key.*``.
        VerificationError: ``tuf.*``: what does not verify is not signed anew.
    """
    if not Path(path).is_dir():
        raise UsageError(
            "expected the folder of a trust repository",
            code="trust.not-a-folder",
            where=str(path),
            hint="make one with vxsec trust init DIR; an export is only read",
        )
    around = os.environ if environ is None else environ
    pin = require_pin(path, root_sha256=root_sha256, minimum_version=minimum_version, environ=around)
    hands = plain_signers(open_signers(signers, password=password))
    fetch = _files(path)
    verified = verify_trust(
        fetch,
        now=now,
        root_sha256=pin.root_sha256,
        roles=DELEGATED_ROLES,
        minimum_version=pin.minimum_version,
        remembered=recall_versions(pin.root_sha256, environ=around),
        unsafe_stale=True,
    )
    opened = Opened(
        path=str(path),
        fetch=fetch,
        verified=verified,
        pinned=True,
        signers=tuple(hands),
        environ=around,
        notes=pin.notes,
    )
    finish_pending(path, last=TIMESTAMP, member=is_member, check=lambda: check_unchanged(opened))
    return opened


def _files(path: PathLike) -> Callable[[str], bytes | None]:
    try:
        return open_files(path)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where) from error


def check_unchanged(opened: Opened) -> None:
    """The repository is still the one that was opened: every change of it has another timestamp, or one more root.

    Raises:
        UsageError: ``trust.changed-meanwhile``; or a file cannot be read.
    """
    number = opened.verified.roles["root"].version
    same = opened.fetch(f"{number + 1}.root.json") is None
    for role, name in (("timestamp", "timestamp.json"), ("root", f"{number}.root.json")):
        same = same and hashlib.sha256(opened.fetch(name) or b"").hexdigest() == opened.verified.digests[role]
    if not same:
        raise changed_meanwhile(opened.path)


def changed_meanwhile(where: str) -> UsageError:
    """Somebody else changed the repository between reading and writing: their change must not be undone."""
    return UsageError(
        "the repository was changed while this change was made, and nothing was written",
        code="trust.changed-meanwhile",
        where=where,
        hint="run the same command again: it then adds to what was changed",
    )


def commit(opened: Opened, draft: Draft, *, now: datetime, propose: bool = False) -> TrustChange:
    """Sign a draft, verify the repository as it will be, and write it; or put it by for others to sign, with ``propose``.

    Guarantees: before the first byte is written the new state verifies from the same first root, and its documents load;
    then everything changes at once, or nothing does, and nothing that was changed since it was opened is undone. What was
    written is remembered on this machine. Roles that were expired and are not signed anew stay expired, so that
    trust can be taken away at any time.

    Raises:
        UsageError: ``trust.signers``, ``trust.signer-unused``, ``trust.key-kind``, ``trust.nothing-changed`` or
            ``trust.changed-meanwhile`` or ``file.unwritable``.
        ConfigurationError: The new documents do not load.
        VerificationError: The new state does not verify.
    """
    if not draft.touched:
        raise UsageError(
            "nothing would change: this is in the repository already",
            code="trust.nothing-changed",
            hint="to renew what will expire: vxsec trust refresh DIR --signer KEY",
        )
    if propose:
        return _propose(opened, draft, Hand(opened.signers), now=now)
    before = dict(draft.versions)
    made = draft.sign(opened.signers, now=now)
    after, notes = write_state(opened, made, now=now)
    only = [role for role in ROLES if draft.versions[role] != before[role]]
    return change_of(opened.path, after, made, only=only, notes=notes)


def write_state(opened: Opened, made: Mapping[str, bytes], *, now: datetime) -> tuple[VerifiedTrust, tuple[str, ...]]:
    """Verify a repository with these files in it, write them, all at once, and remember it; with what is to be told.

    Raises:
        UsageError: ``trust.changed-meanwhile`` or ``file.unwritable``.
        ConfigurationError: The documents do not load.
        VerificationError: It does not verify.
    """

    def fetch(name: str) -> bytes | None:
        return made.get(name) or opened.fetch(name)

    after = verify_trust(
        fetch, now=now, root_sha256=opened.verified.pinned_sha256, roles=DELEGATED_ROLES, unsafe_stale=True
    )
    parse_documents(after.files, source=opened.path)
    files = {disk_name(name): data for name, data in made.items()}
    replace_members(opened.path, files, last=TIMESTAMP, member=is_member, check=lambda: check_unchanged(opened))
    note = remember_versions(after, environ=opened.environ)
    return after, (*opened.notes, *([note] if note is not None else []))


def _propose(opened: Opened, draft: Draft, hand: Hand, *, now: datetime) -> TrustChange:
    _check_none_proposed(opened)
    if not draft.touched - {"snapshot", "timestamp"}:
        raise UsageError(
            "snapshot and timestamp are signed by one key, and are not proposed",
            code="trust.role",
            hint="leave --propose out",
        )
    made = draft.sign_roles(hand, now=now)
    hand.check_all_used()

    def check() -> None:
        check_unchanged(opened)
        _check_none_proposed(opened)

    proposed = {f"{PROPOSED}/{disk_name(name)}": data for name, data in made.items()}
    replace_members(opened.path, proposed, last=TIMESTAMP, member=is_member, check=check)
    lacking = (words for words, _ in hand.lacking)
    return TrustChange(
        path=str(Path(opened.path) / PROPOSED),
        first_root_sha256=opened.verified.pinned_sha256,
        written=tuple(sorted(proposed)),
        versions=(),
        notes=(*opened.notes, *lacking, "the others sign it with: vxsec trust sign DIR --signer KEY"),
    )


def _check_none_proposed(opened: Opened) -> None:
    if (Path(opened.path) / PROPOSED).exists():
        raise UsageError(
            "a change is proposed already",
            code="trust.proposal-open",
            where=str(Path(opened.path) / PROPOSED),
            hint="look at it with vxsec trust sign DIR, and sign it, or remove the folder",
        )


def change_of(
    path: PathLike, verified: VerifiedTrust, made: dict[str, bytes], *, only: Sequence[str], notes: Sequence[str] = ()
) -> TrustChange:
    """What a change is told as."""
    return TrustChange(
        path=str(path),
        first_root_sha256=verified.pinned_sha256,
        written=tuple(sorted(disk_name(name) for name in made)),
        versions=tuple((role, verified.roles[role].version, verified.roles[role].expires) for role in only),
        notes=tuple(notes),
    )


def parse_documents(files: Mapping[str, bytes], *, source: str) -> tuple[TrustRoot, Revocations]:
    """The identities document and the revocations among the targets of a repository.

    Raises:
        ConfigurationError: ``trust.*`` or ``document.*``.
        VerificationError: ``tuf.missing``: one of them, or a file that is named, is not there.
    """

    def needed(path: str) -> bytes:
        if path not in files:
            raise VerificationError(f"the trust repository lacks targets/{path[:120]}", code="tuf.missing")
        return files[path]

    def load(name: str) -> bytes:
        return needed(f"identities/{name.removeprefix('./')}")

    root = parse_trust_document(needed(IDENTITIES_PATH), source=f"{source}/targets/{IDENTITIES_PATH}", load_key=load)
    revocations = parse_revocations_document(
        needed(REVOCATIONS_PATH),
        source=f"{source}/targets/{REVOCATIONS_PATH}",
        keys=root.keys,
        holders=root.holders,
        trusted_roots=root.trusted_roots,
    )
    return root, revocations


def _oldest(fetch: Callable[[str], bytes | None]) -> str:
    for number in range(1, DEFAULT_LIMITS.tuf_root_versions + 1):
        data = fetch(f"{number}.root.json")
        if data is not None:
            return hashlib.sha256(data).hexdigest()
    raise VerificationError("the trust repository lacks a root", code="tuf.missing")
