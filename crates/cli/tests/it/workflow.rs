//! `workflow check`: files of workflows, and what a real server says of them.

use insta::assert_snapshot;

use crate::installation::{Installation, Server};

struct Scene {
    installation: Installation,
    server: Server,
    key: String,
}

impl Scene {
    fn new() -> Self {
        let installation = Installation::empty();
        let server = installation.serve(&[]);
        let key = installation.first_key("operator_key");
        Self {
            installation,
            server,
            key,
        }
    }

    fn run_with(&self, key: &str, arguments: &[&str], input: &str) -> String {
        let mut command = self.installation.command(arguments);
        command
            .env("TOOLVAULT_URL", &self.server.url)
            .env("TOOLVAULT_API_KEY", key);
        self.installation.transcript(&mut command, input)
    }

    fn run(&self, arguments: &[&str], input: &str) -> String {
        self.run_with(&self.key, arguments, input)
    }

    /// Stores a secret.
    fn store(&self, words: &str) {
        let arguments: Vec<&str> = ["secret", "create"]
            .into_iter()
            .chain(words.split(' '))
            .collect();
        let said = self.run(&arguments, "canary-of-a-secret-0123456789\n");
        assert!(said.starts_with("exit status 0\n"), "{said}");
    }

    /// What a check of this file says; no value shows in it.
    fn check(&self, text: &str) -> String {
        self.check_with(&self.key, text, &[])
    }

