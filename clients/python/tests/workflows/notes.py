"""Typical user-written tools: pydantic classes that use their credential in different ways."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from iointel import register_tool
from pydantic import BaseModel, Field, SecretStr, computed_field, field_validator, model_serializer


def ask(url: str, token: str) -> str:
    """The answer of a provider for this token."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"authorization": token})) as answer:
        return answer.read().decode()


class Notes(BaseModel):
    """Reads its token when it needs it, and counts."""

    token: str = Field(frozen=True, min_length=9)
    url: str = "http://127.0.0.1:9"
    calls: int = 0

    @register_tool("notes__read")
    def read(self, note: str) -> str:
        """Reads a note."""
        self.calls += 1
        return ask(f"{self.url}/{note}", self.token)

    @register_tool("notes__read_soon")
    async def read_soon(self, note: str) -> str:
        """Reads a note."""
        return ask(f"{self.url}/{note}", self.token)


class Client:
    """A client of an SDK, created with a key."""

    def __init__(self, key: str) -> None:
        self.key = key


# The keys of the clients that were closed.
ENDED: list[str] = []


class Prepared(BaseModel):
    """Creates a client in its constructor, and a header when it first needs one."""

    token: str
    _client: Client
    state: str = "new"

    def model_post_init(self, context: Any) -> None:
        self._client = Client(self.token)
        self._used = 0

    @cached_property
    def header(self) -> str:
        return f"Bearer {self.token}"

    def __del__(self) -> None:
        ENDED.append(self._client.key)

    @register_tool("prepared__show")
    def show(self) -> list[str]:
        """Returns what it has."""
        self._used += 1
        return [self._client.key, self.header, str(self._used)]


class Raw(BaseModel):
    """Passes on its constructor arguments, as iointel's Crawler does."""

    api_key: str

    def __init__(self, api_key: str | None = None) -> None:
        api_key = api_key or "from elsewhere"
        super().__init__(api_key=api_key)
        self._client = Client(api_key)

    @register_tool("raw__show")
    def show(self) -> str:
        """Returns what it has."""
        return self._client.key


class Typed(BaseModel):
    """Has arguments that are not strings."""

    pin: int
    key: SecretStr

    @register_tool("typed__show")
    def show(self) -> str:
        """Returns what it has."""
        return f"{self.pin + 1} {self.key.get_secret_value()}"


class Talkative(BaseModel):
    """Exposes its token in every possible way."""

    token: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def header(self) -> str:
        return f"Bearer {self.token}"

    @model_serializer(mode="plain")
    def all(self) -> dict[str, str]:
        return {"token": self.token, "header": self.header}

    def __repr__(self) -> str:
        return f"Talkative({self.token})"

    def __str__(self) -> str:
        return self.token

    @register_tool("talkative__show")
    def show(self) -> str:
        """Returns what it has."""
        return self.header


class Refusing(BaseModel):
    """Fails with its input in the message."""

    token: str
    pin: int = 0

    @field_validator("token")
    @classmethod
    def check(cls, token: str) -> str:
        if token.startswith("lin_api_"):
            raise ValueError(f"{token} is no token")
        return token

    @register_tool("refusing__show")
    def show(self) -> str:
        """Returns what it has."""
        return self.token


class Failing(BaseModel):
    """Cannot be constructed."""

    token: str

    def model_post_init(self, context: Any) -> None:
        try:
            raise LookupError(self.token)
        except LookupError as error:
            raise RuntimeError("no such account") from error

    @register_tool("failing__show")
    def show(self) -> str:
        """Returns what it has."""
        return self.token


class Issue(BaseModel):
    """A result."""

    state: str
    sent: str


@dataclass(frozen=True)
class Ticket:
    """A result."""

    state: str
    sent: str


class Closed(Exception):
    """An error of its own."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Issues(BaseModel):
    """Returns objects of its own classes."""

    token: str

    @register_tool("issues__model")
    def model(self) -> Issue:
        """Returns what it sent."""
        return Issue(state="open", sent=f"Bearer {self.token}")

    @register_tool("issues__plain")
    def plain(self) -> Ticket:
        """Returns what it sent."""
        return Ticket("open", f"Bearer {self.token}")

    @register_tool("issues__fails")
    async def fails(self) -> None:
        """Fails."""
        raise Closed(f"closed with {self.token}", 7)


@register_tool("functions__read")
def read_note(note: str, api_key: str, url: str = "http://127.0.0.1:9") -> dict[str, str]:
    """Reads a note.

    Args:
        note: Which one.
        api_key: The key.
        url: Where.
    """
    return {"text": ask(f"{url}/{note}", api_key), "sent": f"Bearer {api_key}"}


@register_tool("functions__read_soon")
async def read_note_soon(note: str, api_key: str, url: str = "http://127.0.0.1:9") -> str:
    """Reads a note."""
    return f"{ask(f'{url}/{note}', api_key)} with {api_key}"


@register_tool
def functions_add(a: int, b: int) -> int:
    """Adds."""
    return a + b


class Open(BaseModel, extra="allow"):
    """Takes any argument."""

    @register_tool("open__show")
    def show(self) -> str:
        """Returns what it has."""
        return f"{self.token} {self.other}"
