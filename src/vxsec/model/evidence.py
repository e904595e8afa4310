"""Facts about one subject, with where they came from. No judgement: that is the policy's.

``None`` for a kind of evidence means it was not collected. ``incomplete`` is a sentence where a search could not be
finished: a rule that lacks something then says ``unknown``, never ``fail`` and never ``pass``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vxsec.model.artifact import FileEntry
    from vxsec.model.attestation import RejectedSignature
    from vxsec.model.dependency import LockedPackage
    from vxsec.model.finding import Finding
    from vxsec.model.package import PackageRef
    from vxsec.model.scan import ScanResult
    from vxsec.model.trust import Role
    from vxsec.model.verification import CertificateIdentity, Check, TrustedTime

__all__ = [
    "ApprovalEvidence",
    "ApprovalFact",
    "ContentEvidence",
    "Evidence",
    "FieldDifference",
    "InstallScript",
    "LicenseEvidence",
    "LicenseFact",
    "LockfileEvidence",
    "PackumentState",
    "RegistryEvidence",
    "Route",
    "RoutingEvidence",
    "SbomEvidence",
    "SbomFact",
    "ScanEvidence",
    "SecretEvidence",
    "SecretFact",
    "SignatureEvidence",
    "SignerFact",
    "SubjectRef",
    "UninstallableRange",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRef:
    """What a decision is about. ``package`` is None for refused bytes; ``registry`` is the label, ``other`` if none lists it."""

    filename: str
    package: PackageRef | None
    sha256: str | None
    sha512: str | None
    registry: str

    @property
    def label(self) -> str:
        """The name people use for it."""
        return str(self.package) if self.package else self.filename


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerFact:
    """One verified typed statement about the subject's digest, by a key or identity that may make it.

    ``created_at`` and ``expires`` are the signer's claims; ``source`` is the file or registry version it was read from.
    ``identity`` is whom the certificate was issued to, None for a key; ``times`` are those that the signer could not choose,
    and the three counts say how much of each kind of evidence was verified beside the signature.
    """

    statement: str  # "release" or "approval"
    holder: str
    role: Role
    key_id: str
    spki: bytes
    algorithm: str
    created_at: datetime | None
    expires: datetime | None
    source: str
    identity: CertificateIdentity | None = None
    times: tuple[TrustedTime, ...] = ()
    log_entries: int = 0
    timestamps: int = 0
    scts: int = 0
    evidence: str = ""
    """The SHA-256 (hex) of the bundle."""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureEvidence:
    """Every typed statement that counts toward the subject (releases and approvals), and every one that does not.

    ``foreign`` is True where something given for this subject speaks of other bytes: a sidecar or ``--bundle`` of any
    name, or another source of this name and version.
    """

    signers: tuple[SignerFact, ...]
    rejected: tuple[RejectedSignature, ...] = ()
    foreign: bool = False
    incomplete: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFact:
    """One counted approval; ``policy_name`` and ``policy_min_version`` are there where it was bound to a policy."""

    signer: SignerFact
    policy_name: str | None
    policy_min_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEvidence:
    """Approvals by people, over the subject's digest."""

    approvals: tuple[ApprovalFact, ...]
    foreign: bool = False
    incomplete: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallScript:
    """A command npm runs on install; ``implicit`` where npm adds it (node-gyp for a binding.gyp)."""

    event: str
    command: str
    implicit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallableRange:
    """A dependency range that only works inside the workspace it came from."""

    field: str
    name: str
    range: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentEvidence:
    """What the tarball holds. ``refused`` is non-empty exactly for bytes that were not accepted.

    ``install_digest`` is the SHA-256 (hex) over the install scripts and the files they name, or None without scripts.
    ``inventory`` is every file; ``manifest`` the package's own manifest, parsed. ``bundled`` names the packages right below
    ``node_modules`` that bundling explains: listed as bundled, or needed by one that is.
    """

    refused: tuple[Finding, ...]
    findings: tuple[Finding, ...] = ()
    files: int = 0
    inventory: tuple[FileEntry, ...] = ()
    manifest: Mapping[str, object] | None = None
    packed_size: int = 0
    unpacked_size: int = 0
    install_scripts: tuple[InstallScript, ...] = ()
    install_digest: str | None = None
    uninstallable: tuple[UninstallableRange, ...] = ()
    bundled: frozenset[str] = frozenset()


