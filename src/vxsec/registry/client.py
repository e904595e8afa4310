"""Speaks npm's registry protocol: packuments, versions, tarballs, publishes.

What a registry answers is a claim. The client makes sure the answer is about what was asked, that credentials go only
where they belong, and that "I cannot see it" never becomes "it is not there".
"""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, urlsplit

from vxsec.errors import FormatError, NetworkError, UndecidedError, UsageError, VerificationError
from vxsec.formats.packument import read_packument, read_version_document
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.strict_json import parse_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.package import is_npm_name

if TYPE_CHECKING:
    from vxsec.formats.npmrc import Credentials, NpmConfig
    from vxsec.formats.packument import Packument, PackumentVersion
    from vxsec.host.http import HttpClient
    from vxsec.host.http_message import HttpResponse

__all__ = ["RegistryClient"]

_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,256}\Z")
_ALREADY = re.compile(r"already (?:present|exists|published)|previously published|cannot publish over", re.IGNORECASE)
_SHOWN = 200
_OK, _CREATED, _UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _SERVER = 200, 201, 401, 403, 404, 409, 500


class RegistryClient:
    """One registry, with the credentials that ``.npmrc`` gives for it. Safe to use from several threads.

    Args:
        url: The registry's URL.
        config: Where credentials come from.
        http: The port to the network.
        limits: Bounds on what is read.

    Raises:
        ConfigurationError: ``registry.url``.
    """

    def __init__(self, url: str, config: NpmConfig, http: HttpClient, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self.url = normalise_registry_url(url)
        self._config = config
        self._http = http
        self._limits = limits
        self._seen: set[str] = set()
        self._lock = Lock()

    def fetch_packument(self, name: str) -> Packument | None:
        """The packument of ``name``; None where the package is certainly absent.

        A 404 is absence only with a credential: without one, a registry may hide what exists.

        Raises:
            UndecidedError: ``registry.hidden-404``, ``registry.unauthorised``, ``registry.unexpected-status``.
            NetworkError: ``network.*``, ``registry.server-error``.
            FormatError: ``packument.*``, ``json.*``; ``packument.name`` where it is about another package.
            ConfigurationError: ``npmrc.*``.
            UsageError: ``registry.name``.
        """
        url = self.url + _escaped(name)
        response, credentials = self._get(url, accept="application/json", max_bytes=self._limits.packument_bytes)
        if response.status == _NOT_FOUND:
            self._make_sure_absent(name, url, credentials)
            return None
        self._expect_ok(response, credentials, url)
        packument = read_packument(response.body, where=url, limits=self._limits)
        if packument.name != name:
            _other(name, packument.name, url)
        self._remember(name)
        return packument

    def fetch_version(self, name: str, version: str) -> PackumentVersion | None:
        """One version's document (``GET /name/version``); None where it is certainly absent.

        Without a credential a 404 is absence only if this package's packument or another of its versions was seen in
        this run.

        Raises:
            VxsecError: As :meth:`fetch_packument`.
        """
        url = f"{self.url}{_escaped(name)}/{quote(_checked_version(version), safe='')}"
        response, credentials = self._get(url, accept="application/json", max_bytes=self._limits.packument_bytes)
        if response.status == _NOT_FOUND:
            self._make_sure_absent(name, url, credentials)
            return None
        self._expect_ok(response, credentials, url)
        found = read_version_document(response.body, where=url, limits=self._limits)
        if (found.name, found.version) != (name, version):
            _other(f"{name}@{version}", f"{found.name}@{found.version}", url)
        self._remember(name)
        return found

    def fetch_tarball(self, name: str, version: str, *, tarball_url: str | None = None) -> bytes:
        """The tarball's bytes, at most ``limits.archive_packed_bytes``; nothing about them is checked here.

        Args:
            name: The package.
            version: Its version.
            tarball_url: ``dist.tarball`` from the packument, which must lie below this registry's URL; without it the
                place npm's registries use.

        Raises:
            VerificationError: ``registry.foreign-tarball``.
            UndecidedError: ``registry.tarball-missing`` and as :meth:`fetch_packument`.
        """
        bare = name.rpartition("/")[2]
        url = f"{self.url}{_escaped(name, slash='/')}/-/{bare}-{quote(_checked_version(version), safe='')}.tgz"
        if tarball_url is not None:
            url = self._own_tarball(tarball_url)
        response, credentials = self._get(
            url, accept="application/octet-stream, */*", max_bytes=self._limits.archive_packed_bytes
        )
        if response.status == _NOT_FOUND:
            raise UndecidedError(
                "the registry has no such tarball, or hides it", code="registry.tarball-missing", where=url
            )
        self._expect_ok(response, credentials, url)
        return response.body

    def put_package(self, name: str, body: bytes) -> None:
        """Send a publish document.

        Raises:
            UndecidedError: ``registry.conflict`` where the version is there already, ``registry.unauthorised``,
                ``registry.forbidden``, ``registry.refused`` with the registry's own words.
            NetworkError: ``registry.server-error``, ``network.*``; the version may be live nevertheless.
        """
        url = self.url + _escaped(name)
        credentials = self._config.credentials_for(url)
        response = self._http.request(
            "PUT",
            url,
            headers={"content-type": "application/json", "accept": "*/*", **_authorization(credentials)},
            body=body,
            max_bytes=self._limits.json_bytes,
            client_certificate=_certificate(credentials),
        )
        if response.status in {_OK, _CREATED}:
            self._remember(name)
            return
        said = _message(response, credentials)
        if response.status == _CONFLICT or (response.status == _FORBIDDEN and _ALREADY.search(said)):
            raise UndecidedError(
                f"the registry has this version already (status {response.status}: {said!r})",
                code="registry.conflict",
                where=url,
            )
        if response.status >= _SERVER:
            self._expect_ok(response, credentials, url)
        if response.status == _UNAUTHORISED:
            raise self._unauthorised(response, credentials, url)
        code = "registry.forbidden" if response.status == _FORBIDDEN else "registry.refused"
        raise UndecidedError(f"the registry refused (status {response.status}): {said!r}", code=code, where=url)

    def _get(self, url: str, *, accept: str, max_bytes: int) -> tuple[HttpResponse, Credentials | None]:
        credentials = self._config.credentials_for(url)
        response = self._http.request(
            "GET",
            url,
            headers={"accept": accept, **_authorization(credentials)},
            max_bytes=max_bytes,
            authorization_scope=f"{urlsplit(url).scheme}:{credentials.scope}" if credentials else None,
            client_certificate=_certificate(credentials),
        )
        return response, credentials

    def _make_sure_absent(self, name: str, url: str, credentials: Credentials | None) -> None:
        with self._lock:
            seen = name in self._seen
        if seen or (credentials and credentials.authorization):
            return
        raise UndecidedError(
            "404 without a credential: the registry may be hiding the package",
            code="registry.hidden-404",
            where=url,
            hint=self._line_to_add(),
        )

    def _remember(self, name: str) -> None:
        with self._lock:
            self._seen.add(name)

    def _expect_ok(self, response: HttpResponse, credentials: Credentials | None, url: str) -> None:
        if response.status == _OK:
            return
        if response.status in {_UNAUTHORISED, _FORBIDDEN}:
            raise self._unauthorised(response, credentials, url)
        said = _message(response, credentials)
        if response.status >= _SERVER:
            raise NetworkError(
                f"the registry failed (status {response.status}): {said!r}",
                code="registry.server-error",
                where=url,
                hint="try again; if it stays, look into the registry's log",
            )
        raise UndecidedError(
            f"expected status 200, found {response.status}: {said!r}", code="registry.unexpected-status", where=url
        )

    def _unauthorised(self, response: HttpResponse, credentials: Credentials | None, url: str) -> UndecidedError:
        sent = "the credential was not accepted" if credentials else "no credential is configured for this URL"
        return UndecidedError(
            f"status {response.status}: {sent}", code="registry.unauthorised", where=url, hint=self._line_to_add()
        )

    def _line_to_add(self) -> str:
        return f"add to ~/.npmrc: {self.url.partition(':')[2]}:_authToken=${{NPM_TOKEN}}"

    def _own_tarball(self, tarball_url: str) -> str:
        """``tarball_url`` with this registry's scheme, if it lies below the registry.

        npm writes ``http:`` into the publish document of an https registry, so the scheme alone says nothing.
        """
        rest = tarball_url.partition(":")[2]
        own = self.url.partition(":")[2]
        path = tarball_url.lower().replace("%2e", ".")
        plain = tarball_url.isascii() and tarball_url.isprintable() and not re.search(r"[\\ ?#]", tarball_url)
        if (
            not plain
            or not tarball_url.startswith(("http://", "https://"))
            or not rest.startswith(own)
            or {".", ".."} & set(path.split("/"))
        ):
            raise VerificationError(
                f"expected a tarball below the registry, found {tarball_url[:_SHOWN]!r}",
                code="registry.foreign-tarball",
                where=self.url,
                hint="the registry must serve its own tarballs; look into its url_prefix or public address setting",
            )
        return self.url.partition(":")[0] + ":" + rest


def _escaped(name: str, *, slash: str = "%2f") -> str:
    if not is_npm_name(name):
        raise UsageError(f"not an npm package name: {name[:80]!r}", code="registry.name")
    return name.replace("/", slash)


def _checked_version(version: str) -> str:
    if not _VERSION.match(version) or version in {".", ".."}:
        raise UsageError(f"not a version: {version[:80]!r}", code="registry.version")
    return version


def _authorization(credentials: Credentials | None) -> dict[str, str]:
    return {"authorization": credentials.authorization} if credentials and credentials.authorization else {}


def _certificate(credentials: Credentials | None) -> tuple[str, str] | None:
    if credentials and credentials.certfile and credentials.keyfile:
        return credentials.certfile, credentials.keyfile
    return None


def _message(response: HttpResponse, credentials: Credentials | None) -> str:
    """The registry's own words, short, and never with the secret that it was sent."""
    text = response.body[:4096].decode("utf-8", "replace")
    try:
        document = parse_json(response.body, where="answer")
    except FormatError:
        document = None
    if isinstance(document, dict):
        text = next((str(document[key]) for key in ("error", "message", "reason") if document.get(key)), text)
    secret = (credentials.authorization or "").partition(" ")[2] if credentials else ""
    return (text.replace(secret, "***") if secret else text)[:_SHOWN]


def _other(asked: str, found: str, url: str) -> NoReturn:
    raise FormatError(f"asked for {asked[:80]!r}, was given {found[:80]!r}", code="packument.name", where=url)
