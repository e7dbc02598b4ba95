"""The forms in which a server can send back a value."""

import base64
import html
import json
from urllib.parse import quote, quote_plus


def forms(value: str) -> dict[str, str]:
    """The forms that the gateway must find, by name."""
    raw = value.encode()
    forms = {
        "raw": value,
        "inside a word": f"x{value}y",
        "JSON": json.dumps(value)[1:-1],
        "JSON of other characters": json.dumps(value, ensure_ascii=False)[1:-1],
        "JSON with escaped slashes": json.dumps(value)[1:-1].replace("/", "\\/"),
        "JSON in JSON": json.dumps(json.dumps(value)),
        "percent": quote(value, safe=""),
        "percent in a path": quote(value),
        "percent in a form": quote_plus(value),
        "percent in small letters": lower_percent(quote(value, safe="")),
        "HTML": html.escape(value),
        "HTML without quotes": html.escape(value, quote=False),
        "HTML with a decimal apostrophe": html.escape(value).replace("&#x27;", "&#39;"),
        "hex": raw.hex(),
        "upper hex": raw.hex().upper(),
        "a header": f"Authorization: Bearer {value}",
    }
    for offset in range(3):
        shifted = b"\x00" * offset + raw
        forms[f"base64 at {offset}"] = base64.b64encode(shifted).decode()
        forms[f"base64url at {offset}"] = base64.urlsafe_b64encode(shifted).decode()
        forms[f"base64 at {offset} inside more"] = base64.b64encode(shifted + b" and more").decode()
        forms[f"base64url at {offset} unpadded"] = base64.urlsafe_b64encode(shifted + b"?").decode().rstrip("=")
    for user in ("", "u", "us"):
        forms[f"basic of '{user}'"] = "Basic " + base64.b64encode(f"{user}:{value}".encode()).decode()
    return forms


def lower_percent(text: str) -> str:
    parts = text.split("%")
    return parts[0] + "".join("%" + part[:2].lower() + part[2:] for part in parts[1:])


def beyond(value: str) -> dict[str, str]:
    """The forms that it does not find: a server with a value can always invent another."""
    raw = value.encode()
    return {
        "reversed": value[::-1],
        "JSON four times": json.dumps({"a": json.dumps({"b": json.dumps({"c": value})})}),
        "percent of every byte": "".join(f"%{byte:02X}" for byte in raw),
        "percent twice": quote(quote(value, safe=""), safe=""),
        "HTML of every character": "".join(f"&#{ord(character)};" for character in value),
        "escapes of every character": escaped(value),
        "base64 twice": base64.b64encode(base64.b64encode(raw)).decode(),
        "hex in pairs": raw.hex(" "),
        "base32": base64.b32encode(raw).decode(),
        "UTF-16 as hex": value.encode("utf-16-be").hex(),
        "spaced": " ".join(value),
    }


def escaped(text: str) -> str:
    """JSON in which every character is an escape."""
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2)) + '"'