class PackumentState(StrEnum):
    """What asking for the packument gave."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """A manifest field in which registry and tarball disagree, both as short text."""

    field: str
    tarball: str
    registry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEvidence:
    """The packument, as far as rules need it.

    ``versions`` maps each published version to its integrity text (None where it has none). ``from_file`` is True for
    ``--packument``. ``differences`` is None where this version is not in the packument; ``tag`` is the dist-tag that
    publishing would move.
    """

    state: PackumentState
    from_file: bool
    source: str
    detail: str | None = None
    versions: Mapping[str, str | None] | None = None
    tags: Mapping[str, str] | None = None
    newest_time: datetime | None = None
    tag: str | None = None
    differences: tuple[FieldDifference, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockfileEvidence:
    """The lockfile that will install the subject.

    ``entry`` is None in phase publish; ``findings`` are about the entry, or where there is none about the file.
    """

    format: str
    source: str
    sha512: str
    entry: LockedPackage | None
    findings: tuple[Finding, ...]
    unsupported: str | None = None
    """A sentence where the format is known but not read by this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where one own name would be fetched from, by each thing that could decide it."""

    name: str
    registry: str
    expected_url: str
    npmrc_url: str | None
    resolved: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingEvidence:
    """Routes of the own names the subject is or needs.

    ``incomplete`` is a sentence where a lockfile that was named could not be read for routes.
    """

    routes: tuple[Route, ...]
    source: str
    incomplete: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFact:
    """Something that looks like a credential. ``shown`` is redacted: at most the first four characters of the value."""

    detector: str
    path: str
    line: int
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretEvidence:
    """What looks like a credential in the tarball's files; ``not_read`` are files that no detector could look into."""

    found: tuple[SecretFact, ...]
    files: int
    not_read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomFact:
    """One SBOM that says it is about the subject.

    ``attested_by`` is the machine whose verified statement carries it, or None for a bare file. ``mismatches`` is what it
    says of the package that the bytes contradict. ``missing`` are the minimum elements it does not have. ``drift`` is how it
    differs from what the lockfile resolves, or None where no lockfile could be compared. ``absent`` are the names that the
    package's own manifest requires and no component has; ``says_incomplete`` whether it says of itself that dependencies are
    left out.
    """

    source: str
    format: str
    attested_by: SignerFact | None
    components: int
    mismatches: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    drift: tuple[str, ...] | None = None
    absent: tuple[str, ...] = ()
    says_incomplete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomEvidence:
    """Every SBOM found for the subject. ``rejected`` are attested ones that do not count, and why."""

    sboms: tuple[SbomFact, ...]
    rejected: tuple[RejectedSignature, ...] = ()
    incomplete: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanEvidence:
    """What the advisory database says of the subject and, before it is published, of what it needs.

    ``result`` is None where nothing could be asked, and ``incomplete`` says why. ``attested`` is the newest scan of the same
    bytes (and the same lockfile, where one is given) that a machine attests; it is looked for only where no database is here
    at all, and counts only where a rule's parameters say so. ``attested_by`` names that machine.
    """

    result: ScanResult | None
    source: str
    attested_by: SignerFact | None = None
    incomplete: str | None = None
    attested: ScanEvidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseFact:
    """The licence one package states: the text as found (usually an SPDX expression), None where it states none."""

    package: str
    license: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseEvidence:
    """The licences of the subject and, before it is published, of what it needs at run time."""

    licenses: tuple[LicenseFact, ...]
    incomplete: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything known about one subject."""

    subject: SubjectRef
    content: ContentEvidence | None = None
    signatures: SignatureEvidence | None = None
    approvals: ApprovalEvidence | None = None
    registry: RegistryEvidence | None = None
    lockfile: LockfileEvidence | None = None
    routing: RoutingEvidence | None = None
    secrets: SecretEvidence | None = None
    sbom: SbomEvidence | None = None
    scan: ScanEvidence | None = None
    licenses: LicenseEvidence | None = None
