"""`python -m toolvault.iointel check`: where each argument of each tool of a workflow gets its value."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NoReturn

from .. import _pointer
from .._injection.plain import plain
from .._pattern import matches
from ..client import Toolvault
from ..errors import ApiError, Forbidden, ToolvaultError, Unauthorized
from ..models import ExplainedArgument
from . import catalogue
from .catalogue import Service

if TYPE_CHECKING:
    from .wanted import Wanted

NEEDED = ("iointel", "yaml")
SUCCESS, REFUSED, FAILED = 0, 1, 2
_LONGEST_NAME = 1024
_CLEAR = "looks like a credential in clear text"
# Characters that a terminal may interpret instead of showing them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@dataclass
class Got:
    """What one argument gets. `outcome` is `literal`, `wrong`, `none` or the outcome of `explain`."""

    arg: str
    is_required: bool
    outcome: str = "none"
    reference: str | None = None
    secret_id: str | None = None
    secret_name: str | None = None
    pattern: str | None = None
    is_tied: bool = False
    problem: str | None = None
    environment: list[str] = field(default_factory=list)


@dataclass
class Checked:
    """One tool of one agent."""

    agent: str
    tool: str
    line: int
    service: str | None = None
    would_succeed: bool = False
    problem: str | None = None
    arguments: list[Got] = field(default_factory=list)


@dataclass
class Reach:
    """The tools that a secret's pattern matches: those of the workflow, and of other services with this argument."""

    secret_id: str
    secret_name: str
    pattern: str
    arg: str
    tools: list[str]
    also_reaches: list[str]


@dataclass
class Literal:
    """A literal in the file that looks like a credential, or a reference where iointel does not follow one."""

    agent: str
    tool: str | None
    arg: str
    line: int
    is_reference: bool
    advice: str


