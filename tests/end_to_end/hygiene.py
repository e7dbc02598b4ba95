"""Canary values through every operation with trace logging: they occur only in answers of resolve."""

import json
import random
from pathlib import Path
from urllib.parse import quote

import isolation
import suite
from canaries import MARKS, Canary, leaks, leaks_in_files
from checks import Checks
from postgres import Postgres
from server import Toolvault

SECRETS = "/v1/secrets/"
TRACE = "trace,sqlx=trace,hyper=trace,hyper_util=trace,h2=trace,tower=trace,rustls=trace"


class Run:
    """One server, the canaries that it received, and its output."""

    def __init__(self, engine: str, server: Toolvault) -> None:
        self.engine = engine
        self.server = server
        self.canaries: list[Canary] = []
        self.leaks: list[str] = []
        self.client = None

    def new(self, purpose: str, length: int = 0) -> Canary:
        canary = Canary(purpose, length)
        self.canaries.append(canary)
        return canary

    async def ask(self, method: str, path: str, body=None, headers=None, statuses=(200,)):
        """Sends a request whose answer must not contain a canary."""
        answer = await self.client.request(method, path, body, headers)
        said = repr(answer.headers).encode() + answer.body
        self.leaks += leaks(self.canaries, f"the answer to {method} {path[:40]}", said)
        if answer.status not in statuses:
            self.leaks.append(f"{method} {path[:60]} was answered {answer.status}, so it proves nothing")
        return answer

    async def resolved(self, identifier: str, canary: Canary) -> bool:
        """Whether resolve returns the value."""
        call = {"args": {}, "bindings": {"token": f"secret:///id/{identifier}"}}
        answer = await self.client.request("POST", "/v1/tools/hygiene__x/resolve", call)
        self.leaks += leaks(self.canaries, "the headers of a resolve", repr(answer.headers).encode())
        return answer.status == 200 and answer.json()["args"] == {"token": canary.value}


def secret(value: object, **more: object) -> dict:
    return {"secret_name": "hygiene", "secret_value": value, "tool_name": "hygiene__*", "tool_arg": "token"} | more


async def good_operations(checks: Checks, run: Run) -> None:
    created, patched, put = run.new("created"), run.new("patched"), run.new("put", 5000)
    made = await run.ask("POST", SECRETS, secret(created.value), {"idempotency-key": "hygiene"})
    await run.ask("POST", SECRETS, secret(created.value), {"idempotency-key": "hygiene"})
    identifier = made.json()["secret_id"]
    values = [await run.resolved(identifier, created)]
    await run.ask("PATCH", SECRETS + identifier, {"secret_value": patched.value})
    values.append(await run.resolved(identifier, patched))
    await run.ask("PUT", f"{SECRETS}{identifier}/value", put.value.encode())
    values.append(await run.resolved(identifier, put))
    await run.ask("PUT", f"{SECRETS}{identifier}/value", {"secret_value": patched.value})
    checks.that("resolve returns each value", all(values), values)
    explain = {"args": {"other": created.value}, "bindings": {"token": f"secret:///id/{identifier}"}}
    await run.ask("POST", "/v1/tools/hygiene__x/explain", explain)
    await run.ask("POST", "/v1/explain", {"calls": [explain | {"tool_name": "hygiene__x"}] * 2})
    for path in ("", identifier, "?q=hyg", "?limit=1"):
        await run.ask("GET", SECRETS + path)
    passing = run.new("an argument of a model")
    call = {"args": {"text": passing.value, "nested": {"x": [passing.value]}}, "bindings": {"token": "secret://hygiene"}}
    answer = await run.client.request("POST", "/v1/tools/hygiene__x/resolve", call)
    checks.that("arguments of a model pass through", answer.status == 200 and passing.token in answer.body.decode())
    gone = (await run.ask("POST", SECRETS, secret(created.value, secret_name="gone"))).json()["secret_id"]
    await run.ask("DELETE", SECRETS + gone)
    for path in ("/v1/audit?limit=1000", "/v1/me", "/v1/usage", "/v1/keys", "/v1/users", "/metrics", "/openapi.json"):
        await run.ask("GET", path)


