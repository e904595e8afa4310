"""Look at a machine and a project folder, and say what is wrong and how to fix it. Nothing is changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.host.clock import utc_now
from vxsec.model.report.doctor import DoctorReport
from vxsec.usecases.doctor.database import check_databases
from vxsec.usecases.doctor.files import check_key_files, check_lockfile, check_tracked_keys, tracked_files
from vxsec.usecases.doctor.machine import check_clock, check_programs, newest_change
from vxsec.usecases.doctor.notes import redact, secrets_in
from vxsec.usecases.doctor.npmrc import check_settings, load_settings
from vxsec.usecases.doctor.online import ask_registries
from vxsec.usecases.doctor.registries import check_registries
from vxsec.usecases.doctor.trust import check_policy, check_trust, check_windows
from vxsec.usecases.trust_source import TrustSource

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from vxsec.model.report.doctor import DoctorFinding

    PathLike = str | os.PathLike[str]
    from vxsec.usecases.trust_source import Trust

__all__ = ["examine"]

_SHIPPED = "vxsec:"
_LOCKFILES = ("package-lock.json", "npm-shrinkwrap.json")


def examine(
    *,
    trust: Trust | None = None,
    policy: PathLike | None = None,
    database: PathLike | None = None,
    online: bool = False,
    at: datetime | None = None,
    project_dir: PathLike = ".",
    environ: Mapping[str, str] | None = None,
    unsafe_http: Collection[str] = (),
    unsafe_tls: Collection[str] = (),
) -> DoctorReport:
    """Look at everything that can go wrong around a gated publish or install.

    Guarantees: no file is written, no connection is opened unless ``online``; what is missing, unreadable or malformed is
    a finding, never an error; no token or password is in any finding.

    Args:
        trust: The trust root; without it keys, registries and scopes are not looked at.
        policy: A policy file or ``vxsec:NAME``.
        database: The folder of the advisory database; the default one if not given.
        online: Ask each own registry two questions (``-/ping``, ``-/whoami``).
        at: Judge keys and the age of data as of this time; marks the report. The clock is always judged now.
        project_dir: The folder to look at.
        environ: The environment that ``.npmrc`` is read with; the process's own if not given.
        unsafe_http: Registry URLs that may be asked over plain http.
        unsafe_tls: Registry URLs whose certificate is not checked.

    Raises:
        UsageError: ``file.missing`` where ``project_dir`` is no folder.
        ConfigurationError: ``registry.url`` for a malformed ``unsafe_http`` or ``unsafe_tls``.
    """
    project = Path(project_dir)
    if not _is_folder(project):
        raise UsageError("no such folder", code="file.missing", where=str(project), hint="name the project's folder")
    insecure = {normalise_registry_url(url) for url in unsafe_http}
    unchecked = {normalise_registry_url(url) for url in unsafe_tls}
    surroundings = os.environ if environ is None else environ
    clock = utc_now()
    now = at or clock
    document = trust.path if isinstance(trust, TrustSource) else trust
    findings: list[DoctorFinding] = [*check_programs()]
    findings.append(check_clock(now=clock, newest=newest_change(_dated(project, document, policy))))

    root, told = check_trust(trust, project=project)
    findings += told
    if root is not None:
        findings += check_windows(root, now=now)
    rules, told = check_policy(policy, trust=root, now=now, document=document)
    findings += told

    tracked, told = tracked_files(project, environ=surroundings)
    findings += told
    findings += check_key_files(_key_folders(project, document))
    findings += check_tracked_keys(tracked or ())
    findings.append(check_lockfile(project))
    findings += check_databases(database, policy=rules, now=now)

    settings, told = load_settings(project, environ=surroundings)
    findings += told
    if settings is None:
        return _report(project, findings, frozenset(), online=online, at=at)
    findings += check_settings(settings, tracked=tracked)
    if root is not None:
        findings += check_registries(root, settings.config)
        if online:
            findings += ask_registries(root, settings.config, unsafe_http=insecure, unsafe_tls=unchecked)
    return _report(project, findings, secrets_in((*settings.raw, *settings.config.layers)), online=online, at=at)


def _is_folder(project: Path) -> bool:
    try:
        return stat.S_ISDIR(project.stat().st_mode)
    except PermissionError:  # it is there, and the checks say what is wrong with it
        return True
    except (OSError, ValueError):
        return False


def _report(
    project: Path, findings: list[DoctorFinding], secrets: frozenset[str], *, online: bool, at: datetime | None
) -> DoctorReport:
    return DoctorReport(project=str(project), findings=redact(findings, secrets), online=online, as_of=at)


def _dated(project: Path, trust: PathLike | None, policy: PathLike | None) -> list[PathLike]:
    """Files whose last change this machine's clock cannot be a day behind."""
    named = [path for path in (trust, policy) if path is not None and not str(path).startswith(_SHIPPED)]
    return [*named, *(project / name for name in _LOCKFILES)]


def _key_folders(project: Path, trust: PathLike | None) -> list[Path]:
    folders = [project, project / "vxsec", project / "keys", *([Path(trust).parent] if trust is not None else [])]
    return list({folder.absolute(): folder for folder in reversed(folders)}.values())[::-1]
