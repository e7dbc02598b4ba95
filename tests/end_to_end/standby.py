"""A streaming standby of a PostgreSQL server of the tests."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from postgres import Postgres


class Standby(Postgres):
    """The primary waits for it before it acknowledges a commit, so what was acknowledged survives the primary."""

    def __init__(self, primary: Postgres, folder: Path, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.url = self.at(primary.url)
        self.pg_ctl, self.data = primary.pg_ctl, folder / "standby"
        folder.mkdir(mode=0o711)
        self.data.mkdir(mode=0o700)
        primary.give(folder)
        primary.give(self.data)
        primary.run("pg_basebackup", "--pgdata", str(self.data), "--write-recovery-conf", "--checkpoint=fast",
                    "--dbname", primary.url)  # fmt: skip
        # The primary waits for it, so it must not wait long before it connects again.
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write("wal_retrieve_retry_interval = '100ms'\n")
            # A server that was killed leaves its socket, and this one may take over its port.
            settings.write("unix_socket_directories = ''\n")
        self.run("pg_ctl", "start", "--silent", "--wait", "--pgdata", str(self.data), "--log", str(self.data / "log"),
                 "--options", f"-p {port}")  # fmt: skip
        primary.set("synchronous_standby_names", "*")

    def at(self, url: str) -> str:
        """The URL of the same database on this server."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{self.host}"))

    def before(self, url: str) -> str:
        """The URL of the same database on both hosts. The standby comes first: it must not be taken before its promotion."""
        parts = urlsplit(url)
        credentials, _, host = parts.netloc.rpartition("@")
        netloc = f"{credentials}@{self.host},{host}"
        return urlunsplit(parts._replace(netloc=netloc, query="target_session_attrs=read-write"))

    def promote(self) -> None:
        self.run("pg_ctl", "promote", "--silent", "--wait", "--pgdata", str(self.data))
