"""Secrets, their versions and their policies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .._http.operation import JSON, Body, Operation
from ..confidential import Confidential
from ..models import Policy, PolicyApproval, PolicyInfo, SecretInfo, SecretPage, Version
from .method import Steps, iteration, operation
from .reading import (
    PAGE,
    UNCHANGED,
    Unchanged,
    a,
    all_of,
    asked,
    changed,
    given,
    moment,
    nothing,
    secret,
    segment,
)

PATH = "/v1/secrets/"
MERGE_PATCH = "application/merge-patch+json"


class SecretOperations:
    """Secrets, their versions and their policies. Needs `manage`; no call returns a value."""

    @operation
    def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        secret_name: str | None = None,
        tool_name: str | None = None,
        q: str | None = None,
    ) -> Operation[SecretPage]:
        """A page, oldest first: with this name, with a pattern that matches a tool, or with `q` in the name."""
        return _page(limit=limit, offset=offset, secret_name=secret_name, tool_name=tool_name, q=q)

    @iteration
    def iterate(
        self, *, secret_name: str | None = None, tool_name: str | None = None, q: str | None = None
    ) -> Steps[SecretInfo]:
        """All secrets, page by page. Concurrent changes do not hide a secret that existed all the time."""
        seen: set[str] = set()
        last: str | None = None
        offset = 0
        while True:
            # Pages overlap by one secret. If the overlap is missing, something was deleted meanwhile.
            page: SecretPage = yield _page(limit=PAGE, offset=offset, secret_name=secret_name, tool_name=tool_name, q=q)
            if last is not None and (not page.data or page.data[0].secret_id != last):
                last, offset = None, 0
                continue
            new = [one for one in page.data if one.secret_id not in seen]
            seen.update(one.secret_id for one in new)
            yield new
            if offset + len(page.data) >= page.total or not page.data:
                return
            last = page.data[-1].secret_id
            offset += len(page.data) - 1

    @operation
    def create(
        self,
        secret_name: str,
        secret_value: str | Confidential,
        *,
        tool_name: str | None = None,
        tool_arg: str | None = None,
        is_default_for_tool: bool = False,
        idempotency_key: str | None = None,
    ) -> Operation[SecretInfo]:
        """Stores a secret. Retries with the same `idempotency_key` (random by default) store it only once."""
        secret_value = Confidential(secret_value)
        content = given(
            secret_name=secret_name,
            secret_value=secret_value,
            tool_name=tool_name,
            tool_arg=tool_arg,
            is_default_for_tool=is_default_for_tool,
        )
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        body = Body(content)
        return Operation("POST", PATH, secret, body=body, headers=headers, is_repeatable=True, is_change=True)

    @operation
    def get(self, secret_id: str) -> Operation[SecretInfo]:
        """One secret without its value."""
        return Operation("GET", PATH + segment(secret_id), secret, is_repeatable=True)

    @operation
    def update(
        self,
        secret_id: str,
        *,
        secret_name: str | Unchanged = UNCHANGED,
        secret_value: str | Confidential | Unchanged = UNCHANGED,
        tool_name: str | Unchanged | None = UNCHANGED,
        tool_arg: str | Unchanged | None = UNCHANGED,
        is_default_for_tool: bool | Unchanged = UNCHANGED,
        if_match: str | None = None,
    ) -> Operation[SecretInfo]:
        """Changes the given fields; None unbinds `tool_name` or `tool_arg`.

        With `if_match`, the `etag` of an earlier answer, only if the secret has not changed since then.
        """
        if not isinstance(secret_value, Unchanged):
            secret_value = Confidential(secret_value)
        content = changed(
            secret_name=secret_name,
            secret_value=secret_value,
            tool_name=tool_name,
            tool_arg=tool_arg,
            is_default_for_tool=is_default_for_tool,
        )
        # In plain JSON a null counts as not given; only a merge patch clears.
        body = Body(content, MERGE_PATCH if None in content.values() else JSON)
        return _change("PATCH", segment(secret_id), body, if_match)

    @operation
    def put_value(
        self, secret_id: str, secret_value: str | Confidential, *, if_match: str | None = None
    ) -> Operation[SecretInfo]:
        """Replaces the value with one of 4 to 65,536 bytes, such as a PEM file or the JSON of a service account."""
        secret_value = Confidential(secret_value)
        body = Body(secret_value, "application/octet-stream")
        return _change("PUT", f"{segment(secret_id)}/value", body, if_match)

    @operation
    def delete(self, secret_id: str, *, if_match: str | None = None) -> Operation[None]:
        """Deletes a secret with all its versions."""
        return Operation("DELETE", PATH + segment(secret_id), nothing, headers=_match(if_match), is_change=True)

    @operation
    def versions(self, secret_id: str) -> Operation[tuple[Version, ...]]:
        """The versions that are kept, without their values."""
        return Operation("GET", f"{PATH}{segment(secret_id)}/versions", all_of(Version), is_repeatable=True)

    @operation
    def restore(self, secret_id: str, version: int) -> Operation[SecretInfo]:
        """Makes an old value the newest version."""
        return _change("POST", f"{segment(secret_id)}/versions/{version}/restore")

    @operation
    def delete_version(self, secret_id: str, version: int) -> Operation[None]:
        """Deletes an old version."""
        return Operation("DELETE", f"{PATH}{segment(secret_id)}/versions/{version}", nothing)

    @operation
    def policy(self, secret_id: str) -> Operation[Policy]:
        """The policy of a secret."""
        return Operation("GET", f"{PATH}{segment(secret_id)}/policy", a(Policy), is_repeatable=True)

    @operation
    def set_policy(
        self,
        secret_id: str,
        *,
        expires_at: datetime | None = None,
        rotate_after_days: int | None = None,
        when: Mapping[str, Sequence[str]] | None = None,
        protected: bool = False,
        redact: bool = True,
        approval: PolicyApproval | None = None,
        canary: bool = False,
    ) -> Operation[Policy]:
        """Replaces the policy; fields that are not given get their defaults.

        With `approval`, only calls through the gateway get the secret, after a person allowed them. A canary is never
        used.
        """
        content = {
            "expires_at": moment(expires_at),
            "rotate_after_days": rotate_after_days,
            "when": {name: [*patterns] for name, patterns in (when or {}).items()},
            "protected": protected,
            "redact": redact,
            "approval": approval,
            "canary": canary,
        }
        path = f"{PATH}{segment(secret_id)}/policy"
        return Operation("PUT", path, a(Policy), body=Body(content), is_change=True)

    @operation
    def policies(self) -> Operation[tuple[PolicyInfo, ...]]:
        """The policies that differ from the default."""
        return Operation("GET", "/v1/policies", all_of(PolicyInfo), is_repeatable=True)


def _page(**query: Any) -> Operation[SecretPage]:
    return Operation("GET", PATH, a(SecretPage), query=asked(**query), is_repeatable=True)


def _change(method: str, path: str, body: Body | None = None, if_match: str | None = None) -> Operation[SecretInfo]:
    return Operation(method, PATH + path, secret, body=body, headers=_match(if_match), is_change=True)


def _match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}
