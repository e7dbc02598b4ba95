"""The audit trail."""

from __future__ import annotations

from datetime import datetime

from .._http.operation import Operation
from ..models import AuditPage
from .reading import a, asked
from .secrets import moment


def list_audit(
    since: datetime | None,
    until: datetime | None,
    action: str | None,
    secret_id: str | None,
    tool: str | None,
    limit: int | None,
    cursor: str | None,
) -> Operation[AuditPage]:
    query = asked(
        since=moment(since),
        until=moment(until),
        action=action,
        secret_id=secret_id,
        tool=tool,
        limit=limit,
        cursor=cursor,
    )
    return Operation("GET", "/v1/audit", a(AuditPage), query=query, is_repeatable=True)