async def bad_operations(run: Run) -> None:
    canary = run.new("refused")
    value, token = canary.value, canary.token
    existing = (await run.ask("GET", f"{SECRETS}?limit=1")).json()["data"][0]["secret_id"]
    bad_fields = (
        {"secret_value": value},
        secret([value]),
        secret({value: value}),
        secret(value + "\0"),
        secret(value * 40),
        secret(value, is_default_for_tool=value),
        secret(value, tool_arg=[value]),
        secret(value, secret_name=None),
        {token: value},
        [value],
        value,
    )
    for body in bad_fields:
        await run.ask("POST", SECRETS, body, statuses=(422,))
    await run.ask("POST", SECRETS, secret(value)["secret_value"].encode(), statuses=(415,))
    await run.ask("PATCH", SECRETS + existing, {"secret_value": value * 40}, statuses=(422,))
    await run.ask("PATCH", SECRETS + existing, {"secret_value": value}, {"if-match": '"other"'}, statuses=(412,))
    json_type = {"content-type": "application/json"}
    for text in (f'{{"secret_value": "{token}', f'{{"secret_value": "{token}" x}}', f"{token}", f'{{"a": NaN, "b": "{token}"}}'):
        await run.ask("POST", SECRETS, text.encode(), json_type, statuses=(422,))
    for raw in (token.encode() + b"\xff", b"[" * 5000 + token.encode(), token.encode("utf-16")):
        await run.ask("POST", SECRETS, raw, json_type, statuses=(400,))
    await run.ask("PUT", f"{SECRETS}{existing}/value", token.encode() + b"\xff", statuses=(400, 422))
    await run.ask("PUT", f"{SECRETS}{existing}/value", token.encode() * 3000, statuses=(413, 422))
    await run.ask("POST", SECRETS, secret("x" * 300_000 + token), statuses=(413,))
    await run.ask("GET", SECRETS + token, statuses=(422,))
    await run.ask("GET", f"{SECRETS}?limit={token}", statuses=(422,))
    await run.ask("GET", f"{SECRETS}?secret_value={quote(value)}&token={token}")
    await run.ask("GET", f"/v1/{token}", statuses=(404,))
    for body in ({"args": {}, "bindings": {"token": value}}, {"args": value}, {"args": {}, "accepts": value}):
        await run.ask("POST", "/v1/tools/hygiene__x/resolve", body, statuses=(422,))
    unusable = {"args": {"a": value}, "bindings": {"token": "secret://nobody"}}
    await run.ask("POST", "/v1/tools/hygiene__x/resolve", unusable, statuses=(409,))
    for name in ("x-api-key", "authorization", "token"):
        for credential in (token, f"Bearer {token}", f"Basic {token}", f"tvk_{token[:8]}_{token * 3}"[:61]):
            await run.ask("GET", "/v1/me", headers={name: credential}, statuses=(401,))
    await run.ask("GET", "/v1/me", headers={"x-unknown": value.replace("ü", "u"), "cookie": token})


async def commands(checks: Checks, run: Run, key: str) -> None:
    """`toolvault secret` reads values from standard input; while it waits, its process shows none."""
    created, changed, refused = run.new("created by command"), run.new("set by command"), run.new("refused by command")
    said, statuses = [], []

    async def command(*words: str, canary: Canary | None = None, api_key: str = key) -> None:
        done = await run.server.command(*words, stdin=(canary.value + "\n").encode() if canary else b"", api_key=api_key)
        said.append(done.stdout + done.stderr)
        statuses.append(done.returncode)

    await command("secret", "create", "by-command", "--tool", "hygiene__*", "--arg", "token", "--json", canary=created)
    await command("secret", "set", "by-command", "--value-file", "-", canary=changed)
    await command("secret", "create", "by-command", "--value-file", "-", canary=refused, api_key=key[:-1] + "_")
    await command("secret", "set", "no-such-secret", canary=refused)
    await command("secret", "create", refused.value, "--no-such-flag")
    for words in (("secret", "list"), ("secret", "show", "by-command"), ("explain", "hygiene__x"), ("audit", "tail"), ("doctor",)):
        await command(*words)
    # The server cannot hide what the caller puts on the command line, so that canary is excluded for the last refusal.
    del said[4]
    checks.that("the commands did what they should", statuses[:5] == [0, 0, 1, 1, 1], (statuses, said[:4]))
    run.leaks += leaks(run.canaries, "what a command printed", b"".join(said))
    identifier = json.loads(said[0])["secret_id"]
    checks.that("what was set by command is what resolve returns", await run.resolved(identifier, changed))