    fn check_with(&self, key: &str, text: &str, more: &[&str]) -> String {
        std::fs::write(self.installation.path().join("w.yaml"), text).unwrap();
        let arguments: Vec<&str> = ["workflow", "check", "w.yaml"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let said = self.run_with(key, &arguments, "");
        assert!(!said.contains("canary"), "{said}");
        said
    }
}

const TRIAGE: &str = r#"
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
"#;

#[test]
fn a_workflow_whose_tools_get_all_they_need() {
    let scene = Scene::new();
    scene.store("linear-prod --tool agno__linear__* --arg api_token --default");
    scene.store("linear-audit --tool agno__linear__get_issue_details --arg api_token");
    assert_snapshot!(scene.check(TRIAGE), @r"
    exit status 0
    AGENT  TOOL  ARGUMENT  FROM
    triager  agno__linear__get_user_details  api_token*  default linear-prod
             agno__linear__get_issue_details  api_token*  secret://linear-audit
             calculator_add  -  needs no secret
    * is required
    linear-prod, for agno__linear__*, reaches 2 tools of this workflow.
    ");
}

#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let scene = Scene::new();
    scene.store("other --tool agno__github__* --arg access_token");
    assert_snapshot!(scene.check(TRIAGE), @r"
    exit status 1
    AGENT  TOOL  ARGUMENT  FROM
    triager  agno__linear__get_user_details  api_token*  MISSING
             agno__linear__get_issue_details  api_token*  REFUSED secret://linear-audit
             calculator_add  -  needs no secret
    * is required
    error: line 9: agno__linear__get_user_details: needs api_token, and no secret serves it; store one: toolvault secret create linear-api_token --tool 'agno__linear__*' --arg api_token --default
    error: line 10: agno__linear__get_issue_details: api_token: secret://linear-audit leads to no secret that this tool and argument may have
    ");
    let text = r"
agents:
  - name: a
    tools:
      - agno__jira__get_issue
      - [agno__jira__search_issues, {server_url: https://jira.example, username: secret://other, token: secret://*}]
      - [agno__tavily__web_search_using_tavily, {api_key: Bearer secret://x}]
      - [my*tool, {}]
      - [1, 2]
";
    assert_snapshot!(scene.check(text), @r"
    exit status 1
    AGENT  TOOL  ARGUMENT  FROM
    a  agno__jira__get_issue  username*  MISSING
                                                  password  nothing, or from its environment: JIRA_PASSWORD
                                                  token*  MISSING
           agno__jira__search_issues  server_url  what the file says
                                                  username*  REFUSED secret://other
                                                  token*  REFUSED secret://%2A
                                                  password  nothing, or from its environment: JIRA_PASSWORD
           agno__tavily__web_search_using_tavily  api_key  REFUSED
           my*tool  -  REFUSED
           -  -  REFUSED
    * is required
    error: line 5: agno__jira__get_issue: needs username, and no secret serves it; store one: toolvault secret create jira-username --tool 'agno__jira__*' --arg username --default
    error: line 5: agno__jira__get_issue: needs token, and no secret serves it; store one: toolvault secret create jira-token --tool 'agno__jira__*' --arg token --default
    error: line 6: agno__jira__search_issues: username: secret://other leads to no secret that this tool and argument may have
    error: line 6: agno__jira__search_issues: token: secret://%2A leads to no secret that this tool and argument may have
    error: line 7: agno__tavily__web_search_using_tavily: api_key: a reference is the whole of an argument, and this one has text around it
    error: line 8: my*tool: the name of a tool holds no '*'
    error: line 9: a: a tool is a name, or a pair of name and arguments
    ");
}

#[test]
fn expired_ambiguous_and_tied_secrets_are_told() {
    let scene = Scene::new();
    scene.store("old --tool agno__linear__get_user_details --arg api_token --default");
    scene.store("twin --tool agno__github__* --arg access_token");
    scene.store("twin --tool agno__github__* --arg access_token");
    scene.store("first --tool agno__slack__* --arg token --default");
    scene.store("second --tool agno__slack__* --arg token --default");
    let said = scene.run(
        &[
            "secret",
            "policy",
            "old",
            "--expires-at",
            "2020-01-01T00:00:00Z",
        ],
        "",
    );
    assert!(said.starts_with("exit status 0\n"), "{said}");
    let text = r"
agents:
  - name: a
    tools:
      - agno__linear__get_user_details
      - [agno__github__get_issue, {access_token: secret://twin}]
      - agno__slack__send_message
";
    assert_snapshot!(scene.check(text), @r"
    exit status 1
    AGENT  TOOL  ARGUMENT  FROM
    a  agno__linear__get_user_details  api_token*  EXPIRED old
           agno__github__get_issue  access_token*  AMBIGUOUS secret://twin
           agno__slack__send_message  token*  default second, decided only by which changed last
    * is required
    second, for agno__slack__*, reaches agno__slack__send_message.
    error: line 5: agno__linear__get_user_details: the secret old for api_token has expired; give it a new value and a later end: toolvault secret set old
    error: line 6: agno__github__get_issue: access_token: several secrets that it may have are called so; name one by its id: secret:///id/…
    ");
}

#[test]
fn conditions_look_at_what_the_file_gives() {
    let scene = Scene::new();
    scene.store("github --tool agno__github__* --arg access_token --default");
    scene.run(
        &[
            "secret",
            "policy",
            "github",
            "--when",
            "base_url=https://api.github.com/*",
        ],
        "",
    );
    let at = |url: &str| {
        let text = format!(
            "agents: [{{name: a, tools: [[agno__github__get_issue, {{base_url: '{url}'}}]]}}]"
        );
        scene.check(&text)
    };
    assert!(at("https://api.github.com/x").starts_with("exit status 0\n"));
    assert_snapshot!(at("https://evil.example/x"), @r"
    exit status 1
    AGENT  TOOL  ARGUMENT  FROM
    a  agno__github__get_issue  base_url  what the file says
                                    access_token*  REFUSED
    * is required
    error: line 1: agno__github__get_issue: access_token: the policy of its secret does not allow the other arguments
    ");
}

#[test]
fn literals_that_look_like_credentials_are_pointed_out() {
    let scene = Scene::new();
    let text = r"
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
";
    assert_snapshot!(scene.check(text), @r"
    exit status 0
    AGENT  TOOL  ARGUMENT  FROM
    a  agno__linear__get_issue_details  api_token*  what the file says
                      email_user  sender_passkey  what the file says
                                                       sender_name  what the file says
                      my_tool  password  what the file says
                                                       note  what the file says
    b, in the task t  agno__jira__get_issue  username*  what the file says
                                                       token*  what the file says
                                                       server_url  what the file says
                                                       password  nothing, or from its environment: JIRA_PASSWORD
    * is required
    warning: line 4: api_key of a looks like a credential in clear text; give the model's key in the variable IO_API_KEY
    warning: line 11: api_key of b, in the task t is a reference where iointel follows none; give the model's key in the variable IO_API_KEY
    warning: line 6: api_token of agno__linear__get_issue_details looks like a credential in clear text; store it: toolvault secret create linear-api_token --tool 'agno__linear__*' --arg api_token --default
    warning: line 7: sender_passkey of email_user looks like a credential in clear text; store it: toolvault secret create email-sender_passkey --tool 'email_user' --arg sender_passkey --default
    warning: line 8: password of my_tool looks like a credential in clear text; store it: toolvault secret create NAME --tool 'my_tool' --arg password --default
    warning: line 8: note of my_tool looks like a credential in clear text; store it: toolvault secret create NAME --tool 'my_tool' --arg note --default
    warning: line 11: token of agno__jira__get_issue looks like a credential in clear text; store it: toolvault secret create jira-token --tool 'agno__jira__*' --arg token --default
    ");
}

#[test]
fn what_a_pattern_reaches_beyond_the_workflow_is_told() {
    let scene = Scene::new();
    scene.store("cartesia --tool agno__cartesia__* --arg api_key --default");
    let text =
        "agents: [{name: a, tools: [agno__cartesia__text_to_speech, agno__cartesia__list_voices]}]";
    assert_snapshot!(scene.check(text), @r"
    exit status 0
    AGENT  TOOL  ARGUMENT  FROM
    a  agno__cartesia__text_to_speech  api_key  default cartesia
           agno__cartesia__list_voices  api_key*  default cartesia
    * is required
    cartesia, for agno__cartesia__*, reaches 2 tools of this workflow.
    ");
    let text = "agents: [{name: a, tools: [agno__cartesia__text_to_speech]}]";
    assert_snapshot!(scene.check(text), @r"
    exit status 0
    AGENT  TOOL  ARGUMENT  FROM
    a  agno__cartesia__text_to_speech  api_key  default cartesia
    cartesia, for agno__cartesia__*, reaches agno__cartesia__text_to_speech, and would reach tools of ClickUp.
    ");
}

#[test]
fn what_iointel_dumped_is_read_too() {
    let scene = Scene::new();
    scene.store("linear-prod --tool agno__linear__* --arg api_token");
    let text = r#"
agents:
- name: triager
  tools:
  - name: agno__linear__get_issue_details
    body: "def get_issue_details(self): ..."
    fn_self:
    - toolvault.iointel.iointel.src.agent_methods.tools.agno.linear:Linear
    - '{"api_token": "secret://linear-prod"}'
    - 140131663119776
"#;
    assert_snapshot!(scene.check_with(&scene.key, text, &["--json"]), @r#"
    exit status 0
    {
      "workflow": null,
      "would_succeed": true,
      "tools": [
        {
          "agent": "triager",
          "tool": "agno__linear__get_issue_details",
          "line": 5,
          "service": "Linear",
          "would_succeed": true,
          "problem": null,
          "arguments": [
            {
              "arg": "api_token",
              "is_required": true,
              "outcome": "binding",
              "reference": "secret://linear-prod",
              "secret_id": "[id]",
              "secret_name": "linear-prod",
              "pattern": "agno__linear__*",
              "is_tied": false,
              "problem": null,
              "environment": []
            }
          ]
        }
      ],
      "patterns": [
        {
          "secret_id": "[id]",
          "secret_name": "linear-prod",
          "pattern": "agno__linear__*",
          "arg": "api_token",
          "tools": [
            "agno__linear__get_issue_details"
          ],
          "also_reaches": []
        }
      ],
      "literals": []
    }
    "#);
}

#[test]
fn a_key_for_other_tools_is_no_help() {
    let scene = Scene::new();
    let made = scene.installation.json(&[
        "key",
        "create",
        "--user",
        "default",
        "--scope",
        "use",
        "--tool",
        "agno__slack__*",
        "--json",
    ]);
    let key = made["key"].as_str().unwrap();
    let text = "agents: [{name: a, tools: [agno__linear__get_user_details]}]";
    assert_snapshot!(scene.check_with(key, text, &[]), @r"
    exit status 1
    AGENT  TOOL  ARGUMENT  FROM
    a  agno__linear__get_user_details  -  REFUSED
    error: line 1: agno__linear__get_user_details: This key does not reach the tool 'agno__linear__get_user_details'.
    ");
    let text = "agents: [{name: a, tools: [agno__slack__send_message]}]";
    assert!(
        scene
            .check_with(key, text, &[])
            .starts_with("exit status 1\n")
    );
    assert_snapshot!(scene.check_with("nonsense", text, &[]), @r"
    exit status 1
    error: Missing or invalid credentials.
    hint: check the key in TOOLVAULT_API_KEY
    ");
}

#[test]
fn files_that_are_no_workflow_are_refused() {
    let scene = Scene::new();
    assert_snapshot!(scene.check("agents:\n  - name: a\n   tools: canary\n"), @r"
    exit status 1
    error: w.yaml is not YAML: line 3, column 4: while parsing a block collection, did not find expected '-' indicator
    ");
    assert_snapshot!(scene.check("workflow: []\n"), @r"
    exit status 1
    error: w.yaml is no workflow of iointel: it has neither agents nor tasks
    ");
    assert_snapshot!(scene.check("agents: []\n"), @r"
    exit status 0
    It has no tools.
    ");
    assert_snapshot!(scene.run(&["workflow", "check", "none.yaml"], ""), @r"
    exit status 1
    error: cannot read none.yaml: No such file or directory (os error 2)
    ");
}
