"""Removes arguments from a JSON schema."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

NAMED = ("properties", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties")
LISTED = ("required", "propertyOrdering")
COMPOSED = ("allOf", "anyOf", "oneOf")
CONDITIONAL = ("if", "then", "else", "not")


def without(schema: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """The schema of an object without these members. Raises `ValueError` if they cannot be removed."""
    reduced = _without(schema, hidden)
    if "$ref" in reduced and hidden:
        raise ValueError("a tool whose schema is a reference cannot hide arguments")
    return reduced


def declared(schema: Mapping[str, Any]) -> frozenset[str]:
    """The arguments in a schema."""
    names = set(schema.get("properties", ()))
    for keyword in COMPOSED:
        for branch in schema.get(keyword, ()):
            names |= declared(branch)
    return frozenset(names)


def _without(schema: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    reduced = copy.deepcopy(dict(schema))
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
    for keyword in ("examples", "default", "example"):
        # An example call would show the hidden arguments.
        reduced.pop(keyword, None)
    for keyword in COMPOSED:
        if keyword in reduced:
            reduced[keyword] = [_without(branch, hidden) for branch in reduced[keyword]]
    for keyword in CONDITIONAL:
        if isinstance(reduced.get(keyword), dict):
            reduced[keyword] = _without(reduced[keyword], hidden)
    return reduced
