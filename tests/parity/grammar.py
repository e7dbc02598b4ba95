"""The requests: every systematic case once, then random ones from a grammar.

A request is the same for both servers except for the ID of a secret, which `Request.at` inserts.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

KNOWN = ("secret_name", "secret_value", "tool_name", "tool_arg", "is_default_for_tool")
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
COLLECTION = "/v1/secrets/"
ITEM = "/v1/secrets/<id>"
GOOD = '{"secret_name":"linear","secret_value":"lin_api_1","tool_name":"agno__linear__*","tool_arg":"api_token","is_default_for_tool":true}'


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str = ""
    content_type: str | None = JSON
    body: bytes = b""

    def at(self, secret_id: str) -> "Request":
        """The request with the forms of one ID in its path."""
        forms = {
            "<id>": secret_id, "<simple>": secret_id.replace("-", ""), "<upper>": secret_id.upper(),
            "<short>": secret_id[:-1], "<tail>": secret_id[1:], "<groups>": secret_id.replace("-", "", 1),
        }
        path = self.path
        for mark, form in forms.items():
            path = path.replace(mark, form)
        return replace(self, path=path)


STRINGS = [
    '"x"', '"abcd"', '""', '" "', '"null"', '"caf\\u00e9"', '"café"', '"\\ud83d\\ude00"', '"😀😀😀"', '"😀😀😀😀"', '"abc"',
    '"a\\"b\\\\c\\/d"', '"\\b\\f\\n\\r\\t"', '"\u2028"', '"\x7f"', '"agno__linear__*"', '"e\u0301"', '"\\u0001abc"',
    '"\\ud800"', '"abcd\\udc00"', '"\\udc00\\ud800"', '"\\ud800\\u0041"', '"\\u0000"', '"abcd\\u0000"', '"secret://x"',
]
OTHERS = [
    "null", "true", "false", "0", "-1", "12345", "1.5", "1e400", "123456789012345678901234567890", "[]", "{}", '["abcd"]',
    '{"secret_value":"abcd"}', "[[[{}]]]", "1" * 4300, "-0.0",
]
LENGTHS = [f'"{unit * count}"' for unit in ("a", "é", "😀", "\\ud83d\\ude00") for count in (0, 1, 3, 4, 1023, 1024, 1025)]
BOOLEANS = [
    "true", "false", "null", "1", "0", "-0", "1.0", "0.0", "-0.0", "1e0", "1E0", "10e-1", "0e99", "1e-400", "2", "-1", "2.0", "0.5",
    "1e400", "-1e400", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "9223372036854775808.0", "-9223372036854775808.0", "1e18", "1" * 400, "0.99999999999999999999", "[]", "{}", "[true]",
    *(f'"{word}"' for word in (
        "true", "True", "TRUE", "tRuE", "false", "FALSE", "yes", "YES", "no", "No", "on", "oN", "off", "OFF", "t", "T", "f", "F", "y",
        "Y", "n", "N", "1", "0", "2", "", " ", "true ", " no", "1.0", "00", "enabled", "ye\u017f", "o\ufb00", "\\ud800", "\\u0000",
        "\\u0074rue", "null", "tr", "truee", "+1",
    )),
]
BROKEN = [
    b" ", b"\n\t\r ", b"{", b"[", b'"', b"{,}", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{"a":1 "b":2}', b'{"a" 1}', b"{1:2}", b"{'a':1}", b"[1,]", b"[,]",
    b"[1 2]", b"[1}", b'{"a":1]', b"nul", b"nulll", b"truefalse", b"-", b"-a", b"01", b"1.", b"1.e1", b"1e", b"1e+", b".5", b"+1", b"1 2", b'"a',
    b'"\\', b'"\\x"', b'"\\u12"', b'"\\u12g4"', b'"\\u1234', b'"\\ud800', b'"\\ud800\\u12"', b'"\n"', b'"\t"', b'"\x01"', b"{}{}", b"[]]", b"tRue",
    b"// comment", b'{"a":1;}', b'{"\\q":1}', b"\xc2\xa01", b"\x0b1", b'["\xc3\xa9\xf0\x9f\x98\x80",]', b"\xef\xbb\xbf", b"\xef\xbb\xbf{,",
    b"\xef\xbb\xbf\xef\xbb\xbf{}", b"NaN", b'{"a":NaN}', b"[Infinity]", b"-Infinity", b'{"a":1,,NaN}', b"[-Infinit]", b"\x00", b"\x00\x00\x00",
    b'"\xff"', b"{\xc3", b'"\xed\xa0\x80"', b'{"secret_name":"\xed\xa0\x80","secret_value":"abcd"}', b"[" * 5000, b'{"":' * 5000,
    b"[" * 880 + b"]" * 880, b'{"a":' + b"1" * 4301 + b"}", b"-" + b"1" * 4301, b'{"a":[' + b"9" * 4301 + b"]", b"1" * 4301 + b".0", b'[1' + b"0" * 4300 + b"e",
    GOOD.encode("utf-16"), GOOD.encode("utf-16-le"), GOOD.encode("utf-16-be"), GOOD.encode("utf-32"), GOOD.encode("utf-32-le"),
    GOOD.encode("utf-32-be"), b"1\x00", b"\x001", b"1\x002",
]
DOCUMENTS = [b"", b"null", b"true", b"1", b'"x"', b"[]", b'["secret_name"]', b"{}", b" {} ", b"\xef\xbb\xbf{}", b"\xef\xbb\xbfnull"]
OBJECTS = [
    GOOD, "\ufeff" + GOOD, " " + GOOD.replace(",", " ,\n ") + "\t", GOOD[:-1] + ',"unknown":{"a":[1,"\\ud800"]}}', GOOD[:-1] + ',"":0,"\\ud800":1}',
    GOOD[:-1] + ',"secret_name":5}', '{"secret_name":5,' + GOOD[1:], '{"secret_name":"a","secret_name":"b","secret_value":"abcd"}',
    '{"\\u0073ecret_name":"escaped","secret_value":"abcd"}', '{"Secret_name":"a","secret_value":"abcd"}', '{"secret_name":"a"}',
    '{"secret_value":"abcd"}', '{"secret_name":null,"secret_value":null,"tool_name":null,"tool_arg":null,"is_default_for_tool":null}',
    '{"secret_name":1,"secret_value":2,"tool_name":3,"tool_arg":4,"is_default_for_tool":5}', '{"tool_name":"","tool_arg":"","is_default_for_tool":""}',
]
TYPES = [
    None, JSON, "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=latin1", "application/json ; a=b", "application/json;",
    "application/problem+json", "application/Vnd.X+JSON; q=\"a;b\"", "application/+json", MERGE_PATCH, "Application/Merge-Patch+Json; charset=utf-8",
    "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/octet-stream", "application/jsonx",
    "application/json/x", "application/json, text/plain", "json", "application/ json", "application", "*/*",
]
IDS = [
    "<id>", "<simple>", "<upper>", "{<id>}", "urn:uuid:<id>", "{<upper>}", "urn:uuid:<upper>", "URN:UUID:<id>", "Urn:uuid:<id>", "<short>", "<id>0",
    "<tail>", "<groups>", "{<id>", "<id>}", "{<simple>}", "urn:uuid:<simple>", "urn:uuid:{<id>}", "{<short>}", "{<short>g}", "<short>g", "urn:uuid:<short>g",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "0", "g", "x", "-", "----", "-" * 36, "0-0-0-0-0", "0-0-0-0-0-0",
    "0" * 31, "0" * 32, "0" * 33, "0" * 36, "0" * 38, "0" * 45, "0" * 46, "g" * 32, "é", "é" * 16, "é" * 32, "😀" * 9, "<short>é", "%20<id>", "<id>%20",
    "a%20b", "%FF", "%E2%82", "{}", "{{}", "{", "}", "{<tail>}", "{<tail>", "urn:uuid:<tail>", "urn:uuid:", "urn:uuid", "URN:UUID:", "URN:UUID:<id>0", "<id>_", "00000000_0000_0000_0000_000000000000",
    "00000000-00000000-0000-0000-00000000", "000000000000-0000-0000-0000-00000000", "{" + "0" * 30 + "g}", "null", "a+b", "1e5", "%7B<id>%7D", "%61%62",
]
NUMBERS = [
    "1", "10", "0", "-1", "1000", "1001", "%2B10", "+10", "%20%2010%20", "10%0A", "%C2%A010", "%E2%80%8310", "1%0B", "1%C2%85", "1%1C", "1%E2%80%8B", "007", "1.0", "1.00",
    "1.5", "1.", ".0", "0.0", "00.0", "1_0", "1__0", "_1", "1_", "0_1", "0_", "0_0", "0_.0", "1_0.0", "1.0_0", "-0", "-00", "-0.0", "-00_1", "--1", "%2B-1", "-%2B1",
    "%2B%2B1", "0-1", "-0-1", "00-5", "1-1", "", "-", "%2B", "a", "1e2", "0x10", "inf", "nan", "true", "%D9%A1", "%EF%BC%91", "%FF", "%F0%9F%98%80", "10%00", "1;2", "1%262",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9" * 30, "-" + "9" * 30, "9" * 4300, "9" * 4301,
    "-" + "9" * 4299, "-" + "9" * 4300, "%20" + "9" * 4301, "9" * 4301 + "x", "9" * 4301 + ".0", "9" * 4300 + ".0", "0" * 4400 + "1", "1" + "_1" * 2500, "9" * 4290 + "_1" * 20,
]
QUERIES = [
    "", "limit=1&limit=2", "limit=x&limit=2", "limit=2&limit=x", "limit", "limit&offset=1", "=1", "&&limit=5&", "limit=5;offset=x", "unknown=%00", "LIMIT=0",
    "lim%69t=0", "limit=0&offset=-1", "offset=a&limit=b", "secret_name=", "secret_name=a+b%2Bc", "tool_name=agno__linear__x", "q=%F0%9F%98%80", "q=%FF", "q",
    "secret_name=%00", "q=a%00b&limit=0", "tool_name=x%00", "limit=1=2", "limit=%zz", "q=a%", "%6Cimit=7", "limit=%31", "offset=+1", "offset=%09%2B1_000%09",
]


def systematic() -> Iterator[Request]:
    """Every case of the tables once, for the operations concerned."""
    writes = (("POST", COLLECTION), ("PATCH", ITEM))
    for method, path in writes:
        for document in chain(DOCUMENTS, BROKEN, (text.encode() for text in OBJECTS)):
            yield Request(method, path, body=document)
        for content_type in TYPES:
            yield Request(method, path, content_type=content_type, body=GOOD.encode())
        for content_type in (None, "text/plain", MERGE_PATCH):
            yield Request(method, path, content_type=content_type)
    for field in KNOWN[:-1]:
        for value in chain(STRINGS, OTHERS):
            yield Request("POST", COLLECTION, body=with_field(field, value))
        for value in LENGTHS[:: 1 if field == "secret_value" else 3]:
            yield Request("POST", COLLECTION, body=with_field(field, value))
        yield Request("PATCH", ITEM, body=f'{{"{field}":null}}'.encode())
        yield Request("PATCH", ITEM, content_type=MERGE_PATCH, body=f'{{"{field}":null}}'.encode())
    for value in BOOLEANS:
        yield Request("PATCH", ITEM, body=f'{{"is_default_for_tool":{value}}}'.encode())
    yield Request("PATCH", ITEM, content_type=MERGE_PATCH, body=b'{"is_default_for_tool":null}')
    yield Request("PATCH", ITEM, body=b"[" * 905 + b"]" * 905)
    for form in IDS:
        yield Request("GET", COLLECTION + form, content_type=None)
    yield Request("PATCH", COLLECTION + "x", body=b'{"secret_name":3,"is_default_for_tool":[]}')
    yield Request("PATCH", COLLECTION + "x", body=b"{")
    yield Request("DELETE", COLLECTION + "x", content_type=None)
    yield Request("DELETE", COLLECTION + "<simple>", content_type=None)
    for name in ("limit", "offset"):
        for number in NUMBERS:
            yield Request("GET", COLLECTION, query=f"{name}={number}", content_type=None)
    for query in QUERIES:
        yield Request("GET", COLLECTION, query=query, content_type=None)
    yield Request("GET", COLLECTION.rstrip("/"), content_type=None)
    yield Request("GET", f"{ITEM}/", content_type=None)
    yield Request("PATCH", f"{ITEM}/", body=b"{}")


def with_field(field: str, value: str) -> bytes:
    """A valid body except for one field."""
    members = {"secret_name": '"linear"', "secret_value": '"lin_api_1"'} | {field: value}
    return ("{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}").encode()


def generated(random: random.Random) -> Iterator[Request]:
    """Random requests without end."""
    while True:
        method = random.choices(("POST", "PATCH", "GET", "LIST", "DELETE"), (40, 30, 10, 15, 3))[0]
        if method == "LIST":
            yield Request("GET", COLLECTION, query=random_query(random), content_type=None)
        elif method in ("GET", "DELETE"):
            yield Request(method, COLLECTION + random_id(random), content_type=None)
        else:
            path = COLLECTION if method == "POST" else COLLECTION + (random_id(random) if random.random() < 0.1 else "<id>")
            content_type = random.choice(TYPES) if random.random() < 0.1 else random.choice((JSON, JSON, JSON, MERGE_PATCH))
            yield Request(method, path, content_type=content_type, body=random_body(random))


def random_body(random: random.Random) -> bytes:
    if random.random() < 0.05:
        return random.choice((*DOCUMENTS, *BROKEN))
    members = [(field, random_value(random, field)) for field in KNOWN if random.random() < 0.85]
    while random.random() < 0.2:
        name = random.choice((*KNOWN, "unknown", "", "\\u0073ecret_name", "tool\\u005fname"))
        members.insert(random.randint(0, len(members)), (name, random_value(random, random.choice(KNOWN))))
    space = lambda: random.choice(("", "", "", " ", "\n", "\t "))
    body = ",".join(f'{space()}"{name}"{space()}:{space()}{value}{space()}' for name, value in members)
    text = f"{space()}{{{body}}}{space()}"
    if random.random() < 0.25:
        text = damaged(random, text)
    return b"\xef\xbb\xbf" * (random.random() < 0.05) + text.encode()


def random_value(random: random.Random, field: str) -> str:
    if random.random() < 0.12:
        return random.choice(OTHERS)
    if field == "is_default_for_tool":
        return random.choice(BOOLEANS)
    if random.random() < 0.06:
        return random.choice(LENGTHS)
    if random.random() < 0.3:
        return random.choice(STRINGS)
    units = ("a", "Z", "_", "*", " ", "é", "漢", "😀", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\/", "'")
    return '"' + "".join(random.choice(units) for _ in range(random.randint(0, 12))) + '"'


def damaged(random: random.Random, text: str) -> str:
    """The text with a few characters removed, added or changed, so that it is rarely still JSON."""
    pieces = '{}[],:"\\' + "0.eE+-\n\t \x01é😀/'t"
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(text))
        choice = random.random()
        if choice < 0.1:
            text = text[:at]
        else:
            text = text[:at] + (random.choice(pieces) if choice < 0.7 else "") + text[at + (choice > 0.4):]
    return text


def random_id(random: random.Random) -> str:
    if random.random() < 0.6:
        return random.choice(IDS)
    form = list(random.choice(("00000000-0000-4000-8000-00000000000a", "0" * 32, "{00000000-0000-4000-8000-00000000000a}", "urn:uuid:0-0")))
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(form) - 1)
        form[at : at + random.randint(0, 1)] = random.choice("0aFg-{}é😀_:")
    return "".join(form)


def random_query(random: random.Random) -> str:
    def number() -> str:
        if random.random() < 0.6:
            return random.choice(NUMBERS)
        return "".join(random.choice(("0", "1", "9", "_", ".", "-", "%2B", "+", "5")) for _ in range(random.randint(1, 6)))

    pieces = [random.choice(QUERIES)] if random.random() < 0.3 else []
    pieces += [f"{name}={number()}" for name in ("limit", "offset") if random.random() < 0.6]
    pieces += [f"{name}={random.choice(('x', '', 'a%20b', '%F0%9F%98%80', '%00', '+'))}" for name in ("secret_name", "tool_name", "q") if random.random() < 0.2]
    random.shuffle(pieces)
    return "&".join(pieces)
