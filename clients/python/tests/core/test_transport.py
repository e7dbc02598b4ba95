"""Retries, and what a failure reveals."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import pickle
import traceback
from typing import Any

import httpx
import pytest

import toolvault
from linear import library_locals, shown
from toolvault import AsyncToolvault, Confidential, Toolvault
from toolvault._http.settings import settings

KEY = "tvk_abcdefgh_" + "k" * 49
VALUE = "a-value-that-shows-nowhere"
SECRET = {
    "secret_id": "s", "user_id": "u", "secret_name": "n", "display": None, "tool_name": None, "tool_arg": None,
    "is_default_for_tool": False, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


class Script:
    """A scripted transport that records the requests and the pauses between them."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.waited: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **options: Any) -> Toolvault:
        made = Toolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(self), **options)
        made._sender._sleep = self.waited.append
        return made

    def run(self, kind: str, operation: Any) -> Any:
        if kind == "blocking":
            return operation(self.client())

        async def awaited() -> Any:
            made = AsyncToolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(self))

            async def sleep(seconds: float) -> None:
                self.waited.append(seconds)

            made._sender._sleep = sleep
            return await operation(made)

        return asyncio.run(awaited())


def answer(status: int = 200, content: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=content, headers={name.replace("_", "-"): one for name, one in headers.items()})


def completed(args: Any) -> httpx.Response:
    return answer(200, {"tool_name": "t", "args": args, "applied": []})


UNAVAILABLE = {"detail": "Temporarily unavailable."}


@pytest.fixture(params=["blocking", "async"])
def kind(request):
    return request.param


def test_what_is_safe_is_repeated(kind):
    script = Script(httpx.ConnectError("no"), answer(503, UNAVAILABLE, retry_after="1"), completed({"a": 1}))
    assert script.run(kind, lambda client: client.resolve("t")).args == {"a": 1}
    assert len(script.asked) == 3
    assert script.waited[0] < 0.5
    assert script.waited[1] == 1
    assert len({one.read() for one in script.asked}) == 1


def test_a_creation_is_repeated_under_one_name(kind):
    script = Script(httpx.ReadError("broke"), answer(429, {"detail": "Too many"}, retry_after="2"), answer(200, SECRET))
    script.run(kind, lambda client: client.secrets.create("n", VALUE))
    names = {one.headers["idempotency-key"] for one in script.asked}
    assert len(script.asked) == 3
    assert len(names) == 1
    script = Script(answer(200, SECRET))
    script.run(kind, lambda client: client.secrets.create("n", VALUE, idempotency_key="mine"))
    assert script.asked[0].headers["idempotency-key"] == "mine"


@pytest.mark.parametrize(
    "operation",
    [
        lambda client: client.secrets.update("s", secret_value=VALUE),
        lambda client: client.secrets.delete("s"),
        lambda client: client.secrets.put_value("s", VALUE),
        lambda client: client.keys.create(scopes=["use"]),
        lambda client: client.keys.rotate("k"),
        lambda client: client.secrets.restore("s", 1),
    ],
)
def test_what_is_not_safe_is_asked_once(kind, operation):
    script = Script(httpx.ReadError("broke"))
    with pytest.raises(toolvault.Unavailable):
        script.run(kind, operation)
    assert len(script.asked) == 1


def test_it_is_not_repeated_for_ever_nor_after_too_long_a_wait(kind):
    script = Script(*[answer(503, UNAVAILABLE, retry_after="0")] * 3)
    with pytest.raises(toolvault.Unavailable, match="Temporarily"):
        script.run(kind, lambda client: client.me())
    assert len(script.asked) == 3
    script = Script(answer(429, {"detail": "Too many"}, retry_after="3600"))
    with pytest.raises(toolvault.RateLimited) as failure:
        script.run(kind, lambda client: client.me())
    assert failure.value.retry_after == 3600
    assert script.waited == []


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "unreadable", toolvault.ValidationError),
        (401, "unauthenticated", toolvault.Unauthorized),
        (403, "lacks_scope", toolvault.Forbidden),
        (404, "not_found", toolvault.NotFound),
        (412, "precondition_failed", toolvault.PreconditionFailed),
        (413, "quota_exceeded", toolvault.QuotaExceeded),
        (413, "body_too_large", toolvault.TooLarge),
        (415, "unsupported_media_type", toolvault.ValidationError),
        (500, "integrity", toolvault.ServerFailure),
        (502, "", toolvault.ServerFailure),
        (301, "", toolvault.UnexpectedAnswer),
        (418, "", toolvault.UnexpectedAnswer),
    ],
)
def test_errors_by_meaning(kind, status, code, expected):
    script = Script(answer(status, {"detail": "Said so."}, toolvault_error=code))
    with pytest.raises(expected, match="Said so") as failure:
        script.run(kind, lambda client: client.me())
    assert type(failure.value) is expected
    assert (failure.value.status, failure.value.code) == (status, code)
    assert pickle.loads(pickle.dumps(failure.value)).status == status


def test_a_rejected_input_that_a_server_repeats_is_left_out(kind):
    problem = {"type": "string_too_long", "loc": ["body", "secret_value"], "msg": "Too long", "input": VALUE}
    script = Script(answer(422, {"detail": [problem]}))
    with pytest.raises(toolvault.ValidationError) as failure:
        script.run(kind, lambda client: client.secrets.create("n", VALUE))
    assert VALUE not in repr(failure.value.__dict__) + str(failure.value)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b'{"a":1}', b'"text"', b"<html>" + VALUE.encode()])
def test_what_is_no_answer_of_toolvault(kind, content):
    script = Script(httpx.Response(200, content=content))
    with pytest.raises(toolvault.UnexpectedAnswer) as failure:
        script.run(kind, lambda client: client.resolve("t"))
    assert failure.value.__context__ is None
    assert VALUE not in shown(failure.value) + library_locals(failure.value)


