"""The arguments with which one tool is constructed, and the resulting object."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

from iointel.src.agent_methods.agents.tool_factory import instantiate_stateful_tool
from iointel.src.agent_methods.data_models.datamodels import TOOL_SELF_INSTANCES, Tool
from iointel.src.utilities.registries import STATEFUL_TOOL_DEFAULTS
from iointel.src.utilities.tooling import get_tool_model_class
from pydantic import BaseModel

from .. import _pointer
from .._injection.plain import plain
from ..client import Toolvault
from ..errors import ToolvaultError
from ..models import Explanation, ToolCall
from . import reference
from .behind import Source
from .served import Reference, serve
from .tools import registered


class Wish:
    """A tool with the arguments from a file or a program, with references recognised."""

    def __init__(self, tool: Tool, state_args: Mapping[str, Any] | None) -> None:
        self._tool = tool
        self._class: type[BaseModel] = get_tool_model_class(tool)
        given = {**STATEFUL_TOOL_DEFAULTS.get(tool.name, {}), **(state_args or {})}
        self._given = {name: value for name, value in given.items() if value is not None}
        self._bindings = {name: str(value) for name, value in self._given.items() if reference.is_one(value)}
        self._literals = {name: value for name, value in self._given.items() if name not in self._bindings}
        self._check()

    @property
    def call(self) -> ToolCall:
        """The call for `explain` and `resolve`."""
        fields = self._class.model_fields
        needed = [
            name for name, field in fields.items() if field.is_required() and not _fills_itself(self._class, name)
        ]
        accepts = tuple(name for name in fields if name not in self._given)
        return ToolCall(self._tool.name, plain(self._literals), self._bindings, accepts, tuple(needed))

    def granted(self, explanation: Explanation, vault: Toolvault, keep_seconds: float) -> BaseModel:
        """The object, with the secrets that the server would apply."""
        defaults = _defaults(explanation)
        if not self._bindings and not defaults:
            return cast("BaseModel", instantiate_stateful_tool(self._tool, self._given))
        references = {name: Reference.to(text, is_default=False) for name, text in self._bindings.items()}
        references |= {name: Reference.to(text, is_default=True) for name, text in defaults.items()}
        registered(self._tool)
        source = Source(vault, self._tool.name, self._bindings, frozenset(defaults), keep_seconds)
        served = serve(self._class, source, self._literals, references)
        # iointel looks here before it creates an object from a dump.
        TOOL_SELF_INSTANCES[id(served)] = served
        return served

    def _check(self) -> None:
        tool, fields = self._tool.name, self._class.model_fields
        if self._class.model_config.get("extra") != "allow":
            for name in sorted(self._bindings.keys() - fields.keys()):
                raise ToolvaultError(f"the tool {tool} has no argument '{name}'")
        for name, value in self._literals.items():
            if reference.is_inside(value):
                raise ToolvaultError(f"the tool {tool}: in '{name}' is a reference, which must be the whole argument")


def _defaults(explanation: Explanation) -> dict[str, str]:
    """The arguments with a default, each with a reference to the current one."""
    return {
        _pointer.shortest(argument.arg): reference.to(candidate.secret_name)
        for argument in explanation.arguments
        if argument.outcome == "default"
        for candidate in argument.candidates
        if candidate.wins
    }


def _fills_itself(tool_class: type[BaseModel], name: str) -> bool:
    """Whether a class fills a required field in its own way, as `Wolfram` does with its key."""
    parameter = inspect.signature(cast(Any, tool_class).__init__).parameters.get(name)
    return parameter is not None and parameter.default is not inspect.Parameter.empty
