"""The intended differences between Toolvault's answers and the original's (contract, section 2)."""

import json
from dataclasses import replace
from email.message import Message
from urllib.parse import parse_qsl

from grammar import COLLECTION, JSON, KNOWN, MERGE_PATCH, Request

NUL = {"type": "value_error", "msg": "Value error, NUL is not allowed"}
STRING_TYPE = {"type": "string_type", "msg": "Input should be a valid string"}
NOT_A_NUMBER = {"type": "json_invalid", "msg": "JSON decode error", "ctx": {"error": "Expecting value"}}
QUERY = ("limit", "offset", "secret_name", "tool_name", "q")

DIFFERENCES = {
    "no content type": "a body without a content type is read as JSON; FastAPI ignores it",
    "another content type": "415; FastAPI ignores the body",
    "utf-16 and utf-32": "400; Python detects the encoding",
    "encoded surrogates": "400, for it is not UTF-8; Python decodes with surrogatepass",
    "not a number": "NaN and Infinity are 422 json_invalid; Python takes them for floats",
    "nesting": "400 from 901 levels on; CPython gives up a little later",
    "nul": "422 value_error in a known field or parameter; FastAPI accepts it",
    "merge patch null": "clears tool_name, tool_arg and the flag under RFC 7396, 422 string_type for name and value; FastAPI ignores it",
    "authentication first": "401 before the body is read",
    "trailing slash": "served as well; FastAPI redirects to the path without or with it",
}


def content_kind(content_type: str | None) -> str | None:
    """`json`, `merge`, or None for what is not JSON; split as FastAPI splits it."""
    if not content_type:
        return "json"
    message = Message()
    message["content-type"] = content_type
    if message.get_content_maintype() != "application":
        return None
    subtype = message.get_content_subtype()
    if subtype == MERGE_PATCH.partition("/")[2]:
        return "merge"
    return "json" if subtype == "json" or subtype.endswith("+json") else None


def depth(body: bytes) -> int:
    """How many brackets open in a row: the grammar creates deep documents that way."""
    return max(len(body) - len(body.lstrip(b"[")), body.count(b'{"":') if body.startswith(b'{"":{"":') else 0)


def document_of(body: bytes):
    """The parsed body, `not a number` or `nesting`; None if it is not JSON for Python either."""
    class NotANumber(Exception):
        pass

    def refuse(_constant):
        raise NotANumber

    try:
        return json.loads(body, parse_constant=refuse)
    except NotANumber:
        return "not a number"
    except (ValueError, RecursionError):
        return None


def cleared(request: Request) -> dict:
    """The fields that are null in a merge patch, with the effect."""
    if request.method != "PATCH" or content_kind(request.content_type) != "merge":
        return {}
    document = document_of(request.body)
    if not isinstance(document, dict):
        return {}
    return {field: False if field == KNOWN[-1] else None for field in KNOWN if document.get(field, 0) is None}


def difference(request: Request) -> tuple[str | None, Request, int | None, list[dict]]:
    """Names the difference that `request` shows, if any.

    Returns with it the request whose answer by the original counts, the status if it is always the same,
    and the errors that come in addition.
    """
    if request.path == COLLECTION.rstrip("/"):
        return "trailing slash", replace(request, path=COLLECTION), None, []
    if request.path.startswith(COLLECTION) and request.path.rstrip("/") not in (request.path, COLLECTION.rstrip("/")):
        return "trailing slash", replace(request, path=request.path.rstrip("/")), None, []
    writes = request.method in ("POST", "PATCH")
    if not writes or not request.body:
        pairs = dict(parse_qsl(request.query, keep_blank_values=True))
        listing = request.method == "GET" and request.path.endswith("/secrets/")
        fields = [name for name in ("secret_name", "tool_name", "q") if listing and "\0" in pairs.get(name, "")]
        extra = [NUL | {"loc": ["query", name]} for name in fields]
        return ("nul" if extra else None), request, None, extra
    kind = content_kind(request.content_type)
    if kind is None:
        return "another content type", request, 415, []
    if json.detect_encoding(request.body) not in ("utf-8", "utf-8-sig"):
        return "utf-16 and utf-32", request, 400, []
    try:
        request.body.decode()
    except UnicodeDecodeError:
        return "encoded surrogates", request, 400, []
    if depth(request.body) > 900:
        return "nesting", request, 400, []
    name = None
    asked = request
    if not request.content_type:
        name, asked = "no content type", replace(request, content_type=JSON)
    document = document_of(request.body)
    if document == "not a number":
        return "not a number", asked, 422, [NOT_A_NUMBER]
    extra = []
    if isinstance(document, dict):
        for field in KNOWN[:-1]:
            value = document.get(field)
            if isinstance(value, str) and "\0" in value:
                name = "nul"
                extra.append(NUL | {"loc": ["body", field]})
        nulls = cleared(request)
        if nulls:
            name = "merge patch null"
        extra += [STRING_TYPE | {"loc": ["body", field]} for field in KNOWN[:2] if field in nulls]
    return name, asked, None, extra


def expected(name: str | None, status: int | None, extra: list, original_status: int, original: list) -> tuple[int, list]:
    """Status and errors, in order, that Toolvault owes, from what the original answered to the request that counts."""
    if name == "not a number":
        return 422, extra
    if status is not None:
        return status, []
    # One error a field: what the original found there comes first.
    known = [error["loc"] for error in original]
    if any(error["type"] == "json_invalid" for error in original) or original_status not in (200, 404, 422):
        extra = []
    added = [error for error in extra if error["loc"] not in known]
    errors = sorted(original + added, key=place) if added else original
    return (422 if errors else original_status), errors


def place(error: dict) -> tuple[int, int]:
    """Where an error stands among others: as the operations declare their parameters."""
    part, name = error["loc"][0], error["loc"][-1]
    names = QUERY if part == "query" else KNOWN
    return ("path", "query", "body").index(part), names.index(name) if name in names else 0
