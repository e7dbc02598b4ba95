"""Planted faults: each distortion of a right answer must be noticed, or the comparison proves nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from answers import Answer, Owed, faults


def with_detail(change: Callable[[list], object]) -> Callable[[Answer], Answer | None]:
    """A distortion of the errors of a 422."""

    def distort(answer: Answer) -> Answer | None:
        if answer.status != 422:
            return None
        detail = change(answer.json()["detail"])
        return None if detail is None else answer.with_json({"detail": detail})

    return distort


def with_secret(change: Callable[[dict], dict]) -> Callable[[Answer], Answer | None]:
    """A distortion of one secret."""

    def distort(answer: Answer) -> Answer | None:
        body = answer.json()
        return answer.with_json(change(body)) if "secret_id" in body else None

    return distort


def with_list(change: Callable[[dict], dict]) -> Callable[[Answer], Answer | None]:
    """A distortion of a list that is not empty."""

    def distort(answer: Answer) -> Answer | None:
        body = answer.json()
        return answer.with_json(body | change(body)) if body.get("data") else None

    return distort


def refusal(body: object) -> Callable[[Answer], Answer | None]:
    """Another body for what is refused in words."""
    return lambda answer: answer.with_json(body) if answer.status in (400, 401, 404, 415) else None


def header(name: str, value: str | None) -> Callable[[Answer], Answer | None]:
    """A header gone (None) or changed, or there where it should not be."""

    def distort(answer: Answer) -> Answer | None:
        if (name in answer.headers) == (value is None):
            kept = {known: text for known, text in answer.headers.items() if known != name}
            return replace(answer, headers=kept if value is None else kept | {name: value})
        return None

    return distort


def without(*names: str) -> Callable[[dict], dict]:
    return lambda secret: {name: value for name, value in secret.items() if name not in names}


def each(change: dict) -> Callable[[list], list]:
    return lambda detail: [*detail[:-1], detail[-1] | change]


NIL = "00000000-0000-0000-0000-000000000000"
LATER = "2999-01-01T00:00:00.000000Z"
DISTORTIONS: dict[str, Callable[[Answer], Answer | None]] = {
    "another status": lambda answer: replace(answer, status=answer.status + 1),
    "no JSON": lambda answer: replace(answer, body=b"<p>"),
    "no body": lambda answer: replace(answer, body=b""),
    "an empty object": lambda answer: None if answer.json() == {} else answer.with_json({}),
    "errors doubled": with_detail(lambda detail: detail * 2),
    "errors reversed": with_detail(lambda detail: detail[::-1] if detail[::-1] != detail else None),
    "an error lost": with_detail(lambda detail: detail[1:]),
    "an error's type": with_detail(each({"type": "x"})),
    "an error's place": with_detail(each({"loc": ["query", "x"]})),
    "an error's text": with_detail(each({"msg": "x"})),
    "an error with what was sent": with_detail(each({"input": "x"})),
    "ctx gone": with_detail(
        lambda detail: [without("ctx")(error) for error in detail] if any("ctx" in error for error in detail) else None
    ),
    "ctx changed": with_detail(lambda detail: each({"ctx": {}})(detail) if "ctx" in detail[-1] else None),
    "timestamps gone": with_secret(without("created_at", "updated_at")),
    "a timestamp null": with_secret(lambda secret: secret | {"updated_at": None}),
    "a timestamp without its zone": with_secret(lambda secret: secret | {"created_at": secret["created_at"][:-1]}),
    "made later": with_secret(lambda secret: secret | {"created_at": LATER}),
    "changed before": with_secret(lambda secret: secret | {"updated_at": "2000-01-01T00:00:00.000000Z"}),
    "display gone": with_secret(without("display")),
    "display null": with_secret(lambda secret: secret | {"display": None}),
    "display longer": with_secret(lambda secret: secret | {"display": f"x{secret['display']}"}),
    "the value shown": with_secret(lambda secret: secret | {"secret_value": "x"}),
    "another secret's id": with_secret(lambda secret: secret | {"secret_id": secret["secret_id"][:-1]}),
    "another user's id": with_secret(lambda secret: secret | {"user_id": NIL}),
    "another name": with_secret(lambda secret: secret | {"secret_name": f"{secret['secret_name']}x"}),
    "another pattern": with_secret(lambda secret: secret | {"tool_name": "x"}),
    "another argument": with_secret(lambda secret: secret | {"tool_arg": "x-x"}),
    "the flag": with_secret(lambda secret: secret | {"is_default_for_tool": not secret["is_default_for_tool"]}),
    "the list emptied": with_list(lambda _: {"data": []}),
    "the list doubled": with_list(lambda body: {"data": body["data"] * 2}),
    "an element without its times": with_list(lambda body: {"data": [without("updated_at")(body["data"][0])]}),
    "another total": with_list(lambda body: {"total": body["total"] + 1}),
    "another limit": with_list(lambda body: {"limit": body["limit"] + 1}),
    "another offset": with_list(lambda body: {"offset": body["offset"] + 1}),
    "a refusal in other words": refusal({"detail": "x"}),
    "a refusal as errors": refusal({"detail": []}),
    "a refusal that says more": refusal({"detail": "Not found", "input": "x"}),
    "another content type": lambda answer: replace(answer, headers=answer.headers | {"content-type": "text/html"}),
    "no content type": header("content-type", None),
    "no request id": header("x-request-id", None),
    "no error code": header("toolvault-error", None),
    "an error code for what was done": header("toolvault-error", "invalid"),
    "another error code": lambda answer: replace(answer, headers=answer.headers | {"toolvault-error": "x"}),
    "no challenge": header("www-authenticate", None),
    "no entity tag": header("etag", None),
    "an entity tag of nothing": header("etag", '"x"'),
}


def unnoticed(right: list[tuple[Owed, Answer]]) -> list[str]:
    """The distortions that no comparison noticed, and those that no right answer could show."""
    tried, missed = Counter(), []
    for owed, answer in right:
        for name, distort in DISTORTIONS.items():
            distorted = distort(answer)
            if distorted is None:
                continue
            tried[name] += 1
            if not faults(owed, distorted):
                missed.append(f"{name}: {distorted}")
    return missed + [f"{name}: never tried" for name in DISTORTIONS if not tried[name]]
