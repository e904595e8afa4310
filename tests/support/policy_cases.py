"""Evidence, trust and policies for tests of rules and engine: short to write, and read from ``case.toml`` files."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.artifact import FileEntry
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import Phase
from vxsec.model.dependency import LockedPackage
from vxsec.model.evidence import (
    ApprovalEvidence,
    ApprovalFact,
    ContentEvidence,
    Evidence,
    FieldDifference,
    InstallScript,
    LicenseEvidence,
    LicenseFact,
    LockfileEvidence,
    PackumentState,
    RegistryEvidence,
    Route,
    RoutingEvidence,
    SbomEvidence,
    SbomFact,
    ScanEvidence,
    SecretEvidence,
    SecretFact,
    SignatureEvidence,
    SignerFact,
    SubjectRef,
    UninstallableRange,
)
from vxsec.model.finding import Finding, Severity
from vxsec.model.package import PackageRef
from vxsec.model.scan import DatabaseState, NotEvaluated, NotEvaluatedReason, ScanResult, Vulnerability
from vxsec.model.trust import Holder, HolderKind, Registry, Role, TrustedKey, TrustRoot
from vxsec.policy.document import parse_policy
from vxsec.policy.engine import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vxsec.model.decision import Decision, RuleResult
    from vxsec.policy.document import Policy

__all__ = [
    "CASES",
    "NOW",
    "REGISTRY_URL",
    "REQUIRED",
    "SHA512",
    "Case",
    "evidence_from",
    "finding",
    "load_cases",
    "make_database",
    "make_evidence",
    "make_policy",
    "make_signer",
    "make_subject",
    "make_trust",
    "minimal_use",
    "pasted",
    "run_rule",
]

Table = dict[str, Any]

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REGISTRY_URL = "https://registry.example.test/"
SHA512 = hashlib.sha512(b"the tarball").hexdigest()
CASES = Path(__file__).parents[2] / "fixtures" / "policies"


def make_subject(
    *,
    name: str = "@vextrus/kernel",
    version: str = "1.1.0",
    registry: str = "internal",
    sha512: str | None = SHA512,
    ecosystem: str = "npm",
) -> SubjectRef:
    ending = ".tgz" if ecosystem == "npm" else "-py3-none-any.whl"
    return SubjectRef(
        filename=f"{name.rpartition('/')[2]}-{version}{ending}",
        package=PackageRef(name=name, version=version, ecosystem=ecosystem),
        sha256=hashlib.sha256(b"the tarball").hexdigest(),
        sha512=sha512,
        registry=registry,
    )


def make_evidence(subject: SubjectRef | None = None, **kinds: Any) -> Evidence:
    return Evidence(subject=subject or make_subject(), **kinds)


def make_signer(holder: str = "ci", role: str = "machine", **fields: Any) -> SignerFact:
    """A fact; the statement follows from the role, the key from the holder, unless given."""
    key = fields.pop("key", f"{holder}-key")
    values: Table = {
        "statement": "release" if role == "machine" else "approval",
        "holder": holder,
        "role": Role(role),
        "key_id": key,
        "spki": key.encode(),
        "algorithm": "ecdsa-p256",
        "created_at": NOW - timedelta(hours=1),
        "expires": None,
        "source": "kernel-1.1.0.tgz.sigstore.jsonl:1",
    }
    return SignerFact(**{**values, **fields})


def finding(code: str, severity: str = "low", message: str = "something", where: str | None = None) -> Finding:
    return Finding(code=code, severity=Severity(severity), message=message, where=where)


def make_trust(
    *, roles: tuple[str, ...] = ("machine", "human"), labels: tuple[str, ...] = ("internal",), **fields: Any
) -> TrustRoot:
    holders = {
        role: Holder(id=f"{role}-holder", kind=HolderKind.PERSON if role == "human" else HolderKind.MACHINE)
        for role in roles
    }
    values: Table = {
        "keys": tuple(
            TrustedKey(
                id=f"{role}-key",
                spki=role.encode(),
                roles=(Role(role),),
                holder=holder,
                valid_from=NOW - timedelta(days=30),
                valid_until=NOW + timedelta(days=30),
            )
            for role, holder in holders.items()
        ),
        "holders": tuple(holders.values()),
        "registries": tuple(
            Registry(
                label=label, url=REGISTRY_URL, scopes=("@vextrus",), packages=(), evidence="@vextrus/vxsec-evidence"
            )
            for label in labels
        ),
        "key_revocations": (),
        "digest_revocations": (),
        "rehearsal": False,
        "signed": False,
        "source": "trust.yaml",
        "sha256": "0" * 64,
    }
    return TrustRoot(**{**values, **fields})


def make_policy(
    *uses: Mapping[str, object],
    mode: str = "enforce",
    match: Mapping[str, object] | None = None,
    phases: tuple[str, ...] = ("publish", "promote", "install"),
    scope: Mapping[str, object] | None = None,
    metadata: Mapping[str, object] | None = None,
) -> Policy:
    """A policy of one scope, through the real loader (as JSON)."""
    from vxsec.formats.strict_json import dump_json

    rules = [{"id": f"r{number}", **use} for number, use in enumerate(uses)]
    document = {
        "apiVersion": "vxsec/policy/v1",
        "kind": "Policy",
        "metadata": {"name": "test", "version": 3, **(metadata or {})},
        "mode": mode,
        "scopes": [
            {"id": "s", "match": match or {"ecosystem": "npm"}, "phases": list(phases), "rules": rules, **(scope or {})}
        ],
    }
    return parse_policy(dump_json(document), source="policy.json")


REQUIRED: dict[str, Table] = {"license.allow": {"allow": ["MIT"]}}
"""Parameters without which a rule is not loaded."""


def minimal_use(rule: str) -> Table:
    """The least that a policy may say of a rule."""
    return {"use": rule} | ({"with": REQUIRED[rule]} if rule in REQUIRED else {})


def run_rule(
    rule: str,
    evidence: Evidence,
    *,
    parameters: Mapping[str, object] | None = None,
    phase: Phase = Phase.PUBLISH,
    now: datetime = NOW,
) -> RuleResult:
    """One rule's result, by loader and engine."""
    use = {"use": rule, "with": dict(parameters)} if parameters else minimal_use(rule)
    decision = evaluate(make_policy(use), make_trust(), [evidence], phase=phase, now=now)
    return next(result for result in decision.subjects[0].results if result.use == rule)


