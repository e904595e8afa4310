"""Did the registry sign this tarball as what was asked for, and does it say of it what it is? Nothing is fetched."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError, UsageError, VerificationError
from vxsec.formats.npm_keys import read_npm_keys
from vxsec.formats.packument import read_packument
from vxsec.formats.packument_dist import read_dist
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.host.files import read_bounded
from vxsec.inspection.packument import inspect_packument
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import RefusedArtifact
from vxsec.model.finding import Severity
from vxsec.model.npm import NpmClaim
from vxsec.model.package import NPM
from vxsec.model.report.npm import PackumentVerdict
from vxsec.model.report.verification import SignatureVerdict
from vxsec.model.trust import RevocationReason
from vxsec.model.verification import Check, CheckStatus
from vxsec.usecases.inputs import choose_registry, open_artifact, parse_expect
from vxsec.usecases.trust_source import load_trust
from vxsec.verification.npm_signature import bounded_by_trust, every_registry_key, registry_keys, verify_npm_signatures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.formats.packument import Packument
    from vxsec.model.artifact import Artifact
    from vxsec.model.finding import Finding
    from vxsec.model.npm import NpmKey
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import Registry, TrustRoot
    from vxsec.model.verification import TrustedTime
    from vxsec.usecases.trust_source import PathLike, Trust
    from vxsec.verification.npm_signature import NpmVerdict

__all__ = ["CHECKS", "judge_packument", "load_npm_keys", "verify_packument"]

CHECKS: tuple[tuple[str, str], ...] = (
    ("npm.archive", "the bytes are a package that every installer sees alike"),
    ("npm.standing", "nobody took these bytes back"),
    ("npm.requested", "the package is the one that was asked for"),
    ("npm.packument", "the packument is about it"),
    ("npm.integrity", "the packument states the digests of these bytes"),
    ("npm.signatures", "the registry signed these bytes as this name and version"),
    ("npm.manifest", "packument and package.json say the same"),
    ("npm.address", "the packument's address is one of this package in this registry"),
)
"""Every check in order, and what it says where it passed. The first that fails is the verdict."""

_GROUPS = (
    ("npm.packument", ("packument.name", "packument.version", "packument.unpublished")),
    ("npm.integrity", ("packument.integrity-", "packument.shasum-", "packument.dist-")),
    ("npm.manifest", ("manifest.", "bin.", "packument.shrinkwrap")),
    ("npm.address", ("packument.tarball-",)),
)
"""Which findings belong to which check, by how their codes begin; one of high severity fails it."""


def verify_packument(
    file: PathLike,
    *,
    packument: PathLike,
    npm_keys: PathLike | None = None,
    trust: Trust | None = None,
    registry: str | None = None,
    expect: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
    times: Sequence[TrustedTime] = (),
    unsafe_rehearsal: bool = False,
) -> PackumentVerdict:
    """Verify a tarball against a registry's packument and the registry's signatures in it.

    Guarantees: verified only if a key given here, never one of the host that served the packument, signed the exact bytes
    as exactly the name and version asked for, and the packument's manifest, digests and address are honest.

    Args:
        file: The tarball.
        packument: What the registry says of the package, from wherever it was fetched.
        npm_keys: A keys document from somebody other than that host; where it is given, its keys are the ones that count,
            in the windows that the trust root gives them, and unless it takes them back.
        trust: The trust root: its keys of role ``registry``, its revocations.
        registry: URL, or label in the trust document, of the registry the packument is from; with ``trust``, its
            registry for that name, whose keys alone count. Without one the host of the address is not judged.
        expect: The ``NAME@VERSION`` that was asked for; what the tarball says of itself if not given.
        at: Judge as of this time; marks the verdict.
        now: The current time; the clock if not given.
        times: When the signatures existed, by trusted third parties.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: Neither keys nor trust (``verify.no-trust``), no key of role registry in it (``npm.no-keys``), a
            Python package (``usage.options``), unreadable files.
        ConfigurationError: A malformed trust or keys document.
    """
    from vxsec.host.clock import utc_now

    moment = at or now or utc_now()
    root = None if trust is None else load_trust(trust, now=moment, unsafe_rehearsal=unsafe_rehearsal)
    if npm_keys is None and root is None:
        raise UsageError(
            "a registry's signature needs the registry's key, and none was given",
            code="verify.no-trust",
            hint="add --npm-keys FILE, or --trust FILE with a key of role registry",
        )
    asked = parse_expect(expect) if expect is not None else None
    data = read_bounded(packument, max_bytes=DEFAULT_LIMITS.packument_bytes)
    artifact = open_artifact(file)
    if not isinstance(artifact, RefusedArtifact) and artifact.package.ecosystem != NPM:
        raise UsageError(
            "a packument says nothing about a Python package", code="usage.options", hint="leave --packument out"
        )
    name = asked.name if asked else None if isinstance(artifact, RefusedArtifact) else artifact.package.name
    address, chosen = _registry(name, registry, root)
    return judge_packument(
        artifact,
        packument=data,
        source=str(packument),
        keys=load_npm_keys(npm_keys, root, chosen),
        trust=root,
        registry=address,
        asked=asked,
        now=moment,
        times=times,
        as_of=at,
    )


def load_npm_keys(
    path: PathLike | None, trust: TrustRoot | None, registry: Registry | None = None
) -> tuple[NpmKey, ...]:
    """The registry's keys: of the document at ``path`` where one is given, else those of ``registry`` in ``trust``.

    Guarantees: a key that ``trust`` lists has its window and its revocations there, wherever it was given. There may be
    none where ``trust`` names the keys of other registries only.

    Args:
        path: A keys document from somebody other than the registry.
        trust: The trust root.
        registry: Whose keys; None for a registry that ``trust`` does not know.

    Raises:
        UsageError: ``npm.no-keys``, or an unreadable file.
        ConfigurationError: A malformed keys document.
    """
    if path is None:
        if trust is None or not every_registry_key(trust):
            raise UsageError("the trust document lists no ECDSA P-256 key of role registry", code="npm.no-keys")
        return registry_keys(trust, registry)
    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.npm_keys_bytes)
    try:
        found = read_npm_keys(data, where=str(path)).keys
    except FormatError as error:
        raise ConfigurationError(error.message, code=error.code, where=error.where, hint=error.hint) from error
    return bounded_by_trust(found, trust) if trust is not None else found


def judge_packument(
    artifact: Artifact | RefusedArtifact,
    *,
    packument: bytes,
    source: str,
    keys: Sequence[NpmKey],
    trust: TrustRoot | None,
    registry: str | None,
    asked: PackageRef | None,
    now: datetime,
    times: Sequence[TrustedTime] = (),
    as_of: datetime | None = None,
) -> PackumentVerdict:
    """The same for what was read and loaded already; whatever is wrong with packument or signature is a failed check.

    Args:
        artifact: The tarball.
        packument: The packument's bytes.
        source: What the packument is called.
        keys: The registry's keys; without any nothing is verified.
        trust: Where revoked digests are looked up; None looks none up.
        registry: The registry's normalised URL, or None.
        asked: What was asked for; None takes the tarball's own word.
        now: The time to judge by.
        times: Trusted times of the signatures.
        as_of: What marks the verdict.
    """
    judged = _Judgement(artifact, asked)
    try:
        judged.run(packument, source=source, keys=keys, trust=trust, registry=registry, now=now, times=times)
    except (VerificationError, FormatError) as error:
        judged.fail(error.code, error.message)
    return PackumentVerdict(
        file=artifact.filename,
        sha256=artifact.digests.sha256,
        sha512=artifact.digests.sha512,
        packument=source,
        registry=registry,
        checks=judged.checks(),
        findings=tuple(judged.findings),
        signature=judged.verdict(source, hashlib.sha256(packument).hexdigest(), tuple(times)),
        as_of=as_of,
        rehearsal=trust is not None and trust.rehearsal,
    )


class _Judgement:
    """The checks of one tarball, run in the order of :data:`CHECKS` until one fails."""

    def __init__(self, artifact: Artifact | RefusedArtifact, asked: PackageRef | None) -> None:
        self.artifact = artifact
        self.asked = asked
        self.findings: list[Finding] = []
        self.passed = 0
        self.failure: tuple[str, str] | None = None
        self.verified: NpmVerdict | None = None

    def run(
        self,
        packument: bytes,
        *,
        source: str,
        keys: Sequence[NpmKey],
        trust: TrustRoot | None,
        registry: str | None,
        now: datetime,
        times: Sequence[TrustedTime],
    ) -> None:
        artifact = self.artifact
        if isinstance(artifact, RefusedArtifact):
            raise VerificationError(artifact.reasons[0].message, code=artifact.reasons[0].code)
        self.passed += 1
        _require_standing(artifact, trust, now)
        self.passed += 1
        asked = self.asked or artifact.package
        if asked != artifact.package:
            raise VerificationError(f"expected {asked}, found {artifact.package}", code="manifest.unexpected")
        self.passed += 1
        document = read_packument(packument, where=source)
        self.findings += inspect_packument(artifact, document, registry=registry)[0]
        self._require_group("npm.packument")
        self._require_group("npm.integrity")
        self.verified = verify_npm_signatures(
            name=asked.name,
            version=asked.version,
            integrity=artifact.digests.integrity,
            signatures=read_dist(document.versions[asked.version]).signatures,
            keys=keys,
            now=now,
            times=times,
            claims=tuple(_claims(document, asked)),
        )
        self.findings += self.verified.findings
        self.passed += 1
        self._require_group("npm.manifest")
        self._require_group("npm.address")

    def _require_group(self, check: str) -> None:
        begins = dict(_GROUPS)[check]
        bad = [item for item in self.findings if item.severity is Severity.HIGH and item.code.startswith(begins)]
        if bad:
            first = bad[0]
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            where = f"{first.where}: " if first.where else ""
            raise VerificationError(f"{where}{first.message}{more}", code=first.code)
        self.passed += 1

    def fail(self, code: str, message: str) -> None:
        self.failure = code, message

    def checks(self) -> tuple[Check, ...]:
        return tuple(self._check(number, *row) for number, row in enumerate(CHECKS))

    def _check(self, number: int, identifier: str, says: str) -> Check:
        if number < self.passed:
            return Check(id=identifier, status=CheckStatus.PASSED, message=says)
        if number == self.passed and self.failure is not None:
            code, message = self.failure
            return Check(id=identifier, status=CheckStatus.FAILED, message=message, code=code)
        return Check(id=identifier, status=CheckStatus.NOT_RUN, message=f"not looked at: {says}")

    def verdict(self, source: str, evidence: str, times: tuple[TrustedTime, ...]) -> SignatureVerdict:
        code, message = self.failure or ("verified", "the registry signed these bytes")
        signers = ", ".join(key.name for key in self.verified.value.keys) if self.verified is not None else None
        return SignatureVerdict(
            source=source,
            kind="npm",
            counted=self.failure is None,
            code=code,
            message=message,
            evidence=evidence,
            signer=signers,
            times=times,
            checks=self.checks(),
        )


def _require_standing(artifact: Artifact, trust: TrustRoot | None, now: datetime) -> None:
    for item in trust.digest_revocations if trust is not None else ():
        if item.sha512 == artifact.digests.sha512 and (
            item.reason is RevocationReason.COMPROMISED or now >= item.since
        ):
            raise VerificationError(
                f"expected bytes in good standing, found them {item.reason.value}", code="digest.revoked"
            )


def _claims(packument: Packument, asked: PackageRef) -> Iterator[NpmClaim]:
    """What the packument says of its versions, that of the one asked for first."""
    versions = sorted(packument.versions.values(), key=lambda item: item.version != asked.version)
    for item in versions[: DEFAULT_LIMITS.npm_claims]:
        if item.integrity is not None:
            yield NpmClaim(name=item.name, version=item.version, integrity=item.integrity)


def _registry(name: str | None, registry: str | None, trust: TrustRoot | None) -> tuple[str | None, Registry | None]:
    """The address that the packument's is held against, and which registry of the trust root that is."""
    if registry is not None and "://" in registry:
        address = normalise_registry_url(registry)
        return address, trust.registry_at(address) if trust is not None else None
    if trust is None:
        if registry is None:
            return None, None
        raise UsageError(
            f"a registry label needs the document that defines it, found {registry!r}",
            code="registry.missing",
            hint="add --trust FILE, or give the registry's URL",
        )
    chosen = choose_registry(trust, name, registry) if name is not None else None
    return chosen.url if chosen is not None else None, chosen
