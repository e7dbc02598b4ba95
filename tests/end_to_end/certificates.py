"""Certificates of servers for tests, each its own authority."""

import subprocess
from pathlib import Path


def make_certificate(name: str, certificate: Path, private: Path) -> None:
    """A certificate for a name, such as `DNS:localhost` or `IP:127.0.0.1`."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    words += ["-subj", f"/CN={name.split(':')[1]}", "-addext", f"subjectAltName={name}"]
    words += ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(private), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