def pasted(result: RuleResult) -> Table:
    """The parameters that a hint says to add, read as a policy file reads them."""
    from vxsec.formats.strict_yaml import read_document

    text = (result.hint or "").partition("add to with: ")[2].partition("; ")[0]
    return {key: list(node.strings()) for key, node in read_document(text.encode(), filename="hint").members()}


@dataclass(frozen=True)
class Case:
    """One fixture: a policy and evidence as data, and what must come out."""

    path: Path
    table: Table

    @property
    def rule(self) -> str:
        return str(self.table["rule"])

    def decide(self, trust: TrustRoot | None = None) -> Decision:
        if "policy" in self.table:
            policy = parse_policy((self.path.parent / self.table["policy"]).read_bytes(), source=self.table["policy"])
        else:
            use = {"use": self.rule, "with": self.table["with"]} if "with" in self.table else minimal_use(self.rule)
            policy = make_policy(use, mode=self.table.get("mode", "enforce"))
        items = [evidence_from(item) for item in self.table["evidence"]]
        return evaluate(policy, trust or make_trust(), items, phase=Phase(self.table["phase"]), now=NOW)


def load_cases(folder: Path = CASES) -> Iterator[Case]:
    for path in sorted(folder.glob("**/case.toml")):
        yield Case(path=path, table=tomllib.loads(path.read_text(encoding="utf-8")))


