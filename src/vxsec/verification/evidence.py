"""What the material beside a signature proves under one trusted root: steps 7 to 12 of ``vxsec.verification.bundle``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import VerificationError
from vxsec.formats.checkpoint import read_checkpoint
from vxsec.formats.rekor_entry import read_rekor_entry
from vxsec.formats.timestamps import render_time
from vxsec.model.verification import AuthorityKind, CountedAuthority, TimeSource, TrustedTime
from vxsec.values import dataclass
from vxsec.verification.authorities import count_authorities
from vxsec.verification.requirements import Evidence, Shortfalls, require_evidence
from vxsec.verification.transparency import (
    is_rekor_v2,
    match_entry,
    require_indexes,
    verify_checkpoint,
    verify_inclusion,
    verify_promise,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.limits import Limits
    from vxsec.model.attestation import Bundle
    from vxsec.model.transparency import InclusionProof, LogEntry
    from vxsec.model.trusted_root import TransparencyLog, TrustedRoot
    from vxsec.model.verification import Requirements
    from vxsec.verification.certificate import IssuedCertificate, SigningCertificate
    from vxsec.verification.checks import Journal
    from vxsec.verification.content import LoggedSignature
    from vxsec.verification.timestamp import VerifiedTimestamp

__all__ = ["EvidenceCase", "weigh_evidence"]

_FIRST_VERSION = "version=0.1"
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCase:
    """One bundle, whose signature verifies, and one trusted root."""

    bundle: Bundle
    signed: LoggedSignature
    certificate: SigningCertificate | None
    root: TrustedRoot
    requirements: Requirements
    now: datetime
    limits: Limits

    @property
    def skew(self) -> timedelta:
        """How far ahead of ``now`` a stated time may lie."""
        return timedelta(seconds=self.limits.clock_skew_seconds)


class _Logged(NamedTuple):
    """An entry that its log vouches for, and the time it states, if any."""

    log: TransparencyLog
    time: TrustedTime | None


def weigh_evidence(case: EvidenceCase, journal: Journal) -> Evidence:
    """Verify everything beside the signature; the numbers are those at the top of ``vxsec.verification.bundle``.

    Raises:
        VerificationError: A ``certificate.*``, ``timestamp.*``, ``tlog.*`` or ``sct.*`` code.
    """
    # 7. The certificate.
    issued = _weigh_certificate(case, journal)
    # 8. Timestamps.
    stamped, unlisted = _weigh_timestamps(case, journal)
    stamps = tuple(stamp.time for stamp in stamped)
    # 9. Log entries.
    logged, unlogged = _weigh_log_entries(case, stamps, journal)
    times = (*stamps, *(entry.time for entry in logged if entry.time is not None))
    authorities = [*map(_stamping, stamped), *map(_logging, logged)]
    # 10. The certificate at the time.
    uncounted, identity = None, None
    if issued is not None and case.certificate is not None:
        issuer = _weigh_validity(issued, times, unlisted or unlogged, journal)
        # 11. Certificate transparency.
        logs, uncounted = _weigh_scts(case, case.certificate, issuer, journal)
        identity = case.certificate.identity
        authorities += [_issuing(issuer), *logs]
    # 12. Requirements.
    evidence = Evidence(
        identity=identity,
        times=times,
        log_entries=count_authorities(authorities, AuthorityKind.LOG),
        timestamps=count_authorities(authorities, AuthorityKind.TIMESTAMP),
        scts=count_authorities(authorities, AuthorityKind.CERTIFICATE_LOG),
        authorities=tuple(authorities),
        required=case.requirements,
        root=case.root.sha256,
    )
    with journal.step("requirements", "there is as much evidence as is asked for"):
        require_evidence(evidence, case.requirements, Shortfalls(unlogged, unlisted, uncounted, case.root.left_out))
    return evidence


def _weigh_certificate(case: EvidenceCase, journal: Journal) -> tuple[IssuedCertificate, ...] | None:
    if case.certificate is None:
        journal.skipped("certificate", "signed with a key")
        journal.skipped("certificate-time", "signed with a key")
        journal.skipped("sct", "signed with a key")
        return None
    from vxsec.verification.certificate import find_issuers

    with journal.step("certificate", "an authority of the trusted root issued it to one identity"):
        return find_issuers(case.certificate, case.root.certificate_authorities)


def _issuing(issued: IssuedCertificate) -> CountedAuthority:
    uri = issued.authority.uri
    return CountedAuthority(kind=AuthorityKind.CERTIFICATE, uri=uri, name=uri, key=issued.chain[-1].spki)


def _stamping(stamp: VerifiedTimestamp) -> CountedAuthority:
    return CountedAuthority(
        kind=AuthorityKind.TIMESTAMP, uri=stamp.time.authority, name=stamp.name, key=stamp.key, at=stamp.time.at
    )


def _logging(entry: _Logged) -> CountedAuthority:
    return _of_log(AuthorityKind.LOG, entry.log, None if entry.time is None else entry.time.at)


def _of_log(kind: AuthorityKind, log: TransparencyLog, at: datetime | None) -> CountedAuthority:
    return CountedAuthority(kind=kind, uri=log.base_url, name=log.base_url, key=log.spki, at=at)


def _weigh_timestamps(case: EvidenceCase, journal: Journal) -> tuple[list[VerifiedTimestamp], VerificationError | None]:
    """The timestamps that count, and why one did not."""
    if not case.bundle.timestamps:
        journal.skipped("timestamp", "the bundle has none")
        return [], None
    from vxsec.verification.timestamp import verify_timestamp

    unlisted: VerificationError | None = None
    found = []
    seen: set[bytes] = set()
    for response in case.bundle.timestamps:
        attempt = journal.fork()
        try:
            with attempt.step("timestamp", "an authority of the trusted root saw the signature"):
                _require_new(response, seen)
                stamp = verify_timestamp(
                    response,
                    case.signed.signature,
                    authorities=case.root.timestamp_authorities,
                    now=case.now,
                    limits=case.limits,
                )
        except VerificationError as error:
            journal.adopt(attempt)
            if error.code != "timestamp.untrusted":
                raise
            unlisted = unlisted or error
        else:
            journal.adopt(attempt)
            found.append(stamp)
    return found, unlisted


def _require_new(response: bytes, seen: set[bytes]) -> None:
    if response in seen:
        raise VerificationError("the same timestamp twice", code="timestamp.duplicate")
    seen.add(response)


def _weigh_log_entries(
    case: EvidenceCase, stamps: Sequence[TrustedTime], journal: Journal
) -> tuple[list[_Logged], VerificationError | None]:
    """The entries that count, and why one did not."""
    if not case.bundle.log_entries:
        journal.skipped("log-entry", "the bundle has none")
    unlisted: VerificationError | None = None
    found: list[_Logged] = []
    seen: set[tuple[bytes, bytes]] = set()
    for entry in case.bundle.log_entries:
        logs = [log for log in case.root.logs if entry.log_id in {log.log_id, log.checkpoint_key_id}]
        if (entry.log_id, entry.body) in seen:
            with journal.step("log-entry", ""):
                raise VerificationError("the same log entry twice", code="tlog.duplicate-entry")
        seen.add((entry.log_id, entry.body))
        if logs:
            found.append(_weigh_entry(case, entry, logs, stamps, journal))
        else:
            error = VerificationError(
                f"expected an entry of a log of the trusted root, found one of log {entry.log_id.hex()[:_SHOWN]}",
                code="tlog.unknown-log",
            )
            journal.failed("log-entry", error)
            unlisted = unlisted or error
    return found, unlisted


def _weigh_entry(
    case: EvidenceCase,
    entry: LogEntry,
    logs: Sequence[TransparencyLog],
    stamps: Sequence[TrustedTime],
    journal: Journal,
) -> _Logged:
    where = f"log entry {entry.log_index}"
    with journal.step("log-entry", f"{where} is about this artifact, signature and signer"):
        body = read_rekor_entry(entry.body, kind=entry.kind, version=entry.version, where=where, limits=case.limits)
        match_entry(body, entry, case.signed)
    # One id may stand for several windows of one key; more keys under one id are tried in turn.
    keys = list(dict.fromkeys(log.spki for log in logs))
    for place, spki in enumerate(keys):
        attempt = journal.fork()
        try:
            listed = [log for log in logs if log.spki == spki]
            logged = _verify_entry(case, entry, listed, stamps, attempt)
        except VerificationError:
            if place + 1 == len(keys):
                journal.adopt(attempt)
                raise
        else:
            journal.adopt(attempt)
            return logged
    raise AssertionError("there is at least one log")  # pragma: no cover - the caller makes sure


def _verify_entry(
    case: EvidenceCase,
    entry: LogEntry,
    listed: Sequence[TransparencyLog],
    stamps: Sequence[TrustedTime],
    journal: Journal,
) -> _Logged:
    log = listed[0]
    first = case.bundle.media_type.endswith(_FIRST_VERSION)
    time: TrustedTime | None = None
    if entry.promise is not None:
        with journal.step("log-promise", f"{log.base_url} promised the entry"):
            at = verify_promise(entry, log, now=case.now, skew=case.skew)
        time = TrustedTime(source=TimeSource.LOG, at=at, authority=log.base_url)
    elif first:
        with journal.step("log-promise", ""):
            raise VerificationError("expected a log's promise in a bundle v0.1, found none", code="tlog.no-promise")
    else:
        journal.skipped("log-promise", "the entry has none")
    _verify_proof(entry, log, journal, required=not first, limits=case.limits)
    moment = time.at if time is not None else min((stamp.at for stamp in stamps), default=case.now)
    with journal.step("log-window", f"{log.base_url} was trusted at {render_time(moment)}"):
        if not any(candidate.window.contains(moment) for candidate in listed):
            raise VerificationError(
                f"expected an entry in the window of log {log.base_url!r}, found one at {render_time(moment)}",
                code="tlog.log-window",
            )
    return _Logged(log, time)


def _verify_proof(entry: LogEntry, log: TransparencyLog, journal: Journal, *, required: bool, limits: Limits) -> None:
    if entry.proof is None:
        if required:
            with journal.step("log-inclusion", ""):
                raise VerificationError("expected an inclusion proof, found none", code="tlog.no-proof")
        journal.skipped("log-inclusion", "a bundle v0.1 needs no proof beside the log's promise")
        return
    with journal.step("log-inclusion", "the proof leads to its root hash"):
        require_indexes(entry, entry.proof)
        verify_inclusion(entry.body, entry.proof)
    if entry.proof.checkpoint is None and not required:
        journal.skipped("log-checkpoint", "a bundle v0.1 needs no checkpoint beside the log's promise")
        return
    with journal.step("log-checkpoint", f"{log.base_url} signed the tree"):
        _verify_note(entry, entry.proof, log, limits)


def _verify_note(entry: LogEntry, proof: InclusionProof, log: TransparencyLog, limits: Limits) -> None:
    if proof.checkpoint is None:
        raise VerificationError("expected a checkpoint, found none", code="tlog.no-checkpoint")
    checkpoint = read_checkpoint(proof.checkpoint, where="checkpoint", limits=limits)
    verify_checkpoint(checkpoint, proof, log, v2=is_rekor_v2(entry))


def _weigh_validity(
    issued: Sequence[IssuedCertificate],
    times: Sequence[TrustedTime],
    reason: VerificationError | None,
    journal: Journal,
) -> IssuedCertificate:
    """The issuer under which the certificate was valid at every trusted time."""
    from vxsec.verification.certificate import require_issued_at

    with journal.step("certificate-time", "certificate and authority were valid at every trusted time"):
        if not times:
            if reason is not None:
                raise VerificationError(reason.message, code=reason.code)
            raise VerificationError(
                "expected a time that the signer could not choose, found none: nothing shows that the certificate was "
                "valid",
                code="certificate.no-trusted-time",
                hint="sign again with a timestamp authority or a log that states the time",
            )
        return require_issued_at(issued, [time.at for time in times])


def _weigh_scts(
    case: EvidenceCase, certificate: SigningCertificate, issuer: IssuedCertificate, journal: Journal
) -> tuple[list[CountedAuthority], VerificationError | None]:
    """The logs that have the certificate, and why one did not count."""
    from vxsec.verification.certificate import verify_scts

    if not case.root.ct_logs and not case.requirements.scts:
        journal.skipped("sct", "the trusted root lists no certificate transparency log")
        return [], None
    attempt = journal.fork()
    with attempt.step("sct", "a certificate transparency log of the trusted root has the certificate"):
        logs, error = verify_scts(certificate, issuer, logs=case.root.ct_logs, now=case.now, skew=case.skew)
    if logs:
        journal.adopt(attempt)
    elif error is not None:
        journal.failed("sct", error)
    else:
        journal.skipped("sct", "the certificate has none")
    return [_of_log(AuthorityKind.CERTIFICATE_LOG, log, at) for log, at in logs], error
