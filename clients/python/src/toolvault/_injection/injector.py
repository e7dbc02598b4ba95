"""What the vault supplies to one tool: the hidden arguments, and their values for each call."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from .. import _json
from .._http.senders import Sender
from .._operations import tools
from ..async_client import AsyncToolvault
from ..client import Toolvault
from ..confidential import Confidential
from ..models import Completed, ToolCall
from .plain import plain
from .redaction import Redaction

Vault = Toolvault | AsyncToolvault


class Supply:
    """The values for one call, still confidential, and a redactor for them."""

    __slots__ = ("redaction", "values")

    def __init__(self, injector: Injector, completed: Completed) -> None:
        self.values = {name: Confidential(completed.args[name]) for name in injector.hidden}
        values = [
            (one.secret_name, self.values[one.arg])
            for one in completed.applied
            if (one.redact if injector.redacted is None else one.arg in injector.redacted)
        ]
        self.redaction = Redaction(values)

    def merged(self, given: Mapping[str, Any]) -> str:
        """All arguments of the call as JSON."""
        return _json.write({**given, **self.values})


class Injector:
    """One tool with its vault.

    `hidden` are the arguments that the model does not see: those in `hide` and in `bindings`, or, if `hide` is not
    given, those for which the vault has a default for this tool. `redacted` are those whose values are redacted in
    results of the tool; `None` leaves that to the policy of each secret.
    """

    def __init__(
        self,
        vault: Vault,
        tool: str,
        declared: Collection[str],
        hide: Collection[str] | None,
        bindings: Mapping[str, str] | None,
        redact: Collection[str] | None,
    ) -> None:
        self.vault = vault
        self.tool = tool
        self.bindings = dict(bindings or {})
        self.declared = frozenset(declared)
        found = _defaults(vault, tool, self.declared) if hide is None else frozenset(hide)
        self.hidden = found | frozenset(self.bindings)
        unknown = self.hidden - self.declared
        if unknown:
            raise ValueError(f"tool {tool!r} has no argument {min(unknown)!r}")
        self.redacted = None if redact is None else self.hidden & frozenset(redact)

    def supply(self, given: Mapping[str, Any]) -> Supply:
        """The values for a call with these arguments. Raises `SecretMissing` or a related error."""
        return Supply(self, _sender(self.vault).run(tools.resolve(self._call(given))))

    async def supply_async(self, given: Mapping[str, Any]) -> Supply:
        """The same without blocking the event loop."""
        operation = tools.resolve(self._call(given))
        if isinstance(self.vault, AsyncToolvault):
            return Supply(self, await self.vault._sender.run(operation))
        return Supply(self, await asyncio.to_thread(self.vault._sender.run, operation))

    def _call(self, given: Mapping[str, Any]) -> ToolCall:
        # The other arguments are sent because a policy may have conditions on them.
        args = {name: plain(value) for name, value in given.items() if name in self.declared - self.hidden}
        hidden = sorted(self.hidden)
        return tools.call(self.tool, args, self.bindings, hidden, hidden)


def _sender(vault: Vault) -> Sender:
    """Sends the request to the vault and waits for the answer."""
    return vault._sender if isinstance(vault, Toolvault) else vault.blocking._sender


def _defaults(vault: Vault, tool: str, declared: frozenset[str]) -> frozenset[str]:
    """The arguments for which there is a default, whether or not it is usable now."""
    return (vault if isinstance(vault, Toolvault) else vault.blocking).defaults({tool: declared})[tool]
