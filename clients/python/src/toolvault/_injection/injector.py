"""What the vault supplies to one tool: the hidden arguments, and their values for each call."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar

from .. import _pointer
from ..async_client import AsyncToolvault
from ..client import Toolvault
from . import schema
from .injected import Injected
from .objects import Typed, fill, holds, is_respelled, needs, put, renamed, typed_member
from .plain import HIDDEN, parsed, plain

Vault = Toolvault | AsyncToolvault
# An ID, or what finds it: from the framework's own context of the call, if it has one.
User = str | Callable[..., str | None] | None
T = TypeVar("T")


class Options(TypedDict, total=False):
    """What `with_secrets` takes besides tools and the client.

    Hidden are the arguments in `bindings` and in `hide`, or, without `hide`, those for which the vault has a default
    for `tool_name`. An argument is a name, or a JSON Pointer such as `/req/api_key` to a member of one. A call without
    its secret raises `SecretMissing` or a related error with the argument's name.
    """

    # The tool's own name by default: one name, or a function of the tool's own.
    tool_name: str | Callable[[str], str] | None
    # Arguments that the model never sees.
    hide: Collection[str] | None
    # References from trusted configuration, such as `secret://linear-prod`, by argument.
    bindings: Mapping[str, str] | None
    # Arguments whose values are redacted in results. The policies of the secrets decide if it is not given.
    redact: Collection[str] | None
    # The user for whom a key with `any_user` acts: an ID, or a function of the framework's context of the call.
    user: User


@dataclass(frozen=True)
class Place:
    """A hidden argument, or a member of one. `path` leads to it in a call."""

    text: str
    path: tuple[str, ...]
    # Whether the object that contains it cannot be without it.
    is_required: bool
    # Whether every call has that object. If not, it is not created only for the value.
    is_held: bool


class Wanted:
    """The values that one call wants. Raises `SecretMissing` or a related error."""

    def __init__(self, vault: Vault, tool: str, options: dict[str, Any]) -> None:
        self._vault = vault
        self._tool = tool
        self._options = options
        # It says for whom, also if the values are fetched later.
        self._context = contextvars.copy_context()

    def now(self) -> Injected:
        """The values, fetched now."""
        return self._context.run(blocking(self._vault).inject, self._tool, **self._options)

    async def later(self) -> Injected:
        """The same without blocking the event loop."""
        if isinstance(self._vault, Toolvault):
            return await asyncio.to_thread(self.now)
        return await self._context.run(self._vault.inject, self._tool, **self._options)


class Injector:
    """One tool with its vault."""

    def __init__(
        self,
        vault: Vault,
        tool: str,
        described: Mapping[str, Any],
        places: Sequence[Place],
        options: Options,
        kind: Any = None,
        *,
        shows_others: bool = False,
    ) -> None:
        self.tool = tool
        self.places = list({one.path: one for one in places}.values())
        self._vault = vault
        self._described = described
        self._kind = kind
        self._respelled = [one.path for one in self.places if is_respelled(kind, one.path)]
        self._user = options.get("user")
        bindings = options.get("bindings") or {}
        self._bindings = {_pointer.steps(name): reference for name, reference in bindings.items()}
        if len(self._bindings) < len(bindings):
            raise ValueError(f"two of the bindings {', '.join(sorted(bindings))} are for one place: leave one out")
        self._redact = options.get("redact")
        self._shown = frozenset(schema.without(described, [one.path for one in places]).get("properties", ()))
        # What frameworks add to a call themselves is not for the vault.
        self._shows_others = shows_others
        self.objects = [name for name in self._shown if schema.is_object(described, [name])]

    @property
    def is_blocking(self) -> bool:
        """Whether its vault waits for answers."""
        return isinstance(self._vault, Toolvault)

    def schema(self) -> dict[str, Any]:
        """What the model sees."""
        return schema.without(self._described, [one.path for one in self.places])

    def description(self, text: str) -> str:
        """The tool's description as the model sees it."""
        names = {one.path[-1] for one in self.places} - self._shown
        return schema.described(text, names) if names else text

    def given(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments without what a model made up for hidden ones, and with JSON texts of objects parsed."""
        given = dict(args)
        for path in self._respelled:
            given = renamed(given, self._kind, path[:1])
        given = {name: parsed(one) if name in self.objects else one for name, one in given.items()}
        for path in self._respelled:
            given = renamed(given, self._kind, path)
        for one in self.places:
            if holds(given, one.path):
                given = put(given, one.path, HIDDEN)
        return given

    def filled(self, given: Mapping[str, Any], injected: Injected, typed: Typed = typed_member) -> dict[str, Any]:
        """The arguments with their values, in the types that `typed` makes."""
        values = injected.by_path
        return fill(given, {one.path: values.get(one.path) for one in self.places}, typed)

    def placeheld(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with a text in the place of each value."""
        args = dict(given)
        for one in self._possible(args):
            args = put(args, one.path, str(HIDDEN))
        return args

    def _possible(self, args: Mapping[str, Any]) -> list[Place]:
        """The places that a call has or may get. An object is not created only for a value."""
        found = [(one, holds(args, one.path)) for one in self.places]
        return [one for one, is_there in found if is_there or (is_there is None and one.is_held)]

    def wanted(self, given: Mapping[str, Any], context: object = None) -> Wanted:
        """What a call of which this is `given` needs, for the user of now. `context` is the framework's own."""
        possible = self._possible(given)
        needed = [(one, needs(given, one.path)) for one in possible]
        # The other arguments are sent because a policy may have conditions on them.
        shown = {name: one for name, one in given.items() if name in self._shown or self._shows_others}
        options = {
            "args": plain(shown),
            "bindings": {one.text: self._bindings[one.path] for one in possible if one.path in self._bindings},
            "accepts": sorted(one.text for one in possible),
            "require": sorted(
                one.text for one, is_needed in needed if (one.is_required if is_needed is None else is_needed)
            ),
            "redact": self._redact,
            "user": user_of(self._user, context),
        }
        return Wanted(self._vault, self.tool, options)


def user_id(context: object) -> str | None:
    """The `user_id` of what an application passes to a run."""
    found = context.get("user_id") if isinstance(context, Mapping) else getattr(context, "user_id", None)
    return None if found is None else str(found)


def user_of(user: User, context: object) -> str | None:
    """The user of a call; None if the client or its context decides."""
    if not callable(user):
        return user
    found = user(context) if inspect.signature(user).parameters else user()
    if found is None:
        # Without a user the key would act for another one.
        raise ValueError("the function given as `user` found none")
    return found


@dataclass(frozen=True)
class Subject(Generic[T]):
    """One tool that a framework has: its name, its schema, and how to make it one whose arguments are hidden.

    `kind` is the type of its arguments: a model, or annotations by name; None if it is not known.
    """

    tool: T
    name: str
    schema: Mapping[str, Any]
    wrap: Callable[[Injector], T]
    kind: Any = None


class Wrapping(Generic[T]):
    """Tools on the way to their secrets. `finish` makes of them what `with_secrets` returns."""

    def __init__(
        self,
        subjects: Sequence[Subject[T]],
        vault: Vault,
        options: Options,
        finish: Callable[[list[T]], Any] = lambda made: made,
    ) -> None:
        self._subjects = subjects
        self._finish = finish
        self._vault = vault
        self._options = options
        rename, user = options.get("tool_name"), options.get("user")
        if isinstance(rename, str) and len(subjects) > 1:
            raise TypeError("several tools cannot have one tool_name: give a function that makes it from their names")
        self._names = [rename(one.name) if callable(rename) else rename or one.name for one in subjects]
        self._user = None if callable(user) else user
        self._wanted: dict[str, list[str]] = {}
        if options.get("hide") is not None:
            return
        if callable(user):
            raise ValueError("which user calls is known later: name the arguments to hide from the model in `hide`")
        for one, name in zip(subjects, self._names, strict=True):
            self._wanted.setdefault(name, []).extend(schema.texts(one.schema))

    def now(self) -> Any:
        """The tools, made now."""
        return self._made(blocking(self._vault).defaults(self._wanted, user=self._user) if self._wanted else {})

    async def later(self) -> Any:
        """The same without blocking the event loop."""
        if not self._wanted:
            return self._made({})
        if isinstance(self._vault, Toolvault):
            return self._made(await asyncio.to_thread(self._vault.defaults, self._wanted, user=self._user))
        return self._made(await self._vault.defaults(self._wanted, user=self._user))

    def _made(self, found: Mapping[str, Collection[str]]) -> Any:
        asked = [*(self._options.get("hide") or ()), *(self._options.get("bindings") or ())]
        for text in [*asked, *(self._options.get("redact") or ())]:
            if not any(schema.declares(one.schema, _pointer.steps(text)) for one in self._subjects):
                raise ValueError(f"tool {', '.join(self._names)!r} has no argument {text!r}")
        made = []
        for one, name in zip(self._subjects, self._names, strict=True):
            texts = [*sorted(found.get(name, ())), *asked]
            places = [place for text in texts if (place := place_of(one.schema, text)) is not None]
            injector = Injector(self._vault, name, one.schema, places, self._options, one.kind)
            made.append(one.wrap(injector) if places else one.tool)
        return self._finish(made)


def wrapping(tool: Any, subject: Callable[[Any], Subject[T]], vault: Vault, options: Options) -> Wrapping[T]:
    """One tool, or a list of tools, of which `with_secrets` makes the same."""
    if isinstance(tool, Sequence):
        return Wrapping([subject(one) for one in tool], vault, options)
    return Wrapping([subject(tool)], vault, options, lambda made: made[0])


def place_of(described: Mapping[str, Any], text: str) -> Place | None:
    """The place of an argument or pointer in a schema; None if it has none."""
    path = _pointer.steps(text)
    if not schema.declares(described, path):
        return None
    is_held = all(schema.requires(described, path[:length]) for length in range(1, len(path)))
    return Place(text, path, schema.requires(described, path), is_held)


def blocking(vault: Vault) -> Toolvault:
    """A client that waits for its answers."""
    return vault if isinstance(vault, Toolvault) else vault.blocking
