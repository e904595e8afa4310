"""``.npmrc``: which registry serves a name, and which credential goes to which URL.

The ini dialect is npm's (its package ``ini``: comments, quotes, ``key[]``), the credential lookup is that of
``npm-registry-fetch`` (walk up the path), with one difference: ``${ENV}`` is expanded in the user-level file only. A project
file arrives with a pull request; expanding there would let it send any secret of the environment anywhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import ConfigurationError
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["Credentials", "NpmConfig", "NpmrcFile", "NpmrcValue", "merge_npmrc", "parse_npmrc"]

"""What npm uses where nothing else is said."""

NpmrcValue = str | bool | None | tuple[str, ...]

_LINE = re.compile(r"\[([^\]]*)\]\s*\Z|([^=]+)(=(.*))?\Z", re.DOTALL)
_ENVIRONMENT = re.compile(r"(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}")
_REFERENCE = re.compile(r"\$\{([^${}?]+)\??\}")
_SECRET = re.compile(r"[!-~]+\Z")
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmrcFile:
    """One file's settings; ``expanded`` tells whether ``${ENV}`` was replaced. ``values`` is not shown: it holds secrets."""

    where: str
    expanded: bool
    values: Mapping[str, NpmrcValue] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What to send to URLs below ``scope`` (``//host[:port]/path/``); ``authorization`` is the whole header value."""

    scope: str
    source: str
    authorization: str | None = field(default=None, repr=False)
    certfile: str | None = None
    keyfile: str | None = None


def parse_npmrc(text: str, *, where: str, expand: Callable[[str], str | None] | None) -> NpmrcFile:
    """Read one ``.npmrc`` as npm does; sections are skipped, since npm reads no setting from them.

    Args:
        text: The file's text.
        where: Its name, for messages.
        expand: Gives an environment variable or None; pass None for a project file, which is then left as it is.
    """
    values: dict[str, NpmrcValue] = {}
    for line in re.split(r"[\r\n]+", text.removeprefix("\ufeff")):
        if not line.strip() or line.lstrip().startswith((";", "#")):
            continue
        match = _LINE.match(line)
        if match is None:
            continue
        if match[1] is not None:
            break
        key, value = _unquoted(match[2]), _typed(_unquoted(match[4]) if match[3] else "true")
        listed = key.endswith("[]") and key != "[]"
        key = key.removesuffix("[]") if listed else key
        _put(values, key, value, listed=listed)
    if expand:
        values = {_expanded(key, expand): _expanded_value(value, expand) for key, value in values.items()}
    return NpmrcFile(where=where, expanded=expand is not None, values=values)


def merge_npmrc(
    files: Collection[NpmrcFile],
    *,
    proxies: Mapping[str, str] | None = None,
    home: str | None = None,
    unsafe_tls: Collection[str] = (),
) -> NpmConfig:
    """Put files together, the strongest first (project, then user).

    Args:
        files: What was read.
        proxies: ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` from the environment, for what no file says.
        home: What ``~/`` in a file name means.
        unsafe_tls: Registry URLs whose certificate the caller was told not to check.

    Raises:
        ConfigurationError: ``npmrc.strict-ssl`` where a file turns certificate checks off and ``unsafe_tls`` is empty.
    """
    config = NpmConfig(layers=tuple(files), proxies=dict(proxies or {}), home=home)
    found = config.setting("strict-ssl")
    if found and found[0] in {False, "false"} and not unsafe_tls:
        raise ConfigurationError(
            "strict-ssl=false turns off the check of every registry's certificate",
            code="npmrc.strict-ssl",
            where=found[1].where,
            hint="remove the line and name your certificate authority with cafile=, or add --unsafe-tls URL for one registry",
        )
    return config


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmConfig:
    """Several ``.npmrc`` files as one; every value is checked when it is used, with an error that names its file."""

    layers: tuple[NpmrcFile, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    home: str | None = None

    @property
    def source(self) -> str:
        """The files it was read from."""
        return ", ".join(layer.where for layer in self.layers) or "npm's defaults"

    @property
    def registry(self) -> str | None:
        """The registry of names without a scope of their own, normalised; None where no file names one.

        npm then uses its built-in default, which is nobody's own registry and which vxsec never asks on its own.

        Raises:
            ConfigurationError: As :meth:`registry_for`.
        """
        return self._url("registry")

    @property
    def cafile(self) -> str | None:
        """The file of certificate authorities that replaces the system's."""
        return self._path("cafile")

    @property
    def ca(self) -> str | None:
        r"""Certificate authorities as PEM text; ``\n`` inside a value is a line end, as npm has it."""
        found = self.setting("ca")
        value = found[0] if found else None
        if not value or isinstance(value, bool):
            return None
        pieces = value if isinstance(value, tuple) else (value,)
        return "\n".join(piece.replace("\\n", "\n") for piece in pieces)

    def registry_for(self, name: str) -> str | None:
        """The normalised URL of the registry that serves ``name``; None where no file says.

        Raises:
            ConfigurationError: ``registry.url``; ``npmrc.environment`` for a ``${…}`` that is not expanded;
                ``npmrc.value``.
        """
        scope = name.partition("/")[0] if name.startswith("@") else ""
        return (self._url(f"{scope}:registry") if scope else None) or self.registry

    def scope_registry(self, scope: str) -> str | None:
        """The normalised URL written for ``@scope``; None where the scope has no line of its own.

        Raises:
            ConfigurationError: As :meth:`registry_for`.
        """
        return self._url(f"{scope}:registry")

    def scopes(self) -> tuple[str, ...]:
        """Every ``@scope`` with a registry line."""
        keys = {key for layer in self.layers for key in layer.values}
        return tuple(sorted(k.removesuffix(":registry") for k in keys if k.startswith("@") and k.endswith(":registry")))

    def credentials_for(self, url: str) -> Credentials | None:
        """The credential of the longest ``//host[:port]/path/`` that ``url`` is below; None where there is none.

        Raises:
            ConfigurationError: ``npmrc.environment`` or ``npmrc.credential`` (not visible ASCII, not base64).
        """
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
        default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
        hosts = {host, host.removesuffix(default), host.removesuffix(default) + default}
        segments = [segment for segment in parts.path.split("/") if segment]
        if {".", ".."} & {segment.lower().replace("%2e", ".") for segment in segments}:
            return None
        for depth in range(len(segments), -1, -1):
            path = "".join(f"/{segment}" for segment in segments[:depth])
            for key in (f"//{name}{path}{end}" for name in sorted(hosts) for end in ("/", "")):
                found = self._credentials(key)
                if found:
                    return found
        return None

    def proxy_for(self, url: str) -> str | None:
        """The proxy for ``url`` or None, from the files, then from the environment.

        Raises:
            ConfigurationError: ``npmrc.proxy`` for a proxy that is not an http or https URL, ``npmrc.environment``.
        """
        parts = urlsplit(url)
        if _no_proxy(parts.hostname or "", self._text("noproxy") or self.proxies.get("NO_PROXY", "")):
            return None
        keys = ("https-proxy", "proxy") if parts.scheme == "https" else ("proxy",)
        found = next((key for key in keys if self.setting(key)), None)
        fallback = self.proxies.get("HTTPS_PROXY") if parts.scheme == "https" else self.proxies.get("HTTP_PROXY")
        proxy = self._text(found) if found else fallback
        if not proxy:
            return None
        if "://" not in proxy:
            proxy = f"http://{proxy}"
        if not proxy.startswith(("http://", "https://")) or not _SECRET.match(proxy):
            raise ConfigurationError("expected an http or https proxy URL", code="npmrc.proxy", where=self.source)
        return proxy

    def setting(self, key: str) -> tuple[NpmrcValue, NpmrcFile] | None:
        """A raw value and the strongest file that has it."""
        for layer in self.layers:
            if key in layer.values:
                return layer.values[key], layer
        return None

    def _text(self, key: str) -> str | None:
        found = self.setting(key)
        if found is None or found[0] in {None, False, ""}:
            return None
        value, layer = found
        if not isinstance(value, str):
            raise ConfigurationError(f"expected one text for {_label(key)}", code="npmrc.value", where=layer.where)
        missing = _REFERENCE.search(value)
        if missing and layer.expanded:
            raise ConfigurationError(
                f"{_label(key)} needs the environment variable {missing[1][:_SHOWN]!r}, which is not set",
                code="npmrc.environment",
                where=layer.where,
                hint=f"export {missing[1][:_SHOWN]}=VALUE, or write ${{{missing[1][:_SHOWN]}?}} where it may be empty",
            )
        if missing:
            raise ConfigurationError(
                f"{_label(key)} holds {missing[0][:_SHOWN]!r}, and a project file's variables are not expanded",
                code="npmrc.environment",
                where=layer.where,
                hint="move the line to ~/.npmrc, or to the file that NPM_CONFIG_USERCONFIG names",
            )
        return value

    def _url(self, key: str) -> str | None:
        text = self._text(key)
        try:
            return normalise_registry_url(text) if text else None
        except ConfigurationError as error:
            found = self.setting(key)
            where = found[1].where if found is not None else self.source
            raise ConfigurationError(error.message, code=error.code, where=where, hint=error.hint) from error

    def _path(self, key: str) -> str | None:
        text = self._text(key)
        return self.home + text[1:] if text and self.home and text.startswith("~/") else text

    def _credentials(self, key: str) -> Credentials | None:
        token, basic = self._text(f"{key}:_authToken"), self._text(f"{key}:_auth")
        user, password = self._text(f"{key}:username"), self._text(f"{key}:_password")
        certfile, keyfile = self._path(f"{key}:certfile"), self._path(f"{key}:keyfile")
        certificate = (certfile, keyfile) if certfile and keyfile else (None, None)
        authorization = None
        if token:
            authorization = f"Bearer {_checked(token, key)}"
        elif basic:
            _decoded(basic, key)
            authorization = f"Basic {basic}"
        elif user and password:
            pair = user.encode() + b":" + _decoded(password, key)
            authorization = f"Basic {base64.b64encode(pair).decode('ascii')}"
        if authorization is None and certificate == (None, None):
            return None
        scope = key if key.endswith("/") else key + "/"
        return Credentials(
            scope=scope,
            source=self.source,
            authorization=authorization,
            certfile=certificate[0],
            keyfile=certificate[1],
        )


def _put(values: dict[str, NpmrcValue], key: str, value: NpmrcValue, *, listed: bool) -> None:
    before = values.get(key)
    if listed or isinstance(before, tuple):
        earlier = before if isinstance(before, tuple) else (_word(before),) if key in values else ()
        values[key] = (*earlier, _word(value))
    else:
        values[key] = value


def _word(value: NpmrcValue) -> str:
    """The text of one item of a list."""
    return value if isinstance(value, str) else "null" if value is None else str(value).lower()


def _typed(text: str) -> NpmrcValue:
    words: dict[str, NpmrcValue] = {"true": True, "false": False, "null": None}
    return words.get(text, text)


def _unquoted(raw: str) -> str:
    text = raw.strip()
    if text[:1] in {'"', "'"} and text.endswith(text[:1]):
        text = text[1:-1] if text.startswith("'") else text
        try:
            value: object = json.JSONDecoder().decode(text)
        except (ValueError, RecursionError):
            return text
        return value if isinstance(value, str) else text
    plain: list[str] = []
    escaped = False
    for char in text:
        if escaped:
            plain.append(char if char in "\\;#" else "\\" + char)
            escaped = False
        elif char in ";#":
            break
        elif char == "\\":
            escaped = True
        else:
            plain.append(char)
    return ("".join(plain) + ("\\" if escaped else "")).strip()


def _expanded(text: str, expand: Callable[[str], str | None]) -> str:
    def value(match: re.Match[str]) -> str:
        slashes, name, optional = match[1], match[2], match[3]
        if len(slashes) % 2:
            return match[0][(len(slashes) + 1) // 2 :]
        found = expand(name)
        return slashes[len(slashes) // 2 :] + (("" if optional else "${" + name + "}") if found is None else found)

    return _ENVIRONMENT.sub(value, text)


def _expanded_value(value: NpmrcValue, expand: Callable[[str], str | None]) -> NpmrcValue:
    if isinstance(value, tuple):
        return tuple(_expanded(item, expand) for item in value)
    return _expanded(value, expand) if isinstance(value, str) else value


def _label(key: str) -> str:
    return repr(key[:_SHOWN])


def _checked(secret: str, key: str) -> str:
    if not _SECRET.match(secret):
        raise ConfigurationError(f"the token of {_label(key)} is not visible ASCII", code="npmrc.credential")
    return secret


def _decoded(secret: str, key: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(f"the password of {_label(key)} is not base64", code="npmrc.credential") from error


def _no_proxy(host: str, listed: str) -> bool:
    """Entries match the host and everything below it, as npm's agent has it; ``*`` is everything."""
    segments = host.lower().split(".")[::-1]
    for entry in listed.lower().split(","):
        wanted = [segment for segment in entry.strip().split(".") if segment][::-1]
        if wanted == ["*"] or (wanted and segments[: len(wanted)] == wanted):
            return True
    return False