def process_shows(run: Run) -> list[str]:
    """Canaries in what the system reveals about the server's process."""
    folder, found = Path("/proc", str(run.server.process.pid)), []
    for name in ("cmdline", "environ", "comm", "status", "limits"):
        try:
            found += leaks(run.canaries, f"/proc/…/{name}", (folder / name).read_bytes())
        except PermissionError:
            pass
    return found


async def through(checks: Checks, run: Run, folder: Path) -> None:
    server = run.server
    await server.serve()
    keys = server.first_keys()
    run.client = server.client(keys["operator_key"])
    await good_operations(checks, run)
    await bad_operations(run)
    made = await run.client.request("POST", "/v1/keys", {"name": "canary", "scopes": ["manage"]})
    held = {"the operator's key": keys["operator_key"], "the agent's key": keys["agent_key"], "a new key": made.json()["key"]}
    await commands(checks, run, keys["operator_key"])
    run.client.close()
    run.canaries += [Canary.of(name, key.split("_")[2]) for name, key in held.items()]
    run.canaries.append(Canary.of("the root key", server.root_key.read_text().strip()))
    checks.none(f"no answer and no output of a command shows a value, on {run.engine}", run.leaks)
    checks.none(f"the process shows none, on {run.engine}", process_shows(run))
    excepted = (server.first_keys_file, server.root_key)
    checks.none(f"no file shows one while it runs, on {run.engine}", leaks_in_files(run.canaries, folder, *excepted))
    log = server.log.read_bytes()
    checks.that("more than requests was logged, statements too", b'"DEBUG"' in log and b"sqlx::query" in log, log[-300:])
    await server.stop()
    checks.none(f"no file shows one afterwards, on {run.engine}", leaks_in_files(run.canaries, folder, *excepted))


def the_scan_can_fail(checks: Checks, folder: Path) -> None:
    """A planted canary is found in every encoding."""
    canary = Canary("planted")
    planted = folder / "planted"
    missed = []
    for encoding, needle in canary.needles().items():
        planted.write_bytes(random.randbytes(100) + needle + random.randbytes(100))
        if not leaks_in_files([canary], folder):
            missed.append(encoding)
    text = json.dumps({"x": canary.value}) + quote(canary.value)
    checks.none("control: a planted canary is found in every encoding", missed)
    checks.that("control: also in JSON and in a URL", leaks([canary], "text", text.encode()) and MARKS not in text)


async def hygiene(checks: Checks, folder: Path) -> None:
    (folder / "control").mkdir()
    the_scan_can_fail(checks, folder / "control")
    postgres = Postgres()
    postgres.find()
    # SQL statements with all their parameters.
    postgres.query("ALTER SYSTEM SET log_statement = 'all'")
    postgres.query("SELECT pg_reload_conf()")
    for engine in ("sqlite", "postgres"):
        settings = {"database_url": postgres.new_database("hygiene")} if engine == "postgres" else {}
        run = Run(engine, Toolvault(folder / engine, log=TRACE, **settings))
        try:
            await through(checks, run, folder / engine)
        finally:
            run.server.kill()
        if engine == "postgres":
            postgres.query("CHECKPOINT")
            written = leaks_in_files(run.canaries, postgres.data.parent)
            checks.none("no file of PostgreSQL shows one, its log of all statements included", written)
            log = (postgres.data.parent / "server.log").read_bytes()
            checks.that("PostgreSQL logged the statements", b"INSERT INTO" in log and b"parameters:" in log)
    await isolation.isolated(checks, folder)


if __name__ == "__main__":
    suite.run(hygiene)
