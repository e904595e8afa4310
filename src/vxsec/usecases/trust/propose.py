"""Signing a change that somebody else proposed: for keys that never meet on one machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.tuf_metadata import read_root, read_targets
from vxsec.formats.tuf_path import is_role_path
from vxsec.formats.tuf_writer import describe_metadata
from vxsec.host.clock import utc_now
from vxsec.host.file_set import list_members, read_member, replace_members
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.trust import TrustChange
from vxsec.model.trust_repository import DELEGATED_ROLES
from vxsec.usecases.trust.commit import (
    change_of,
    changed_meanwhile,
    check_unchanged,
    open_to_change,
    parse_documents,
    write_state,
)
from vxsec.usecases.trust.draft import OLD_ROOT, ROLES, Hand, read_draft
from vxsec.usecases.trust.files import PROPOSED, TIMESTAMP, disk_name, is_member
from vxsec.usecases.trust.grants import document_grants
from vxsec.verification.keys import verify_signature

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.trust_repository import KeySet, Metadata, TargetsMetadata
    from vxsec.usecases.trust.commit import Opened
    from vxsec.usecases.trust.draft import Draft

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["sign_proposal"]


def sign_proposal(
    directory: PathLike,
    *,
    signers: Sequence[str] = (),
    root_sha256: str | None = None,
    minimum_version: int | None = None,
    password: Password = None,
    now: datetime | None = None,
    environ: Mapping[str, str] | None = None,
) -> TrustChange:
    """Add signatures to the change that is proposed; once nothing lacks, it is made, and the proposal removed.

    What it would change is told in ``notes``, derived here from the bytes; without signers that is all that happens.

    Args:
        directory: The repository.
        signers: Keys of the roles that are to be signed; and one of ``snapshot`` and ``timestamp`` at last.
        root_sha256: As in ``add_trust``.
        minimum_version: Likewise.
        password: For encrypted keys.
        now: When it is signed; the clock if not given.
        environ: As in ``add_trust``.

    Raises:
        UsageError: ``trust.no-proposal``; ``trust.proposal-stale``: the repository went on meanwhile;
            ``trust.proposal-malformed``; ``trust.signer-unused``; ``trust.changed-meanwhile``.
        ConfigurationError: What is proposed does not load.
        VerificationError: ``tuf.*``: the repository does not verify, as it is or as it would be.
    """
    moment = now or utc_now()
    opened = open_to_change(
        directory,
        signers=signers,
        password=password,
        now=moment,
        root_sha256=root_sha256,
        minimum_version=minimum_version,
        environ=environ,
    )
    proposed = _read(directory)
    draft = read_draft(opened.fetch, opened.verified)
    hand = Hand(opened.signers)
    try:
        made = _sign_roles(draft, proposed, hand)
        made |= _read_targets(directory, draft)
    except FormatError as error:
        raise UsageError(
            error.message,
            code="trust.proposal-malformed",
            where=error.where,
            hint=f"remove the folder {PROPOSED}, and propose the change again",
        ) from error
    notes = list(_difference(opened, draft, made))
    complete = not hand.lacking
    if complete and signers:
        made |= draft.sign_freshness(hand, now=moment)
    hand.check_all_used()
    if complete and signers and not hand.lacking:
        after, told = write_state(opened, made, now=moment)
        shutil.rmtree(Path(directory) / PROPOSED, ignore_errors=True)
        only = [role for role in ROLES if after.roles[role] != opened.verified.roles[role]]
        return change_of(opened.path, after, made, only=only, notes=(*told, *notes))
    kept = {f"{PROPOSED}/{disk_name(name)}": made[name] for name in proposed}  # its targets lie there already

    def check() -> None:
        check_unchanged(opened)
        if _read(directory) != proposed:  # somebody else signed it meanwhile
            raise changed_meanwhile(opened.path)

    if signers:
        replace_members(directory, kept, last=TIMESTAMP, member=is_member, check=check)
    return TrustChange(
        path=str(Path(directory) / PROPOSED),
        first_root_sha256=opened.verified.pinned_sha256,
        written=tuple(sorted(kept)) if signers else (),
        versions=(),
        notes=(
            *opened.notes,
            *notes,
            *(f"{words}; also: {others}" if others else words for words, others in hand.lacking),
        ),
    )


def _read(directory: PathLike) -> dict[str, bytes]:
    """The metadata files of a proposal by the names of a walk."""
    metadata = f"{PROPOSED}/metadata"
    most = DEFAULT_LIMITS.tuf_metadata_bytes
    found = {
        name: read_member(directory, f"{metadata}/{name}", max_bytes=most) or b""
        for name in list_members(directory, metadata)
    }
    if not found:
        raise UsageError(
            "no change is proposed",
            code="trust.no-proposal",
            where=str(Path(directory) / PROPOSED),
            hint="propose one with --propose: vxsec trust add DIR FILE --role identities --signer KEY --propose",
        )
    return found


def _sign_roles(draft: Draft, proposed: Mapping[str, bytes], hand: Hand) -> dict[str, bytes]:
    """Everything proposed, signed by whoever may; the draft is then the state that it makes."""
    left, made = dict(proposed), {}
    for role in ("root", "targets", *DELEGATED_ROLES):
        number = draft.versions[role] + 1
        name = f"{number}.{role}.json"
        data = left.pop(name, None)
        if data is None:
            continue
        needed, metadata = _apply(draft, role, data)
        if metadata.version != number:
            raise _stale(name)
        already = [keyid for _, keys in needed for keyid in _good(metadata, keys)]
        made[name] = hand.sign(data, needed, already=already)
        draft.versions[role] = number
        draft.touched.add(role)
        if role != "root":
            draft.files[role] = describe_metadata(made[name], number)
    if left:
        raise _stale(next(iter(left)))
    return made


def _read_targets(directory: PathLike, draft: Draft) -> dict[str, bytes]:
    """The files that the proposed roles name and that come with the proposal; those that stay as they are do not."""
    found: dict[str, bytes] = {}
    for role in draft.touched & set(DELEGATED_ROLES):
        for path in draft.targets[role]:
            name = f"{PROPOSED}/targets/{path}"
            data = read_member(directory, name, max_bytes=DEFAULT_LIMITS.tuf_target_bytes)
            if data is not None:
                found[f"targets/{path}"] = data
    return found


def _apply(draft: Draft, role: str, data: bytes) -> tuple[list[tuple[str, KeySet]], Metadata]:
    """Whose signatures a proposed file needs, and the file; the draft's keys and targets become those of the file."""
    if role == "root":
        root = read_root(data, where=role)
        needed = [("root", root.roles["root"]), (OLD_ROOT, draft.keys["root"])]
        if any(root.roles[name] != draft.keys[name] for name in ("timestamp", "snapshot")):
            draft.touched.update({"timestamp", "snapshot"})
        draft.keys.update(root.roles)
        return needed, root
    metadata: TargetsMetadata = read_targets(data, where=role)
    if role == "targets":
        draft.keys.update({one.name: one.keys for one in metadata.delegations})
    else:
        for path in metadata.targets:
            if not is_role_path(path, role):
                raise FormatError(f"the role {role} speaks about {path[:80]!r}", code="tuf.malformed", where=role)
        draft.targets[role] = dict(metadata.targets)
    return [(role, draft.keys[role])], metadata


