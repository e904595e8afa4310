"""Set a repository up: a commented policy, the identities document, keys if asked, and what to do next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import UsageError
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.formats.timestamps import render_time
from vxsec.host.clock import utc_now
from vxsec.host.files import read_if_exists, write_atomic
from vxsec.host.http import is_loopback
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.package import is_npm_name
from vxsec.policy.schema import policy_schema
from vxsec.policy.shipped import load_shipped
from vxsec.usecases.keys import generate_key
from vxsec.usecases.registries import RegistrySession
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    PathLike = str | os.PathLike[str]

__all__ = ["InitReport", "init"]

_FOLDER = "vxsec"
_LABEL = "internal"
_SCHEMA = "vxsec-policy-1.schema.json"
_KEY_LIFETIME = timedelta(days=365)
_MAX_WORKSPACES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport:
    """What was written, what was found, what to add, what to run, and what was not done."""

    written: tuple[str, ...]
    registry: str
    scopes: tuple[str, ...]
    packages: tuple[str, ...]
    second_person: str
    next_commands: tuple[str, ...]
    not_done: tuple[str, ...]


def init(
    directory: PathLike = ".",
    *,
    registry: str | None = None,
    scopes: Sequence[str] = (),
    level: str = "recommended",
    machine: str | None = None,
    person: str | None = None,
    password: Callable[[str], bytes] | None = None,
    password_option: str = "",
    now: datetime | None = None,
) -> InitReport:
    """Write ``vxsec/policy.yaml`` and ``vxsec/trust.yaml`` into a repository.

    Guarantees: no existing file is changed; ``.npmrc`` is read, never written.

    Args:
        directory: The repository.
        registry: The registry's URL; from ``.npmrc`` if not given.
        scopes: The own scopes; from ``.npmrc`` and the workspace's package names if not given.
        level: Which shipped policy to copy: ``minimal`` or ``recommended``.
        machine: Make a key pair of this name for CI.
        person: Make a key pair of this name for a person.
        password: Asked for the password of each key by its name.
        password_option: The option that gives the password, repeated in the commands to run next.
        now: When the keys' windows begin; the clock if not given.

    Raises:
        UsageError: ``init.exists``, ``init.no-registry``, ``init.no-scope``, ``init.name``; keys without a password.
        ConfigurationError: A ``.npmrc`` that cannot be used as it is.
    """
    base = Path(directory)
    if not base.is_dir():
        raise UsageError("no such folder", code="file.missing", where=str(base), hint="name the repository's folder")
    folder = base / _FOLDER
    policy_path, trust_path = folder / "policy.yaml", folder / "trust.yaml"
    for path in (policy_path, trust_path):
        if path.exists():
            raise UsageError(
                "this repository is set up already",
                code="init.exists",
                where=str(path),
                hint="edit it, or remove it first",
            )
    names = sorted(_workspace_names(base))
    url = normalise_registry_url(registry) if registry is not None else _registry_from_npmrc(base, names, scopes)
    own_scopes = tuple(sorted(set(scopes) or {name.partition("/")[0] for name in names if name.startswith("@")}))
    packages = tuple(name for name in names if not name.startswith("@")) if not scopes else ()
    if not own_scopes and not packages:
        raise UsageError(
            "found no package names here to protect",
            code="init.no-scope",
            where=str(base),
            hint="give the scope: --scope @your-scope",
        )
    _check_names(own_scopes, url, machine, person)
    policy_text = load_shipped(f"vxsec:{level}")
    start = now or utc_now()
    written: list[str] = []
    holders: list[tuple[str, str]] = []
    wanted = [(name, role) for name, role in ((machine, "machine"), (person, "human")) if name is not None]
    if wanted and password is None:
        raise UsageError(
            "keys need a password", code="init.no-password", hint="add --password-file FILE or --password-env NAME"
        )
    folder.mkdir(exist_ok=True)
    for name, role in wanted:
        if password is not None:
            pair = generate_key(folder / name, password=password(name))
            written.extend((pair.private, pair.public))
            holders.append((name, role))
    trust_text = _trust_document(url, own_scopes, packages, holders, start)
    for path, data in (
        (folder / ".gitignore", b"# Private keys stay out of the repository.\n*.key\n"),
        (policy_path, policy_text),
        (folder / _SCHEMA, dump_json(policy_schema(), indent=2) + b"\n"),
        (trust_path, trust_text.encode("utf-8")),
    ):
        if not path.exists():
            write_atomic(path, data)
            written.append(str(path))
    return InitReport(
        written=tuple(written),
        registry=url,
        scopes=own_scopes,
        packages=packages,
        second_person=_key_line("bob", "human", start),
        next_commands=_next_commands(folder, level, machine, person, password_option, workspaces=_has_workspaces(base)),
        not_done=_not_done(level, machine, person, own_scopes),
    )


def _trust_document(
    url: str, scopes: Sequence[str], packages: Sequence[str], holders: Sequence[tuple[str, str]], start: datetime
) -> str:
    """The identities document, with comments that say what each part is for."""
    keys = [f"  - {_key_line(name, role, start)}" for name, role in holders]
    people = [f"  - {{id: {name}, kind: {'machine' if role == 'machine' else 'person'}}}" for name, role in holders]
    evidence = f"{scopes[0]}/vxsec-evidence" if scopes else f"{packages[0]}-vxsec-evidence"
    if not scopes:
        packages = [*packages, evidence]  # the evidence lives under an own name, too
    lines = [
        "# Who may sign what, and which registry your own names live on.",
        "# Keep it on a protected branch: whoever can change this file decides whom vxsec believes.",
        "apiVersion: vxsec/trust/v1",
        "kind: Identities",
        "",
        "# One line per public key; `file` is relative to this document. A machine signs releases, a human approves them.",
        "keys:" if keys else "keys: []",
        *keys,
        f"  # - {_key_line('bob', 'human', start)}" if keys else f"# keys:\n#   - {_key_line('ci', 'machine', start)}",
        "",
        "# Every key has a holder. A holder counts once, however many keys.",
        "holders:" if people else "holders: []",
        *people,
        "  # - {id: bob, kind: person}" if people else "# holders:\n#   - {id: ci, kind: machine}",
        "",
        "# The only place where your own names meet a URL.",
        "registries:",
        f"  {_LABEL}:",
        f'    url: "{url}"',
        f"    scopes: [{', '.join(f'{chr(34)}{scope}{chr(34)}' for scope in scopes)}]",
        f"    packages: [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in packages)}]",
        f'    evidence: "{evidence}"',
        "",
        "# Withdraw a key or a tarball: {key: ID, reason: superseded | compromised, since: TIME} or {sha512: HEX, ...}",
        "revocations: []",
        "",
    ]
    return "\n".join(lines)


def _key_line(name: str, role: str, start: datetime) -> str:
    window = f'from: "{render_time(start)}", until: "{render_time(start + _KEY_LIFETIME)}"'
    return f"{{id: {name}-{start.year}, file: {name}.pub, roles: [{role}], {window}, holder: {name}}}"


def _registry_from_npmrc(base: Path, names: Sequence[str], scopes: Sequence[str]) -> str:
    """The one registry that .npmrc sends the own scopes to."""
    config = RegistrySession(project_dir=base).config
    wanted = set(scopes) or {name.partition("/")[0] for name in names if name.startswith("@")}
    listed = {scope: config.scope_registry(scope) for scope in config.scopes() if not wanted or scope in wanted}
    urls = {url for url in listed.values() if url is not None}
    if not urls and config.registry is not None:
        urls = {config.registry}
    if len(urls) != 1:
        found = ", ".join(sorted(urls)) or "none"
        raise UsageError(
            f"expected one registry for {', '.join(sorted(wanted)) or 'this repository'} in .npmrc, found {found}",
            code="init.no-registry",
            hint="say which: --registry URL",
        )
    return normalise_registry_url(urls.pop())


def _workspace_names(base: Path) -> Iterator[str]:
    """The names of the publishable packages of the repository: its workspaces', else its own."""
    root = _package_json(base / "package.json")
    if root is None:
        return
    patterns = root.get("workspaces")
    if isinstance(patterns, dict):
        patterns = patterns.get("packages")
    folders = [base] if not isinstance(patterns, list) else []
    for pattern in patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, str) and not pattern.startswith(("/", "!")) and ".." not in pattern:
            folders.extend(sorted(base.glob(pattern))[:_MAX_WORKSPACES])
    for folder in folders:
        document = _package_json(folder / "package.json") or {}
        name = document.get("name")
        if isinstance(name, str) and is_npm_name(name) and document.get("private") is not True:
            yield name


