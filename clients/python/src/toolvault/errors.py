"""The errors of this package, by meaning. No error holds a value, and none shows an input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ToolvaultError(Exception):
    """The base class of all errors of this package."""


class ConfigurationError(ToolvaultError):
    """The client cannot be created: an address or a key is missing or unusable."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request."""

    type: str
    loc: tuple[str | int, ...]
    msg: str


class ApiError(ToolvaultError):
    """The server refused, or did not answer.

    `status` is the HTTP status, None without an answer; `code` is the machine-readable code; `problems` has the items
    of an answer that lists several.
    """

    status: int | None
    code: str | None
    problems: tuple[Problem, ...]

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.problems = tuple(problems)


class Unauthorized(ApiError):
    """401: the credential is missing, unknown, expired or revoked."""


class Forbidden(ApiError):
    """403: the credential lacks the right, or the tool lies outside its patterns."""


class NotFound(ApiError):
    """404: the object is unknown or belongs to another user."""


class PreconditionFailed(ApiError):
    """412: the secret has changed since then."""


class QuotaExceeded(ApiError):
    """413: the user's secrets would exceed their limits. Nothing was stored."""


class TooLarge(ApiError):
    """413: the request is larger than the server's limit."""


class ValidationError(ApiError):
    """400, 415 or 422: the request is invalid; `problems` says where."""


class RateLimited(ApiError):
    """429: too many requests. `retry_after` is in seconds."""

    retry_after: float | None = None


class Unavailable(ApiError):
    """503, or no answer. `retry_after` is in seconds, if the server sent it."""

    retry_after: float | None = None


class ServerFailure(ApiError):
    """500 and similar: a defect, or stored data that failed verification."""


class UnexpectedAnswer(ApiError):
    """The answer is not from a Toolvault server."""


class Unresolved(ApiError):
    """409: a tool's arguments cannot be completed. `argument` is the first one concerned, `tool` its tool."""

    argument: str = ""
    tool: str = ""


class SecretMissing(Unresolved):
    """The argument is required, was not received, and has no default."""


class SecretExpired(Unresolved):
    """The secret that would be applied has expired."""


class SecretNotAvailable(Unresolved):
    """The reference names no secret that this tool and argument may receive."""


class SecretAmbiguous(Unresolved):
    """Several secrets with the referenced name match."""


UNRESOLVED: dict[str, type[Unresolved]] = {
    "secret_missing": SecretMissing,
    "secret_expired": SecretExpired,
    "secret_not_available": SecretNotAvailable,
    "secret_ambiguous": SecretAmbiguous,
}
