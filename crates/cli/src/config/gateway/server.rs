//! One server of the gateway.

use std::collections::{BTreeMap, BTreeSet};

use toolvault_core::pattern::{MAX_NAME_CHARS, ToolPattern};
use toolvault_core::pointer::ArgumentPath;
use toolvault_core::policy::Approval;
use toolvault_gateway::settings::{
    ApprovalRules, HttpServer, Pin, ServerName, ServerSettings, StdioServer, Template, Transport,
};

use super::{header, oauth, url};
use crate::config::keys::{HTTP_KEYS, PROGRAM_KEYS, SERVERS};
use crate::config::layers::Layers;
use crate::environment::PREFIX;
use crate::harmless::require_harmless;

/// The settings in the table of the server `name`; `None` if anything is wrong with it.
pub(super) fn settings(layers: &mut Layers, name: &ServerName) -> Option<ServerSettings> {
    let table = format!("{SERVERS}{name}.");
    let is_set = |field: &str| layers.entries.contains_key(&format!("{table}{field}"));
    let transport = match (is_set("url"), is_set("command")) {
        (true, false) => {
            refuse_others(layers, &table, PROGRAM_KEYS, "command");
            Transport::Http(http(layers, &table)?)
        }
        (false, true) => {
            refuse_others(layers, &table, HTTP_KEYS, "url");
            Transport::Stdio(program(layers, &table)?)
        }
        (true, true) => {
            let message = format!("set only one of {table}url and {table}command");
            layers.problems.push(message);
            return None;
        }
        // A value of a wrong type was reported already.
        (false, false) if layers.problems.iter().any(|told| told.starts_with(&table)) => {
            return None;
        }
        (false, false) if layers.text("ext_mcp.listen").is_some() => {
            refuse_others(layers, &table, PROGRAM_KEYS, "command");
            refuse_others(layers, &table, HTTP_KEYS, "url");
            Transport::Elsewhere
        }
        (false, false) => {
            let origin = layers.servers.get(name)?.clone();
            let key = table.trim_end_matches('.');
            layers.problem(key, &origin, "set url or command");
            return None;
        }
    };
    let allow_override = layers.boolean(&format!("{table}allow_override"));
    let secure_parameters = layers.boolean(&format!("{table}secure_parameters"));
    if allow_override && secure_parameters {
        let message = "a model must not choose secure parameters: set only one of allow_override and secure_parameters";
        layers.problem_at(&format!("{table}secure_parameters"), message);
    }
    Some(ServerSettings {
        transport,
        credential_arguments: credential_arguments(layers, &table),
        allow_override,
        pin: pin(layers, &table),
        approval: approval(layers, &table),
        secure_parameters,
    })
}

fn pin(layers: &mut Layers, table: &str) -> Pin {
    let choices = [("bound", Pin::Bound), ("all", Pin::All), ("off", Pin::Off)];
    layers.choice(&format!("{table}pin"), &choices)
}

fn approval(layers: &mut Layers, table: &str) -> ApprovalRules {
    let mut rules = Vec::new();
    for (text, word) in layers.texts_below(&format!("{table}approval.")) {
        let key = format!("{table}approval.{text}");
        let mut approvals = Approval::ALL.into_iter();
        let approval = approvals.find(|approval| approval.as_str() == word);
        if approval.is_none() && word != "never" {
            let expected = "expected \"always\", \"first\", \"writes\" or \"never\"";
            layers.problem_at(&key, expected);
        }
        match ToolPattern::parse(&text) {
            Ok(pattern) => rules.push((pattern, approval)),
            Err(error) => layers.problem_at(&key, &error.to_string()),
        }
    }
    ApprovalRules::new(rules)
}

/// Refuses settings of the other kind of server: they would have no effect.
fn refuse_others<K>(layers: &mut Layers, table: &str, others: &[(&str, K)], kind: &str) {
    for (field, _) in others {
        let below = format!("{table}{field}.");
        let exact = format!("{table}{field}");
        let set = layers.entries.keys();
        let found = set.filter(|key| **key == exact || key.starts_with(&below));
        for key in found.cloned().collect::<Vec<String>>() {
            layers.problem_at(&key, &format!("only a server with {kind} can have it"));
        }
    }
}

fn http(layers: &mut Layers, table: &str) -> Option<HttpServer> {
    let allow_private_network = layers.boolean(&format!("{table}allow_private_network"));
    let url = url::of_key(layers, &format!("{table}url"), allow_private_network);
    let headers = header::all(layers, &format!("{table}headers."));
    let server = HttpServer {
        url: url?,
        headers,
        allow_private_network,
        ca_file: layers.path(&format!("{table}ca_file")),
        oauth: oauth::settings(layers, &format!("{table}oauth."), allow_private_network),
    };
    oauth::check(layers, table, &server);
    Some(server)
}

fn program(layers: &mut Layers, table: &str) -> Option<StdioServer> {
    let key = format!("{table}command");
    let command = layers.texts(&key);
    if command.first().is_none_or(String::is_empty)
        || command.iter().any(|word| word.contains('\0'))
    {
        layers.problem_at(&key, "expected a program and its arguments, without NUL");
        return None;
    }
    Some(StdioServer {
        command,
        env: variables(layers, &format!("{table}env.")),
        directory: layers.path(&format!("{table}directory")),
    })
}

fn variables(layers: &mut Layers, table: &str) -> BTreeMap<String, Template> {
    let mut variables = BTreeMap::new();
    for (name, text) in layers.texts_below(table) {
        let key = format!("{table}{name}");
        if name.is_empty() || name.contains(['=', '\0']) {
            layers.problem_at(&key, "expected the name of an environment variable");
        } else if name.starts_with(PREFIX) {
            let advice = format!(
                "variables that begin with {PREFIX} belong to Toolvault and are not passed to programs"
            );
            layers.problem_at(&key, &advice);
        } else if let Some(template) = layers.template(&key, &text) {
            if template.references().next().is_some()
                && let Err(why) = require_harmless(&name)
            {
                layers.problem_at(&key, &why);
            }
            variables.insert(name, template);
        }
    }
    variables
}

fn credential_arguments(layers: &mut Layers, table: &str) -> BTreeSet<String> {
    let key = format!("{table}credential_arguments");
    let arguments = layers.texts(&key);
    let is_argument = |text: &String| {
        (1..=MAX_NAME_CHARS).contains(&text.chars().count()) && ArgumentPath::parse(text).is_ok()
    };
    if !arguments.iter().all(is_argument) {
        layers.problem_at(
            &key,
            "expected names of arguments, or JSON Pointers such as /params/api_key",
        );
    }
    arguments.into_iter().collect()
}
