"""The original's five operations, as its published OpenAPI document describes them, in FastAPI and pydantic.

This is the oracle of `compare.py` and `record.py`: Toolvault must give the same answers.
It keeps secrets in memory, has one user and no authentication.
"""

import re
import uuid
from datetime import datetime, timezone
from typing import Annotated

from fastapi import Body, FastAPI, Header, HTTPException, Path, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

Name = Annotated[str, Body(min_length=1, max_length=1024)]
Value = Annotated[str, Body(min_length=4, max_length=1024)]
OptionalName = Annotated[str | None, Body(min_length=1, max_length=1024)]
OptionalValue = Annotated[str | None, Body(min_length=4, max_length=1024)]
OptionalFlag = Annotated[bool | None, Body()]
Token = Annotated[str | None, Header(description="JWT token")]
Authorization = Annotated[str | None, Header(alias="Authorization", description="io.net provided API Key")]
ApiKey = Annotated[str | None, Header(alias="x-api-key", description="API key set by an SDK client")]

USER = uuid.UUID("00000000-0000-4000-8000-000000000001")


class SecretInfo(BaseModel):
    secret_id: uuid.UUID
    user_id: uuid.UUID
    secret_name: str
    display: str | None
    tool_name: str | None
    tool_arg: str | None
    is_default_for_tool: bool
    created_at: datetime
    updated_at: datetime


def matches(pattern: str | None, tool: str) -> bool:
    """Whether a pattern, in which `*` stands for any run of characters, matches the name of a tool."""
    pieces = ".*".join(re.escape(piece) for piece in (pattern or "").split("*"))
    return bool(tool) and pattern is not None and re.fullmatch(pieces, tool, re.DOTALL) is not None


def build(ids=uuid.uuid4) -> FastAPI:
    """Creates the application with an empty store; `ids` yields the IDs of new secrets."""
    app = FastAPI(title="IO Intelligence", version="1.0")
    store: dict[uuid.UUID, SecretInfo] = {}
    app.state.store = store

    @app.exception_handler(RequestValidationError)
    async def without_input(_request, error: RequestValidationError) -> JSONResponse:
        # FastAPI echoes `input`, and fails with 500 if that is a lone surrogate; comparisons ignore it.
        kept = [{key: item[key] for key in ("type", "loc", "msg", "ctx") if key in item} for item in error.errors()]
        return JSONResponse({"detail": kept}, 422)

    def find(secret_id: uuid.UUID) -> SecretInfo:
        if secret_id not in store:
            raise HTTPException(404, "Not found")
        return store[secret_id]

    @app.post("/v1/secrets/")
    async def new_secret(
        secret_name: Name,
        secret_value: Value,
        tool_name: OptionalName = None,
        tool_arg: OptionalName = None,
        is_default_for_tool: OptionalFlag = None,
        token: Token = None,
        authorization: Authorization = None,
        x_api_key: ApiKey = None,
    ) -> SecretInfo:
        now = datetime.now(timezone.utc)
        info = SecretInfo(
            secret_id=ids(), user_id=USER, secret_name=secret_name, display="********", tool_name=tool_name,
            tool_arg=tool_arg, is_default_for_tool=bool(is_default_for_tool), created_at=now, updated_at=now,
        )
        store[info.secret_id] = info
        return info

    @app.get("/v1/secrets/")
    async def list_secrets(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
        secret_name: Annotated[str | None, Query()] = None,
        tool_name: Annotated[str | None, Query()] = None,
        q: Annotated[str | None, Query()] = None,
        token: Token = None,
        authorization: Authorization = None,
        x_api_key: ApiKey = None,
    ) -> dict:
        found = [info for info in store.values() if secret_name in (None, info.secret_name)]
        # Toolvault's own filters.
        found = [info for info in found if tool_name is None or matches(info.tool_name, tool_name)]
        found = [info for info in found if q is None or q in info.secret_name]
        return {"data": found[offset : offset + limit], "total": len(found), "limit": limit, "offset": offset}

    @app.get("/v1/secrets/{secret_id}")
    async def get_secret_info(
        secret_id: Annotated[uuid.UUID, Path()],
        token: Token = None,
        authorization: Authorization = None,
        x_api_key: ApiKey = None,
    ) -> SecretInfo:
        return find(secret_id)

    @app.patch("/v1/secrets/{secret_id}")
    async def update_secret(
        secret_id: Annotated[uuid.UUID, Path()],
        secret_name: OptionalName = None,
        secret_value: OptionalValue = None,
        tool_name: OptionalName = None,
        tool_arg: OptionalName = None,
        is_default_for_tool: OptionalFlag = None,
        token: Token = None,
        authorization: Authorization = None,
        x_api_key: ApiKey = None,
    ) -> SecretInfo:
        info = find(secret_id)
        given = {
            "secret_name": secret_name, "tool_name": tool_name, "tool_arg": tool_arg,
            "is_default_for_tool": is_default_for_tool,
        }
        change = {name: value for name, value in given.items() if value is not None}
        if change or secret_value is not None:
            change["updated_at"] = datetime.now(timezone.utc)
        store[secret_id] = info.model_copy(update=change)
        return store[secret_id]

    @app.delete("/v1/secrets/{secret_id}")
    async def delete_secret(
        secret_id: Annotated[uuid.UUID, Path()],
        token: Token = None,
        authorization: Authorization = None,
        x_api_key: ApiKey = None,
    ) -> dict:
        find(secret_id)
        del store[secret_id]
        return {}

    return app


app = build()
