"""Profiles with a real keyring: the file has no key, the keyring none that works without the file."""

import json
import subprocess
from pathlib import Path

import suite
from checks import Checks
from server import BINARY, Toolvault

PASSWORD = b"a password of the keyring"


class Daemon:
    """GNOME Keyring, in the home of the server's user."""

    def __init__(self, server: Toolvault) -> None:
        self.environment = server.environment | {"XDG_RUNTIME_DIR": str(server.folder / "run")}
        Path(self.environment["XDG_RUNTIME_DIR"]).mkdir(mode=0o700, exist_ok=True)
        self.process: subprocess.Popen | None = None

    def start(self, unlocked: bool) -> None:
        self.stop()
        words = ["gnome-keyring-daemon", "--foreground", "--components=secrets", *(["--unlock"] if unlocked else [])]
        self.process = subprocess.Popen(
            words, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.process.stdin.write(PASSWORD if unlocked else b"")
        self.process.stdin.close()
        # It tells its variables when it listens.
        self.process.stdout.readline()

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)

    def entries(self) -> list[str]:
        """What the keyring has for Toolvault: any program of the user can read it."""
        words = ["secret-tool", "search", "--all", "application", "toolvault"]
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60)
        return [line.split("secret = ", 1)[1] for line in done.stdout.splitlines() if line.startswith("secret = ")]


async def body(checks: Checks, folder: Path) -> None:
    server = Toolvault(folder / "server")
    await server.serve()
    daemon = Daemon(server)
    try:
        daemon.start(unlocked=True)
        await with_keyring(checks, server, daemon)
    finally:
        daemon.stop()
        await server.stop()


async def with_keyring(checks: Checks, server: Toolvault, daemon: Daemon) -> None:
    keys = server.first_keys()
    file = Path(server.environment["XDG_CONFIG_HOME"]) / "toolvault" / "profiles.toml"
    listing = ("secret", "list", "--json")

    done = await server.command("login", "--key-file", str(server.first_keys_file), "--json")
    made = json.loads(done.stdout or "{}")
    checks.that("login uses the keyring", made.get("keyring") is True, done)
    text = file.read_text()
    checks.that("the file has no key", "tvk_" not in text and "sealed" in text, text)
    checks.that("only its owner can read it", file.stat().st_mode & 0o777 == 0o600, oct(file.stat().st_mode))
    entries = daemon.entries()
    checks.that("the keyring has one entry", len(entries) == 1, len(entries))
    checks.that("the entry is no API key", not any(key in entry for key in keys.values() for entry in entries), "")
    done = await server.command(*listing)
    checks.that("commands find the key", done.returncode == 0 and done.stdout.strip() == b"[]", done)
    done = await server.command("profile", "show", "--json")
    checks.that("the profile says where", json.loads(done.stdout)["keyring"] is True, done)

    done = await server.command("login", "--key-file", str(server.first_keys_file))
    again = daemon.entries()
    checks.that("the next login has an entry of its own", len(again) == 1 and again != entries, done)
    # The name of the file that the new content is written to.
    blocked = f'mkdir {file.parent}/.profiles.toml.$$; exec "$0" login --key-file {server.first_keys_file}'
    done = subprocess.run(["sh", "-c", blocked, BINARY], env=server.environment, capture_output=True, timeout=60)
    checks.that("a login that cannot write the file fails", done.returncode == 2 and b"cannot write" in done.stderr, done)
    checks.that("and leaves the keyring as it was", daemon.entries() == again, "")
    done = await server.command(*listing)
    checks.that("so that the old profile works", done.returncode == 0, done)
    entries = again

    done = await server.command("login", "--profile", "plain", "--key-file", str(server.first_keys_file), "--no-keyring")
    checks.that("--no-keyring keeps the key in the file", keys["operator_key"] in file.read_text(), done)
    checks.that("and nothing in the keyring", daemon.entries() == entries, "")
    await server.command("profile", "use", "default")

    elsewhere = file.read_text().replace(f":{server.port}/", ":9/", 1)
    kept = file.read_text()
    file.write_text(elsewhere)
    done = await server.command(*listing, url="http://127.0.0.1:9")
    checks.that("an edited URL gets no key", done.returncode == 1 and b"does not open" in done.stderr, done)
    file.write_text(kept)

    bus = server.environment.pop("DBUS_SESSION_BUS_ADDRESS")
    server.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
    done = await server.command(*listing)
    checks.that("without the keyring there is no key", done.returncode == 1 and b"--no-keyring" in done.stderr, done)
    done = await server.command("login", "--profile", "third", stdin=keys["operator_key"].encode())
    told = b"the keyring cannot be used" in done.stderr
    checks.that("login without one says so and uses the file", done.returncode == 0 and told, done)
    await server.command("profile", "use", "default")
    server.environment["DBUS_SESSION_BUS_ADDRESS"] = bus

    daemon.start(unlocked=False)
    done = await server.command(*listing)
    checks.that("a locked keyring gives no key", done.returncode == 1 and b"unlock the keyring" in done.stderr, done)
    daemon.start(unlocked=True)
    done = await server.command(*listing)
    checks.that("an unlocked one gives it again", done.returncode == 0, done)

    done = await server.command("logout", "default")
    checks.that("logout removes the entry", done.returncode == 0 and daemon.entries() == [], done)
    checks.that("and the profile", "[profiles.default]" not in file.read_text(), "")


suite.run(body)
