"""The files of examples/monitoring and examples/proxy: checked by promtool, compared with the metrics of a real server,
and run with real proxies before one."""

import json
import re
import subprocess
from pathlib import Path

import suite
from checks import Checks
from pages import ROOT
from server import Toolvault, free_port

MONITORING, PROXY = ROOT / "examples/monitoring", ROOT / "examples/proxy"
NAME = "vault.example.com"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "me", "version": "1"}},
}


def run(*words: str | Path, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run([*map(str, words)], capture_output=True, text=True, **options)


def passes(checks: Checks, claim: str, *words: str | Path) -> str:
    done = run(*words)
    checks.that(claim, done.returncode == 0, f"{done.returncode}: {done.stdout[-900:]}{done.stderr[-900:]}")
    return done.stdout


async def body(checks: Checks, folder: Path) -> None:
    passes(checks, "promtool accepts the configuration", "promtool", "check", "config", MONITORING / "prometheus.yaml")
    passes(checks, "promtool accepts the alarms", "promtool", "check", "rules", MONITORING / "alerts.yaml")
    passes(checks, "each alarm is raised, and only in trouble", "promtool", "test", "rules", ROOT / "tests/operations/alerts.test.yaml")
    rules = (MONITORING / "alerts.yaml").read_text()
    alarms = re.findall(r"alert: (\w+)", rules)
    page = (ROOT / "docs/operations.md").read_text()
    checks.none("docs/operations.md explains each alarm", [name for name in alarms if f"| `{name}` |" not in page])

    metrics_port, https_port = free_port(), free_port()
    toolvault = Toolvault(
        folder / "server",
        metrics_listen=f"127.0.0.1:{metrics_port}",
        trusted_proxies='["127.0.0.1/32"]',
        gateway__public_url=f"https://{NAME}:{https_port}",
    )
    configuration = folder / "server/configuration/toolvault/toolvault.toml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(f'[gateway.servers.issues]\ncommand = ["python3", "{ROOT}/examples/issues.py"]\n')
    await toolvault.serve()
    try:
        key = toolvault.first_keys()["operator_key"]
        await use(toolvault, key)
        exported = run("curl", "--silent", f"http://127.0.0.1:{metrics_port}/metrics").stdout
        told = set(re.findall(r"^(toolvault_\w+)", exported, re.MULTILINE))
        dashboard = json.loads((MONITORING / "dashboard.json").read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        asked = set(re.findall(r"toolvault_\w+", " ".join([rules, *queries])))
        checks.that("alarms and dashboard ask for metrics", len(asked) > 8, asked)
        checks.none("the server has each of them", sorted(asked - told))
        panels = folder / "panels.yaml"
        records = [{"record": f"panel:{n}", "expr": query.replace("$__rate_interval", "1m")} for n, query in enumerate(queries)]
        panels.write_text(json.dumps({"groups": [{"name": "panels", "rules": records}]}))
        passes(checks, "promtool accepts each query of the dashboard", "promtool", "check", "rules", panels)
        proxies(checks, folder, toolvault, https_port, key)
        direct = f"http://127.0.0.1:{toolvault.port}/v1/secrets"
        run("curl", "--silent", "--header", "x-forwarded-for: 192.0.2.8", "--header", "x-api-key: wrong", direct)
    finally:
        await toolvault.stop()
    trail = (await toolvault.command("audit", "export")).stdout.decode()
    checks.that("the trail has the address that a trusted proxy adds", "192.0.2.8" in trail, trail[:900])
    checks.that("but not one that its client claims", "192.0.2.7" not in trail, trail[:900])


async def use(toolvault: Toolvault, key: str) -> None:
    """Some of each, because a counter with labels appears with its first event."""
    operator, wrong = toolvault.client(key), toolvault.client("tvk_wrong")
    await operator.request("GET", "/v1/secrets")
    await operator.request("POST", "/v1/tools/anything/resolve", {"args": {}})
    await wrong.request("GET", "/v1/secrets")
    operator.close()
    wrong.close()


def proxies(checks: Checks, folder: Path, toolvault: Toolvault, port: int, key: str) -> None:
    certificate, private = folder / f"{NAME}.crt", folder / f"{NAME}.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
        f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", private, "-out", certificate, check=True)  # fmt: skip

    def adapted(name: str) -> str:
        text = (PROXY / name).read_text().replace("8710", str(toolvault.port)).replace("/etc/ssl/", f"{folder}/")
        return text.replace("listen 443", f"listen {port}").replace(f"{NAME} {{", f"{NAME}:{port} {{")

    site = folder / "site.conf"
    site.write_text(adapted("nginx.conf"))
    nginx = folder / "nginx.conf"
    nginx.write_text(f"daemon on; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
                     f"events {{}}\nhttp {{ access_log off; include {site}; }}\n")  # fmt: skip
    caddy = folder / "Caddyfile"
    caddy.write_text(f"{{\n\tadmin unix/{folder}/caddy.sock\n\tauto_https off\n}}\n{adapted('Caddyfile')}")
    # Both commands return when the proxy listens.
    begin = ["nginx", "-c", nginx, "-p", folder]
    around = [
        ("nginx", begin, [*begin, "-s", "quit"]),
        ("caddy", ["caddy", "start", "--config", caddy, "--adapter", "caddyfile"],
         ["caddy", "stop", "--address", f"unix/{folder}/caddy.sock"]),
    ]  # fmt: skip
    for name, start, stop in around:
        with (folder / f"{name}.out").open("w") as log:
            started = subprocess.run([*map(str, start)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        checks.that(f"{name} starts with its file", started.returncode == 0, (folder / f"{name}.out").read_text()[-900:])
        curl = ["curl", "--silent", "--show-error", "--cacert", certificate, "--resolve", f"{NAME}:{port}:127.0.0.1"]
        url = f"https://{NAME}:{port}"
        ready = run(*curl, f"{url}/readyz")
        checks.that(f"{name}: the server is ready behind it", '"ready"' in ready.stdout, ready.stderr)
        listed = run(*curl, "--header", f"x-api-key: {key}", f"{url}/v1/secrets")
        checks.that(f"{name}: the API works", '"total":0' in listed.stdout, listed)
        headers = ["--header", f"authorization: Bearer {key}", "--header", "content-type: application/json",
                   "--header", "accept: application/json, text/event-stream"]  # fmt: skip
        session = run(*curl, *headers, "--data", json.dumps(INITIALIZE), f"{url}/mcp/issues")
        checks.that(f"{name}: the gateway answers", '"serverInfo"' in session.stdout, session)
        # The trail must not have this address: only what the proxy adds counts.
        run(*curl, "--header", "x-forwarded-for: 192.0.2.7", "--header", f"x-api-key: wrong-{name}", f"{url}/v1/secrets")
        passes(checks, f"{name} stops", *stop)


suite.run(body)