def test_a_failure_leaves_no_value_behind(kind):
    """No value in its message, in chained errors, or in the frames of the library."""
    broken = httpx.WriteError(f"while writing {VALUE} with {KEY}")
    operations = [
        lambda client: client.secrets.create("n", VALUE, idempotency_key="i"),
        lambda client: client.secrets.update("s", secret_value=VALUE),
        lambda client: client.secrets.put_value("s", VALUE),
    ]
    for operation in operations:
        script = Script(broken, broken, broken)
        with pytest.raises(toolvault.Unavailable) as failure:
            script.run(kind, operation)
        assert failure.value.__context__ is None
        assert failure.value.__cause__ is None
        for secret in (VALUE, KEY):
            assert secret not in shown(failure.value) + repr(failure.value) + library_locals(failure.value)


def test_an_interruption_leaves_no_value_behind():
    class Interrupted(BaseException):
        pass

    def interrupt(request: httpx.Request) -> httpx.Response:
        sent = (request.headers["authorization"], request.read())
        raise Interrupted(len(sent))

    client = Toolvault("http://127.0.0.1:1", KEY, transport=httpx.MockTransport(interrupt))
    with pytest.raises(Interrupted) as failure:
        client.secrets.update("s", secret_value=VALUE)
    frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(failure.value.__traceback__)]
    assert not any("httpx" in one for one in frames)
    assert VALUE not in library_locals(failure.value)


def test_what_cannot_be_sent_is_said_without_it():
    with pytest.raises(TypeError, match="type object cannot be written"):
        Script().client().resolve("t", {"a": object()})
    with pytest.raises(ValueError, match="no infinity"):
        Script().client().resolve("t", {"a": float("nan")})
    with pytest.raises(ValueError, match="surrogates") as failure:
        Script().client().secrets.put_value("s", f"{VALUE}\ud800")
    assert failure.value.__context__ is None
    assert VALUE not in repr(vars(failure.value)) + shown(failure.value) + library_locals(failure.value)


def test_the_key_goes_where_httpx_covers_it():
    script = Script(completed({}))
    script.client(user="u").resolve("t")
    assert script.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert script.asked[0].headers["x-toolvault-user"] == "u"
    assert KEY not in repr(script.asked[0].headers)


def test_a_proxy_of_the_environment_does_not_see_what_is_not_encrypted(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    client = Toolvault("http://127.0.0.1:1", KEY)
    assert client._sender._client._mounts == {}


def test_confidential_shows_nothing():
    covered = Confidential(VALUE)
    assert covered.reveal() == VALUE
    assert Confidential(covered) == covered
    assert Confidential("other-value") != covered
    assert copy.copy(covered) is covered
    assert copy.deepcopy(covered) is covered
    words = [
        repr(covered),
        str(covered),
        f"{covered:>40}",
        format(covered, ""),
        repr([covered]),
        repr(vars(Confidential)),
    ]
    assert not any(VALUE in one for one in words)
    for attempt in (pickle.dumps, json.dumps, hash, vars, dataclasses.asdict, len, iter):
        with pytest.raises(TypeError):
            attempt(covered)
    with pytest.raises(AttributeError):
        covered.text = "x"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        Confidential(b"bytes")  # type: ignore[arg-type]


def test_clients_and_completed_arguments_cannot_be_pickled():
    script = Script(completed({"key": VALUE}))
    client = script.client()
    done = client.resolve("t")
    for one in (client, done, AsyncToolvault("http://127.0.0.1:1", KEY)):
        with pytest.raises(TypeError):
            pickle.dumps(one)
        assert VALUE not in repr(one)
        assert KEY not in repr(one)
    assert copy.deepcopy(client) is client


@pytest.mark.parametrize(
    ("url", "is_accepted"),
    [
        ("http://127.0.0.1:8710", True),
        ("http://127.8.8.8/", True),
        ("http://[::1]:8710", True),
        ("http://localhost", True),
        ("https://vault.example.com/below/it", True),
        ("http://vault.example.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
        ("https://user:password@vault.example.com", False),
        ("https://vault.example.com?a=b", False),
        ("http://127.0.0.1:8710/v1", False),
        ("https://vault.example.com/below/v1/", False),
        ("ftp://127.0.0.1", False),
        ("127.0.0.1:8710", False),
        ("http://[::1", False),
        ("https://", False),
    ],
)
def test_addresses(url, is_accepted):
    if is_accepted:
        assert Toolvault(url, KEY).url == url.rstrip("/")
        return
    with pytest.raises(toolvault.ConfigurationError) as failure:
        Toolvault(url, KEY)
    assert KEY not in shown(failure.value) + library_locals(failure.value)


def test_plain_http_elsewhere_when_allowed():
    assert Toolvault("http://10.0.0.1", KEY, allow_http=True).url == "http://10.0.0.1"


def found(environment: dict[str, str]) -> tuple[str, str]:
    made = settings(None, None, user=None, timeout=1, retries=0, allow_http=False, verify=True, environment=environment)
    return made.url, made.api_key.reveal()


def test_the_environment(tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert found({"TOOLVAULT_API_KEY": KEY}) == ("http://127.0.0.1:8710", KEY)
    assert found({"TOOLVAULT_API_KEY_FILE": str(file), "TOOLVAULT_URL": "https://v.example"}) == (
        "https://v.example",
        KEY,
    )
    for environment in ({}, {"TOOLVAULT_API_KEY": "two words"}, {"TOOLVAULT_API_KEY_FILE": str(tmp_path / "none")}):
        with pytest.raises(toolvault.ConfigurationError) as failure:
            found(environment)
        assert "two words" not in shown(failure.value)
