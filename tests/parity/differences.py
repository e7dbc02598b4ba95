"""The intended differences between Toolvault's answers and the original's (contract, section 2)."""

import json
from dataclasses import replace
from email.message import Message
from urllib.parse import parse_qsl

from grammar import JSON, KNOWN, MERGE_PATCH, Request

NUL = ("value_error", "Value error, NUL is not allowed")
STRING_TYPE = ("string_type", "Input should be a valid string")

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


def difference(request: Request) -> tuple[str | None, Request, int | None, set]:
    """Names the difference that `request` shows, if any.

    Also returns the request whose answer by the original counts, the status if it is always the same,
    and the errors (type, loc, msg) that come in addition.
    """
    writes = request.method in ("POST", "PATCH")
    if not writes or not request.body:
        pairs = dict(parse_qsl(request.query, keep_blank_values=True))
        listing = request.method == "GET" and request.path.endswith("/secrets/")
        fields = [name for name in ("secret_name", "tool_name", "q") if listing and "\0" in pairs.get(name, "")]
        extra = {(NUL[0], ("query", name), NUL[1]) for name in fields}
        return ("nul" if extra else None), request, None, extra
    kind = content_kind(request.content_type)
    if kind is None:
        return "another content type", request, 415, set()
    if json.detect_encoding(request.body) not in ("utf-8", "utf-8-sig"):
        return "utf-16 and utf-32", request, 400, set()
    try:
        request.body.decode()
    except UnicodeDecodeError:
        return "encoded surrogates", request, 400, set()
    if depth(request.body) > 900:
        return "nesting", request, 400, set()
    name = None
    asked = request
    if not request.content_type:
        name, asked = "no content type", replace(request, content_type=JSON)
    document = document_of(request.body)
    if document == "not a number":
        return "not a number", asked, 422, {("json_invalid", None, "JSON decode error")}
    extra = set()
    if isinstance(document, dict):
        for field in KNOWN[:-1]:
            value = document.get(field)
            if isinstance(value, str) and "\0" in value:
                name, extra = "nul", extra | {(NUL[0], ("body", field), NUL[1])}
        nulls = cleared(request)
        if nulls:
            name = "merge patch null"
        extra |= {(STRING_TYPE[0], ("body", field), STRING_TYPE[1]) for field in KNOWN[:2] if field in nulls}
    return name, asked, None, extra


def expected(name: str | None, status: int | None, extra: set, original_status: int, original_errors: set) -> tuple[int, set]:
    """The expected status and errors, from the original's answer to the request that counts."""
    if name == "not a number":
        return 422, extra
    if status is not None:
        return status, set()
    # One error per field: the original's comes first.
    known = {loc for _, loc, _ in original_errors}
    if any(kind == "json_invalid" for kind, _, _ in original_errors) or original_status not in (200, 404, 422):
        extra = set()
    errors = original_errors | {error for error in extra if error[1] not in known}
    return (422 if errors else original_status), errors


def errors_of(answer: dict) -> set:
    """The (type, loc, msg) of a 422 answer."""
    return {(item["type"], tuple(item["loc"]), item["msg"]) for item in answer["detail"]}
