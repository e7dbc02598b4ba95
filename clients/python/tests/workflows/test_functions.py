"""Functions that are tools: their arguments from the vault, in agents and in workflows."""

from __future__ import annotations

import asyncio
import inspect

import notes
import pytest
from iointel import Agent
from iointel.src.agent_methods.agents.agents_factory import agent_or_swarm, create_agent
from iointel.src.agent_methods.data_models.datamodels import AgentParams, Tool
from iointel.src.utilities.registries import TOOLS_REGISTRY

from toolvault import AsyncToolvault, SecretMissing, ToolvaultError
from toolvault.iointel import instantiate_agent, instantiate_tool, load_workflow, with_secrets, with_secrets_async

FILE = """
name: reading
objective: "What is in the note?"
client_mode: false
agents:
  - {name: reader, instructions: "Read", model: scripted, tools: [functions__read, functions_add, notes__read]}
tasks:
  - {task_id: t1, name: t1, type: custom, objective: "read"}
"""


@pytest.fixture
def value(vault, witness):
    made = witness.canary("key")
    for tool, argument in (("functions__*", "api_key"), ("notes__*", "token")):
        vault.secrets.create("notes-prod", made, tool_name=tool, tool_arg=argument, is_default_for_tool=True)
    return made


def called(tool, **arguments):
    done = tool.get_wrapped_fn()(**arguments)
    return asyncio.run(done) if inspect.isawaitable(done) else done


def test_a_function_gets_its_argument_and_the_model_does_not_see_it(value, runtime, provider, model, witness):
    agent = Agent(name="a", instructions="i", model="scripted", tools=[with_secrets(notes.read_note, runtime)])
    [tool] = agent.tools
    assert list(inspect.signature(tool.get_wrapped_fn()).parameters) == ["note", "url"]
    assert called(tool, note="n1", url=provider.url) == {"text": "issue n1: open", "sent": "Bearer [secret:notes-prod]"}
    assert provider.received == [value]
    assert list(tool.parameters["properties"]) == ["note", "url"]
    witness.clean("the agent", repr(agent), agent_or_swarm(agent, store_creds=True), tool.model_dump_json())
    made = asyncio.run(with_secrets_async(notes.read_note_soon, runtime))
    [soon] = Agent(name="a", instructions="i", model="scripted", tools=[made]).tools
    assert "api_key" not in tool.description
    assert called(soon, note="n2", url=provider.url) == "issue n2: open with [secret:notes-prod]"


def test_a_default_for_the_pointer_to_an_argument(vault, runtime, provider, model, witness):
    made = witness.canary("key")
    vault.secrets.create("s", made, tool_name="functions__*", tool_arg="/api_key", is_default_for_tool=True)
    [tool] = Agent(name="a", instructions="i", model="scripted", tools=[with_secrets(notes.read_note, runtime)]).tools
    assert list(tool.parameters["properties"]) == ["note", "url"]
    assert called(tool, note="n1", url=provider.url)["sent"] == "Bearer [secret:s]"


def test_an_agent_without_a_vault_has_the_function_that_it_was(value, runtime, provider, model):
    with_secrets(notes.read_note, runtime)
    [tool] = Agent(name="a", instructions="i", model="scripted", tools=[notes.read_note]).tools
    assert list(inspect.signature(tool.get_wrapped_fn()).parameters) == ["note", "api_key", "url"]
    assert called(tool, note="n", api_key="its own", url=provider.url)["sent"] == "Bearer its own"
    assert TOOLS_REGISTRY["functions__read"].fn is notes.read_note
    # iointel refuses other code under the same name; it is still the same.
    notes.register_tool("functions__read")(notes.read_note)


@pytest.mark.parametrize("kind", ["blocking", "async"])
def test_workflows_and_agents(value, runtime, server, vault, provider, model, kind, witness):
    key = vault.keys.create(scopes=["resolve"], name="async").key
    shared = runtime if kind == "blocking" else AsyncToolvault(server.environment["TOOLVAULT_URL"], key)
    workflow = asyncio.run(load_workflow(shared, FILE))
    read, add, method = workflow.agents[0].tools
    assert called(read, note="n", url=provider.url)["sent"] == "Bearer [secret:notes-prod]"
    assert called(add, a=1, b=2) == 3
    assert method._load_fn_self().token == value
    again = asyncio.run(load_workflow(shared, workflow.to_yaml()))
    assert called(again.agents[0].tools[0], note="n", url=provider.url)["text"] == "issue n: open"
    params = AgentParams(name="a", instructions="i", model="scripted", tools=["functions__read"])
    hooks = {"instantiate_tool": instantiate_tool(shared), "instantiate_agent": instantiate_agent(shared)}
    agent = asyncio.run(create_agent(params, **hooks))
    assert called(agent.tools[0], note="n", url=provider.url)["sent"] == "Bearer [secret:notes-prod]"
    witness.clean("YAML", workflow.to_yaml(store_creds=True))


def test_one_request_says_what_a_workflow_needs(value, runtime, model, monkeypatch):
    asked = []
    run = runtime._sender.run
    monkeypatch.setattr(runtime._sender, "run", lambda one: asked.append(one.path) or run(one))
    text = FILE.replace("notes__read]", "notes__read, notes__read_soon, functions__read_soon]")
    workflow = asyncio.run(load_workflow(runtime, text))
    assert len(workflow.agents[0].tools) == 5
    assert asked == ["/v1/me", "/v1/explain", "/v1/explain"]


def test_references_and_what_is_missing(vault, runtime, provider, model, witness):
    value = witness.canary("named")
    vault.secrets.create("named", value, tool_name="functions__*", tool_arg="api_key")
    tool = with_secrets(notes.read_note, runtime, bindings={"api_key": "secret://named"})
    assert called(tool, note="n", url=provider.url)["sent"] == "Bearer [secret:named]"
    with pytest.raises(SecretMissing):
        called(with_secrets(notes.read_note, runtime, hide=["api_key"]), note="n")
    with pytest.raises(ToolvaultError, match="is not registered"):
        with_secrets(Tool.from_function(lambda api_key: api_key, name="other"), runtime)
