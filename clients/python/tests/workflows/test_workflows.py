"""Workflows: loaded, run, dumped, and loaded again elsewhere."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from iointel import Workflow
from iointel.src.agent_methods.agents.agents_factory import agent_or_swarm, create_agent
from iointel.src.agent_methods.data_models.datamodels import AgentParams
from iointel.src.memory import AsyncMemory

from toolvault import AsyncToolvault, SecretMissing, ToolvaultError
from toolvault.iointel import instantiate_tool, load_workflow, portable

EXAMPLE = Path(__file__).parents[4] / "examples" / "python" / "iointel"

FILE = """
name: triage
objective: "List my Linear issues"
client_mode: false
agents:
  - name: triager
    instructions: "Use Linear"
    model: scripted
    tools:
      - agno__linear__get_user_details
      - [agno__linear__get_issue_details, {api_token: secret://linear-audit}]
tasks:
  - {task_id: t1, name: t1, type: custom, objective: "who am I"}
  - task_id: t2
    name: t2
    type: custom
    objective: "and what is it about"
    agents:
      - {name: reader, instructions: "Read", model: scripted, tools: [agno__linear__get_issue_details]}
"""
ONE_TASK = FILE[: FILE.index("  - task_id: t2")]
SCRIPT = (("agno__linear__get_user_details", {}), ("agno__linear__get_issue_details", {"issue_id": "ENG-42"}))


@pytest.fixture
def secrets(vault, witness):
    """The default for all tools of Linear, and another one for issues."""
    default, audit = witness.canary("default"), witness.canary("audit")
    made = vault.secrets.create(
        "linear-prod", default, tool_name="agno__linear__*", tool_arg="api_token", is_default_for_tool=True
    )
    vault.secrets.create("linear-audit", audit, tool_name="agno__linear__get_issue*", tool_arg="api_token")
    return default, audit, made.secret_id


def agents(workflow):
    return [*workflow.agents, *(agent for task in workflow.tasks for agent in task.get("agents") or ())]


def run(workflow):
    return asyncio.run(workflow.run_tasks())["results"]


def test_a_workflow_runs_with_secrets_and_shows_none(secrets, vault, runtime, linear, model, witness):
    model.script = SCRIPT
    workflow = asyncio.run(load_workflow(runtime, ONE_TASK, keep_seconds=0))
    results = run(workflow)
    assert "Ada" in results["t1"]
    assert "Broken lamp" in results["t1"]
    assert linear.received == [secrets[0], secrets[1]]
    # Loaded objects use the changed value.
    new = witness.canary("new")
    vault.secrets.update(secrets[2], secret_value=new)
    del linear.received[:]
    run(workflow)
    assert linear.received == [new, secrets[1]]
    assert len(model.received) == 6
    witness.clean("what the model saw", json.dumps(model.received))
    witness.clean("results", results, repr(workflow.agents), repr(workflow.tasks))
    witness.clean("YAML", workflow.to_yaml(), workflow.to_yaml(store_creds=True))
    for agent in agents(workflow):
        witness.clean(
            "agents", agent.model_dump(exclude={"model"}), repr(agent), agent_or_swarm(agent, store_creds=True)
        )
    witness.clean_logs()


def test_from_yaml_and_create_agent_take_the_hook(secrets, runtime, linear, model):
    hook = instantiate_tool(runtime)
    workflow = asyncio.run(Workflow.from_yaml(FILE, instantiate_tool=hook))
    values = [tool._load_fn_self().api_token for agent in agents(workflow) for tool in agent.tools]
    assert values == [secrets[0], secrets[1], secrets[0]]
    params = AgentParams(name="a", instructions="i", tools=["agno__linear__get_user_details"])
    agent = asyncio.run(create_agent(params, instantiate_tool=hook))
    assert agent.tools[0]._load_fn_self().api_token == secrets[0]
    stored = AgentParams(**portable(agent_or_swarm(agent, store_creds=False)[0].model_dump(mode="json")))
    assert stored.tools == ["agno__linear__get_user_details"]
    again = asyncio.run(create_agent(stored, instantiate_tool=hook))
    assert again.tools[0]._load_fn_self().api_token == secrets[0]


def test_what_is_missing_is_told_before_anything_runs(runtime, linear, model):
    with pytest.raises(SecretMissing) as caught:
        asyncio.run(load_workflow(runtime, FILE))
    assert (caught.value.argument, caught.value.tool) == ("api_token", "agno__linear__get_user_details")
    assert linear.received == model.received == []


def test_a_dump_is_loaded_again(secrets, runtime, model, witness):
    first = asyncio.run(load_workflow(runtime, FILE))
    dump = first.to_yaml()
    assert "secret://linear-audit" in dump
    assert "linear-prod" not in dump
    definition = portable(yaml.safe_load(dump))
    assert definition["agents"][0]["tools"] == [
        "agno__linear__get_user_details",
        ["agno__linear__get_issue_details", {"api_token": "secret://linear-audit"}],
    ]
    again = asyncio.run(load_workflow(runtime, dump))
    assert again.to_yaml().count("secret://linear-audit") == 1
    values = [tool._load_fn_self().api_token for agent in agents(again) for tool in agent.tools]
    assert values == [secrets[0], secrets[1], secrets[0]]
    witness.clean("dumps", dump, again.to_yaml())


def test_a_dump_that_is_loaded_without_its_vault_gets_nothing(secrets, runtime, model):
    dump = asyncio.run(load_workflow(runtime, FILE)).to_yaml()
    gc.collect()
    with pytest.raises(ToolvaultError, match="load_workflow"):
        asyncio.run(Workflow.from_yaml(dump))


def test_a_dump_is_loaded_in_another_process(secrets, server, vault, runtime, linear, model, witness, tmp_path):
    file = tmp_path / "dumped.yaml"
    asyncio.run(load_workflow(runtime, FILE)).to_yaml(file_path=str(file))
    program = """
import asyncio, sys
from toolvault import AsyncToolvault
from toolvault.iointel import load_workflow

async def main():
    workflow = await load_workflow(AsyncToolvault(), file_path=sys.argv[1])
    tools = [tool for agent in workflow.agents for tool in agent.tools]
    print([tool._load_fn_self()._tool.headers["Authorization"] for tool in tools])
    assert workflow.to_yaml().count("secret://linear-audit") == 1

asyncio.run(main())
"""
    key = vault.keys.create(scopes=["resolve"], name="other process").key
    environment = os.environ | {
        "TOOLVAULT_URL": server.environment["TOOLVAULT_URL"],
        "TOOLVAULT_API_KEY": key.reveal(),
        "PYTHONPATH": str(Path(sys.modules["toolvault"].__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == repr([secrets[0], secrets[1]])
    witness.clean("errors", done.stderr, file.read_text())


def test_what_iointel_dumped_without_us_is_loaded_too(secrets, runtime):
    stock = """
agents:
- name: a
  instructions: i
  tools:
  - name: agno__linear__get_user_details
    fn_self: [iointel.src.agent_methods.tools.agno.linear:Linear, '{"api_token":"x-given"}', 1]
  - {name: calculator_add, description: d, parameters: {}, is_async: false, body: "x", fn_self: null}
name: n
"""
    workflow = asyncio.run(load_workflow(runtime, stock))
    assert workflow.agents[0].tools[0]._load_fn_self().api_token == "x-given"
    for state in ('["m:C", "no", 1]', '["m:C", "[]", 1]', "7", '[1, "{}", 1]'):
        broken = f"name: n\nagents: [{{name: a, instructions: i, tools: [{{name: x, fn_self: {state}}}]}}]"
        with pytest.raises(ToolvaultError, match="the state of the tool x"):
            asyncio.run(load_workflow(runtime, broken))


def test_a_file_imports_nothing_but_iointels_tools(runtime, model, tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    for key in ("planted:C", "toolvault.iointel.planted:C", "iointel.src.agent_methods.tools.../planted:C"):
        text = f"name: n\nagents: [{{name: a, instructions: i, tools: [{{name: x, fn_self: ['{key}', '{{}}', 1]}}]}}]"
        with pytest.raises((ToolvaultError, ImportError)):
            asyncio.run(load_workflow(runtime, text))


def test_what_is_no_workflow_is_told(runtime):
    for text, words in (
        ("- no workflow", "holds name, agents and tasks"),
        (None, "give either"),
        ("name: n\nagents: [{name: a, instructions: i, tools: [no_such_tool]}]", "no tool no_such_tool$"),
        (
            "name: n\nagents: [{name: a, instructions: i, tools: [agno__slack__x]}]",
            "no tool agno__slack__x: .*slack_sdk",
        ),
    ):
        with pytest.raises(ToolvaultError, match=words):
            asyncio.run(load_workflow(runtime, text))


def test_what_iointel_remembers_of_a_conversation_holds_no_value(secrets, runtime, linear, model, witness, tmp_path):
    model.script = SCRIPT

    async def talk():
        memory = AsyncMemory(f"sqlite+aiosqlite:///{tmp_path / 'memory.db'}")
        await memory.init_models()
        workflow = await load_workflow(runtime, FILE)
        agent = workflow.agents[0]
        agent.memory = memory
        result = await agent.run("who am I", conversation_id="c1")
        await memory.engine.dispose()
        return result

    result = asyncio.run(talk())
    assert linear.received == [secrets[0], secrets[1]]
    stored = (tmp_path / "memory.db").read_bytes()
    assert b"agno__linear__get_user_details" in stored
    witness.clean("the memory", stored)
    witness.clean("the result", repr(result), result.full_result.all_messages_json(), result.tool_usage_results)


def test_an_async_vault_loads_a_workflow(secrets, vault, server, linear, model):
    key = vault.keys.create(scopes=["resolve"], name="async").key
    model.script = SCRIPT[:1]

    async def main():
        async with AsyncToolvault(server.environment["TOOLVAULT_URL"], key) as asynchronous:
            workflow = await load_workflow(asynchronous, FILE)
            return await workflow.run_tasks()

    asyncio.run(main())
    assert linear.received == [secrets[0]]


def test_agents_are_made_as_the_caller_wants(secrets, runtime):
    seen = []

    def instantiate_agent(params):
        from iointel import Agent

        seen.append(params.name)
        return Agent(**params.model_dump(exclude="tools"), tools=params.tools)

    asyncio.run(load_workflow(runtime, FILE, instantiate_agent=instantiate_agent))
    assert seen == ["triager", "reader"]


def test_the_page_shows_the_example():
    page = (EXAMPLE.parents[2] / "docs" / "python" / "iointel.md").read_text()
    for name, language in (("triage.yaml", "yaml"), ("triage.py", "python")):
        assert f"```{language}\n{(EXAMPLE / name).read_text()}```" in page


def test_the_example_runs_without_a_network():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOOLVAULT_")}
    environment["PYTHONPATH"] = str(Path(sys.modules["toolvault"].__file__).parents[1])
    command = [sys.executable, str(EXAMPLE / "offline.py"), os.environ["TOOLVAULT_BINARY"]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith(("Found", "  Linear", "The model"))]
    found = "Found: {'id': 'u1', 'name': 'Ada', 'email': 'ada@example.com'}; {'id': 'ENG-42', 'title': 'Broken lamp', "
    assert [line.startswith(found) for line in said] == [True, False, False, True, False, False, False]
    assert [said[number] for number in (1, 2, 4, 5, 6)] == [
        "  Linear was asked with lin_api_of-the-te…6789",
        "  Linear was asked with lin_api_of-the-au…6789",
        "  Linear was asked with lin_api_of-the-te…5678",
        "  Linear was asked with lin_api_of-the-au…6789",
        "The model was asked 6 times and saw no credential.",
    ]
