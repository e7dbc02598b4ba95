"""Turns error answers into exceptions by meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .. import errors
from ..errors import ApiError, Problem
from .operation import Answer

BY_STATUS: Mapping[int, type[ApiError]] = {
    400: errors.ValidationError,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Unresolved,
    412: errors.PreconditionFailed,
    413: errors.TooLarge,
    415: errors.ValidationError,
    422: errors.ValidationError,
    429: errors.RateLimited,
    503: errors.Unavailable,
}


def refusal(answer: Answer) -> ApiError | None:
    """The exception for an answer; None if it is not an error."""
    if 200 <= answer.status < 300:
        return None
    try:
        received = answer.json()
    except (ValueError, RecursionError):
        received = None
    detail = received.get("detail") if isinstance(received, dict) else None
    return of_detail(answer.status, answer.headers.get("toolvault-error"), detail, answer.headers.get("retry-after"))


def of_detail(status: int, code: str | None, detail: object, retry_after: str | None = None) -> ApiError:
    """The exception for a status and the `detail` of its body."""
    problems = _problems(detail)
    kind = _kind(status, code, problems)
    error = kind(_message(status, detail, problems), status=status, code=code, problems=problems)
    if isinstance(error, (errors.RateLimited, errors.Unavailable)):
        error.retry_after = _seconds(retry_after)
    if isinstance(error, errors.Unresolved) and problems:
        error.argument = str(problems[0].loc[-1]) if problems[0].loc else ""
    return error


def _kind(status: int, code: str | None, problems: tuple[Problem, ...]) -> type[ApiError]:
    if status == 409 and problems:
        return errors.UNRESOLVED.get(problems[0].type, errors.Unresolved)
    if status == 413 and code == "quota_exceeded":
        return errors.QuotaExceeded
    if status >= 500:
        return BY_STATUS.get(status, errors.ServerFailure)
    return BY_STATUS.get(status, errors.UnexpectedAnswer)


def _problems(detail: object) -> tuple[Problem, ...]:
    """Only type, location and message: the original server adds the rejected input, which may be a secret."""
    if not isinstance(detail, list):
        return ()
    return tuple(
        Problem(str(one.get("type", "")), _place(one.get("loc")), str(one.get("msg", "")))
        for one in detail
        if isinstance(one, dict)
    )


def _place(loc: object) -> tuple[str | int, ...]:
    return tuple(one for one in loc if isinstance(one, (str, int))) if isinstance(loc, list) else ()


def _message(status: int, detail: object, problems: tuple[Problem, ...]) -> str:
    if isinstance(detail, str):
        return detail
    if status == 409 and problems:
        return "; ".join(problem.msg for problem in problems)
    if problems:
        return "; ".join(f"{'.'.join(map(str, problem.loc))}: {problem.msg}" for problem in problems)
    return f"The server answered with status {status}."


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text else None
    except ValueError:
        return None
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None
