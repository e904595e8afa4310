"""Making a trust repository: for a team of two, two keys and nothing else to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError
from vxsec.formats.public_key import parse_public_key
from vxsec.host.clock import utc_now
from vxsec.host.file_set import create_folder
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.trust_repository import DELEGATED_ROLES, REVOCATIONS_PATH
from vxsec.usecases.signers import open_signers
from vxsec.usecases.trust.commit import change_of, parse_documents
from vxsec.usecases.trust.draft import ROLES, Draft, key_set, plain_signers
from vxsec.usecases.trust.files import disk_name
from vxsec.usecases.trust.identities import EMPTY_REVOCATIONS, read_identities
from vxsec.verification.tuf import verify_trust

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from vxsec.model.report.trust import TrustChange
    from vxsec.signing.signer import Signer

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["init_trust", "read_keys"]

_DEFAULT_THRESHOLD = 2
_PUBLIC = b"PUBLIC KEY"


def init_trust(
    directory: PathLike,
    *,
    identities: PathLike,
    root_keys: Sequence[str],
    threshold: int | None = None,
    online_key: str | None = None,
    password: Password = None,
    now: datetime | None = None,
) -> TrustChange:
    """Make a trust repository in a new folder.

    The root keys sign for ``root``, ``targets``, ``identities``, ``policies`` and ``waivers``, as many as ``threshold`` says;
    any one of them, alone, for ``revocations`` (taking trust away must be quick) and ``databases``. ``snapshot`` and
    ``timestamp`` are the online key's, else any one root key's.

    Guarantees: the folder appears whole or not at all, and what is in it verifies.

    Args:
        directory: The folder to make; it may exist if it is empty.
        identities: The identities document; the files it names come with it.
        root_keys: Signers (``file:KEY``, ``env:NAME``), or public key files of those who are not here.
        threshold: How many must sign; two, or one if there is one key.
        online_key: A signer that a scheduled job will have, to renew ``timestamp`` and ``snapshot``.
        password: For encrypted keys.
        now: When it is made; the clock if not given.

    Raises:
        UsageError: ``file.exists``, ``trust.threshold``, ``trust.signers``, ``trust.key-kind``, or a file that cannot be read.
        ConfigurationError: The identities document does not load.
    """
    moment = now or utc_now()
    _, files = read_identities(identities)
    spkis, signers = read_keys(root_keys, password=password)
    online, online_signers = read_keys([online_key] if online_key is not None else [], password=password)
    least = min(_DEFAULT_THRESHOLD, len(set(spkis))) if threshold is None else threshold
    many, one, fresh = key_set(spkis, least), key_set(spkis, 1), key_set(online or spkis, 1)
    draft = Draft(
        keys={
            **dict.fromkeys(("root", "targets", "identities", "policies", "waivers"), many),
            **dict.fromkeys(("timestamp", "snapshot"), fresh),
            "revocations": one,
            "databases": key_set([*spkis, *online], 1),
        },
        versions=dict.fromkeys(ROLES, 0),
        targets={role: {} for role in DELEGATED_ROLES},
        touched=set(ROLES),
    )
    for path, data in files.items():
        draft.set_target("identities", path, data)
    draft.set_target("revocations", REVOCATIONS_PATH, EMPTY_REVOCATIONS)
    made = draft.sign(_distinct([*signers, *online_signers]), now=moment)
    verified = verify_trust(made.get, now=moment, root=made["1.root.json"], roles=DELEGATED_ROLES)
    parse_documents(verified.files, source=str(directory))
    create_folder(directory, {disk_name(name): data for name, data in made.items()})
    return change_of(directory, verified, made, only=ROLES, notes=_notes(least, len(many.spkis), online_key))


def read_keys(keys: Sequence[str], *, password: Password) -> tuple[list[bytes], list[Signer]]:
    """Keys by their public halves, and the signers among them: a public key file is a key whose holder is not here.

    Raises:
        UsageError: ``trust.key-kind``; a file that cannot be read.
        ConfigurationError: ``key.*``.
    """
    spkis: list[bytes] = []
    signers: list[Signer] = []
    for key in keys:
        public = _public_key(key)
        if public is None:
            signer = plain_signers(open_signers([key], password=password))[0]
            signers.append(signer)
            public = signer.spki
        spkis.append(public)
    return spkis, signers


def _public_key(key: str) -> bytes | None:
    scheme, colon, path = key.partition(":")
    name = path if colon and scheme == "file" else key
    if colon and scheme != "file":
        return None
    data = read_bounded(name, max_bytes=DEFAULT_LIMITS.small_file_bytes)
    if _PUBLIC not in data:
        return None
    try:
        return parse_public_key(data, where=name)
    except FormatError as error:
        raise UsageError(error.message, code="trust.key-kind", where=error.where, hint=error.hint) from error


def _distinct(signers: Sequence[Signer]) -> list[Signer]:
    return list({signer.spki: signer for signer in signers}.values())


def _notes(threshold: int, keys: int, online_key: str | None) -> list[str]:
    notes = []
    if threshold == keys:
        notes.append(
            f"every change needs all {keys} keys, and one that is lost is the end of this root: "
            "add a spare key that lies in a safe (trust rotate --role root --add-key)"
            if keys > 1
            else "one key decides alone: add a second one (trust rotate --role root --add-key --threshold 2)"
        )
    if online_key is None:
        notes.append(
            "timestamp is good for 14 days: renew it before that (trust refresh), best by a job with a key of its own"
        )
    return notes
