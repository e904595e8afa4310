"""Who may sign what: keys, holders, roles, registries and revocations."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.model.package import NPM
from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.ssh import SshPublicKey
    from vxsec.model.trusted_root import TrustedRoot

__all__ = [
    "OTHER_REGISTRY",
    "Builder",
    "DigestRevocation",
    "Holder",
    "HolderKind",
    "Identity",
    "IdentityRevocation",
    "KeyKind",
    "KeyRevocation",
    "LogRevocation",
    "Registry",
    "RevocationReason",
    "Role",
    "TrustRoot",
    "TrustedKey",
]

OTHER_REGISTRY = "other"
"""The label of every name that no registry of the trust document lists."""


class Role(StrEnum):
    """What a key or identity may do."""

    MACHINE = "machine"
    HUMAN = "human"
    REGISTRY = "registry"


class HolderKind(StrEnum):
    """A person, or a machine acting for the team."""

    MACHINE = "machine"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An identity certificate's subject and issuer, both exact; a window is there where the document gives one."""

    subject: str
    issuer: str
    roles: tuple[Role, ...]
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One person or machine, however many keys and identities: counted once."""

    id: str
    kind: HolderKind
    identities: tuple[Identity, ...] = ()


class KeyKind(StrEnum):
    """How a key's signatures are made, and so how they are checked."""

    PLAIN = "plain"
    """The algorithm's own signature over the bytes."""
    OPENPGP = "openpgp"
    """A detached binary OpenPGP signature."""
    SSH = "ssh"
    """An SSHSIG blob with namespace ``vxsec``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key with its window.

    ``spki`` is what the key is counted by, so that one key in two encodings is one key: the canonical DER
    SubjectPublicKeyInfo (uncompressed points), also of ordinary SSH keys; ``openpgp:`` and the primary fingerprint (upper-case
    hex) for OpenPGP; ``ssh:`` and the raw key for hardware ``sk-`` keys. ``certificate`` is the exported OpenPGP key,
    ``ssh`` the SSH key.
    """

    id: str
    spki: bytes
    roles: tuple[Role, ...]
    holder: Holder
    valid_from: datetime
    valid_until: datetime
    kind: KeyKind = KeyKind.PLAIN
    certificate: bytes = b""
    ssh: SshPublicKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """An own registry: the only place where own names meet a URL (normalised: one trailing slash, no default port).

    ``ecosystem`` is the purl type of what it holds; ``evidence`` the name of its evidence package, None where there is none
    (a registry of Python packages). ``keys`` are the ids of the keys that sign what it accepts, where the document says.
    """

    label: str
    url: str
    scopes: tuple[str, ...]
    packages: tuple[str, ...]
    evidence: str | None = None
    ecosystem: str = NPM
    keys: tuple[str, ...] = ()

    def lists(self, name: str, ecosystem: str = NPM) -> bool:
        """Whether ``name`` is one of this registry's own names, in the registry's own ecosystem."""
        if ecosystem != self.ecosystem:
            return False
        return name in self.packages or (name.startswith("@") and name.partition("/")[0] in self.scopes)


class RevocationReason(StrEnum):
    """Why a key or a digest is no longer good."""

    SUPERSEDED = "superseded"
    COMPROMISED = "compromised"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevocation:
    """A key withdrawn at a time."""

    key: str
    reason: RevocationReason
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestRevocation:
    """A tarball (by SHA-512, lower-case hex) withdrawn at a time."""

    sha512: str
    reason: RevocationReason
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRevocation:
    """A certificate identity withdrawn at a time."""

    subject: str
    issuer: str
    reason: RevocationReason
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRevocation:
    """A log, timestamp authority or certificate authority no longer believed from a time on, by its URI in a trusted root."""

    uri: str
    reason: RevocationReason
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A build service by the certificate subject it signs with, and the SLSA build level the team gives it (0 to 3)."""

    id: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRoot:
    """One identities document, loaded.

    ``signed`` is False for the simple file form and says so in every decision; ``rehearsal`` roots are refused by every
    enforcing command. ``trusted_roots`` are the Sigstore instances whose certificates count.
    """

    keys: tuple[TrustedKey, ...]
    holders: tuple[Holder, ...]
    registries: tuple[Registry, ...]
    key_revocations: tuple[KeyRevocation, ...]
    digest_revocations: tuple[DigestRevocation, ...]
    rehearsal: bool
    signed: bool
    source: str
    sha256: str
    trusted_roots: tuple[TrustedRoot, ...] = ()
    builders: tuple[Builder, ...] = ()
    identity_revocations: tuple[IdentityRevocation, ...] = ()
    log_revocations: tuple[LogRevocation, ...] = ()

    def registries_for(self, name: str, ecosystem: str = NPM) -> tuple[Registry, ...]:
        """Every own registry that lists ``name``: decided by the real name and its ecosystem, never by where it was fetched."""
        return tuple(registry for registry in self.registries if registry.lists(name, ecosystem))

    def registry(self, label: str) -> Registry | None:
        """The registry with that label."""
        return next((registry for registry in self.registries if registry.label == label), None)

    def registry_at(self, url: str) -> Registry | None:
        """The registry with that normalised URL."""
        return next((registry for registry in self.registries if registry.url == url), None)

    def identity(self, subject: str, issuer: str) -> tuple[Holder, Identity] | None:
        """Who has that identity, both parts exact; each belongs to one holder."""
        for holder in self.holders:
            for identity in holder.identities:
                if (identity.subject, identity.issuer) == (subject, issuer):
                    return holder, identity
        return None

    def roles(self) -> frozenset[Role]:
        """Every role that some key or identity holds."""
        held = {role for key in self.keys for role in key.roles}
        return frozenset(held.union(*(identity.roles for holder in self.holders for identity in holder.identities)))
