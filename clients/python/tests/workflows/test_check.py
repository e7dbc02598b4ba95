"""`python -m toolvault.iointel check`: files of workflows, and the answers of a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from textwrap import dedent

import pytest
from iointel.src.utilities.registries import TOOLS_REGISTRY
from iointel.src.utilities.tooling import get_tool_model_class

from conftest import ROOT
from toolvault import ToolvaultError
from toolvault._iointel import catalogue, files, wanted

TRIAGE = """
name: triage
objective: "List my Linear issues"
client_mode: false
agents:
  - name: triager
    instructions: "Use Linear"
    tools:
      - agno__linear__get_user_details
      - [agno__linear__get_issue_details, {api_token: secret://linear-audit}]
      - calculator_add
tasks:
  - {task_id: t1, name: t1, type: custom, objective: "who am I"}
"""


@pytest.fixture
def check(server, vault, tmp_path):
    """The output of a check and its exit status, with columns two spaces apart. It contains no value."""
    key = vault.keys.create(scopes=["resolve"], name="check").key.reveal()

    def run(text, *more, key=key):
        if text is not None:
            (tmp_path / "w.yaml").write_text(text)
        environment = os.environ | {
            "PYTHONPATH": str(ROOT / "clients" / "python" / "src"),
            "TOOLVAULT_URL": server.environment["TOOLVAULT_URL"],
            "TOOLVAULT_API_KEY": key,
        }
        command = [sys.executable, "-m", "toolvault.iointel", "check", "w.yaml", *more]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert "canary" not in done.stdout + done.stderr
        lines = (done.stdout + done.stderr).splitlines()
        return "\n".join([str(done.returncode), *(re.sub(r"(?<=\S)  +", "  ", line) for line in lines)])

    return run


@pytest.fixture
def store(vault):
    """Stores a secret."""

    def make(name, tool, argument, *, default=True):
        value = "canary-of-a-secret-0123456789"
        return vault.secrets.create(name, value, tool_name=tool, tool_arg=argument, is_default_for_tool=default)

    return make


def shown(text):
    return re.sub(r"(?<=\S)  +", "  ", dedent(text).strip())


@pytest.mark.parametrize("argument", ["api_token", "/api_token"])
def test_a_workflow_whose_tools_get_all_they_need(check, store, argument):
    store("linear-prod", "agno__linear__*", argument)
    store("linear-audit", "agno__linear__get_issue_details", "api_token", default=False)
    assert check(TRIAGE) == shown("""
        0
        AGENT  TOOL  ARGUMENT  FROM
        triager  agno__linear__get_user_details  api_token*  default linear-prod
                 agno__linear__get_issue_details  api_token*  secret://linear-audit
                 calculator_add  -  needs no secret
        * is required
        linear-prod, for agno__linear__*, reaches 2 tools of this workflow.
    """)


def test_what_is_missing_is_told_with_what_to_do(check, store):
    store("other", "agno__github__*", "access_token", default=False)
    assert check(TRIAGE) == shown("""
        1
        AGENT  TOOL  ARGUMENT  FROM
        triager  agno__linear__get_user_details  api_token*  MISSING
                 agno__linear__get_issue_details  api_token*  REFUSED secret://linear-audit
                 calculator_add  -  needs no secret
        * is required
        error: line 9: agno__linear__get_user_details: needs api_token, and no secret applies to it; store one: toolvault secret create linear-api_token --tool 'agno__linear__*' --arg api_token --default
        error: line 10: agno__linear__get_issue_details: api_token: secret://linear-audit names no secret that this tool and argument may receive
    """)  # noqa: E501
    text = """
agents:
  - name: a
    tools:
      - agno__jira__get_issue
      - [agno__jira__search_issues, {server_url: https://jira.example, username: secret://other, token: secret://*}]
      - [agno__tavily__web_search_using_tavily, {api_key: Bearer secret://x}]
      - [my*tool, {}]
      - [1, 2]
"""
    assert check(text) == shown("""
        1
        AGENT  TOOL  ARGUMENT  FROM
        a      agno__jira__get_issue  username*  MISSING
                                                      password  nothing, or from its environment: JIRA_PASSWORD
                                                      token*  MISSING
               agno__jira__search_issues  server_url  the value in the file
                                                      username*  REFUSED secret://other
                                                      token*  REFUSED secret://%2A
                                                      password  nothing, or from its environment: JIRA_PASSWORD
               agno__tavily__web_search_using_tavily  api_key  REFUSED
               my*tool  -  REFUSED
               -  -  REFUSED
        * is required
        error: line 5: agno__jira__get_issue: needs username, and no secret applies to it; store one: toolvault secret create jira-username --tool 'agno__jira__*' --arg username --default
        error: line 5: agno__jira__get_issue: needs token, and no secret applies to it; store one: toolvault secret create jira-token --tool 'agno__jira__*' --arg token --default
        error: line 6: agno__jira__search_issues: username: secret://other names no secret that this tool and argument may receive
        error: line 6: agno__jira__search_issues: token: secret://%2A names no secret that this tool and argument may receive
        error: line 7: agno__tavily__web_search_using_tavily: api_key: a reference must be the whole argument, but this one has text around it
        error: line 8: my*tool: a tool's name must not contain '*'
        error: line 9: a: a tool must be a name, or a pair of name and arguments
    """)  # noqa: E501


def test_expired_ambiguous_and_tied_secrets_are_told(check, store, vault):
    old = store("old", "agno__linear__get_user_details", "api_token")
    for name in ("twin", "twin"):
        store(name, "agno__github__*", "access_token", default=False)
    for name in ("first", "second"):
        store(name, "agno__slack__*", "token")
    vault.secrets.set_policy(old.secret_id, expires_at=datetime(2020, 1, 1, tzinfo=timezone.utc))
    text = """
agents:
  - name: a
    tools:
      - agno__linear__get_user_details
      - [agno__github__get_issue, {access_token: secret://twin}]
      - agno__slack__send_message
"""
    assert check(text) == shown("""
        1
        AGENT  TOOL  ARGUMENT  FROM
        a      agno__linear__get_user_details  api_token*  EXPIRED old
               agno__github__get_issue  access_token*  AMBIGUOUS secret://twin
               agno__slack__send_message  token*  default second, decided only by which changed last
        * is required
        second, for agno__slack__*, reaches agno__slack__send_message.
        error: line 5: agno__linear__get_user_details: the secret old for api_token has expired; give it a new value and a later expiry: toolvault secret set old
        error: line 6: agno__github__get_issue: access_token: several secrets with this name match; use the ID of one: secret:///id/…
    """)  # noqa: E501


def test_conditions_look_at_what_the_file_gives(check, store, vault):
    made = store("github", "agno__github__*", "access_token")
    vault.secrets.set_policy(made.secret_id, when={"base_url": ["https://api.github.com/*"]})

    def at(url):
        return check(f"agents: [{{name: a, tools: [[agno__github__get_issue, {{base_url: '{url}'}}]]}}]")

    assert at("https://api.github.com/x").startswith("0\n")
    assert at("https://evil.example/x") == shown("""
        1
        AGENT  TOOL  ARGUMENT  FROM
        a      agno__github__get_issue  base_url  the value in the file
                                        access_token*  REFUSED
        * is required
        error: line 1: agno__github__get_issue: access_token: the policy of its secret does not allow the other arguments
    """)  # noqa: E501


def test_literals_that_look_like_credentials_are_pointed_out(check):
    text = """
agents:
  - name: a
    api_key: sk-canary0123456789
    tools:
      - [agno__linear__get_issue_details, {api_token: canary-literal-0123456789}]
      - [email_user, {sender_passkey: canary-passkey-0123456789, sender_name: Ada}]
      - [my_tool, {password: canary-password-0123456789, note: ghp_canary0123456789}]
tasks:
  - name: t
    agents: [{name: b, api_key: secret://model, tools: [[agno__jira__get_issue, {username: ada, token: canary-0123, server_url: u}]]}]
"""  # noqa: E501
    assert check(text) == shown("""
        0
        AGENT             TOOL  ARGUMENT  FROM
        a                 agno__linear__get_issue_details  api_token*  the value in the file
                          email_user  sender_passkey  the value in the file
                                                           sender_name  the value in the file
                          my_tool  password  the value in the file
                                                           note  the value in the file
        b, in the task t  agno__jira__get_issue  username*  the value in the file
                                                           token*  the value in the file
                                                           server_url  the value in the file
                                                           password  nothing, or from its environment: JIRA_PASSWORD
        * is required
        warning: line 4: api_key of a looks like a credential in clear text; give the model's key in the variable IO_API_KEY
        warning: line 11: api_key of b, in the task t is a reference where iointel does not follow one; give the model's key in the variable IO_API_KEY
        warning: line 6: api_token of agno__linear__get_issue_details looks like a credential in clear text; store it: toolvault secret create linear-api_token --tool 'agno__linear__*' --arg api_token --default
        warning: line 7: sender_passkey of email_user looks like a credential in clear text; store it: toolvault secret create email-sender_passkey --tool email_user --arg sender_passkey --default
        warning: line 8: password of my_tool looks like a credential in clear text; store it: toolvault secret create NAME --tool my_tool --arg password --default
        warning: line 8: note of my_tool looks like a credential in clear text; store it: toolvault secret create NAME --tool my_tool --arg note --default
        warning: line 11: token of agno__jira__get_issue looks like a credential in clear text; store it: toolvault secret create jira-token --tool 'agno__jira__*' --arg token --default
    """)  # noqa: E501


def test_what_a_pattern_reaches_beyond_the_workflow_is_told(check, store):
    store("cartesia", "agno__cartesia__*", "api_key")
    text = "agents: [{name: a, tools: [agno__cartesia__text_to_speech, agno__cartesia__list_voices]}]"
    assert check(text) == shown("""
        0
        AGENT  TOOL  ARGUMENT  FROM
        a      agno__cartesia__text_to_speech  api_key  default cartesia
               agno__cartesia__list_voices  api_key*  default cartesia
        * is required
        cartesia, for agno__cartesia__*, reaches 2 tools of this workflow.
    """)
    assert check("agents: [{name: a, tools: [agno__cartesia__text_to_speech]}]") == shown("""
        0
        AGENT  TOOL  ARGUMENT  FROM
        a      agno__cartesia__text_to_speech  api_key  default cartesia
        cartesia, for agno__cartesia__*, reaches agno__cartesia__text_to_speech, and would reach tools of ClickUp.
    """)


def test_what_iointel_dumped_is_read_too(check, store):
    made = store("linear-prod", "agno__linear__*", "api_token", default=False)
    text = """
agents:
- name: triager
  tools:
  - name: agno__linear__get_issue_details
    body: "def get_issue_details(self): ..."
    fn_self:
    - toolvault.iointel.iointel.src.agent_methods.tools.agno.linear:Linear
    - '{"api_token": "secret://linear-prod"}'
    - 140131663119776
"""
    status, _, document = check(text, "--json").partition("\n")
    assert status == "0"
    got = {
        "arg": "api_token",
        "is_required": True,
        "outcome": "binding",
        "reference": "secret://linear-prod",
        "secret_id": made.secret_id,
        "secret_name": "linear-prod",
        "pattern": "agno__linear__*",
        "is_tied": False,
        "problem": None,
        "environment": [],
    }
    tool = {
        "agent": "triager",
        "tool": "agno__linear__get_issue_details",
        "line": 5,
        "service": "Linear",
        "would_succeed": True,
        "problem": None,
        "arguments": [got],
    }
    pattern = {
        "secret_id": made.secret_id,
        "secret_name": "linear-prod",
        "pattern": "agno__linear__*",
        "arg": "api_token",
        "tools": ["agno__linear__get_issue_details"],
        "also_reaches": [],
    }
    owed = {"workflow": None, "would_succeed": True, "tools": [tool], "patterns": [pattern], "literals": []}
    assert document == json.dumps(owed, indent=2)


def test_a_key_for_other_tools_is_no_help(check, vault):
    key = vault.keys.create(scopes=["resolve"], tools=["agno__slack__*"]).key.reveal()
    assert check("agents: [{name: a, tools: [agno__linear__get_user_details]}]", key=key) == shown("""
        1
        AGENT  TOOL  ARGUMENT  FROM
        a      agno__linear__get_user_details  -  REFUSED
        error: line 1: agno__linear__get_user_details: This key does not reach the tool 'agno__linear__get_user_details'.
    """)  # noqa: E501
    text = "agents: [{name: a, tools: [agno__slack__send_message]}]"
    assert "needs token" in check(text, key=key)
    assert check(text, key="nonsense") == shown("""
        1
        error: Missing or invalid credentials.
        hint: check the key in TOOLVAULT_API_KEY
    """)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("agents:\n  - name: a\n   tools: canary\n", "w.yaml is not YAML: line 3, column 4: while parsing a block"),
        ("a: 1\nb: [1, 2\nc: canary-0123456789\n", "w.yaml is not YAML: line 3, column 2: "),
        ("a: 1\n---\nb: 2\n", "w.yaml is not YAML: line 2, column 1: expected a single document"),
        ("agents: *a", "w.yaml is not YAML: line 1, column 9: found undefined alias"),
        ("agents: &a [*a]", "w.yaml is not YAML: line 1, column 9: found unconstructable recursive node"),
        ("agents: [{name: a, when: 2026-13-77}]", "w.yaml is not YAML: a character or a value in it cannot be read"),
        ("agents: \x01", "w.yaml is not YAML: a character or a value in it cannot be read"),
        ("[" * 100_000, "w.yaml is not YAML: it is nested too deeply"),
        ("", "w.yaml is not a workflow of iointel: it has neither agents nor tasks"),
        ("workflow: []\n", "w.yaml is not a workflow of iointel: it has neither agents nor tasks"),
        ("#" * (4 << 20) + "##", "w.yaml is larger than a workflow"),
        (None, "cannot read w.yaml: No such file or directory"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_what_is_no_workflow_is_refused(check, text, words):
    assert check(text).startswith(f"1\nerror: {words}")


def test_a_workflow_without_tools(check):
    assert check("agents: []\n") == "0\nIt has no tools."


def test_names_move_no_cursor(check):
    said = check('agents: [{name: "a\\e[2J\\u202e", tools: [x]}]')
    assert r"a\x1b[2J\u202e" in said
    assert "\x1b" not in said


def test_tools_are_read_in_every_form(tmp_path):
    path = tmp_path / "w.yaml"
    path.write_text("""
base: &base {a: secret://x, n: 1}
agents:
  - name: one
    api_key: sk-0123456789abcdef
    tools:
      - plain
      - [pair, {a: secret://x, b: "text", c: ~, token: lin_api_0123456789, d: Bearer secret://x, e: [secret://x]}]
      - {name: stored, body: "def f", fn_self: null}
      - name: dumped
        fn_self: ["toolvault.iointel.m:C", '{"a": "secret:///id/0", "n": 1}', 7]
      - {name: broken, fn_self: ["m:C", "no", 7]}
      - [merged, {<<: *base, n: 2}]
      - [no, pair, at all]
tasks:
  - task_id: t
    agents: {members: [{name: two, tools: [inner]}]}
""")
    workflow = wanted.read(path)

    def described(one):
        return one.problem or one.reference or one.literal

    whole, part = "a reference must be the whole argument", "a reference by ID must be 'secret:///id/<secret_id>'"
    assert [
        (one.line, one.agent, one.tool, one.problem or {each.name: described(each) for each in one.arguments})
        for one in workflow.tools
    ] == [
        (7, "one", "plain", {}),
        (
            8,
            "one",
            "pair",
            {
                "a": "secret://x",
                "b": "text",
                "token": True,
                "d": f"{whole}, but this one has text around it",
                "e": f"{whole}, not a part of it",
            },
        ),
        (9, "one", "stored", {}),
        (10, "one", "dumped", {"a": part, "n": 1}),
        (12, "one", "broken", "its state has a form that iointel does not write"),
        (13, "one", "merged", {"a": "secret://x", "n": 2}),
        (14, "one", "", "a tool must be a name, or a pair of name and arguments"),
        (17, "two, in the task t", "inner", {}),
    ]
    assert workflow.keys == [wanted.ModelKey("one", 5, False)]


def test_a_document_that_unfolds_without_end_takes_no_time(tmp_path):
    path = tmp_path / "w.yaml"
    levels = "".join(f"a{level}: &a{level} [{f'*a{level - 1}, ' * 10}]\n" for level in range(1, 30))
    path.write_text(f"a0: &a0 [x]\n{levels}agents: [{{name: a, tools: [[t, {{deep: *a29}}]]}}]\n")
    [tool] = wanted.read(path).tools
    assert tool.arguments[0].literal is True


def test_credentials_are_told_by_name_and_by_beginning():
    for name, value in (
        ("LINEAR_API_KEY", "abcd"),
        ("githubToken", "abcdef"),
        ("db_password", "hunter2"),
        ("passphrase", "hunter2"),
        ("x", "ghp_0123456789abcdef"),
        ("database", "postgres://user:password@db/x"),
    ):
        assert wanted.is_credential(name, value), name
    for name, value in (
        ("path", "/usr/bin"),
        ("MAX_TOKENS", "4096"),
        ("ssh_key_path", "/home/me/.ssh/id"),
        ("auth_mode", "production"),
        ("keyboard", "qwerty"),
        ("api_key", "abc"),
        ("use_token", "true"),
        ("home", "sk-"),
        ("url", "http://[x"),
    ):
        assert not wanted.is_credential(name, value), name


def test_the_catalogue_says_what_iointels_classes_say():
    # iointel warns about modules that it cannot load once per process. This loads them where the warnings are kept, as
    # later tests look for them.
    with pytest.raises(ToolvaultError, match="no tool no_such_tool"):
        files.read("tools: [no_such_tool]", None)
    compared = set()
    for name, tool in TOOLS_REGISTRY.items():
        if found := catalogue.find(name):
            fields = get_tool_model_class(tool).model_fields
            for argument, is_required in found[0].arguments.items():
                assert argument in fields, name
                assert is_required == fields[argument].is_required(), (name, argument)
            compared.add(found[0].name)
    assert {"Linear", "Github", "Exa", "Email", "OpenWeather", "Wolfram"} <= compared


@pytest.mark.parametrize(
    ("tool", "service"),
    [
        ("agno__linear__get_issue_details", "Linear"),
        ("agno_exa_search_exa", "Exa"),
        ("google_calendar_list_events", "GoogleCalendar"),
        ("Crawler-scrape_url", "Crawler"),
        ("get_forecast", "OpenWeather"),
        ("agno__cartesia__text_to_speech", "Cartesia"),
        ("agno__cartesia__list_voices", "ClickUp"),
        ("searxng.search", None),
        ("agno__wikipedia__search_wikipedia", None),
        ("AGNO__LINEAR__X", None),
    ],
)
def test_tools_are_known_by_their_uneven_names(tool, service):
    found = catalogue.find(tool)
    assert (found[0].name if found else None) == service


def test_a_pattern_reaches_more_services_than_it_seems_to():
    def reached(pattern, argument):
        return [one.name for one in catalogue.SERVICES if one.is_reached(pattern, argument)]

    assert reached("agno__cartesia__*", "api_key") == ["Cartesia", "ClickUp"]
    assert reached("agno__linear__*", "api_token") == ["Linear"]
    assert reached("agno__linear__get", "api_token") == ["Linear"]
    assert reached("*", "api_token") == ["Linear", "Todoist"]


def test_without_iointel_it_names_the_extra(tmp_path):
    code = (
        "import importlib.util, runpy, sys; find = importlib.util.find_spec; "
        "importlib.util.find_spec = lambda name, *rest: None if name == 'iointel' else find(name, *rest); "
        "sys.argv[1:] = ['check', 'w.yaml']; runpy.run_module('toolvault.iointel', run_name='__main__')"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "error: iointel is not installed: pip install 'toolvault[iointel]'\n")