def _good(metadata: Metadata, keys: KeySet) -> Iterator[str]:
    """The key ids whose signatures are there and verify."""
    for keyid, spki in keys.keys.items():
        signature = metadata.signatures.get(keyid)
        if signature is not None:
            try:
                verify_signature(spki, signature, metadata.signed)
            except VerificationError:
                continue
            yield keyid


def _difference(opened: Opened, draft: Draft, made: Mapping[str, bytes]) -> Iterator[str]:
    """What the proposal changes: who may do what, the files, and who signs for each role."""
    files = {
        path: made.get(f"targets/{path}", opened.verified.files.get(path, b""))
        for role in DELEGATED_ROLES
        for path in draft.targets[role]
    }
    before = set(document_grants(*parse_documents(opened.verified.files, source=opened.path)))
    after = set(document_grants(*parse_documents(files, source=f"{opened.path}/{PROPOSED}")))
    for mark, grants in (("-", before - after), ("+", after - before)):
        yield from (f"{mark} {item.kind} {item.subject}: {item.detail}" for item in sorted(grants))
    for path in sorted({*files, *opened.verified.files}):
        if files.get(path) != opened.verified.files.get(path):
            word = "-" if path not in files else "+" if path not in opened.verified.files else "~"
            yield f"{word} file {path}"
    for role in ROLES:
        old, new = opened.verified.roles[role], draft.keys[role]
        if set(old.keys) != set(new.spkis) or old.threshold != new.threshold:
            yield f"~ signs {role}: {old.threshold} of {len(old.keys)} keys, then {new.threshold} of {len(new.spkis)}"


def _stale(name: str) -> UsageError:
    return UsageError(
        f"the repository went on since this was proposed: {name[:120]} is not its next version",
        code="trust.proposal-stale",
        hint=f"remove the folder {PROPOSED}, and propose the change again",
    )
