"""The honest half of the story: four packages become a release, and a consumer verifies it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vxsec

if TYPE_CHECKING:
    from vxsec.demo.stage import Stage

__all__ = ["tell_release"]


def tell_release(stage: Stage) -> bool:
    """From keys to a verified lockfile; False as soon as something honest did not pass."""
    return all(step(stage) for step in (_prepare, _describe, _scan, _sign, _approve_and_publish, _install))


def _prepare(stage: Stage) -> bool:
    stage.act("Keys for CI and for a person, a trust document, four packed packages")
    stage.make_keys()
    stage.tarballs = stage.unpack_resources("packages")
    stage.write_lockfile(stage.tarballs)
    for path in stage.tarballs:
        stage.tell(path.name)
    return bool(stage.tarballs)


def _describe(stage: Stage) -> bool:
    stage.act("An SBOM of each (CycloneDX 1.6), attested by CI; each agrees with the bytes it is about")
    stage.attest_sboms(stage.tarballs, stage.lockfile)
    for path in stage.tarballs:
        checked = vxsec.check_sbom(f"{path}.cdx.json")
        verified = vxsec.verify_sbom(path, f"{path}.cdx.json", lockfile=stage.lockfile)
        if checked.exit_status or verified.exit_status:
            stage.tell(f"{path.name}: its SBOM does not hold", "bad")
            return False
        listed = len(checked.bom.components)
        stage.tell(f"{verified.package}: {listed} component{'' if listed == 1 else 's'}")
    return True


def _scan(stage: Stage) -> bool:
    stage.act("An advisory database, filled from files; the lockfile is scanned against it, offline")
    stage.unpack_resources("advisories")
    vxsec.import_database([stage.folder / "advisories-in"], directory=stage.database, exported_at=stage.now)
    report = vxsec.scan([stage.lockfile], db=stage.database, project_dir=stage.folder)
    result = report.result
    known = sum(state.advisories for state in result.databases)
    stage.tell(
        f"{result.clean} clean + {result.local} local + {len(result.findings)} with findings + "
        f"{len(result.not_evaluated)} not evaluated = {result.packages} packages, against {known} advisories",
        "good" if report.exit_status == 0 else "bad",
    )
    return report.exit_status == 0 and result.adds_up


def _sign(stage: Stage) -> bool:
    stage.act("CI signs a release statement over each; without a person's approval the gate says no")
    stage.sign(stage.tarballs)
    early = stage.gate(stage.tarballs)
    stage.tell_refusals(early.subjects[:1])
    return not early.allowed


def _approve_and_publish(stage: Stage) -> bool:
    stage.act("Alice approves these bytes, the gate opens, and the same bytes are published and read back")
    stage.approve(stage.tarballs)
    report = stage.publish(stage.tarballs)
    stage.tell_refusals(report.decision.subjects)
    for package in report.packages:
        stage.tell(f"{package.state.value}  {package.package}", "good")
    return report.exit_status == 0


def _install(stage: Stage) -> bool:
    stage.act("A consumer verifies the lockfile: lockfile = tarball = what was signed")
    report = stage.verify(stage.lockfile)
    if report.decision is not None:
        stage.tell_refusals(report.decision.subjects)
    totals = report.totals
    stage.tell(
        f"{totals.verified} verified + {totals.allowed_unsigned} allowed unsigned + {totals.local} local + "
        f"{totals.failed} failed + {totals.not_evaluated} not evaluated = {totals.total} packages",
        "good" if report.exit_status == 0 else "bad",
    )
    return report.exit_status == 0 and totals.verified == len(stage.tarballs)
