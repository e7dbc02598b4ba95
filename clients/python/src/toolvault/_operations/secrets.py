"""Secrets, their versions and their policies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from .._http.operation import JSON, Body, Operation
from ..confidential import Confidential
from ..models import Policy, PolicyInfo, SecretInfo, SecretPage, Version
from .reading import a, all_of, asked, given, nothing, secret, segment

PATH = "/v1/secrets/"
MERGE_PATCH = "application/merge-patch+json"


class Unchanged:
    """Marks a field that stays unchanged."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()


def list_secrets(
    limit: int | None, offset: int | None, secret_name: str | None, tool_name: str | None, q: str | None
) -> Operation[SecretPage]:
    query = asked(limit=limit, offset=offset, secret_name=secret_name, tool_name=tool_name, q=q)
    return Operation("GET", PATH, a(SecretPage), query=query, is_repeatable=True)


def create_secret(
    secret_name: str,
    secret_value: str | Confidential,
    tool_name: str | None,
    tool_arg: str | None,
    is_default_for_tool: bool,
    idempotency_key: str | None,
) -> Operation[SecretInfo]:
    secret_value = Confidential(secret_value)
    content = given(secret_name=secret_name, secret_value=secret_value, tool_name=tool_name, tool_arg=tool_arg)
    content["is_default_for_tool"] = is_default_for_tool
    headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    return Operation("POST", PATH, secret, body=Body(content), headers=headers, is_repeatable=True)


def get_secret(secret_id: str) -> Operation[SecretInfo]:
    return Operation("GET", PATH + segment(secret_id), secret, is_repeatable=True)


def update_secret(
    secret_id: str,
    secret_name: str | Unchanged,
    secret_value: str | Confidential | Unchanged,
    tool_name: str | Unchanged | None,
    tool_arg: str | Unchanged | None,
    is_default_for_tool: bool | Unchanged,
    if_match: str | None,
) -> Operation[SecretInfo]:
    if not isinstance(secret_value, Unchanged):
        secret_value = Confidential(secret_value)
    fields = {
        "secret_name": secret_name,
        "secret_value": secret_value,
        "tool_name": tool_name,
        "tool_arg": tool_arg,
        "is_default_for_tool": is_default_for_tool,
    }
    content = {name: field for name, field in fields.items() if not isinstance(field, Unchanged)}
    # In plain JSON a null counts as not given; only a merge patch clears.
    media_type = MERGE_PATCH if None in content.values() else JSON
    body = Body(content, media_type)
    return Operation("PATCH", PATH + segment(secret_id), secret, body=body, headers=_match(if_match))


def put_value(secret_id: str, secret_value: str | Confidential, if_match: str | None) -> Operation[SecretInfo]:
    secret_value = Confidential(secret_value)
    body = Body(secret_value, "application/octet-stream")
    return Operation("PUT", f"{PATH}{segment(secret_id)}/value", secret, body=body, headers=_match(if_match))


def delete_secret(secret_id: str, if_match: str | None) -> Operation[None]:
    return Operation("DELETE", PATH + segment(secret_id), nothing, headers=_match(if_match))


def list_versions(secret_id: str) -> Operation[tuple[Version, ...]]:
    return Operation("GET", f"{PATH}{segment(secret_id)}/versions", all_of(Version), is_repeatable=True)


def restore_version(secret_id: str, version: int) -> Operation[SecretInfo]:
    return Operation("POST", f"{PATH}{segment(secret_id)}/versions/{version}/restore", secret)


def delete_version(secret_id: str, version: int) -> Operation[None]:
    return Operation("DELETE", f"{PATH}{segment(secret_id)}/versions/{version}", nothing)


def get_policy(secret_id: str) -> Operation[Policy]:
    return Operation("GET", f"{PATH}{segment(secret_id)}/policy", a(Policy), is_repeatable=True)


def set_policy(
    secret_id: str,
    expires_at: datetime | None,
    rotate_after_days: int | None,
    when: Mapping[str, Sequence[str]],
    protected: bool,
    redact: bool,
) -> Operation[Policy]:
    content = {
        "expires_at": moment(expires_at),
        "rotate_after_days": rotate_after_days,
        "when": {name: list(patterns) for name, patterns in when.items()},
        "protected": protected,
        "redact": redact,
    }
    return Operation("PUT", f"{PATH}{segment(secret_id)}/policy", a(Policy), body=Body(content))


def list_policies() -> Operation[tuple[PolicyInfo, ...]]:
    return Operation("GET", "/v1/policies", all_of(PolicyInfo), is_repeatable=True)


def moment(at: datetime | None) -> str | None:
    """A time as the API writes it. Raises `ValueError` if it has no time zone."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a time needs a time zone, as in datetime.now(timezone.utc)")
    return at.isoformat()


def _match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}
