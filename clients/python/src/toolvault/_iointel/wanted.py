"""Reads a workflow's file: agents, their tools, and the constructor arguments of these, with line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import yaml

from ..errors import ToolvaultError
from . import reference
from .files import state

_NAMELESS = "without a name"
_LARGEST_FILE = 4 << 20
_LONGEST_NAME = 1024
# The shortest value that can be stored.
_SHORTEST = 4

_CREDENTIAL = re.compile(
    r"(?:^|[^A-Z0-9])(?:AUTH|AUTHORIZATION|BEARER|COOKIE|CREDENTIALS?|KEY|PASS|PASSKEY|PASSWD|PASSPHRASE|PAT|PWD)(?![A-Z0-9])"
    r"|(?:APIKEY|PASSWORD|SECRET|TOKEN)(?![A-Z0-9])"
)
# A name with such a suffix says where a credential is, or of which kind.
_SETTING = re.compile(r"(?:^|[^A-Z0-9])(?:DIR|ENDPOINT|FILE|HEADER|ID|METHOD|MODE|NAME|PATH|TYPE|URL)$")
_KNOWN = re.compile(
    r"(?:AIza|AKIA|AKCp|SG\.|eyJ|figd_|gh[opsu]_|github_pat_|glpat-|hf_|lin_api_|npm_|ntn_|sk-|sk_live_|tvk_|xox[bp]-).{8}",
    re.DOTALL,
)
_UNENCODED = re.compile(r"[/?#\s\x00-\x1f\x7f-\x9f]|%(?![0-9A-Fa-f]{2})")
_PLAIN = re.compile(r"true|false|none|null|[0-9]{1,5}")


@dataclass(frozen=True)
class Argument:
    """An argument in the file: a reference, a literal, or an error."""

    name: str
    line: int
    reference: str | None = None
    # The value for conditions. For a credential, only that there is one.
    literal: Any = None
    is_text: bool = False
    is_credential: bool = False
    problem: str | None = None


@dataclass(frozen=True)
class Wanted:
    """One tool of one agent. `problem` is why it cannot be read."""

    agent: str
    line: int
    tool: str = ""
    arguments: tuple[Argument, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class ModelKey:
    """The key of an agent's model, written in the file."""

    agent: str
    line: int
    is_reference: bool


@dataclass
class Workflow:
    """The content of a file, in its order."""

    name: str | None
    tools: list[Wanted] = field(default_factory=list)
    keys: list[ModelKey] = field(default_factory=list)


def read(path: Path) -> Workflow:
    """Reads a file. Raises `ToolvaultError`, which quotes nothing that could be a value."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ToolvaultError(f"{path} is larger than a workflow")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ToolvaultError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ToolvaultError(f"cannot read {path}: it is not UTF-8") from None
    definition = _parsed(path, text)
    if not isinstance(definition, _Table) or not {"agents", "tasks"} & definition.keys():
        raise ToolvaultError(f"{path} is not a workflow of iointel: it has neither agents nor tasks")
    name = definition.get("name")
    workflow = Workflow(name if isinstance(name, str) else None)
    _agents(workflow, definition, "")
    for task in _list(definition.get("tasks")):
        if isinstance(task, _Table):
            _agents(workflow, task, f", in the task {_text(task, 'name') or _text(task, 'task_id') or _NAMELESS}")
    return workflow


class _Table(dict[Any, Any]):
    """A mapping with the line of each value."""

    lines: dict[Any, int]


class _List(list[Any]):
    """A sequence with the line of each item."""

    lines: list[int]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """A YAML loader like iointel's that also records lines."""


def _table(loader: Any, node: Any) -> _Table:
    table = _Table(loader.construct_mapping(node, deep=True))
    # `<<` is merged already, and merged items precede the table's own.
    table.lines = {loader.construct_object(key): value.start_mark.line + 1 for key, value in node.value}
    return table


def _sequence(loader: Any, node: Any) -> _List:
    parts = _List(loader.construct_sequence(node, deep=True))
    parts.lines = [part.start_mark.line + 1 for part in node.value]
    return parts


_Loader.add_constructor("tag:yaml.org,2002:map", _table)
_Loader.add_constructor("tag:yaml.org,2002:seq", _sequence)


