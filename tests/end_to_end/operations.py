"""The files of examples/monitoring, examples/proxy and examples/rsyslog: checked by promtool, compared with the metrics of
a real server, run with real proxies before one, and with a real rsyslog that gets its audit records."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import suite
from certificates import make_certificate
from checks import Checks
from pages import ROOT
from server import Toolvault, free_port

MONITORING, PROXY, RSYSLOG = (ROOT / "examples" / name for name in ("monitoring", "proxy", "rsyslog"))
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
    backups = folder / "backups"
    backups.mkdir()
    configuration.write_text(f'[backup]\nevery = "24h"\nkeep = 1\ndirectory = "{backups}"\n'
                             f'[gateway.servers.issues]\ncommand = ["python3", "{ROOT}/examples/issues.py"]\n')  # fmt: skip
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
    await syslog(checks, folder / "syslog")


async def use(toolvault: Toolvault, key: str) -> None:
    """Some of each, because a counter with labels appears with its first event."""
    operator, wrong = toolvault.client(key), toolvault.client("tvk_wrong")
    await operator.request("GET", "/v1/secrets")
    await operator.request("POST", "/v1/tools/anything/resolve", {"args": {}})
    await wrong.request("GET", "/v1/secrets")
    operator.close()
    wrong.close()


async def syslog(checks: Checks, folder: Path) -> None:
    """rsyslog starts later than the server, and is stopped and started again."""
    folder.mkdir()
    port, certificate, records = free_port(), folder / "tls.crt", folder / "toolvault-audit.json"
    make_certificate("DNS:localhost", certificate, folder / "tls.key")
    configuration = folder / "rsyslog.conf"
    text = (RSYSLOG / "toolvault.conf").read_text().replace("/etc/rsyslog/", f"{folder}/").replace("/var/log/", f"{folder}/")
    configuration.write_text(text.replace("6514", str(port)))
    libraries = Path(os.environ["TOOLVAULT_TEST_RSYSLOG"])
    command = ["env", f"LD_LIBRARY_PATH={libraries}", "rsyslogd", "-n", "-f", configuration, "-i", folder / "pid",
               "-M", libraries / "rsyslog"]  # fmt: skip
    toolvault = Toolvault(
        folder / "server",
        audit__ship__url=f"syslog+tls://localhost:{port}",
        audit__ship__allow_private_network="true",
        audit__ship__ca_file=str(certificate),
    )
    await toolvault.serve()
    try:
        for number in range(2):
            with proxy(folder, port, *command):
                for name in range(10):
                    await toolvault.command("user", "create", f"user-{number}-{name}")
                last = json.loads((await toolvault.command("audit", "verify", "--json")).stdout)["records"]
                received = received_until(last, records)
    finally:
        await toolvault.stop()
    complete = list(range(1, last + 1))
    checks.that("rsyslog has every audit record", sorted(set(received)) == complete, received[-9:])


def received_until(last: int, records: Path) -> list[int]:
    """The sequences of the records in the file, as soon as it has the last one."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        lines = records.read_text().splitlines(keepends=True) if records.exists() else []
        sequences = [json.loads(line)["record"]["sequence"] for line in lines if line.endswith("\n")]
        if last in sequences:
            return sequences
        time.sleep(0.05)
    raise RuntimeError(f"the record {last} does not arrive")


@contextmanager
def proxy(folder: Path, port: int, *words: str | Path) -> Iterator[subprocess.Popen]:
    """Runs a proxy that keeps its files in the folder, from when it listens to its end."""
    log = folder / f"{words[0]}.log"
    environment = os.environ | {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with log.open("w") as file:
        process = subprocess.Popen([*map(str, words)], env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        until = time.monotonic() + 30
        while not listens(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{words[0]} does not listen: {log.read_text()[-1500:]}")
            time.sleep(0.01)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def proxies(checks: Checks, folder: Path, toolvault: Toolvault, port: int, key: str) -> None:
    certificate, private = folder / f"{NAME}.crt", folder / f"{NAME}.key"
    make_certificate(f"DNS:{NAME}", certificate, private)

    def adapted(name: str) -> str:
        text = (PROXY / name).read_text().replace("8710", str(toolvault.port)).replace("/etc/ssl/", f"{folder}/")
        return text.replace("listen 443", f"listen {port}").replace(f"{NAME} {{", f"{NAME}:{port} {{")

    site = folder / "site.conf"
    site.write_text(adapted("nginx.conf"))
    nginx = folder / "nginx.conf"
    kept = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    nginx.write_text(f"daemon off; pid {folder}/nginx.pid; error_log stderr;\n"
                     f"events {{}}\nhttp {{ access_log off; {kept} include {site}; }}\n")  # fmt: skip
    caddy = folder / "Caddyfile"
    caddy.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{adapted('Caddyfile')}")
    commands = ["nginx", "-c", nginx, "-p", folder], ["caddy", "run", "--config", caddy, "--adapter", "caddyfile"]
    for name, *words in commands:
        with proxy(folder, port, name, *words) as process:
            ask(checks, folder, name, port, key)
        checks.that(f"{name} ends without an error", process.returncode == 0, process.returncode)


def ask(checks: Checks, folder: Path, name: str, port: int, key: str) -> None:
    curl = ["curl", "--silent", "--show-error", "--cacert", folder / f"{NAME}.crt", "--resolve", f"{NAME}:{port}:127.0.0.1"]
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
    forged = run(*curl, "--header", "x-forwarded-for: 192.0.2.7", "--header", f"x-api-key: wrong-{name}",
                 "--write-out", "%{http_code}", f"{url}/v1/secrets")  # fmt: skip
    checks.that(f"{name}: a wrong key is refused", forged.stdout.endswith("401"), forged)


suite.run(body)
