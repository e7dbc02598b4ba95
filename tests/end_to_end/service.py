"""`toolvault init` makes services: one of a user, who had neither store nor key, and one of the system."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import suite
from checks import Checks
from machine import Machine
from pages import ROOT
from server import BINARY

UID = 4711
KEYS = 2  # the first keys of a store


class Person:
    """A user of the machine whose systemd runs."""

    def __init__(self, machine: Machine, program: Path) -> None:
        self.machine, self.program = machine, program
        self.as_root(f"useradd --create-home --uid {UID} ann && systemctl start dbus.socket user@{UID}.service")

    def as_root(self, text: str) -> subprocess.CompletedProcess:
        return subprocess.run([*self.machine.enter(), "bash", "-c", text], capture_output=True, text=True)

    def run(self, text: str, **variables: str) -> subprocess.CompletedProcess:
        path = f"{self.program.parent}:/usr/bin:/bin"
        variables = {"HOME": "/home/ann", "XDG_RUNTIME_DIR": f"/run/user/{UID}", "PATH": path} | variables
        words = ["env", "--ignore-environment", *(f"{name}={value}" for name, value in variables.items())]
        who = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--init-groups"]
        return self.as_root(shlex.join([*who, *words, "bash", "-c", f"cd /home/ann && {text}"]))


async def body(checks: Checks, folder: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn"):
        refused = subprocess.run([BINARY, "init", "--system", "--yes"], capture_output=True, text=True)
        checks.that("only root makes a service of the system", refused.returncode == 1, refused.stderr)
        print("skip    the services: they need root and systemd-nspawn", flush=True)
        return
    shared = folder / "shared"
    shared.mkdir()
    folder.chmod(0o755)
    program = shared / "toolvault"
    shutil.copy(BINARY, program)
    shutil.copy(ROOT / "examples/issues.py", shared)
    client = {"mcpServers": {"issues": {"command": "issues", "args": []}}}
    (shared / "mcp.json").write_text(json.dumps(client))
    with Machine(shared) as machine:
        of_user(checks, Person(machine, program), shared)
    with Machine(shared) as machine:
        of_system(checks, Person(machine, program))


def removal(checks: Checks, first: str) -> str:
    """The commands of the page about uninstalling in the block that begins with `first`."""
    _, _, page = (ROOT / "docs/how-to/uninstall.md").read_text().partition(f"$ {first}")
    commands = [line.removeprefix("$ ") for line in f"{first}{page}".partition("```")[0].splitlines()]
    checks.that(f"the page says: {first}", len(commands) > 2, commands)
    return " && ".join(commands)


def of_user(checks: Checks, ann: Person, shared: Path) -> None:
    # The server is started by a name that only the person's own PATH finds.
    script = f"#!/bin/sh\nexec python3 {shared}/issues.py\n"
    program = f"mkdir bin project && printf {shlex.quote(script)} >bin/issues && chmod +x bin/issues"
    prepared = ann.run(f"{program} && cp {shared}/mcp.json project/.mcp.json")
    checks.that("a client is there", prepared.returncode == 0, prepared.stderr)
    path = f"/home/ann/bin:{shared}:/usr/bin:/bin"
    asked = ann.run("toolvault init </dev/null")
    checks.that("without a terminal and --yes, no service is made", asked.returncode == 1 and "--yes" in asked.stderr, asked.stderr)
    left = ann.run("find . -name toolvault.service -o -name '*.db'")
    checks.that("and no store", left.stdout == "", left.stdout)
    refused = ann.run("toolvault init --yes", TOOLVAULT_LISTEN="127.0.0.1:8711")
    is_told = refused.returncode == 1 and "TOOLVAULT_LISTEN is set here" in refused.stderr
    checks.that("a setting that the service would not have is refused", is_told, refused.stderr)

    made = ann.run("cd project && toolvault init --yes", PATH=path)
    checks.that("init makes the service and takes over a client", made.returncode in (0, 1), made.stderr)
    lingers = ann.as_root("test -e /var/lib/systemd/linger/ann").returncode == 0
    is_told = "sudo loginctl enable-linger ann" in made.stdout
    checks.that("it starts with the machine, or init tells how", lingers != is_told, made.stdout)
    checks.that("and tests the server, whose program it finds", "get_issue" in made.stdout, made.stdout + made.stderr)
    checks.that("and says what to restart", "Restart to use the gateway: Claude Code" in made.stdout, made.stdout)
    listed = ann.run("toolvault key list --json")
    keys = [key["name"] for key in json.loads(listed.stdout or "[]")]
    checks.that("the store has its first keys, and one of the client", len(keys) == KEYS + 1, listed.stdout + listed.stderr)
    stored = ann.run("echo a-token-of-issues | toolvault secret create t --tool 'issues__*' --arg api_token --default")
    checks.that("commands have a profile", stored.returncode == 0, stored.stderr)
    verified = ann.run("systemd-analyze --user verify --man=no ~/.config/systemd/user/toolvault.service")
    checks.that("the unit is correct", (verified.returncode, verified.stderr) == (0, ""), verified.stderr)
    again = ann.run("toolvault init --service")
    checks.that("a second server is refused", again.returncode == 1 and "runs already" in again.stderr, again.stderr)

    # As a restart of the machine does for a user who lingers.
    ann.as_root(f"systemctl stop user@{UID}.service")
    gone = ann.run("toolvault ready")
    checks.that("it ends with the user's systemd", gone.returncode == 2, gone.stdout + gone.stderr)
    ann.as_root(f"systemctl start user@{UID}.service")
    ann.run("systemctl --user start default.target")
    ready = ann.run("toolvault ready && toolvault secret list")
    checks.that("and starts with it, on the same store", ready.stdout.startswith("ready") and "issues__*" in ready.stdout, ready.stderr)
    reloaded = ann.run("systemctl --user reload toolvault && systemctl --user is-active toolvault")
    checks.that("a reload is heard", reloaded.stdout == "active\n", reloaded.stderr)

    removed = ann.run(removal(checks, "systemctl --user disable"))
    gone = ann.run("toolvault ready")
    checks.that("and removes it", (removed.returncode, gone.returncode) == (0, 2), removed.stderr)
    own = ann.run("mkdir -p .config/systemd/user && echo '# mine' >.config/systemd/user/toolvault.service; toolvault init --yes")
    checks.that("a unit that a person wrote is left", own.returncode == 1 and "was not written by" in own.stderr, own.stderr)


def of_system(checks: Checks, ann: Person) -> None:
    refused = ann.run("toolvault init --system --yes")
    checks.that("only root makes a service of the system", refused.returncode == 1 and "sudo" in refused.stderr, refused.stderr)
    init = f"{ann.program} init --system"
    asked = ann.as_root(f"{init} </dev/null")
    checks.that("it asks", asked.returncode == 1 and "/etc/toolvault/root.key" in asked.stdout, asked.stdout + asked.stderr)
    made = ann.as_root(f"{init} --yes")
    checks.that("it is made", made.returncode == 0, made.stderr)
    ready = ann.as_root("toolvault ready && ps -o user= -C toolvault && systemctl is-enabled toolvault")
    checks.that("and runs as its own user, also after a restart", ready.stdout == "ready\ntoolvault\nenabled\n", ready.stdout + ready.stderr)
    verified = ann.as_root("systemd-analyze verify --man=no toolvault.service")
    checks.that("the unit is correct", (verified.returncode, verified.stderr) == (0, ""), verified.stderr)
    keys = ann.as_root("grep -c =tvk_ /var/lib/toolvault/first-keys")
    checks.that("the first keys are in a file", keys.stdout == f"{KEYS}\n", keys.stderr)
    modes = ann.as_root("stat --format '%n %a %U %G' /etc/toolvault /etc/toolvault/root.key /usr/local/bin/toolvault")
    expected = "/etc/toolvault 750 root toolvault\n/etc/toolvault/root.key 600 root root\n/usr/local/bin/toolvault 755 root root\n"
    checks.that("each file is readable where it must be only", modes.stdout == expected, modes.stdout)
    key = ann.as_root("cat /etc/toolvault/root.key").stdout
    again = ann.as_root(f"{init} --yes && toolvault ready && cat /etc/toolvault/root.key")
    checks.that("a second time changes no key", again.stdout.endswith(f"ready\n{key}") and len(key) > 1, again.stderr)
    removed = ann.as_root(removal(checks, "systemctl disable"))
    left = ann.as_root("find / -xdev -name '*toolvault*' -path '*etc*'; pgrep -u toolvault; command -v toolvault")
    checks.that("and removes it", (removed.returncode, left.stdout) == (0, ""), removed.stderr + left.stdout)


suite.run(body)