def evidence_from(table: Table) -> Evidence:
    """Evidence from its table; a kind that is absent was not collected."""
    return Evidence(
        subject=make_subject(**table.get("subject", {})),
        content=_content(table["content"]) if "content" in table else None,
        signatures=_signatures(table["signatures"]) if "signatures" in table else None,
        approvals=_approvals(table["approvals"]) if "approvals" in table else None,
        registry=_registry(table["registry"]) if "registry" in table else None,
        lockfile=_lockfile(table["lockfile"]) if "lockfile" in table else None,
        routing=_routing(table["routing"]) if "routing" in table else None,
        secrets=_secrets(table["secrets"]) if "secrets" in table else None,
        sbom=_sbom(table["sbom"]) if "sbom" in table else None,
        scan=_scan(table["scan"]) if "scan" in table else None,
        licenses=_licenses(table["licenses"]) if "licenses" in table else None,
    )


def _merge(*tables: Table) -> Table:
    return {key: value for table in tables for key, value in table.items()}


def _content(table: Table) -> ContentEvidence:
    return ContentEvidence(
        **_merge(
            {"files": 3, "packed_size": 1000, "unpacked_size": 3000},
            table,
            {
                "refused": tuple(finding(**item) for item in table.get("refused", ())),
                "findings": tuple(finding(**item) for item in table.get("findings", ())),
                "install_scripts": tuple(InstallScript(**item) for item in table.get("install_scripts", ())),
                "uninstallable": tuple(UninstallableRange(**item) for item in table.get("uninstallable", ())),
                "inventory": tuple(
                    FileEntry(path=path, mode=0o644, size=size, sha512="0" * 128)
                    for path, size in table.get("inventory", {}).items()
                ),
                "bundled": frozenset(table.get("bundled", ())),
                "manifest": table.get("manifest", {"name": "@vextrus/kernel", "version": "1.1.0"}),
            },
        )
    )


def _signatures(table: Table) -> SignatureEvidence:
    return SignatureEvidence(
        signers=tuple(make_signer(**item) for item in table.get("signers", ())),
        rejected=tuple(RejectedSignature(**item) for item in table.get("rejected", ())),
        foreign=table.get("foreign", False),
        incomplete=table.get("incomplete"),
    )


def _approvals(table: Table) -> ApprovalEvidence:
    return ApprovalEvidence(
        approvals=tuple(
            ApprovalFact(
                signer=make_signer(**_merge({"holder": "alice", "role": "human"}, item.get("signer", {}))),
                policy_name=item.get("policy_name"),
                policy_min_version=item.get("policy_min_version"),
            )
            for item in table.get("approvals", ())
        ),
        foreign=table.get("foreign", False),
        incomplete=table.get("incomplete"),
    )


def _registry(table: Table) -> RegistryEvidence:
    differences = table.get("differences")
    return RegistryEvidence(
        **_merge(
            {"from_file": False, "source": REGISTRY_URL},
            table,
            {
                "state": PackumentState(table["state"]),
                "differences": None if differences is None else tuple(FieldDifference(**item) for item in differences),
            },
        )
    )


def _lockfile(table: Table) -> LockfileEvidence:
    entry = table.get("entry")
    return LockfileEvidence(
        **_merge(
            {"format": "npm package-lock", "source": "package-lock.json", "sha512": "0" * 128},
            table,
            {
                "entry": _entry(entry) if entry is not None else None,
                "findings": tuple(finding(**item) for item in table.get("findings", ())),
            },
        )
    )


def _entry(table: Table) -> LockedPackage:
    values: Table = {"name": "@vextrus/kernel", "version": "1.1.0", "resolved": None, "integrity": None}
    values |= table
    return LockedPackage(
        **_merge({"path": f"node_modules/{values['name']}", "installed_as": values["name"]}, values),
    )


