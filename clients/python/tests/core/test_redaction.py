"""What is found in results, errors and streams, and what stays as it was."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import io
import itertools
import random
import re
import traceback
from array import array
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import httpx
import pytest

from toolvault import Confidential
from toolvault._injection.redaction import Redaction, ToolFailed

VALUE = 'a "value" with ü/&\\ in it'
MARK = "[secret:s]"


@pytest.fixture
def redaction():
    return Redaction([("s", Confidential(VALUE))])


def whole(stream, parts):
    return type(parts[0])().join([*map(stream.feed, parts), stream.end()])


def test_a_value_in_parts(redaction):
    text = f"<{VALUE}{VALUE}>{VALUE[:7]}{VALUE}{VALUE[:-1]}."
    expected = f"<{MARK}{MARK}>{VALUE[:7]}{MARK}{VALUE[:-1]}."
    assert redaction.text(text) == expected
    for size in range(1, len(text) + 1):
        parts = [text[start : start + size] for start in range(0, len(text), size)]
        assert whole(redaction.stream(), parts) == expected
        raw = text.encode()
        parts_raw = [raw[start : start + size] for start in range(0, len(raw), size)]
        assert whole(redaction.raw_stream(), parts_raw) == expected.encode()


def test_a_stream_is_what_the_whole_text_is():
    """Also with values that overlap themselves and each other."""
    values = ["abababab", "babababc", "ababcabab"]
    redaction = Redaction([(str(number), Confidential(one)) for number, one in enumerate(values)])
    chosen = random.Random(7)
    for _ in range(300):
        text = "".join(chosen.choice(["a", "b", "c", *values]) for _ in range(chosen.randrange(1, 40)))
        parts, at = [], 0
        while at < len(text):
            size = chosen.randrange(1, 9)
            parts.append(text[at : at + size])
            at += size
        found = whole(redaction.stream(), parts)
        assert found == redaction.text(text)
        assert not any(one in found for one in values)


def test_a_stream_keeps_back_only_what_may_begin_a_value(redaction):
    stream = redaction.stream()
    assert stream.feed("nothing of it.") == "nothing of it."
    assert stream.feed(f"then {VALUE[:5]}") == "then "
    assert stream.feed("other") == f"{VALUE[:5]}other"
    assert stream.end() == ""
    endless = Redaction([("s", Confidential("x" * 20))]).stream()
    sizes = [len(endless.feed("x" * 1000)) for _ in range(100)]
    assert sum(sizes) == len(MARK)
    assert len(endless._kept) < 20


def test_values_that_overlap_are_one():
    redaction = Redaction([("a", Confidential("abcdefgh")), ("b", Confidential("efghijkl"))])
    assert redaction.text("<abcdefghijkl>") == "<[secret:a]>"


def test_no_pattern_is_compiled_from_a_value():
    value = "unique-value-of-this-test"
    redaction = Redaction([("s", Confidential(value))])
    assert redaction.result([f"<{value}>"]) == ["<[secret:s]>"]
    assert redaction.text(f"<{value}>") == "<[secret:s]>"
    caches = [getattr(module, "_cache", {}) for module in (re, getattr(re, "_compiler", re))]
    assert not any(value in repr(key) for cache in caches for key in cache)
    assert not any(
        value in one.pattern for one in gc.get_objects() if isinstance(one, re.Pattern) and isinstance(one.pattern, str)
    )


Point = namedtuple("Point", "x y")


@dataclasses.dataclass(frozen=True)
class Frozen:
    text: str
    derived: str = dataclasses.field(init=False, default="")


class Slotted:
    __slots__ = ("__hidden", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.__hidden = text

    def hidden(self) -> str:
        return self.__hidden


class Own:
    def __init__(self, text: str) -> None:
        self.text = text
        self.inner = [SimpleNamespace(of=self)]


class Words(str):
    __slots__ = ()


class Named(dict):
    pass


def test_results_of_own_classes_keep_their_class(redaction):
    frozen = Frozen(VALUE)
    object.__setattr__(frozen, "derived", VALUE)
    cleaned = redaction.result(frozen)
    assert (type(cleaned), cleaned.text, cleaned.derived, frozen.text) == (Frozen, MARK, MARK, VALUE)
    slotted = redaction.result(Slotted(VALUE))
    assert (type(slotted), slotted.text, slotted.hidden()) == (Slotted, MARK, MARK)
    own = redaction.result(Own(VALUE))
    assert (type(own), own.text, own.inner[0].of is own) == (Own, MARK, True)
    assert redaction.result(Point(1, VALUE)) == Point(1, MARK)
    assert redaction.result(OrderedDict({"b": 1, "a": VALUE})) == OrderedDict({"b": 1, "a": MARK})
    filled = redaction.result(defaultdict(list, {VALUE: [VALUE]}))
    assert (filled, filled["other"]) == ({MARK: [MARK], "other": []}, [])
    assert redaction.result(deque([VALUE], maxlen=3)) == deque([MARK], maxlen=3)
    assert type(redaction.result(Words(VALUE))) is Words
    named = Named(a=VALUE)
    named.note = VALUE
    assert (redaction.result(named), redaction.result(named).note) == (Named(a=MARK), MARK)
    assert redaction.result({VALUE: {VALUE}}) == {MARK: {MARK}}
    assert redaction.result(bytearray(VALUE.encode())) == bytearray(MARK.encode())


def test_what_has_no_value_is_the_same_object(redaction):
    clean = Own("x")
    shared = {"clean": clean, "own": Own(VALUE)}
    cleaned = redaction.result(shared)
    assert cleaned["clean"] is clean
    assert redaction.result([clean, 1, None, b"x"])[0] is clean
    unchanged = [clean]
    assert redaction.result(unchanged) is unchanged


def test_results_of_other_kinds_that_hold_bytes_or_texts(redaction):
    raw = VALUE.encode()
    found = redaction.result(memoryview(raw))
    assert (type(found), found.tobytes()) == (memoryview, MARK.encode())
    assert redaction.result(memoryview(raw + raw)[::1])[:3].tobytes() == MARK.encode()[:3]
    assert redaction.result(array("B", raw)) == array("B", MARK.encode())
    for kind, text in ((io.BytesIO, raw), (io.StringIO, VALUE)):
        file = kind(text)
        file.seek(2)
        clean = redaction.result({"file": file})["file"]
        assert (type(clean), clean.tell(), clean.getvalue()) == (kind, 2, whole_mark(text))
        file.close()
        assert redaction.result(file) is file
    given = {"a": VALUE, VALUE: 1}
    assert list(redaction.result(given.keys())) == ["a", MARK]
    assert list(redaction.result(given.values())) == [MARK, 1]
    assert redaction.result(given.items()) == {"a": MARK, MARK: 1}.items()
    assert redaction.result(MappingProxyType(given)) == MappingProxyType({"a": MARK, MARK: 1})
    assert type(redaction.result(MappingProxyType(given))) is MappingProxyType


def whole_mark(text):
    return MARK if isinstance(text, str) else MARK.encode()


@dataclasses.dataclass
class Record:
    rows: object


def test_what_is_known_only_when_it_is_used(redaction):
    def generated():
        yield VALUE
        return [VALUE]

    values = [VALUE]
    iterators = (
        iter(values),
        iter((VALUE,)),
        iter({VALUE}),
        iter({VALUE: 1}),
        iter({1: VALUE}.values()),
        iter(deque(values)),
        reversed(values),
        map(str, values),
        filter(None, values),
        itertools.chain(values),
        itertools.islice(values, 1),
        (one for one in values),
        generated(),
    )
    for one in iterators:
        assert list(redaction.result(one)) == [MARK]
    assert list(redaction.result(zip(values, values, strict=True))) == [(MARK, MARK)]
    assert list(redaction.result(enumerate(values))) == [(0, MARK)]
    assert "".join(redaction.result(iter(VALUE))) == MARK
    assert [*map(list, redaction.result([{"rows": iter(values)}])[0].values())] == [[MARK]]
    assert list(redaction.result(Record(map(str, values))).rows) == [MARK]
    assert [*map(list, redaction.result(map(iter, [values])))] == [[MARK]]
    # It is a part of how this object works, not a result.
    own = SimpleNamespace(rows=generated())
    assert redaction.result(own) is own

    def delegating():
        return (yield from redaction.result(generated()))

    returned = delegating()
    assert next(returned) == MARK
    with pytest.raises(StopIteration) as end:
        next(returned)
    assert end.value.value == [MARK]
    # It is still used as it comes.
    endless = redaction.result(itertools.repeat(VALUE + "."))
    assert [next(endless), next(endless)] == [MARK + "."] * 2


def test_a_generator_that_is_not_used_up_is_closed(redaction):
    closed = []

    def parts():
        try:
            yield {VALUE}
            yield {VALUE}
        finally:
            closed.append("blocking")

    async def parts_awaited():
        try:
            yield {VALUE}
            yield {VALUE}
        finally:
            closed.append("async")

    async def first():
        clean = redaction.result(parts_awaited())
        found = await anext(clean)
        await clean.aclose()
        return found, [*closed]

    clean = redaction.result(parts())
    assert next(clean) == {MARK}
    clean.close()
    assert closed == ["blocking"]
    assert asyncio.run(first()) == ({MARK}, ["blocking", "async"])


def test_what_is_sent_into_a_generator(redaction):
    def parts():
        sent = {VALUE}
        while sent:
            sent = yield [sent]

    async def parts_awaited():
        sent = {VALUE}
        while sent:
            sent = yield [sent]

    async def all_of():
        clean = redaction.result(parts_awaited())
        return [await clean.asend(one) for one in (None, "a", VALUE)]

    clean = redaction.result(parts())
    assert [clean.send(one) for one in (None, "a", VALUE)] == [[{MARK}], ["a"], [MARK]]
    assert asyncio.run(all_of()) == [[{MARK}], ["a"], [MARK]]


class Computed(Mapping):
    """Its items are made anew each time."""

    def __getitem__(self, name):
        return [f"{VALUE} {name}"]

    def __iter__(self):
        return (f"{VALUE} {number}" for number in range(2))

    def __len__(self):
        return 2


def test_views_whose_items_are_made_anew(redaction):
    assert list(redaction.result(Computed().keys())) == [f"{MARK} 0", f"{MARK} 1"]
    assert list(redaction.result(Computed().values())) == [[f"{MARK} {MARK} 0"], [f"{MARK} {MARK} 1"]]
    assert next(iter(redaction.result([Computed().items()])[0])) == (f"{MARK} 0", [f"{MARK} {MARK} 0"])
    assert dict(redaction.result(MappingProxyType(Computed())))[f"{MARK} 1"] == [f"{MARK} {MARK} 1"]


def test_what_is_awaited(redaction):
    async def later():
        return [VALUE]

    async def parts():
        yield VALUE

    async def all_of():
        future = asyncio.get_running_loop().create_future()
        future.set_result(VALUE)
        found = redaction.result([later(), future, asyncio.ensure_future(later()), parts()])
        return [*(await asyncio.gather(*found[:3])), [one async for one in found[3]]]

    assert asyncio.run(all_of()) == [[MARK], MARK, [MARK], [MARK]]


def test_cycles_and_depth(redaction):
    loop: list[object] = [VALUE]
    loop.append({"again": loop})
    cleaned = redaction.result(loop)
    assert cleaned[0] == MARK
    assert cleaned[1]["again"] is cleaned
    deep: list[object] = [VALUE]
    for _ in range(900):
        deep = [deep]
    assert VALUE not in repr(redaction.result(deep))


def test_what_cannot_be_copied_becomes_text(redaction):
    class Once:
        def __init__(self) -> None:
            self.text = VALUE

        def __copy__(self) -> None:
            raise RuntimeError(self.text)

        def __str__(self) -> str:
            return f"<{self.text}>"

    assert redaction.result(Once()) == f"<{MARK}>"


class Refused(Exception):
    def __init__(self, message: str, code: int, request: object) -> None:
        super().__init__(message)
        self.code = code
        self.request = request


def test_an_error_keeps_its_type_and_attributes(redaction):
    request = SimpleNamespace(url=f"https://x.example/?key={VALUE}", method="GET")

    def fail() -> None:
        local = VALUE
        try:
            raise LookupError(local)
        except LookupError as error:
            raise Refused(f"no {local}", 7, request) from error

    with pytest.raises(Refused) as raised:
        fail()
    error = raised.value
    error.add_note(VALUE) if hasattr(error, "add_note") else None
    clean = redaction.failure(error)
    assert clean is error
    assert (str(clean), clean.code, clean.request.method) == (f"no {MARK}", 7, "GET")
    assert clean.request.url == f"https://x.example/?key={MARK}"
    assert request.url.endswith(VALUE)
    assert type(clean.__cause__) is LookupError
    shown = "".join(traceback.TracebackException.from_exception(clean, capture_locals=True).format())
    assert 'raise Refused(f"no {local}"' in shown
    assert "local = " not in shown
    assert VALUE not in "".join(traceback.format_exception(type(clean), clean, clean.__traceback__)) + repr(vars(clean))


def test_an_error_of_a_http_client_keeps_its_answer():
    value = "lin_api_0123456789abcdef"
    redaction = Redaction([("s", Confidential(value))])
    request = httpx.Request("GET", f"https://x.example/?key={value}", headers={"authorization": f"Bearer {value}"})
    with pytest.raises(httpx.HTTPStatusError) as failure:
        httpx.Response(403, request=request, text=f"not {value}").raise_for_status()
    clean = redaction.failure(failure.value)
    assert clean is failure.value
    assert (clean.response.status_code, clean.response.text) == (403, f"not {MARK}")
    assert clean.request.headers["authorization"] == f"Bearer {MARK}"
    assert value not in f"{clean} {clean.request.url} {clean.response.request.url} {clean.response.request.headers!r}"
    # Nothing that others use was changed.
    assert (request.headers["authorization"], value in str(request.url)) == (f"Bearer {value}", True)


def test_errors_of_the_language(redaction):
    def raised(function):
        with pytest.raises(Exception) as failure:
            function()
        return failure.value

    for make in (
        lambda: Path(f"/nowhere/{VALUE}").read_text(),
        lambda: {}[VALUE],
        lambda: f"{VALUE}\ud800".encode(),
        lambda: __import__(VALUE),
        lambda: getattr(SimpleNamespace(), VALUE),
        lambda: compile(VALUE, VALUE, "eval"),
    ):
        error = raised(make)
        clean = redaction.failure(error)
        assert type(clean) is type(error)
        assert VALUE not in f"{clean} {clean!r} {clean.args!r} {vars(clean)!r} {getattr(clean, 'object', '')!r}"
    assert redaction.failure(ValueError("nothing")) is None


def test_an_error_that_cannot_be_changed_is_replaced(redaction):
    class Fixed(Exception):
        def __str__(self) -> str:
            return f"always {VALUE}"

    clean = redaction.failure(Fixed())
    assert type(clean) is ToolFailed
    assert str(clean) == f"Fixed: always {MARK}"


def test_groups(redaction):
    group = pytest.importorskip("builtins").__dict__.get("ExceptionGroup")
    if group is None:
        pytest.skip("there are no groups before Python 3.11")
    inner = ValueError(VALUE)
    clean = redaction.failure(group(f"all of {VALUE}", [inner, KeyError("x")]))
    assert (type(clean), clean.message) == (group, f"all of {MARK}")
    assert clean.exceptions[0] is inner
    assert str(inner) == MARK
