"""Runs the documentation: each page's commands, in order, in one shell in an empty home, and compares their output.

A `console` block has commands after `$ ` and their output; a `sh` block has commands that must succeed. A comment before
a block skips it and says why: `<!-- not run: needs Claude Code -->`. In the output

- `…` stands for any text, and alone on a line for any lines;
- IDs, keys (`tvk_…`), hashes and times are placeholders: the first time, the real output replaces them; from
  then on, in commands as well, they stand for the same text;
- runs of spaces are equal, because the width of a table depends on its content; the order of members in a line of JSON
  does not matter.

The clients of key management services are stand-ins, in `stand_ins`.

`toolvault serve` runs on a terminal during the following commands; another one replaces it. A command that asks for
a value gets it from `ANSWERS` on standard input, and one that asks for a confirmation gets a `y` on a terminal. The line
of the question is ignored. The page's folder is a repository of git, as a checkout is.
"""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import server
from client import Client, Lost, Unreachable

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
FENCE = re.compile(r"(?:<!-- not run: (?P<reason>[^\n]+) -->\n+)?^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S)
HEREDOC = re.compile(r"<<'?(\w+)'?")
# Text that differs between runs, most specific first. The first group keeps its meaning through a page.
VARYING = re.compile(
    r"(?P<kept>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\btvk_\w+"
    r"|\b[0-9a-f]{64}\b"
    r"|\b(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])[A-Za-z0-9]{8}\b)"
    r"|(?P<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|\+00:00)?)"
    r"|(?P<any>…)"
    r"|(?P<spaces> {2,})"
)
KEPT = {
    "tvk": r"tvk_\w{58}",
    "uuid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "hash": r"[0-9a-f]{64}",
    "id": r"[A-Za-z0-9]{8}",
}
ANSWERS = {
    r"toolvault secret create": "lin_api_7Qm2Zx9VtK4wcdef\n",
    r"toolvault secret set": "lin_api_a_newer_one_5678\n",
}
CONFIRMED = re.compile(r"toolvault (init|mcp import)\b(?!.* --yes\b)")
PROMPT = re.compile(r"^(Value|Again): *$|.*\[y/N\] ?\w*$")


@dataclass
class Command:
    text: str
    printed: list[str] = field(default_factory=list)
    is_compared: bool = True


def commands_of(language: str, text: str) -> list[Command]:
    """The commands of a block, each with its expected output."""
    commands: list[Command] = []
    lines = iter(text.splitlines())
    for line in lines:
        if language == "console" and not line.startswith("$ "):
            commands[-1].printed.append(line)
            continue
        if not line.strip() or (language == "sh" and line.startswith("#")):
            continue
        whole = line.removeprefix("$ ")
        while is_open(whole):
            whole += "\n" + next(lines)
        commands.append(Command(whole, is_compared=language == "console"))
    return commands


def is_open(text: str) -> bool:
    """Whether a command continues in the next line."""
    if found := HEREDOC.search(text):
        return text.splitlines()[-1] != found[1]
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return True
    return text.endswith("\\")


class Page:
    """One page, its shell and its server."""

    def __init__(self, path: Path, folder: Path, database: str = "", enter: tuple[str, ...] = ()) -> None:
        """`enter` is the beginning of a command line that runs the shell elsewhere."""
        self.path = path
        self.enter = enter
        self.home = folder / path.stem
        self.port = server.free_port()
        self.database = database
        self.meanings: dict[str, str] = {}
        self.outcomes: list[tuple[str, str]] = []  # each command, and its problem
        self.serving: subprocess.Popen | None = None
        self.terminal = b""

    def blocks(self) -> list[list[Command]]:
        found = FENCE.finditer(self.path.read_text())
        return [
            commands_of(block["language"], block["text"])
            for block in found
            if block["language"] in ("console", "sh") and not block["reason"]
        ]

    async def run(self, installed: bool, served: bool) -> None:
        """Runs the page. Its reader may have Toolvault installed, a running server, and the first key in a variable."""
        checkout = self.home / "toolvault"
        (self.home / ".cargo" / "bin").mkdir(parents=True)
        checkout.mkdir(exist_ok=True)
        for name in ("examples", "clients", "crates", "scripts"):
            (checkout / name).symlink_to(ROOT / name)
        subprocess.run(["git", "init", "--quiet", checkout], check=True)
        for program in (path for path in STAND_INS.iterdir() if os.access(path, os.X_OK) and path.is_file()):
            (self.home / ".cargo" / "bin" / program.name).symlink_to(program)
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        environment |= {
            "HOME": str(self.home),
            "PATH": f"{self.home}/.cargo/bin:{environment['PATH']}",
            "TOOLVAULT_LISTEN": f"127.0.0.1:{self.port}",
            "TOOLVAULT_URL": f"http://127.0.0.1:{self.port}",
        }
        self.shell = subprocess.Popen(
            [*self.enter, "bash"], cwd=checkout, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            self.in_shell(f"cd '{checkout}'", "")
            if installed:
                self.install()
            if served:
                await self.serve("toolvault serve")
                for name, key in zip(("tvk_YOURS", "tvk_AGENT"), re.findall(r"tvk_\w+", self.terminal.decode())):
                    self.meanings[name] = key
                await self.command(Command("export TOOLVAULT_API_KEY=tvk_YOURS"))
            for block in self.blocks():
                for command in block:
                    self.outcomes.append((command.text, await self.command(command)))
        finally:
            self.stop()
            self.shell.stdin.close()
            self.shell.wait(10)

    async def command(self, command: Command) -> str:
        """Runs one command; returns its problem, or an empty text."""
        text = self.real(command.text)
        if text.startswith("cargo install --path crates/cli"):
            self.install()
            return ""
        if re.match(r"(\w+=\S+ )*toolvault serve\b", text):
            printed = await self.serve(text)
            return self.compare(command, printed) if command.printed else ""
        printed, status = await asyncio.to_thread(self.in_shell, text, self.stdin_of(text))
        is_refused = any(line.startswith("error: ") for line in command.printed)
        if bool(status) != is_refused:
            return f"it ended with {status}:\n{printed[-1500:]}"
        return self.compare(command, printed) if command.is_compared else ""

    def install(self) -> None:
        link = self.home / ".cargo" / "bin" / "toolvault"
        if not link.exists():
            link.symlink_to(Path(server.BINARY).resolve())

    def stdin_of(self, text: str) -> str:
        """The standard input for a command that asks, unless the page redirects its input."""
        if "|" in text or "<" in text:
            return ""
        return next((answer for command, answer in ANSWERS.items() if re.search(command, text)), "")

    def in_shell(self, text: str, stdin: str) -> tuple[str, int]:
        """Runs a command in the page's shell, so that exports persist; returns its output and its status."""
        script, given, output = (self.home.parent / f"{self.home.name}.{kind}" for kind in ("sh", "in", "out"))
        script.write_text(text + "\n")
        given.write_text(stdin)
        ours, theirs = os.openpty()
        if CONFIRMED.search(text):
            os.write(ours, b"y\n")
            given = os.ttyname(theirs)
        self.shell.stdin.write(f"source '{script}' <'{given}' >'{output}' 2>&1; echo \"$?\"\n")
        self.shell.stdin.flush()
        status = self.shell.stdout.readline()
        os.close(ours)
        os.close(theirs)
        return output.read_text(errors="replace"), int(status or -1)

    async def serve(self, text: str) -> str:
        """Starts the server on a terminal, in the shell's folder and environment; returns its output until it is ready."""
        self.stop()
        variables, _ = self.in_shell("env -0; pwd", "")
        *settings, folder = variables.split("\0")
        environment = dict(setting.split("=", 1) for setting in settings)
        ours, theirs = os.openpty()
        with (self.home / "serve.log").open("ab") as log:
            self.serving = subprocess.Popen(
                ["bash", "-c", f"exec env {text}"],
                cwd=folder.strip(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=log,
            )
        os.close(theirs)
        os.set_blocking(ours, False)
        await self.until_ready()
        try:
            self.terminal = os.read(ours, 65_536).replace(b"\r\n", b"\n")
        except OSError:
            self.terminal = b""
        return self.terminal.decode()

    async def until_ready(self) -> None:
        began = time.monotonic()
        client = Client(self.port)
        try:
            while time.monotonic() < began + 30 and self.serving.poll() is None:
                try:
                    if (await client.request("GET", "/readyz")).status == 200:
                        return
                except Lost:
                    return  # it speaks TLS
                except Unreachable:
                    pass
                await asyncio.sleep(0.02)
        finally:
            client.close()
        raise RuntimeError(f"the server of {self.path.name} is not ready: {self.log()[-1500:]}")

    def log(self) -> str:
        return (self.home / "serve.log").read_text(errors="replace")

    def stop(self) -> None:
        if self.serving and self.serving.poll() is None:
            self.serving.send_signal(signal.SIGTERM)
            self.serving.wait(60)

    def real(self, text: str) -> str:
        """A command of the page, with its placeholders replaced."""
        for shown, meant in self.meanings.items():
            text = text.replace(shown, meant)
        text = text.replace("/home/me", str(self.home)).replace("8710", str(self.port))
        if self.database:
            text = text.replace("postgres://toolvault@localhost/toolvault", self.database)
        return text

    def shown(self, text: str) -> list[str]:
        """The output as the page would show it."""
        text = text.replace(str(self.home), "/home/me").replace(str(self.port), "8710")
        return comparable(text.splitlines())

    def compare(self, command: Command, printed: str) -> str:
        found = self.shown(printed)
        pattern, names = "", []
        for line in comparable(command.printed):
            pattern += r"(?:.*\n)*?" if line == "…" else self.pattern(line, names) + r"\n"
        match = re.fullmatch(pattern, "".join(line + "\n" for line in found))
        if not match:
            return "it printed:\n" + "\n".join(found)
        for number, name in enumerate(names):
            self.meanings.setdefault(name, match[number + 1])
        return ""

    def pattern(self, line: str, names: list[str]) -> str:
        pattern, end = "", 0
        for varying in VARYING.finditer(line):
            pattern += re.escape(line[end : varying.start()])
            end = varying.end()
            if varying["time"]:
                pattern += r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|\+00:00)?"
            elif varying["any"]:
                pattern += ".*"
            elif varying["spaces"]:
                pattern += " +"
            elif varying["kept"] in self.meanings:
                pattern += re.escape(self.meanings[varying["kept"]])
            elif varying["kept"] in names:
                pattern += rf"\{names.index(varying['kept']) + 1}"
            else:
                names.append(varying["kept"])
                pattern += f"({KEPT[kind_of(varying['kept'])]})"
        return pattern + re.escape(line[end:])


def comparable(lines: list[str]) -> list[str]:
    """Lines without prompts and trailing spaces; lines of JSON with their members in order."""
    kept = [line.rstrip() for line in lines if not PROMPT.match(line)]
    return [in_order(line) if line.startswith("{") else line for line in kept]


def in_order(line: str) -> str:
    try:
        return json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False)
    except ValueError:
        return line


def kind_of(text: str) -> str:
    if text.startswith("tvk_"):
        return "tvk"
    return {36: "uuid", 64: "hash"}.get(len(text), "id")
