"""What the server returns about secrets, keys, users and uses. No object here shows a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NoReturn

from .confidential import Confidential

Scope = Literal["manage", "use", "resolve", "audit", "admin"]
PolicyApproval = Literal["always", "first", "writes"]


@dataclass(frozen=True)
class SecretInfo:
    """A secret without its value; `display` is the masked value.

    `etag` is for `if_match`; `warnings` are the warnings of this answer.
    """

    secret_id: str
    user_id: str
    secret_name: str
    display: str | None
    tool_name: str | None
    tool_arg: str | None
    is_default_for_tool: bool
    created_at: datetime
    updated_at: datetime
    etag: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecretPage:
    """A page of a list of secrets, oldest first."""

    data: tuple[SecretInfo, ...]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True)
class Version:
    """One value that a secret has or had."""

    version: int
    created_at: datetime
    created_by: str
    state: str


@dataclass(frozen=True)
class Policy:
    """When a secret may be used."""

    expires_at: datetime | None = None
    rotate_after_days: int | None = None
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protected: bool = False
    redact: bool = True
    approval: PolicyApproval | None = None
    canary: bool = False


@dataclass(frozen=True)
class PolicyInfo(Policy):
    """The policy of a secret, and its current effects."""

    secret_id: str = ""
    rotation_due_at: datetime | None = None
    is_due: bool = False
    is_expired: bool = False


@dataclass(frozen=True)
class Key:
    """An API key without the key itself."""

    key_id: str
    name: str
    user_id: str
    scopes: tuple[Scope, ...]
    tools: tuple[str, ...]
    any_user: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class IssuedKey(Key):
    """A new API key. Only this answer has the key: `key.reveal()`."""

    key: Confidential


@dataclass(frozen=True)
class Me:
    """The user and the rights of the credential."""

    user_id: str
    name: str
    scopes: tuple[Scope, ...]
    tools: tuple[str, ...]


@dataclass(frozen=True)
class Usage:
    """How much is stored, and the limits; bytes in steps of 1 KiB."""

    secrets: int
    secrets_limit: int
    bytes: int
    bytes_limit: int


@dataclass(frozen=True)
class User:
    """A user."""

    user_id: str
    name: str
    origin: str
    disabled: bool
    secrets_limit: int | None
    bytes_limit: int | None
    created_at: datetime


@dataclass(frozen=True)
class Record:
    """One record of the audit trail."""

    sequence: int
    at: datetime
    actor: str
    user_id: str | None
    action: str
    decision: str
    argument: str | None = None
    arguments: tuple[str, ...] = ()
    count: int | None = None
    dropped: tuple[str, ...] = ()
    duration_ms: int | None = None
    reason: str | None = None
    request_id: str | None = None
    secret_id: str | None = None
    secret_name: str | None = None
    source: str | None = None
    state: str | None = None
    subject: str | None = None
    tool: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class AuditPage:
    """A page of the audit trail, newest first; `next_cursor` is for the next page, None at the end."""

    data: tuple[Record, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class ToolCall:
    """A tool call for `resolve_many`."""

    tool: str
    args: Mapping[str, Any] | None = field(default=None, repr=False)
    bindings: Mapping[str, str] | None = None
    accepts: tuple[str, ...] | None = None
    require: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Applied:
    """A secret that was applied to an argument."""

    arg: str
    secret_id: str
    secret_name: str
    version: int
    source: Literal["default", "binding"]
    # Whether the value is confidential, so that results are redacted. Older servers do not say.
    redact: bool = True


@dataclass(frozen=True)
class Completed:
    """The arguments for the tool, values included: pass them on and store them nowhere.

    They are plain, because tools need them so. The object itself shows only names, and cannot be pickled.
    """

    tool_name: str
    args: dict[str, Any] = field(repr=False)
    applied: tuple[Applied, ...]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("completed arguments cannot be pickled")


@dataclass(frozen=True)
class Candidate:
    """A secret that could apply to an argument."""

    secret_id: str
    secret_name: str
    pattern: str | None
    wins: bool
    why: str


@dataclass(frozen=True)
class NearSecret:
    """A secret that almost applies to an argument, and why it does not."""

    secret_id: str
    secret_name: str
    why: str


@dataclass(frozen=True)
class ExplainedArgument:
    """Where the value of an argument would come from."""

    arg: str
    outcome: str
    winner: str | None
    candidates: tuple[Candidate, ...]
    tied: bool
    near: tuple[NearSecret, ...] = ()


@dataclass(frozen=True)
class GatewayExplanation:
    """What a call through the gateway would do."""

    server: str
    would_succeed: bool
    # Whether the server's own schema decided. If not, every argument counts as declared.
    schema_known: bool
    arguments: tuple[ExplainedArgument, ...]
    # Whether the user must sign in at the server first.
    needs_sign_in: bool = False


@dataclass(frozen=True)
class Explanation:
    """What `resolve` would do."""

    tool_name: str
    would_succeed: bool
    arguments: tuple[ExplainedArgument, ...]
    # None if the tool belongs to no server behind the gateway.
    gateway: GatewayExplanation | None = None
