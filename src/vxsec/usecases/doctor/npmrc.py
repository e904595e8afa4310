"""``doctor`` on ``.npmrc``: can it be read, does npm know its keys, who else can read its secrets."""

from __future__ import annotations

import re
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import VxsecError
from vxsec.formats.npmrc import parse_npmrc
from vxsec.formats.npmrc_keys import KeyState, judge_key
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.doctor import Area
from vxsec.registry.npm_config import load_npm_config
from vxsec.usecases.doctor.notes import Notes
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from vxsec.formats.npmrc import NpmConfig, NpmrcFile, NpmrcValue
    from vxsec.formats.npmrc_keys import KeyJudgement
    from vxsec.model.report.doctor import DoctorFinding

__all__ = ["NpmSettings", "check_settings", "load_settings", "shown_key"]

_NOTES = Notes(Area.NPMRC)
_ANY_TLS = ("https://doctor.invalid/",)
"""Lets ``strict-ssl=false`` be read, so that it is one finding among others; no connection is opened with it."""
_PLAIN_WORD = re.compile(r"[a-z][a-z._-]{0,39}\Z")
_SECRET_WORDS = frozenset({"_authtoken", "_auth", "_password"})
_OTHERS = 0o077
_MOST_TOLD = 100
_PREFIX = re.compile(r"(?:@[a-z0-9._~-]{1,100}:|//[A-Za-z0-9.:_~%/-]{1,200}:)?\Z")
_USERINFO = re.compile(r"//[^/]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmSettings:
    """The settings as vxsec uses them, and the same files with ``${…}`` as it stands there (project first, then user)."""

    config: NpmConfig
    raw: tuple[NpmrcFile, ...]


def load_settings(project: Path, *, environ: Mapping[str, str]) -> tuple[NpmSettings | None, list[DoctorFinding]]:
    """Read the project's and the user's ``.npmrc``; what keeps them from being read is a finding."""
    try:
        config = load_npm_config(project_dir=project, environ=environ, unsafe_tls=_ANY_TLS)
        raw = tuple(_raw(layer) for layer in config.layers)
    except VxsecError as error:
        return None, [_NOTES.error("npmrc", error, expected="an .npmrc that this user may read, in UTF-8")]
    if not raw:
        return NpmSettings(config=config, raw=raw), [_NOTES.ok("npmrc", "no .npmrc here and none in the home folder")]
    return NpmSettings(config=config, raw=raw), []


def _raw(layer: NpmrcFile) -> NpmrcFile:
    data = read_bounded(layer.where, max_bytes=DEFAULT_LIMITS.npmrc_bytes)
    return parse_npmrc(data.decode("utf-8", "replace"), where=layer.where, expand=None)


def check_settings(settings: NpmSettings, *, tracked: AbstractSet[Path] | None) -> Iterator[DoctorFinding]:
    """Every key that npm does not take as it is, then the settings that open doors."""
    strict = any(file.values.get("strict-npmrc") is True for file in settings.raw)
    for layer, file in zip(settings.config.layers, settings.raw, strict=True):
        told = list(_check_keys(file, strict=strict))
        yield from told
        if not told:
            yield _NOTES.ok("npmrc-keys", f"npm knows each of its {len(file.values)} keys", where=file.where)
        yield from _check_readers(file, project_file=not layer.expanded, tracked=tracked)
    yield from _check_tls(settings.config)


def _check_keys(file: NpmrcFile, *, strict: bool) -> Iterator[DoctorFinding]:
    told = 0
    for number, (key, value) in enumerate(file.values.items()):
        finding = _judge(key, value, file, strict=strict)
        told += finding is not None
        if finding is not None:
            yield finding
        if told == _MOST_TOLD and number + 1 < len(file.values):  # finding what was meant takes a millisecond for each
            yield _NOTES.warning(
                "npmrc-key",
                f"its other {len(file.values) - number - 1} keys were not looked at",
                expected="keys that npm knows",
                fix="mend these first, and run vxsec doctor again",
                where=file.where,
            )
            return


def _judge(key: str, value: NpmrcValue, file: NpmrcFile, *, strict: bool) -> DoctorFinding | None:
    judged = judge_key(key)
    if judged.state is KeyState.KNOWN:
        return None
    if judged.state is KeyState.UNSCOPED:
        return _NOTES.problem(
            "token-unscoped",
            f"{judged.word} does not say for which registry; npm 9 and newer refuse to start with it",
            expected="the registry before it",
            fix=f"put the registry before it: //HOST/PATH/:{judged.meant}=…",
            where=file.where,
        )
    shown = shown_key(key, value, judged)
    if judged.state is KeyState.DEPRECATED:
        return _NOTES.warning(
            "npmrc-deprecated",
            f"npm asks to replace {shown}",
            expected="the setting that came after it",
            fix=f"write instead: {judged.advice}",
            where=file.where,
        )
    note = _NOTES.problem if strict else _NOTES.warning
    refused = "npm 12 refuses it, because strict-npmrc is set" if strict else "npm 11 and 12 warn, a later one refuses"
    code = "always-auth" if judged.word == "always-auth" else "npmrc-key"
    return note(
        code,
        f"npm knows no key {shown}; {refused}",
        expected="keys that npm knows",
        fix=_key_fix(key, judged),
        where=file.where,
    )


def _key_fix(key: str, judged: KeyJudgement) -> str:
    if judged.advice is not None:
        return judged.advice
    if judged.meant is None:
        return "remove the line; what a script needs belongs into package.json under config, or into its environment"
    return f"write the key as: {_prefix(key, judged) or ''}{judged.meant}=…"


def shown_key(key: str, value: NpmrcValue, judged: KeyJudgement) -> str:
    """A key for a message. A line that is no setting may be a token that was pasted: only plain words are shown."""
    prefix = _prefix(key, judged)
    plain = _PLAIN_WORD.match(judged.word.lstrip("_").lower() if judged.meant else judged.word)
    assigned = value is not True or judged.meant is not None or judged.advice is not None
    if plain and assigned and prefix is not None:
        return repr(prefix + judged.word)
    return f"(not shown: {len(key)} characters; it may be a secret)"


def _prefix(key: str, judged: KeyJudgement) -> str | None:
    """What stands before the word: nothing, ``@scope:`` or ``//host/path/:``; None where it is anything else."""
    prefix = _USERINFO.sub("//", key[: len(key) - len(judged.word)])
    return prefix if _PREFIX.match(prefix) else None


def _check_readers(
    file: NpmrcFile, *, project_file: bool, tracked: AbstractSet[Path] | None
) -> Iterator[DoctorFinding]:
    """Who can read a credential that is written out in this file."""
    written = [key for key, value in file.values.items() if _is_secret(key, value)]
    if not written:
        return
    path = Path(file.where)
    if project_file:
        if tracked is not None and path in tracked:
            yield _NOTES.problem(
                "token-tracked",
                "a token or password in a file that git tracks: everybody who has the repository has it",
                expected="credentials in ~/.npmrc only",
                fix="have the registry revoke it, and move the line to ~/.npmrc: npm token revoke ID",
                where=file.where,
            )
        else:
            yield _NOTES.warning(
                "token-in-project",
                "a token or password in the project's folder",
                expected="credentials in ~/.npmrc, which no git add takes along",
                fix="move the line to ~/.npmrc, or to the file that NPM_CONFIG_USERCONFIG names",
                where=file.where,
            )
    yield from _check_mode(path)


def _check_mode(path: Path) -> Iterator[DoctorFinding]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:  # it went away while we looked: nobody reads it now
        return
    if mode & _OTHERS:
        yield _NOTES.warning(
            "npmrc-mode",
            f"a token or password in a file with mode {mode:04o}: others on this machine can read it",
            expected="mode 0600",
            fix=f"chmod 600 {shlex.quote(str(path))}",
            where=str(path),
        )


def _is_secret(key: str, value: NpmrcValue) -> bool:
    return isinstance(value, str) and "${" not in value and key.rpartition(":")[2].lower() in _SECRET_WORDS


def _check_tls(config: NpmConfig) -> Iterator[DoctorFinding]:
    found = config.setting("strict-ssl")
    if found is not None and found[0] in {False, "false"}:
        yield _NOTES.problem(
            "strict-ssl",
            "strict-ssl=false turns off the check of every registry's certificate",
            expected="checked certificates",
            fix="remove the line, and name your certificate authority: cafile=/path/to/ca.pem",
            where=found[1].where,
        )
    try:
        path = config.cafile
        if path is not None:
            read_bounded(path, max_bytes=DEFAULT_LIMITS.small_file_bytes)
    except VxsecError as error:
        yield _NOTES.error("cafile", error, expected="a readable PEM file as cafile")