def _routing(table: Table) -> RoutingEvidence:
    return RoutingEvidence(
        routes=tuple(
            Route(
                **_merge(
                    {"registry": "internal", "expected_url": REGISTRY_URL, "npmrc_url": None, "resolved": None}, item
                )
            )
            for item in table.get("routes", ())
        ),
        source=table.get("source", ".npmrc"),
    )


def _secrets(table: Table) -> SecretEvidence:
    return SecretEvidence(
        found=tuple(SecretFact(**item) for item in table.get("found", ())),
        files=table.get("files", 3),
        not_read=tuple(table.get("not_read", ())),
    )


def _sbom(table: Table) -> SbomEvidence:
    return SbomEvidence(
        sboms=tuple(_sbom_fact(item) for item in table.get("sboms", ())),
        rejected=tuple(RejectedSignature(**item) for item in table.get("rejected", ())),
        incomplete=table.get("incomplete"),
    )


def _sbom_fact(table: Table) -> SbomFact:
    signer = table.get("attested_by")
    return SbomFact(
        **_merge(
            {"source": "kernel-1.1.0.tgz.sigstore.jsonl:2", "format": "cyclonedx", "components": 12},
            table,
            {
                "attested_by": None if signer is None else make_signer(**signer),
                "mismatches": tuple(finding(**item) for item in table.get("mismatches", ())),
                "missing": tuple(table.get("missing", ())),
                "absent": tuple(table.get("absent", ())),
                "drift": tuple(table["drift"]) if "drift" in table else None,
            },
        )
    )


def _scan(table: Table) -> ScanEvidence:
    return ScanEvidence(
        result=None if table.get("nothing") else _scan_result(table),
        source=table.get("source", "the database of this machine"),
        incomplete=table.get("incomplete"),
    )


def _scan_result(table: Table) -> ScanResult:
    """Counts follow from the findings unless given; the data is ``age_hours`` old."""
    findings = tuple(_vulnerability(item) for item in table.get("findings", ()))
    open_ = tuple(_not_evaluated(item) for item in table.get("not_evaluated", ()))
    malicious = len({item.package for item in findings if item.malware})
    affected = len({item.package for item in findings}) - malicious
    clean = table.get("clean", 3)
    return ScanResult(
        packages=table.get("packages", clean + affected + malicious + len(open_)),
        clean=clean,
        affected=affected,
        malicious=malicious,
        local=0,
        findings=findings,
        not_evaluated=open_,
        databases=tuple(make_database(hours) for hours in table.get("age_hours", (1,))),
    )


def make_database(age_hours: float = 1) -> DatabaseState:
    return DatabaseState(
        ecosystem="npm",
        exported_at=NOW - timedelta(hours=age_hours),
        imported_at=NOW,
        advisories=1000,
        packages=900,
        sha256="0" * 64,
        source="https://osv.example.test/",
    )


def _vulnerability(table: Table) -> Vulnerability:
    package = table.get("package", "left-pad@1.1.0")
    days = table.get("published_days")
    return Vulnerability(
        id=table["id"],
        ids=(table["id"],),
        package=package,
        purl=f"pkg:npm/{package}",
        malware=table.get("malware", False),
        severity=VulnerabilitySeverity(table.get("severity", "high")),
        summary="something",
        fixed=tuple(table.get("fixed", ())),
        published=None if days is None else NOW - timedelta(days=days),
    )


def _not_evaluated(table: Table) -> NotEvaluated:
    return NotEvaluated(
        package=table.get("package", "left-pad@1.1.0"),
        reason=NotEvaluatedReason(table["reason"]),
        detail=table.get("detail", "something"),
    )


def _licenses(table: Table) -> LicenseEvidence:
    return LicenseEvidence(
        licenses=tuple(
            LicenseFact(package=package, license=text or None, source="package-lock.json")
            for package, text in table.get("licenses", {}).items()
        ),
        incomplete=table.get("incomplete"),
    )
