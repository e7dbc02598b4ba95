"""Files of workflows: tools by name and constructor arguments."""

from __future__ import annotations

import importlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import ToolvaultError

# The packages of iointel's own tools. A file must not cause other imports.
_OWN_TOOLS = "iointel.src.agent_methods.tools."
_SERVED = "toolvault.iointel."
_MODULE = re.compile(rf"{re.escape(_OWN_TOOLS)}(?:agno\.)?(\w+)")

# Why modules of iointel could not be loaded. It is reported once.
_unloaded: list[str] = []


def portable(definition: Any) -> Any:
    """A definition in which each tool that iointel dumped, `{name, body, fn_self}`, is its name and its arguments.

    A dump names a class, which a new process may not have loaded, and an object of the process that wrote it.
    """
    if isinstance(definition, Mapping):
        return {
            name: [_tool(one) for one in part] if name == "tools" and isinstance(part, list) else portable(part)
            for name, part in definition.items()
        }
    if isinstance(definition, list):
        return [portable(part) for part in definition]
    return definition


def read(text: str | None, path: str | Path | None) -> dict[str, Any]:
    """The definition in a text or a file, after registering every tool of iointel that it needs."""
    if (text is None) == (path is None):
        raise ToolvaultError("give either the text of a workflow or the path of its file")
    definition = yaml.safe_load(text if text is not None else Path(str(path)).read_text(encoding="utf-8"))
    if not isinstance(definition, dict):
        raise ToolvaultError("a workflow's file holds name, agents and tasks")
    made: dict[str, Any] = portable(definition)
    _discover({name for name, _ in named(made)})
    return made


def _discover(names: set[str]) -> None:
    """Loads all of iointel's tools if some are unknown."""
    from iointel.src.utilities.registries import TOOLS_REGISTRY
    from iointel.src.utilities.tooling import discover_all_tools

    if names <= set(TOOLS_REGISTRY):
        return
    # It warns about each module that it cannot load, and dozens need extra packages.
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        discover_all_tools()
    _unloaded.extend(str(one.message) for one in told if _MODULE.search(str(one.message)))
    for name in sorted(names - set(TOOLS_REGISTRY)):
        reasons = [text for text in _unloaded if any(found in name.lower() for found in _MODULE.findall(text))]
        raise ToolvaultError(": ".join([f"iointel has no tool {name}", *reasons]))


def named(definition: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tools in a definition, each with its arguments."""
    if isinstance(definition, Mapping):
        for name, part in definition.items():
            if name == "tools" and isinstance(part, list):
                for one in part:
                    tool, given = one if isinstance(one, (list, tuple)) and len(one) == 2 else (one, None)
                    if isinstance(tool, str):
                        yield tool, given or {}
            else:
                yield from named(part)
    elif isinstance(definition, list):
        for part in definition:
            yield from named(part)


def state(tool: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and the constructor arguments of a tool that iointel dumped; nothing for a plain function."""
    if tool.get("fn_self") is None:
        return "", {}
    try:
        key, dumped, _ = tool["fn_self"]
        arguments = json.loads(dumped)
    except (TypeError, ValueError):
        key = arguments = None
    if not isinstance(arguments, dict) or not isinstance(key, str):
        raise ToolvaultError(f"the state of the tool {tool['name']} has a form that iointel does not write")
    return key, arguments


def _tool(tool: Any) -> Any:
    if not isinstance(tool, Mapping) or not isinstance(tool.get("name"), str):
        return tool
    name, (key, arguments) = tool["name"], state(tool)
    _find(name, key)
    return [name, arguments] if arguments else name


def _find(name: str, key: str) -> None:
    """Imports the module that registers one of iointel's own tools."""
    from iointel.src.utilities.registries import TOOLS_REGISTRY

    module = key.removeprefix(_SERVED).partition(":")[0]
    if name not in TOOLS_REGISTRY and module.startswith(_OWN_TOOLS):
        importlib.import_module(module)
