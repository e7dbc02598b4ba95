"""nginx with round robin before several servers, with the locations of examples/proxy/nginx.conf."""

import os
import re
import subprocess
from pathlib import Path

from gateway import until_listening
from pages import ROOT
from server import free_port


class Balancer:
    """One nginx on a port of loopback."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        folder.mkdir()
        self.port, self.log = free_port(), folder / "access.log"
        site = (ROOT / "examples/proxy/nginx.conf").read_text()
        site = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{self.port};", site)
        site = re.sub(r" *ssl_\w+ .*\n", "", site).replace("http://127.0.0.1:8710", "http://toolvault")
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ports)
        kept = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{ {kept}\n"
            f"log_format who '$upstream_addr $request_method $status';\naccess_log {self.log} who;\n"
            f"upstream toolvault {{ {servers} }}\n{site}}}\n"
        )
        words = ["nginx", "-c", str(configuration), "-p", str(folder)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        until_listening(self.process, self.port)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def reached(self) -> set[int]:
        """The ports of the servers that answered."""
        lines = self.log.read_text().splitlines()
        return {int(line.split()[0].rstrip(",").rsplit(":", 1)[1]) for line in lines if line[0].isdigit()}

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
