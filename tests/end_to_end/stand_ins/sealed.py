"""Sealing that notices a change, and flags that must be complete.

The programs in this folder stand for the clients of key management services. Each takes the arguments that the how-to
pages give it, in the form that the real program documents, and refuses others. How they encrypt is no secret.
"""

import hashlib
import sys

MARK = b"sealed by a stand-in\n"


def seal(key: str, plain: bytes) -> bytes:
    return MARK + hashlib.sha256(key.encode() + plain).digest() + bytes(byte ^ 0x5A for byte in plain)


def open_sealed(key: str, sealed: bytes) -> bytes:
    digest, body = sealed.removeprefix(MARK)[:32], sealed.removeprefix(MARK)[32:]
    plain = bytes(byte ^ 0x5A for byte in body)
    if not sealed.startswith(MARK) or digest != hashlib.sha256(key.encode() + plain).digest():
        sys.exit("the ciphertext is not one of this key")
    return plain


def flags(words: list[str], *names: str) -> list[str]:
    """The values of exactly these flags."""
    given = dict(zip(words[::2], words[1::2], strict=True))
    if sorted(given) != sorted(names):
        sys.exit(f"expected {' '.join(names)}, found {' '.join(words)}")
    return [given[name] for name in names]
