"""One command's connections: the npm configuration read once, one client per registry."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vxsec.errors import UndecidedError

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
        self._project_dir = project_dir
        self._unsafe_http = frozenset(unsafe_http)
        self._unsafe_tls = frozenset(unsafe_tls)
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
            raise UndecidedError("--offline forbids asking the registry", code="network.offline")
        if url not in self._clients:
            from vxsec.host.http import HttpClient
            from vxsec.registry.client import RegistryClient

            if self._http is None:
                self._http = HttpClient(
                    unsafe_http=self._unsafe_http, unsafe_tls=self._unsafe_tls, proxies=self.config.proxies
                )
            self._clients[url] = RegistryClient(url, config=self.config, http=self._http)
        return self._clients[url]
