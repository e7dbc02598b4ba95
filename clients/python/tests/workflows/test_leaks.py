"""Other places where a value could occur: dumps, copies, pickles, logs, tracebacks, and results of tools."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
from urllib.error import URLError

import pytest
import requests
from agno.tools.linear import LinearTools
from pydantic import BaseModel, SecretStr, ValidationError

from linear import library_locals, shown
from toolvault import Confidential, SecretMissing, ToolvaultError
from toolvault._injection.redaction import Redaction

TOOLS = {
    "notes__read": "token",
    "prepared__show": "token",
    "raw__show": "api_key",
    "talkative__show": "token",
    "agno__linear__get_user_details": "api_token",
}


@pytest.fixture(params=[True, False], ids=["default", "reference"])
def served(request, vault, made, linear, witness):
    """The tools, each created with a default or a reference, after one use of their values."""
    held = {}
    for tool, argument in TOOLS.items():
        name = f"for-{argument}"
        vault.secrets.create(
            name, witness.canary(tool), tool_name=tool, tool_arg=argument, is_default_for_tool=request.param
        )
        arguments = {} if request.param else {argument: f"secret://{name}"}
        held[tool] = made(tool, arguments)
        assert getattr(held[tool].object, argument).startswith("lin_api_")
    held["prepared__show"]()
    held["raw__show"]()
    held["agno__linear__get_user_details"]()
    return held


def test_no_dump_and_no_text_shows_a_value(served, witness):
    for tool, held in served.items():
        one, argument = held.object, TOOLS[tool]
        reference = f"secret://for-{argument}"
        witness.clean("texts", repr(one), str(one), f"{one}", f"{one!r:>100}", ascii(one))
        witness.clean("dumps", one.model_dump(), one.model_dump_json(), one.model_dump(mode="json"), dict(one))
        witness.clean("attributes", vars(one), one.__dict__, one.__pydantic_private__, list(one), one.__repr_args__())
        witness.clean(
            "pydantic", BaseModel.model_dump_json(one), BaseModel.__repr__(one), one.model_dump(exclude={"x"})
        )
        witness.clean("the tool", repr(held.tool), held.tool.model_dump_json(), held.tool.fn_self, str(held.tool))
        assert vars(one)[argument] == reference
        assert reference in repr(one)


def test_a_dump_says_where_the_value_comes_from(vault, made, witness):
    vault.secrets.create("l", witness.canary("v"), tool_name="notes__*", tool_arg="token", is_default_for_tool=True)
    named, default = made("notes__read", {"token": "secret://l"}), made("notes__read")
    assert json.loads(named.tool.fn_self[1]) == {"url": "http://127.0.0.1:9", "calls": 0, "token": "secret://l"}
    assert json.loads(default.tool.fn_self[1]) == {"url": "http://127.0.0.1:9", "calls": 0}
    assert named.object.model_dump(exclude={"url", "calls"}) == {"token": "secret://l"}


def test_nothing_that_holds_a_value_is_pickled(served, witness):
    for held in served.values():
        for one in (held.object, *vars(held.object).values(), held.object.__pydantic_private__, held.tool.fn_self):
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                with contextlib.suppress(TypeError):
                    witness.clean("pickle", pickle.dumps(one, protocol))
        with pytest.raises(TypeError, match="cannot be pickled; dump its workflow"):
            pickle.dumps(held.object)
        assert pickle.loads(pickle.dumps(held.tool.fn_self[:2])) == held.tool.fn_self[:2]
    toolkit = served["agno__linear__get_user_details"].object._tool
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            copied(toolkit)


def test_copies_hold_references_and_get_values_of_their_own(served, witness):
    for tool, held in served.items():
        one, argument = held.object, TOOLS[tool]
        for copied in (copy.copy(one), copy.deepcopy(one), one.model_copy(), one.model_copy(deep=True)):
            witness.clean("copies", repr(copied), vars(copied), copied.model_dump_json(), copied.__pydantic_private__)
            assert getattr(copied, argument) == getattr(one, argument)
            assert type(copied) is type(one)
    prepared = served["prepared__show"].object
    assert prepared._client is prepared._client
    assert copy.copy(prepared)._client is not prepared._client
    assert copy.deepcopy(prepared)._client is not prepared._client


def test_no_log_shows_a_value(served, witness):
    witness.clean_logs()
    assert "iointel" in witness.logs.getvalue()


def test_a_dump_by_itself_leads_nowhere(served):
    for held in served.values():
        with pytest.raises(ToolvaultError, match="load_workflow"):
            type(held.object).model_validate_json(held.tool.fn_self[1])
        with pytest.raises(ToolvaultError, match="load_workflow"):
            type(held.object)(token="x")


@pytest.mark.parametrize(("tool", "words"), [("refusing__show", "ValidationError"), ("failing__show", "RuntimeError")])
def test_what_refuses_a_value_does_not_show_it(vault, made, witness, tool, words):
    vault.secrets.create("s", witness.canary("refused"), tool_name=tool, tool_arg="token", is_default_for_tool=True)
    held = made(tool)
    with pytest.raises(Exception) as caught:
        held()
    assert type(caught.value).__name__ == words
    witness.clean("the error", shown(caught.value), repr(caught.value), library_locals(caught.value))


def test_what_refuses_another_argument_says_why_before_a_secret_is_fetched(vault, made, witness):
    vault.secrets.create("s", "long and no canary", tool_name="refusing__*", tool_arg="token", is_default_for_tool=True)
    literal = witness.canary("literal")
    with pytest.raises(ToolvaultError, match="refusing__show refuses the value of 'pin': Input should") as caught:
        made("refusing__show", {"pin": literal})
    witness.clean("the error", repr(caught.value), caught.value.__context__)
    assert made("refusing__show", {"pin": "7"}).object.pin == 7


def test_the_frames_of_an_error_show_no_value(vault, made, witness):
    value = witness.canary("value")
    secret = vault.secrets.create("s", value, tool_name="notes__*", tool_arg="token", is_default_for_tool=True)
    held = made("notes__read")
    assert held.object.token == value
    with pytest.raises(URLError) as unreachable:
        held(note="n")
    vault.secrets.delete(secret.secret_id)
    with pytest.raises(SecretMissing) as missing:
        held(note="n")
    for error in (unreachable.value, missing.value):
        witness.clean("the error", shown(error), library_locals(error))


def test_what_agnos_toolkits_say_is_searched_for_values(vault, made, linear, witness, monkeypatch):
    value = witness.canary("value")
    vault.secrets.create("team", value, tool_name="agno__*", tool_arg="api_token", is_default_for_tool=True)
    held = made("agno__linear__get_user_details")
    monkeypatch.setattr(LinearTools, "get_user_details", lambda self: {"you": [f"Bearer {self.api_token}"]})
    assert held() == {"you": ["Bearer [secret:team]"]}

    def fail(self):
        raise requests.exceptions.RequestException(f"401 for https://linear.example/?key={self.api_token}")

    monkeypatch.setattr(LinearTools, "get_user_details", fail)
    with pytest.raises(Exception, match=r"\[secret:team\]") as caught:
        held()
    witness.clean("the error", shown(caught.value))


class Answer(BaseModel, frozen=True, extra="allow"):
    """A result."""

    text: str
    key: SecretStr
    inner: list[Answer] = []


def test_models_and_validation_errors_of_pydantic():
    value = "lin_api_0123456789abcdef"
    redaction = Redaction([("s", Confidential(value))])
    answer = Answer(text=value, key=value, extra=value, inner=[Answer(text="t", key="k")])
    clean = redaction.result(answer)
    assert (type(clean), clean.text, clean.extra) == (Answer, "[secret:s]", "[secret:s]")
    assert clean.key.get_secret_value() == "[secret:s]"
    assert clean.inner[0] is answer.inner[0]
    assert answer.text == value
    with pytest.raises(ValidationError) as failure:
        Answer(text=7, key=value, inner=value)
    error = redaction.failure(failure.value)
    assert type(error) is ValidationError
    assert [(one["loc"], one["type"], one["input"]) for one in error.errors()] == [
        (("text",), "string_type", 7),
        (("inner",), "list_type", "[secret:s]"),
    ]
    assert value not in f"{error} {error!r}"