def _parsed(path: Path, text: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - it is a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = place + ", ".join(part for part in (error.context, error.problem) if part)
    except (yaml.YAMLError, ValueError):
        reason = "a character or a value in it cannot be read"
    except RecursionError:
        reason = "it is nested too deeply"
    # Not from the error, whose text quotes the file.
    raise ToolvaultError(f"{path} is not YAML: {reason}")


def _agents(workflow: Workflow, part: _Table, where: str) -> None:
    agents = part.get("agents")
    if isinstance(agents, _Table):
        agents = agents.get("members")
    for agent in _list(agents):
        if not isinstance(agent, _Table):
            continue
        name = (_text(agent, "name") or _NAMELESS) + where
        tools = _list(agent.get("tools"))
        workflow.tools += [_tool(name, line, tool) for line, tool in zip(tools.lines, tools, strict=True)]
        if key := _text(agent, "api_key"):
            workflow.keys.append(ModelKey(name, agent.lines["api_key"], reference.is_one(key)))


def _list(value: object) -> _List:
    if isinstance(value, _List):
        return value
    empty = _List()
    empty.lines = []
    return empty


def _text(table: _Table, name: str) -> str | None:
    value = table.get(name)
    return value if isinstance(value, str) else None


def _tool(agent: str, line: int, tool: object) -> Wanted:
    if isinstance(tool, str):
        return Wanted(agent, line, tool)
    if isinstance(tool, _List) and len(tool) == 2 and isinstance(tool[0], str):
        name, arguments = tool
        if arguments is None or isinstance(arguments, _Table):
            return Wanted(agent, line, name, tuple(_arguments(arguments or {}, getattr(arguments, "lines", {}))))
    if isinstance(tool, _Table) and (dumped := _text(tool, "name")) is not None:
        try:
            _, given = state(tool)
        except ToolvaultError:
            return Wanted(agent, line, dumped, problem="its state has a form that iointel does not write")
        place = tool.lines.get("fn_self", line)
        return Wanted(agent, line, dumped, tuple(_arguments(given, dict.fromkeys(given, place))))
    return Wanted(agent, line, problem="a tool must be a name, or a pair of name and arguments")


def _arguments(given: dict[Any, Any], lines: dict[Any, int]) -> Iterator[Argument]:
    return (
        _argument(name, lines[name], value)
        for name, value in given.items()
        if isinstance(name, str) and value is not None
    )


def _argument(name: str, line: int, value: Any) -> Argument:
    if not isinstance(value, str):
        if reference.is_inside(value):
            return Argument(name, line, problem="a reference must be the whole argument, not a part of it")
        # For a list or a table, conditions see only that it is there.
        return Argument(name, line, literal=True if isinstance(value, (dict, list)) else value)
    if reference.is_one(value):
        try:
            return Argument(name, line, reference=_canonical(value))
        except ValueError as error:
            return Argument(name, line, problem=str(error))
    if reference.SCHEME in value:
        return Argument(name, line, problem="a reference must be the whole argument, but this one has text around it")
    found = is_credential(name, value)
    is_text = len(value) >= _SHORTEST
    return Argument(name, line, literal=True if found else value, is_text=is_text, is_credential=found)


def _canonical(text: str) -> str:
    rest = text.removeprefix(reference.SCHEME)
    if rest.startswith("/"):
        try:
            return f"{reference.SCHEME}/id/{UUID(rest.removeprefix('/id/'))}"
        except ValueError:
            raise ValueError("a reference by ID must be 'secret:///id/<secret_id>'") from None
    try:
        name = unquote(rest, errors="strict")
    except UnicodeDecodeError:
        name = None
    if name is None or _UNENCODED.search(rest):
        raise ValueError("the name in a reference must be percent-encoded")
    if not name or "\0" in name or len(name) > _LONGEST_NAME:
        raise ValueError(f"the name in a reference must have 1 to {_LONGEST_NAME} characters and no NUL")
    return reference.to(name)


def is_credential(name: str, value: str) -> bool:
    """Whether a text looks like a credential, by its name or by its first characters."""
    if len(value) < _SHORTEST:
        return False
    upper = name.upper()
    is_named = bool(_CREDENTIAL.search(upper)) and not _SETTING.search(upper) and not _PLAIN.fullmatch(value)
    return is_named or bool(_KNOWN.match(value)) or _has_password(value)


def _has_password(text: str) -> bool:
    try:
        return bool(urlsplit(text).password)
    except ValueError:
        return False