def _has_workspaces(base: Path) -> bool:
    return bool((_package_json(base / "package.json") or {}).get("workspaces"))


def _package_json(path: Path) -> dict[str, object] | None:
    data = read_if_exists(path, max_bytes=DEFAULT_LIMITS.manifest_bytes) if path.is_file() else None
    return dict(read_json(data, where=str(path), allow_bom=True).mapping()) if data is not None else None


def _check_names(scopes: Sequence[str], url: str, machine: str | None, person: str | None) -> None:
    """What every later command would refuse is refused before anything is written."""
    for scope in scopes:
        if not scope.startswith("@") or "/" in scope or not is_npm_name(f"{scope}/x"):
            raise UsageError(
                f"expected a scope like @your-scope, found {scope!r}", code="init.scope", hint="write it with its @"
            )
    for name in (machine, person):
        if name is not None and (not name.replace("-", "").replace("_", "").isalnum() or not name.isascii()):
            raise UsageError(
                f"expected a plain name for the key, found {name!r}", code="init.name", hint="letters, digits, - and _"
            )
    if machine is not None and machine == person:
        raise UsageError(
            f"the machine and the person cannot both be {machine!r}", code="init.name", hint="choose another --person"
        )
    host = urlsplit(url).hostname or ""
    if url.startswith("http:") and not is_loopback(host):
        raise UsageError(
            "a registry without TLS is refused by every later command",
            code="init.plain-http",
            where=url,
            hint="give its https URL",
        )


