"""Values that are recognised in every form in which they may leak."""

import base64
import random
import string
from pathlib import Path

TOKEN_LENGTH = 24
MARKS = "\"/<ü&%'\\"


class Canary:
    """A value with a token in its middle that plain, JSON, HTML and percent-encoded copies contain unchanged."""

    def __init__(self, purpose: str, length: int = 0) -> None:
        self.purpose = purpose
        self.token = "".join(random.SystemRandom().choices(string.ascii_letters + string.digits, k=TOKEN_LENGTH))
        self.value = f"canary{MARKS}{self.token}{MARKS}end" + "-" * length

    @classmethod
    def of(cls, purpose: str, text: str) -> "Canary":
        """A value that the test cannot choose, such as a key."""
        canary = cls(purpose)
        canary.token = canary.value = text
        return canary

    def needles(self) -> dict[str, bytes]:
        """What to search for, by encoding."""
        token = self.token.encode()
        found = {
            "plain": token,
            "reversed": token[::-1],
            "hex": token.hex().encode(),
            "upper hex": token.hex().upper().encode(),
            "list of bytes": ", ".join(map(str, token)).encode(),
            "utf-16": self.token.encode("utf-16-le")[:-1],
        }
        for offset in range(3):
            # Only whole groups of three bytes, which do not depend on their neighbours.
            whole = token[-offset % 3 :]
            whole = whole[: len(whole) // 3 * 3]
            found[f"base64 at {offset}"] = base64.b64encode(whole)
            found[f"base64url at {offset}"] = base64.urlsafe_b64encode(whole)
        return found


def leaks(canaries: list[Canary], place: str, content: bytes) -> list[str]:
    """The locations of canaries in the content, without the canaries themselves."""
    return [
        f"{canary.purpose} as {encoding} in {place}"
        for canary in canaries
        for encoding, needle in canary.needles().items()
        if needle in content
    ]


def leaks_in_files(canaries: list[Canary], folder: Path, *excepted: Path) -> list[str]:
    """The locations of canaries in the regular files of the folder."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path not in excepted:
            found += leaks(canaries, str(path), path.read_bytes())
    return found
