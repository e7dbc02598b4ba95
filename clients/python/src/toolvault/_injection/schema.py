"""Removes arguments, and members inside arguments, from the schema and the text that a model sees."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .. import _pointer

Path = Sequence[str]

NAMED = ("properties", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties")
LISTED = ("required", "propertyOrdering")
COMPOSED = ("allOf", "anyOf", "oneOf")
CONDITIONAL = ("if", "then", "else", "not")
EXAMPLES = ("examples", "default", "example")
DEFINITIONS = ("$defs", "definitions")

# A parameter in the docstring styles of Google, NumPy, Sphinx and in a list of Markdown.
ENTRY = (
    r"(?P<indent>\s*)(?::(?:param|parameter|arg|argument|type)\s+(?:[^:]*\s)?|[-*]\s+)?"
    r"[`*]*(?:{})[`*]*\s*(?:\([^)]*\)\s*)?:"
)
HEADING = re.compile(r"\s*(?:args|arguments|params|parameters|keyword args|keyword arguments)\s*:?\s*", re.IGNORECASE)


def declares(schema: Mapping[str, Any], path: Path) -> bool:
    """Whether the schema has a member at this path."""
    return any(True for _ in _at(schema, path, schema))


def requires(schema: Mapping[str, Any], path: Path) -> bool:
    """Whether the object that contains it must have the member: its default is not known, and null is no value."""
    return any(is_required and not _is_optional(node, schema) for node, is_required in _at(schema, path, schema))


def texts(schema: Mapping[str, Any]) -> list[str]:
    """All arguments and members of arguments, as secrets name them."""
    found: dict[str, None] = {}

    def add(node: Any, steps: list[str], inside: tuple[Any, ...]) -> None:
        node = _resolved(node, schema)
        if node in inside:
            return
        for name, one in node.get("properties", {}).items():
            escaped = [*steps, name.replace("~", "~0").replace("/", "~1")]
            found[_pointer.shortest("/" + "/".join(escaped))] = None
            add(one, escaped, (*inside, node))
        for branch in (one for keyword in COMPOSED for one in node.get(keyword, ())):
            add(branch, steps, (*inside, node))

    add(schema, [], ())
    return list(found)


def is_object(schema: Mapping[str, Any], path: Path) -> bool:
    """Whether only an object can be at this path."""
    found = [node for node, _ in _at(schema, path, schema)]
    return bool(found) and all(_kinds(node, schema) <= {"object", "null"} for node in found)


def without(schema: Mapping[str, Any], paths: Collection[Path]) -> dict[str, Any]:
    """The schema without the members at these paths."""
    reduced = _without(schema, [tuple(path) for path in paths], schema)
    used = _used(reduced, {name: one for keyword in DEFINITIONS for name, one in schema.get(keyword, {}).items()})
    for keyword in DEFINITIONS:
        if keyword in reduced:
            reduced[keyword] = {name: one for name, one in reduced[keyword].items() if name in used}
            if not reduced[keyword]:
                del reduced[keyword]
    return reduced


def described(text: str, names: Collection[str]) -> str:
    """The description of a tool without what it says about these parameters."""
    entry = re.compile(ENTRY.format("|".join(map(re.escape, names))))
    lines: list[str] = []
    inside: int | None = None
    for line in text.split("\n"):
        found = entry.match(line)
        if inside is not None and not found and (not line.strip() or len(line) - len(line.lstrip()) > inside):
            # It goes on about the parameter. A blank line separates it from what follows.
            if not line.strip():
                inside = None
                lines.append(line)
            continue
        inside = len(found["indent"]) if found else None
        if not found:
            lines.append(line)
    return "\n".join(_without_empty_headings(lines)).strip() if len(lines) < text.count("\n") + 1 else text


def _without_empty_headings(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        after = at + 1
        is_underlined = after < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[after]) is not None
        after += is_underlined
        following = lines[after] if after < len(lines) else ""
        is_heading = HEADING.fullmatch(lines[at]) and (is_underlined or ":" in lines[at])
        if is_heading and not following.strip():
            at = after
            continue
        yield lines[at]
        at += 1


def _resolved(node: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with its reference replaced by what it refers to."""
    seen: set[str] = set()
    while isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and node["$ref"] not in seen:
        seen.add(node["$ref"])
        target: Any = root
        for step in node["$ref"].removeprefix("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, Mapping) else None
        if not isinstance(target, Mapping):
            raise ValueError(f"the schema refers to {node['$ref']!r}, which it does not contain")
        node = {**target, **{name: one for name, one in node.items() if name != "$ref"}}
    return dict(node) if isinstance(node, Mapping) else {}


def _at(
    node: Any, path: Path, root: Mapping[str, Any], is_certain: bool = True, is_required: bool = True
) -> Iterator[tuple[dict[str, Any], bool]]:
    """What describes the member, and whether the object that contains it certainly requires it."""
    node = _resolved(node, root)
    if not path:
        yield node, is_required
        return
    first, *others = path
    properties = node.get("properties", {})
    if first in properties:
        yield from _at(properties[first], others, root, is_certain, is_certain and first in node.get("required", ()))
    for keyword in COMPOSED:
        branches = node.get(keyword, ())
        objects = [one for one in branches if _kinds(one, root) & {"object", "any"}]
        for branch in branches:
            # An object is of the only branch that describes one.
            yield from _at(branch, path, root, is_certain and (keyword == "allOf" or objects == [branch]))


def _is_optional(node: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return "default" in node or "null" in _kinds(node, root)


def _kinds(node: Any, root: Mapping[str, Any]) -> set[str]:
    """The JSON types that a value may have; `any` if nothing limits them."""
    node = _resolved(node, root)
    branches = [one for keyword in ("anyOf", "oneOf") for one in node.get(keyword, ())]
    if branches:
        return set().union(*(_kinds(one, root) for one in branches))
    for one in node.get("allOf", ()):
        if "any" not in (kinds := _kinds(one, root)):
            return kinds
    kinds = node.get("type", "object" if "properties" in node else "any")
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _without(node: Any, paths: list[tuple[str, ...]], root: Mapping[str, Any]) -> dict[str, Any]:
    reduced = copy.deepcopy(_resolved(node, root))
    hidden = {path[0] for path in paths if len(path) == 1}
    for keyword in NAMED:
        if isinstance(reduced.get(keyword), dict):
            reduced[keyword] = {name: one for name, one in reduced[keyword].items() if name not in hidden}
    for keyword in LISTED:
        if isinstance(reduced.get(keyword), list):
            reduced[keyword] = [name for name in reduced[keyword] if name not in hidden]
    if isinstance(reduced.get("dependentRequired"), dict):
        reduced["dependentRequired"] = {
            name: [one for one in needed if one not in hidden] for name, needed in reduced["dependentRequired"].items()
        }
    for keyword in EXAMPLES:
        # An example call would show the hidden arguments.
        reduced.pop(keyword, None)
    inner = {path[0] for path in paths if len(path) > 1} & reduced.get("properties", {}).keys()
    for name in inner:
        inside = [path[1:] for path in paths if len(path) > 1 and path[0] == name]
        reduced["properties"][name] = _without(reduced["properties"][name], inside, root)
    for keyword in COMPOSED:
        if keyword in reduced:
            reduced[keyword] = [
                _without(branch, paths, root) if _concerns(branch, paths, root) else branch
                for branch in reduced[keyword]
            ]
    for keyword in CONDITIONAL:
        if isinstance(reduced.get(keyword), dict):
            reduced[keyword] = _without(reduced[keyword], paths, root)
    return reduced


def _concerns(branch: Any, paths: list[tuple[str, ...]], root: Mapping[str, Any]) -> bool:
    """Whether a branch has to do with the members. Others stay as they are, references included."""
    return "$ref" not in branch or any(declares({**root, **_resolved(branch, root)}, path) for path in paths)


def _used(node: Any, definitions: Mapping[str, Any]) -> set[str]:
    """The names of the definitions that a schema refers to, also through others."""
    used: set[str] = set()
    waiting: list[Any] = [{name: one for name, one in node.items() if name not in DEFINITIONS}]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name in definitions and name not in used:
                used.add(name)
                waiting.append(definitions[name])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return used
