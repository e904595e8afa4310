"""How the servers of an instance answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from vxsec.errors import FormatError
from vxsec.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from vxsec.testing.loopback import LoggedRequest, Reply

__all__ = ["Clock", "RefusedRequestError", "json_reply", "posted"]

Clock: TypeAlias = "Callable[[], datetime]"
"""Tells the time (aware)."""


class RefusedRequestError(Exception):
    """A request that a server refuses, with the status it answers."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status

    def reply(self) -> Reply:
        """The answer, in the form that Fulcio and Rekor give their errors."""
        return json_reply(self.status, {"code": self.status, "message": str(self)})


def json_reply(status: int, document: object, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    return status, json.dumps(document).encode(), {"content-type": "application/json"} | dict(headers or {})


def posted(request: LoggedRequest) -> dict[str, Any]:
    """The JSON object that was sent.

    Raises:
        RefusedRequestError: It is none.
    """
    try:
        document = parse_json(request.body, where="request")
    except FormatError as error:
        raise RefusedRequestError(f"expected JSON: {error}") from error
    if not isinstance(document, dict):
        raise RefusedRequestError("expected a JSON object")
    return document
