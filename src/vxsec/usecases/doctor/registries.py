"""``doctor`` on the way to the own registries: where each name comes from, and which credential goes there."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import ConfigurationError
from vxsec.host.http import is_loopback
from vxsec.model.package import NPM
from vxsec.model.report.doctor import Area
from vxsec.usecases.doctor.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.formats.npmrc import Credentials, NpmConfig
    from vxsec.model.report.doctor import DoctorFinding
    from vxsec.model.trust import Registry, TrustRoot

__all__ = ["check_registries"]

_NOTES = Notes(Area.REGISTRIES)
_WORDS = ("_authToken", "_auth", "username", "certfile")
_HASHED = re.compile(r"(?:\A|:)(?:\$(?:2[abxy]|apr1|1|5|6)\$|\{SHA\})")
_PAIR = re.compile(r"[!-9;-~]{1,100}:[ -~]{1,200}\Z")
_HOST = re.compile(r"[A-Za-z0-9.\[\]:_-]{1,255}\Z")
_TOKEN = "${NPM_TOKEN}"  # noqa: S105 - the name of a variable


def check_registries(trust: TrustRoot, config: NpmConfig) -> Iterator[DoctorFinding]:
    """Each own npm registry: its URL, where npm takes its names from, and the credential for it."""
    for registry in trust.registries:
        if registry.ecosystem == NPM:
            yield from _check_url(registry, trust)
            yield from _check_routes(registry, config)
            yield from _check_credential(registry, config)


def _check_url(registry: Registry, trust: TrustRoot) -> Iterator[DoctorFinding]:
    parts = urlsplit(registry.url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield _NOTES.problem(
            "registry-http",
            f"{registry.url} is plain http: anyone on the way reads the token and changes the packages",
            expected="https",
            fix=f"let the registry speak TLS, and write it in {trust.source}: https{registry.url[4:]}",
            where=trust.source,
        )


# -- where names come from ----------------------------------------------------------------------------------------------


def _check_routes(registry: Registry, config: NpmConfig) -> Iterator[DoctorFinding]:
    scopes = {*registry.scopes, *(name.partition("/")[0] for name in registry.packages if name.startswith("@"))}
    for scope in sorted(scopes):
        yield _check_route(scope, f"{scope}/x", f"{scope}:registry={registry.url}", registry, config)
    unscoped = sorted(name for name in registry.packages if not name.startswith("@"))
    if unscoped:
        names = ", ".join(unscoped[:3]) + (", …" if len(unscoped) > len(unscoped[:3]) else "")
        yield _check_route(names, unscoped[0], f"registry={registry.url}", registry, config)


def _check_route(label: str, name: str, line: str, registry: Registry, config: NpmConfig) -> DoctorFinding:
    try:
        found = config.registry_for(name)
    except ConfigurationError as error:
        return _unusable(error)
    if found == registry.url:
        return _NOTES.ok("scope", f"{label} comes from {registry.url}")
    if found is None or (name.startswith("@") and config.setting(line.partition("=")[0]) is None):
        elsewhere = "npm's public default" if found is None else found
        return _NOTES.problem(
            "scope-missing",
            f"no line says where {label} comes from: npm would ask {elsewhere}",
            expected=registry.url,
            fix=f"write in .npmrc: {line}",
        )
    differs = _difference(found, registry.url)
    return _NOTES.problem(
        "scope-other",
        f"{label} comes from {found}{differs}",
        expected=f"{registry.url}, as the trust document has it",
        fix=f"write in .npmrc: {line}",
        where=_file_of(config, line.partition("=")[0]),
    )


def _difference(found: str, wanted: str) -> str:
    ours, theirs = urlsplit(wanted), urlsplit(found)
    if ours.netloc == theirs.netloc and ours.path == theirs.path:
        return f" ({theirs.scheme} instead of {ours.scheme})"
    if ours.hostname == theirs.hostname:
        return " (the same host, another " + ("path)" if ours.netloc == theirs.netloc else "port)")
    return ""


def _file_of(config: NpmConfig, key: str) -> str | None:
    found = config.setting(key)
    return found[1].where if found is not None else None


# -- credentials --------------------------------------------------------------------------------------------------------


def _check_credential(registry: Registry, config: NpmConfig) -> Iterator[DoctorFinding]:
    own = registry.url.partition(":")[2]
    try:
        credentials = config.credentials_for(registry.url)
    except ConfigurationError as error:
        yield _unusable(error)
        return
    near = list(_near_misses(own, config))
    if credentials is None:
        yield from near
        if not near:
            yield _NOTES.warning(
                "token-missing",
                f"no credential for {registry.url}: without one, a 404 proves nothing and publishing is refused",
                expected="a credential scoped to this URL",
                fix=f"write in ~/.npmrc: {own}:_authToken={_TOKEN}",
            )
        return
    odd = [*_check_slash(credentials, config), *_check_secret(credentials, own)]
    yield from odd
    if not odd:
        kind = "a client certificate" if credentials.authorization is None else "a credential"
        yield _NOTES.ok("token", f"{kind} for {credentials.scope} goes to {registry.url}")


def _unusable(error: ConfigurationError) -> DoctorFinding:
    code = {"npmrc.environment": "npmrc-variable", "npmrc.credential": "credential"}.get(error.code, "npmrc-value")
    return _NOTES.error(code, error, expected="a value that can be used as it stands")


def _check_slash(credentials: Credentials, config: NpmConfig) -> Iterator[DoctorFinding]:
    """Without the final slash npm finds a credential when it reads, and not when it publishes (``ENEEDAUTH``)."""
    keys = {key for layer in config.layers for key in layer.values}
    bare = credentials.scope.removesuffix("/")
    word = next(
        (word for word in _WORDS if f"{bare}:{word}" in keys and f"{credentials.scope}:{word}" not in keys), None
    )
    if word is not None:
        yield _NOTES.warning(
            "token-slash",
            f"the credential is for {bare}, without a final slash: npm publish does not find it",
            expected="a slash before the colon",
            fix=f"rename the key to: {credentials.scope}:{word}",
            where=_file_of(config, f"{bare}:{word}"),
        )


def _check_secret(credentials: Credentials, own: str) -> Iterator[DoctorFinding]:
    """What can be seen of a secret without asking anybody: that it is none."""
    kind, _, secret = (credentials.authorization or "").partition(" ")
    text = _decoded(secret)
    token = f"ask the registry for a token, and write in ~/.npmrc: {own}:_authToken={_TOKEN}"
    hashed = _HASHED.search(secret) or (text is not None and _HASHED.search(text))
    if hashed:
        yield _NOTES.problem(
            "auth-htpasswd",
            f"what is written for {credentials.scope} is a line of the registry's htpasswd file, not a password",
            expected="a token",
            fix=token,
            where=credentials.source,
        )
    elif kind == "Basic" and (text is None or ":" not in text):
        yield _NOTES.problem(
            "auth-no-colon",
            f"_auth for {credentials.scope} is not USER:PASSWORD in base64",
            expected="base64 of a user name, a colon and a password; better, a token",
            fix=token,
            where=credentials.source,
        )
    elif kind == "Bearer" and text is not None and _PAIR.match(text):
        yield _NOTES.warning(
            "token-is-basic",
            f"_authToken for {credentials.scope} decodes to a user name and a password",
            expected="a token; a user name and a password go under _auth",
            fix=f"rename the key to: {credentials.scope}:_auth",
            where=credentials.source,
        )


def _decoded(secret: str) -> str | None:
    try:
        return base64.b64decode(secret, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _near_misses(own: str, config: NpmConfig) -> Iterator[DoctorFinding]:
    """Credentials that were probably meant for ``own`` (``//host[:port]/path/``), and do not reach it."""
    host, _, path = own.removeprefix("//").partition("/")
    for layer in config.layers:
        for key in layer.values:
            prefix, colon, written = key.rpartition(":")
            word = next((word for word in _WORDS if word.lower() == written.lower()), None)
            if not colon or word is None:
                continue
            there, _, rest = re.sub(r"\A[A-Za-z]+:", "", prefix).lstrip("/").partition("/")
            there = there.rpartition("@")[2]
            if not _HOST.match(there) or _name(there) != _name(host):
                continue
            why = _why_missed(prefix, written, word, there=there, host=host, rest=rest, path=path)
            yield _NOTES.problem(
                "token-near-miss",
                f"a credential for {there} that does not reach {own}: {why}",
                expected="a key that begins with the registry's own host and path",
                fix=f"rename the key to: {own}:{word}",
                where=layer.where,
            )


def _name(host: str) -> str:
    return re.sub(r":[0-9]*\Z", "", host.lower())


def _why_missed(prefix: str, written: str, word: str, *, there: str, host: str, rest: str, path: str) -> str:
    if "//" in prefix and not prefix.startswith("//"):
        return f"it begins with {prefix.partition('//')[0][:8]!r}, and npm reads keys that begin with //"
    if not prefix.startswith("//"):
        return "its key does not begin with //"
    if written != word:
        return f"the word is {word}, not {written}"
    if there.lower() != host:
        return "it is for another port"
    if f"{rest.rstrip('/')}/".startswith(path):
        return "it is for a path below"
    return "it is for another path"
