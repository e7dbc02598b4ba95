"""Validators of pydantic that do not ask for hidden arguments, and validators for these alone.

For frameworks that validate what a model said long before they call the tool. All other checks of the tool stay, and
run once.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from typing import Any

from .plain import HIDDEN, parsed

Path = tuple[str, ...]
Node = dict[str, Any]

INNER = ("schema", "lax_schema", "strict_schema", "json_schema", "python_schema")


class Opened:
    """A validator in two parts: `validator` for what a model says, `members` for the hidden arguments by path."""

    def __init__(self, validator: Any, paths: Collection[Path], objects: Collection[str] = ()) -> None:
        # A plugin of pydantic wraps the validator. Its pickled form holds its schema.
        kind, (node, *options) = getattr(validator, "_schema_validator", validator).__reduce__()[:2]
        self.members: dict[Path, Any] = {}
        for path in paths:
            opening = _Opening()
            node = opening.node(node, path)
            if opening.found:
                found = {"type": "definitions", "schema": opening.found[0], "definitions": opening.definitions}
                self.members[path] = kind(found if opening.definitions else opening.found[0], *options)
        for name in objects:
            node = _reading(node, name)
        self.validator = kind(node, *options) if self.members else validator


def _reading(node: Node, name: str) -> Node:
    """The schema of arguments, of which this one may also be the JSON text of an object."""
    if node["type"] == "definitions":
        return {**node, "schema": _reading(node["schema"], name)}
    if node["type"] != "typed-dict":
        return node
    field = node["fields"][name]
    before = {"type": "function-before", "function": {"type": "no-info", "function": parsed}, "schema": field["schema"]}
    return {**node, "fields": {**node["fields"], name: {**field, "schema": before}}}


class _Opening:
    """Opens the place at one path in a schema of pydantic's core."""

    def __init__(self) -> None:
        self.found: list[Node] = []
        self.definitions: list[Node] = []

    def node(self, node: Any, path: Path) -> Any:
        kind = node["type"]
        if kind == "definitions":
            self.definitions = node["definitions"]
        if kind == "definition-ref":
            # A copy: the definition is also used elsewhere.
            [found] = [one for one in self.definitions if one["ref"] == node["schema_ref"]]
            return self.node({name: one for name, one in found.items() if name != "ref"}, path)
        if kind in ("model-fields", "typed-dict"):
            fields = {name: self._field(kind, name, one, path) for name, one in node["fields"].items()}
            return {**node, "fields": fields}
        if kind == "dataclass-args":
            return {**node, "fields": [self._field(kind, one["name"], one, path) for one in node["fields"]]}
        changed = {name: self.node(node[name], path) for name in INNER if isinstance(node.get(name), dict)}
        choices = node.get("choices")
        if isinstance(choices, list):
            changed["choices"] = [
                (self.node(one[0], path), *one[1:]) if isinstance(one, tuple) else self.node(one, path)
                for one in choices
            ]
        elif isinstance(choices, Mapping):
            changed["choices"] = {name: self.node(one, path) for name, one in choices.items()}
        return {**node, **changed}

    def _field(self, kind: str, name: str, field: Node, path: Path) -> Node:
        # One alias, or several, each a list of steps.
        alias = field.get("validation_alias")
        if path[0] not in (name, alias) and [path[0]] not in (alias if isinstance(alias, list) else []):
            return field
        if len(path) > 1:
            return {**field, "schema": self.node(field["schema"], path[1:])}
        self.found.append(field["schema"])
        place = {"type": "function-plain", "function": {"type": "no-info", "function": _dropped}}
        if kind == "typed-dict":
            return {**field, "schema": place, "required": False}
        place["function"] = {"type": "no-info", "function": lambda _: HIDDEN}
        return {**field, "schema": {"type": "default", "schema": place, "default": HIDDEN}}


def _dropped(_: object) -> object:
    raise importlib.import_module("pydantic_core").PydanticOmit