@dataclass
class Report:
    """The whole report. It contains no value."""

    workflow: str | None
    would_succeed: bool = True
    tools: list[Checked] = field(default_factory=list)
    patterns: list[Reach] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command. Returns its exit status."""
    parser = _Parser(prog="python -m toolvault.iointel", allow_abbrev=False)
    check = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "check",
        help="show which secret each tool of an iointel workflow would get, and what is missing",
        epilog="The server is at TOOLVAULT_URL [default: http://127.0.0.1:8710]; the key is in TOOLVAULT_API_KEY "
        "or in the file that TOOLVAULT_API_KEY_FILE names.",
    )
    check.add_argument("file", metavar="FILE", type=Path, help="workflow in YAML, by hand or from Workflow.to_yaml")
    check.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(words)
    if not all(map(find_spec, NEEDED)):
        return _failed("iointel is not installed: pip install 'toolvault[iointel]'", REFUSED)
    try:
        report = examine(options.file)
    except Unauthorized as error:
        return _failed(error, REFUSED, "check the key in TOOLVAULT_API_KEY")
    except ApiError as error:
        return _failed(error, REFUSED if error.status and error.status < 500 else FAILED)
    except ToolvaultError as error:
        return _failed(error, REFUSED)
    if options.json:
        text = json.dumps(asdict(report), indent=2, ensure_ascii=False)
        print("\n".join(_UNSAFE.sub(lambda one: f"\\u{ord(one[0]):04x}", line) for line in text.split("\n")))
    else:
        _show(report)
    return SUCCESS if report.would_succeed else REFUSED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(REFUSED, f"error: {message}\n")


def _failed(error: object, status: int, hint: str | None = None) -> int:
    _print(f"error: {error}", sys.stderr)
    if hint:
        _print(f"hint: {hint}", sys.stderr)
    return status


def examine(path: Path) -> Report:
    """Requests `explain` for each tool of a file."""
    from . import wanted

    workflow = wanted.read(path)
    advice = "give the model's key in the variable IO_API_KEY"
    report = Report(workflow.name)
    report.literals += [
        Literal(key.agent, None, "api_key", key.line, key.is_reference, advice) for key in workflow.keys
    ]
    with Toolvault() as vault:
        for tool in workflow.tools:
            report.tools.append(_checked(vault, tool, report.literals))
    report.would_succeed = all(tool.would_succeed for tool in report.tools)
    report.patterns = _reaches(report.tools)
    return report


def _checked(vault: Toolvault, wanted: Wanted, literals: list[Literal]) -> Checked:
    checked = Checked(wanted.agent, wanted.tool, wanted.line, problem=wanted.problem or _misnamed(wanted.tool))
    if checked.problem:
        return checked
    service, pattern = catalogue.find(wanted.tool) or (None, wanted.tool)
    checked.service = service.name if service else None
    for one in wanted.arguments:
        if one.is_credential or (one.is_text and service and service.is_confidential(one.name)):
            advice = f"store it: {_create(one.name, service, pattern)}"
            literals.append(Literal(wanted.agent, wanted.tool, one.name, one.line, False, advice))
    try:
        explanation = vault.explain(wanted.tool, **_call(wanted, service))
    except Forbidden as error:
        checked.problem = str(error)
        return checked
    # The others are only almost served.
    served = (one for one in explanation.arguments if one.outcome != "none" or one.candidates)
    explained = {_pointer.shortest(one.arg): one for one in served}
    checked.arguments = list(_got(wanted, service, pattern, explained))
    checked.would_succeed = not any(got.problem for got in checked.arguments)
    return checked


def _misnamed(tool: str) -> str | None:
    if not 1 <= len(tool) <= _LONGEST_NAME or "\0" in tool:
        return f"a tool's name must have 1 to {_LONGEST_NAME} characters and no NUL"
    return "a tool's name must not contain '*'" if "*" in tool else None


def _call(wanted: Wanted, service: Service | None) -> dict[str, Any]:
    """The call to explain. Confidential and wrong arguments are only marked as present."""
    args: dict[str, Any] = {}
    for one in wanted.arguments:
        if one.reference is None:
            is_shown = one.problem is None and not (service and service.is_confidential(one.name))
            args[one.name] = plain(one.literal) if is_shown else True
    return {
        "args": args,
        "bindings": {one.name: one.reference for one in wanted.arguments if one.reference is not None},
        "require": [name for name, is_required in service.arguments.items() if is_required] if service else [],
    }


def _got(
    wanted: Wanted, service: Service | None, pattern: str, explained: dict[str, ExplainedArgument]
) -> Iterator[Got]:
    """The arguments in the file, the known credentials of the tool, and those to which a secret applies."""
    known: Mapping[str, bool] = service.arguments if service else {}
    given = {one.name: one for one in wanted.arguments}
    for name in dict.fromkeys([*given, *known, *sorted(explained)]):
        got = _found(name, known.get(name, False), explained.get(name))
        if (argument := given.get(name)) is None:
            if got.outcome == "none" and service and name in known:
                got.environment = service.environment(name)
            got.problem = _problem(got, _create(name, service if name in known else None, pattern))
        elif argument.problem:
            got.outcome, got.problem = "wrong", f"{name}: {argument.problem}"
        elif argument.reference is None:
            got.outcome = "literal"
        else:
            got.reference = argument.reference
            got.problem = _problem(got, "toolvault secret create")
        yield got


def _found(name: str, is_required: bool, found: ExplainedArgument | None) -> Got:
    if found is None:
        return Got(name, is_required)
    got = Got(name, is_required, found.outcome, is_tied=found.tied and found.outcome == "default")
    for winner in found.candidates:
        if winner.wins:
            got.secret_id, got.secret_name, got.pattern = winner.secret_id, winner.secret_name, winner.pattern
    return got


def _problem(got: Got, create: str) -> str | None:
    """What is wrong, and what to do about it; `create` is the command that stores what is missing."""
    arg, secret = got.arg, got.secret_name or ""
    if got.outcome == "secret_missing":
        return f"needs {arg}, and no secret applies to it; store one: {create}"
    if got.outcome == "secret_expired":
        renew = f"toolvault secret set {quote(secret)}"
        return f"the secret {secret} for {arg} has expired; give it a new value and a later expiry: {renew}"
    if got.outcome == "secret_ambiguous":
        return f"{arg}: several secrets with this name match; use the ID of one: secret:///id/…"
    if got.outcome == "secret_not_available" and got.reference:
        return f"{arg}: {got.reference} names no secret that this tool and argument may receive"
    if got.outcome == "secret_not_available":
        return f"{arg}: the policy of its secret does not allow the other arguments"
    return None


def _create(argument: str, service: Service | None, pattern: str) -> str:
    name = f"{service.name.lower()}-{argument}" if service else "NAME"
    return f"toolvault secret create {quote(name)} --tool {quote(pattern)} --arg {quote(argument)} --default"


def _reaches(tools: Sequence[Checked]) -> list[Reach]:
    """What each pattern matches whose secret a tool gets."""
    found: dict[tuple[str, str], Reach] = {}
    for got in (got for tool in tools for got in tool.arguments):
        if got.secret_id and got.secret_name and got.pattern and "*" in got.pattern:
            reached = [one for one in tools if not _misnamed(one.tool) and matches(got.pattern, one.tool)]
            here = {tool.service for tool in reached}
            others = [
                one.name for one in catalogue.SERVICES if one.name not in here and one.is_reached(got.pattern, got.arg)
            ]
            names = sorted({tool.tool for tool in reached})
            reach = Reach(got.secret_id, got.secret_name, got.pattern, got.arg, names, others)
            found.setdefault((got.secret_id, got.arg), reach)
    return [found[key] for key in sorted(found, key=lambda key: (found[key].secret_name, *key))]


def _show(report: Report) -> None:
    if not report.tools:
        _print("It has no tools.")
        return
    for line in _table(list(_rows(report.tools))):
        _print(line)
    if any(got.is_required for tool in report.tools for got in tool.arguments):
        _print("* is required")
    for reach in report.patterns:
        tools = reach.tools[0] if len(reach.tools) == 1 else f"{len(reach.tools)} tools of this workflow"
        others = f", and would reach tools of {', '.join(reach.also_reaches)}" if reach.also_reaches else ""
        _print(f"{reach.secret_name}, for {reach.pattern}, reaches {tools}{others}.")
    sys.stdout.flush()
    for literal in report.literals:
        what = "is a reference where iointel does not follow one" if literal.is_reference else _CLEAR
        whose = literal.tool or literal.agent
        _print(f"warning: line {literal.line}: {literal.arg} of {whose} {what}; {literal.advice}", sys.stderr)
    for tool in report.tools:
        for problem in filter(None, [tool.problem, *(got.problem for got in tool.arguments)]):
            _print(f"error: line {tool.line}: {tool.tool or tool.agent}: {problem}", sys.stderr)


def _rows(tools: Sequence[Checked]) -> Iterator[tuple[str, ...]]:
    yield "AGENT", "TOOL", "ARGUMENT", "FROM"
    previous = None
    for tool in tools:
        agent = " " if tool.agent == previous else tool.agent
        previous, name = tool.agent, tool.tool
        if not tool.arguments:
            yield agent, name, "", "REFUSED" if tool.problem else "needs no secret"
        for got in tool.arguments:
            yield agent, name, got.arg + "*" * got.is_required, _origin(got)
            agent = name = " "


def _origin(got: Got) -> str:
    secret, reference = got.secret_name or "", got.reference or ""
    if got.outcome == "default":
        return f"default {secret}" + ", decided only by which changed last" * got.is_tied
    if got.outcome == "none":
        return "nothing" + (f", or from its environment: {', '.join(got.environment)}" if got.environment else "")
    plain_words = {
        "literal": "the value in the file",
        "binding": reference,
        "secret_expired": f"EXPIRED {reference or secret}",
        "secret_ambiguous": f"AMBIGUOUS {reference}",
        "secret_missing": "MISSING",
    }
    return plain_words.get(got.outcome, f"REFUSED {reference}")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[_escaped(cell) if cell else "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]


def _print(text: str, file: Any = None) -> None:
    print(_escaped(text), file=file)


def _escaped(text: str) -> str:
    """The text in one line, without characters that move the cursor."""
    return _UNSAFE.sub(lambda one: one[0].encode("unicode_escape").decode(), text)
