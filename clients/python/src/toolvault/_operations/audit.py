"""The audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .._http.operation import Operation
from ..models import AuditPage, Record
from .method import Steps, iteration, operation
from .reading import PAGE, a, asked, moment


class AuditOperations:
    """The audit trail, newest first. Needs `audit`."""

    @operation
    def list(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
        secret_id: str | None = None,
        tool: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Operation[AuditPage]:
        """A page of records; the next one has `cursor=page.next_cursor`."""
        return _page(
            since=moment(since),
            until=moment(until),
            action=action,
            secret_id=secret_id,
            tool=tool,
            limit=limit,
            cursor=cursor,
        )

    @iteration
    def iterate(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
        secret_id: str | None = None,
        tool: str | None = None,
    ) -> Steps[Record]:
        """All records, page after page."""
        wanted = {"since": moment(since), "until": moment(until), "action": action, "secret_id": secret_id}
        cursor: str | None = None
        while True:
            page: AuditPage = yield _page(**wanted, tool=tool, limit=PAGE, cursor=cursor)
            yield page.data
            cursor = page.next_cursor
            if cursor is None:
                return


def _page(**query: Any) -> Operation[AuditPage]:
    return Operation("GET", "/v1/audit", a(AuditPage), query=asked(**query), is_repeatable=True)