def _next_commands(
    folder: Path, level: str, machine: str | None, person: str | None, password_option: str, *, workspaces: bool
) -> tuple[str, ...]:
    """Commands that work when typed in this order, those for missing keys first."""
    trust, policy = folder / "trust.yaml", folder / "policy.yaml"
    ci, human = folder / (machine or "ci"), folder / (person or "alice")
    ask = f" {password_option}" if password_option else ""
    two = level != "minimal"
    commands = []
    if machine is None:
        commands.append(f"vxsec keys generate {ci}{ask}")
    if person is None and two:
        commands.append(f"vxsec keys generate {human}{ask}")
    commands.append("npm pack --workspaces" if workspaces else "npm pack")
    if two:
        commands += [
            "vxsec db update",
            "npm install --package-lock-only",
            f"vxsec sbom attest *.tgz --author 'Your team' --signer file:{ci}.key{ask}",
        ]
    commands.append(f"vxsec sign *.tgz --signer file:{ci}.key --trust {trust}{ask}")
    if two:
        commands.append(f"vxsec approve *.tgz --signer file:{human}.key --trust {trust}{ask}")
    return (
        *commands,
        f"vxsec gate *.tgz --policy {policy} --trust {trust}",
        f"vxsec publish *.tgz --policy {policy} --trust {trust}",
        f"vxsec verify --lockfile package-lock.json --policy {policy} --trust {trust}",
    )


def _not_done(level: str, machine: str | None, person: str | None, scopes: Sequence[str]) -> tuple[str, ...]:
    items = []
    if machine is None or (person is None and level != "minimal"):
        items.append("keys are missing: after generating them, put their lines into vxsec/trust.yaml (it shows how)")
    if len(scopes) > 1:
        items.append(
            f"evidence goes to {scopes[0]}/vxsec-evidence: with several scopes, change it if another should hold it"
        )
    items.append(
        "CI was not changed: call vxsec gate and vxsec publish there, with the policy from the protected branch"
    )
    items.append(".npmrc was not changed, and no token was stored")
    return tuple(items)
