"""What scripts/release makes is installed and used: the package, the image, the chart, manual pages and completions.

    install.py RELEASE HELM KUBERNETES_VALIDATE
"""

import filecmp
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import suite
from checks import Checks
from machine import Machine
from pages import ROOT, Page
from server import Toolvault

GLIBC = (2, 34)  # of RHEL 9, Ubuntu 22.04; Debian 12 has a later one
WORST_EXPOSURE = 25  # tenths, as `systemd-analyze security` counts
RELEASE, HELM, VALIDATE = sys.argv[1:4]
# How the pods of the chart reach each other, if there are several.
POD = "$(POD_NAME).vault-pods.default.svc:8710"
ADDRESSES = {
    "with several pods": {"TOOLVAULT_REPLICA__URL": f"http://{POD}"},
    "with everything": {"TOOLVAULT_REPLICA__URL": f"https://{POD}", "TOOLVAULT_REPLICA__CA_FILE": "/run/secrets/tls/ca.crt"},
}


def run(*words: str | Path, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run([*map(str, words)], capture_output=True, text=True, **options)


def passes(checks: Checks, claim: str, *words: str | Path, **options: object) -> str:
    done = run(*words, **options)
    checks.that(claim, done.returncode == 0, f"{done.returncode}: {done.stdout[-700:]}{done.stderr[-700:]}")
    return done.stdout


async def body(checks: Checks, folder: Path) -> None:
    release, again = folder / "release", folder / "again"
    for target in (release, again):
        passes(checks, f"a release is made in {target.name}/", RELEASE, target)
    own = folder / "own"
    own.mkdir()
    (own / "file").write_text("mine")
    refused = run(RELEASE, own)
    kept = (own / "file").read_text() == "mine"
    checks.that("a folder with other files is refused, and stays", refused.returncode == 1 and kept, refused.stderr)
    found = sorted(path.name for path in (*release.iterdir(), *again.iterdir()))
    kinds = ["toolvault_*_amd64.deb", "*.oci.tar", "*-linux.tar.gz", "toolvault-chart-*.tgz", "*.cdx.json", "SHA256SUMS"]
    checks.none("it has one file of each kind", [kind for kind in kinds if len([*release.glob(kind)]) != 1])
    _, different, unknown = filecmp.cmpfiles(release, again, found, shallow=False)
    checks.none("both are equal", different + unknown)
    passes(checks, "the checksums are right", "sha256sum", "--check", "SHA256SUMS", cwd=release)
    bill = json.loads(one(release, "*.cdx.json").read_text())
    parts = {part["name"] for part in bill["components"]}
    checks.that("the bill of materials is CycloneDX and names dependencies", {"tokio", "aws-lc-rs"} < parts, len(parts))
    checks.that("no path of this machine is in it", str(ROOT) not in json.dumps(bill) and "/tmp/" not in json.dumps(bill))
    archive(checks, release, folder)
    chart(checks, release, folder)
    if os.geteuid() == 0 and shutil.which("systemd-nspawn"):
        await image(checks, release, folder)
        await package(checks, release, folder)
    else:
        print("skip    the image and the package: they need root and systemd-nspawn", flush=True)


def one(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def archive(checks: Checks, release: Path, folder: Path) -> None:
    """The binary's floor, the manual pages, and the completions in each shell."""
    with tarfile.open(one(release, "*-linux.tar.gz")) as tar:
        tar.extractall(folder, filter="data")
    unpacked = one(folder, "toolvault-*-linux")
    symbols = run("objdump", "-T", unpacked / "toolvault").stdout
    needed = max(tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", symbols))
    checks.that("the binary needs no newer C library", needed <= GLIBC, needed)
    pages = sorted((unpacked / "man").glob("*.1"))
    passes(checks, f"mandoc reads all {len(pages)} manual pages", "mandoc", "-T", "lint", "-W", "error", *pages)
    shown = passes(checks, "man shows one", "man", "--local-file", unpacked / "man" / "toolvault-backup.1")
    checks.that("with its flags", "--check" in shown, shown[:300])
    script = 'source "$1"; COMP_WORDS=(toolvault ba); COMP_CWORD=1; _toolvault toolvault ba toolvault; echo "${COMPREPLY[@]}"'
    bash = passes(checks, "bash reads its completions", "bash", "-c", script, "bash", unpacked / "completions/toolvault.bash")
    checks.that("and completes a command", bash.split() == ["backup"], bash)
    query = f"source {unpacked / 'completions/toolvault.fish'}; complete --do-complete 'toolvault ba'"
    fish = passes(checks, "fish reads its completions", "fish", "--no-config", "--command", query)
    checks.that("and completes a command there", fish.startswith("backup"), fish)
    names = 'source "$1"; COMP_WORDS=(toolvault secret show x); COMP_CWORD=3; _toolvault echo x show; echo "${COMPREPLY[@]}"'
    bash = passes(checks, "bash asks for names", "bash", "-c", names, "bash", unpacked / "completions/toolvault.bash")
    checks.that("of secrets that begin so", bash.split() == ["__secret-names", "x"], bash)
    passes(checks, "zsh reads its completions", "zsh", "--no-rcs", "-n", unpacked / "completions/_toolvault")


def chart(checks: Checks, release: Path, folder: Path) -> None:
    package = one(release, "toolvault-chart-*.tgz")
    settings = {
        "with its own database": "rootKey.secret=r",
        "with several pods": "rootKey.secret=r,database.secret=d,replicas=2",
        "with everything": "rootKey.secret=r,database.secret=d,tls.secret=t,tls.ca=ca.crt,replicas=3",
        "with metrics": "rootKey.secret=r,metrics=true",
    }
    for name, values in settings.items():
        passes(checks, f"helm lints the chart {name}", HELM, "lint", "--strict", package, "--set", values)
        rendered = folder / "objects.yaml"
        rendered.write_text(passes(checks, f"helm renders it {name}", HELM, "template", "vault", package, "--set", values))
        passes(checks, f"Kubernetes' schemas allow it {name}", VALIDATE, "--strict", rendered)
        text = rendered.read_text()
        names = dict(re.findall(r"- name: (TOOLVAULT_REPLICA__\w+)\n\s+value: (\S+)", text))
        checks.that(f"its pods have the addresses that they need {name}", names == ADDRESSES.get(name, {}), names)
        checks.that(f"and any pod gets any request {name}", "sessionAffinity" not in text)
        governing = re.search(r"serviceName: (\S+)", text)[1]
        checks.that(f"and a service names them {name}", f"kind: Service\nmetadata:\n  name: {governing}\n" in text, governing)
    for name, values, reason in [
        ("no root key", "replicas=1", "rootKey.secret"),
        ("replicas without a database", "rootKey.secret=r,replicas=2", "database.secret"),
    ]:
        refused = run(HELM, "template", "vault", package, "--set", values)
        checks.that(f"the chart refuses {name}", refused.returncode and reason in refused.stderr, refused.stderr[-300:])


async def image(checks: Checks, release: Path, folder: Path) -> None:
    """skopeo reads the image, umoci unpacks it, and crun runs it: as an ordinary user, on a read-only file system."""
    layout, bundle, data = folder / "layout", folder / "bundle", folder / "volume"
    source, copied = f"oci-archive:{one(release, '*.oci.tar')}", f"oci:{layout}:it"
    passes(checks, "skopeo reads the image", "skopeo", "--insecure-policy", "copy", source, copied)
    passes(checks, "umoci unpacks it", "umoci", "unpack", "--image", f"{layout}:it", bundle)
    # As an engine does for a volume: it begins with the owner and mode that the image has.
    shutil.copytree(bundle / "rootfs/var/lib/toolvault", data)
    os.chown(data, 65532, 65532)
    toolvault = Toolvault(folder / "image")
    port = toolvault.port
    settings = json.loads((bundle / "config.json").read_text())
    settings["root"]["readonly"] = True
    settings["process"]["terminal"] = False
    settings["process"]["env"] += [f"TOOLVAULT_LISTEN=127.0.0.1:{port}", f"TOOLVAULT_URL=http://127.0.0.1:{port}"]
    settings["linux"]["namespaces"] = [kind for kind in settings["linux"]["namespaces"] if kind["type"] in ("pid", "mount")]
    settings["linux"].pop("resources", None)
    settings.pop("hostname", None)
    mounts = [mount for mount in settings["mounts"] if mount["destination"] in ("/proc", "/dev")]
    mounts.append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    mounts.append({"destination": "/var/lib/toolvault", "type": "bind", "source": str(data), "options": ["rbind", "rw"]})
    settings["mounts"] = mounts
    (bundle / "config.json").write_text(json.dumps(settings))
    # It refuses a system with both versions of control groups, so it sees only the second.
    only_second = "umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec crun \"$@\""
    crun = ["unshare", "--mount", "sh", "-c", only_second, "sh", f"--root={folder / 'crun'}", "--cgroup-manager=disabled"]
    inside = [*crun, "exec", "--user=65532:65532", "it", "/usr/bin/toolvault"]
    checks.that("it runs as an ordinary user", settings["process"]["user"]["uid"] == 65532, settings["process"]["user"])
    # What follows on the command line would run the binary here, and is ignored.
    toolvault.under = ["bash", "-c", shlex.join(["exec", *crun, "run", f"--bundle={bundle}", "it"])]
    try:
        await toolvault.serve()
        healthy = run(*inside, "ready")
        checks.that("its health check passes", healthy.stdout == "ready\n", healthy.stderr)
        made = run(*inside, "key", "create", "--user", "default", "--name", "me", "--scope", "manage", "--json")
        key = json.loads(made.stdout or "{}").get("key", "")
        checks.that("a key is made in it", key.startswith("tvk_"), made.stderr)
        listed = run("curl", "--silent", "--fail", "--header", f"x-api-key: {key}", f"http://127.0.0.1:{port}/v1/secrets")
        checks.that("curl lists secrets with it", json.loads(listed.stdout or "{}").get("total") == 0, listed.stdout)
        left = run("find", bundle / "rootfs", "-newer", bundle / "config.json", "-type", "f")
        checks.none("nothing was written outside the volume", left.stdout.split())
    finally:
        run(*crun, "kill", "it", "TERM")
        toolvault.process.wait(60)


async def package(checks: Checks, release: Path, folder: Path) -> None:
    """Each command of docs/how-to/install.md, on a machine of its own; then the service's limits on another."""
    shared = folder / "shared"
    checkout = shared / "install" / "toolvault"
    shutil.copytree(release, checkout)
    with Machine(shared) as machine:
        page = Page(ROOT / "docs/how-to/install.md", shared, enter=tuple(machine.enter()))
        page.port = 8710  # the machine has a network of its own
        await page.run(installed=False, served=False)
        for command, fault in page.outcomes:
            checks.that(f"install.md: {command.splitlines()[0]}", not fault, f"{fault}\n{machine.log()}")
    shutil.copy(ROOT / "examples/issues.py", shared)
    with Machine(shared) as machine:
        inside = lambda claim, text: passes(checks, claim, *machine.enter(), "bash", "-c", text)  # noqa: E731
        inside("the package is installed again", f"dpkg --install {one(checkout, '*.deb')}")
        inside("the unit is correct", "systemd-analyze verify toolvault.service")
        inside("the service has few rights", f"systemd-analyze security --threshold={WORST_EXPOSURE} toolvault")
        gateway = """
            export TOOLVAULT_CONFIG=/etc/toolvault/toolvault.toml TOOLVAULT_API_KEY_FILE=/var/lib/toolvault/first-keys
            install {shared}/issues.py /usr/local/bin && mkdir /usr/local/lib/toolvault
            printf '[gateway]\nsandbox = "on"\n' >>$TOOLVAULT_CONFIG
            toolvault mcp add issues --credential-argument api_token -- /usr/bin/python3 /usr/local/bin/issues.py
            systemctl restart toolvault
            echo a-token-of-issues | toolvault secret create issues-token --tool 'issues__*' --arg api_token --default
            toolvault mcp test issues
        """
        shown = inside("a program of the gateway starts in its sandbox", gateway.replace("{shared}", str(shared)))
        checks.that("and has its tool", "get_issue" in shown, shown)
        inside("a reload is heard", "systemctl reload toolvault && systemctl is-active toolvault")
        stolen = run(*machine.enter(), "setpriv", "--reuid=toolvault", "--clear-groups", "cat", "/etc/toolvault/root.key")
        checks.that("the service's user cannot read the root key", "Permission denied" in stolen.stderr, stolen.stderr)


suite.run(body)
