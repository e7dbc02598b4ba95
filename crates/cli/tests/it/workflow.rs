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
    assert_snapshot!(scene.check(TRIAGE), @"");
}

#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let scene = Scene::new();
    scene.store("other --tool agno__github__* --arg access_token");
    assert_snapshot!(scene.check(TRIAGE), @"");
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
    assert_snapshot!(scene.check(text), @"");
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
    assert_snapshot!(scene.check(text), @"");
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
    assert_snapshot!(at("https://evil.example/x"), @"");
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
    agents: [{name: b, tools: [[agno__jira__get_issue, {username: ada, token: canary-0123, server_url: u}]]}]
";
    assert_snapshot!(scene.check(text), @"");
}

#[test]
fn what_a_pattern_reaches_beyond_the_workflow_is_told() {
    let scene = Scene::new();
    scene.store("cartesia --tool agno__cartesia__* --arg api_key --default");
    let text =
        "agents: [{name: a, tools: [agno__cartesia__text_to_speech, agno__cartesia__list_voices]}]";
    assert_snapshot!(scene.check(text), @"");
    let text = "agents: [{name: a, tools: [agno__cartesia__text_to_speech]}]";
    assert_snapshot!(scene.check(text), @"");
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
    assert_snapshot!(scene.check_with(&scene.key, text, &["--json"]), @"");
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
    assert_snapshot!(scene.check_with(key, text, &[]), @"");
    let text = "agents: [{name: a, tools: [agno__slack__send_message]}]";
    assert!(
        scene
            .check_with(key, text, &[])
            .starts_with("exit status 1\n")
    );
    assert_snapshot!(scene.check_with("nonsense", text, &[]), @"");
}

#[test]
fn files_that_are_no_workflow_are_refused() {
    let scene = Scene::new();
    assert_snapshot!(scene.check("agents:\n  - name: a\n   tools: canary\n"), @"");
    assert_snapshot!(scene.check("workflow: []\n"), @"");
    assert_snapshot!(scene.check("agents: []\n"), @"");
    assert_snapshot!(scene.run(&["workflow", "check", "none.yaml"], ""), @"");
}
