"""One command's connections: the npm configuration read once, one client per registry."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UndecidedError
from vxsec.formats.registry_url import normalise_registry_url

if TYPE_CHECKING:
    from collections.abc import Collection

    from vxsec.formats.npmrc import NpmConfig
    from vxsec.host.http import HttpClient
    from vxsec.registry.client import RegistryClient

__all__ = ["RegistrySession"]


class RegistrySession:
    """Opens nothing until asked.

    Args:
        project_dir: The folder whose ``.npmrc`` counts as the project's.
        offline: Answer every question that needs a connection with ``UndecidedError``.
        unsafe_http: Registry URLs that may be plain http although they are not loopback.
        unsafe_tls: Registry URLs whose certificate is not verified.
    """

    def __init__(
        self,
        *,
        project_dir: str | os.PathLike[str] = ".",
        offline: bool = False,
        unsafe_http: Collection[str] = (),
        unsafe_tls: Collection[str] = (),
    ) -> None:
        self.offline = offline
        self._project_dir = Path(project_dir)
        self._unsafe_http = frozenset(normalise_registry_url(url) for url in unsafe_http)
        self._unsafe_tls = frozenset(normalise_registry_url(url) for url in unsafe_tls)
        self._config: NpmConfig | None = None
        self._http: HttpClient | None = None
        self._clients: dict[str, RegistryClient] = {}

    @property
    def config(self) -> NpmConfig:
        """The merged npm configuration.

        Raises:
            ConfigurationError: A ``.npmrc`` that cannot be used as it is.
        """
        if self._config is None:
            from vxsec.registry.npm_config import load_npm_config

            self._config = load_npm_config(
                project_dir=self._project_dir, environ=os.environ, unsafe_tls=self._unsafe_tls
            )
        return self._config

    def client(self, url: str) -> RegistryClient:
        """The client of the registry at ``url`` (normalised).

        Raises:
            UndecidedError: ``network.offline`` where no connection is allowed.
            ConfigurationError: A ``.npmrc`` that cannot be used as it is.
        """
        if self.offline:
            raise UndecidedError(
                "--offline forbids asking the registry", code="network.offline", hint="run it again without --offline"
            )
        if url not in self._clients:
            from vxsec.host.http import HttpClient
            from vxsec.host.http_message import TlsOptions
            from vxsec.registry.client import RegistryClient

            if self._http is None:
                self._http = HttpClient(
                    tls=TlsOptions(cafile=self.config.cafile, ca=self.config.ca),
                    proxy_for=self.config.proxy_for,
                    unsafe_http=self._unsafe_http,
                    unsafe_tls=self._unsafe_tls,
                )
            self._clients[url] = RegistryClient(url, config=self.config, http=self._http)
        return self._clients[url]
