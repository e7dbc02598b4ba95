//! Describes what will not work.

use super::Tested;
use crate::api::explain::Explained;

/// Names that tools give to credentials, in lower case and without separators.
const CREDENTIALS: [&str; 14] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "servicetoken",
    "token",
];

/// What is wrong with the secrets of a server and of these of `all` its tools.
pub(super) fn problems(
    credentials: &[Explained],
    tools: &[&Tested],
    all: &[Tested],
) -> Vec<String> {
    let mut problems: Vec<String> = credentials.iter().filter_map(wrong).collect();
    for tool in tools {
        let own = tool.gateway.arguments.iter();
        let own = own.filter(|argument| !is_among(argument, credentials));
        let told = own
            .filter_map(wrong)
            .map(|text| format!("{}: {text}", tool.name));
        problems.extend(told);
        let arguments = &tool.gateway.arguments;
        if !tool.gateway.would_succeed && !arguments.iter().any(Explained::is_error) {
            let name = &tool.name;
            problems.push(format!(
                "{name}: the gateway withholds it, because its schema cannot be cleaned"
            ));
        }
        let asked = tool
            .visible
            .iter()
            .filter(|argument| is_credential(argument));
        problems.extend(asked.map(|argument| {
            format!(
                "{}: no secret serves {argument}, so the model is asked for it",
                tool.name
            )
        }));
    }
    problems.extend(unused(tools, all));
    problems
}

/// Secrets that almost apply to one of these tools and apply to none, each once.
fn unused(tools: &[&Tested], all: &[Tested]) -> Vec<String> {
    let is_used = |id: &str| {
        let arguments = all.iter().flat_map(|tool| &tool.gateway.arguments);
        let mut winners = arguments.filter_map(Explained::winner);
        winners.any(|winner| winner.secret_id == id)
    };
    let arguments = tools.iter().flat_map(|tool| &tool.gateway.arguments);
    let mut told: Vec<&str> = Vec::new();
    let mut problems = Vec::new();
    for argument in arguments.filter(|argument| argument.winner().is_none()) {
        for near in &argument.near {
            if is_used(&near.secret_id) || told.contains(&near.secret_id.as_str()) {
                continue;
            }
            told.push(&near.secret_id);
            let (name, arg, why) = (&near.secret_name, &argument.arg, &near.why);
            problems.push(format!("the secret '{name}' is not used for {arg}: {why}"));
        }
    }
    problems
}

fn is_among(argument: &Explained, credentials: &[Explained]) -> bool {
    credentials
        .iter()
        .any(|other| other.arg == argument.arg && other.outcome == argument.outcome)
}

fn wrong(argument: &Explained) -> Option<String> {
    let arg = &argument.arg;
    let winner = argument.winner();
    let secret = winner.map_or_else(String::new, |winner| format!(" '{}'", winner.secret_name));
    Some(match argument.outcome.as_str() {
        "secret_expired" => {
            format!("the secret{secret} for {arg} has expired; give it a new value and a later end")
        }
        "secret_ambiguous" => format!("several secrets serve {arg} alike"),
        "secret_missing" => format!("no secret serves {arg}"),
        _ if argument.is_error() => format!("no secret can be used for {arg}"),
        _ => return None,
    })
}

fn is_credential(argument: &str) -> bool {
    let letters = argument.chars().filter(|letter| letter.is_alphanumeric());
    let name: String = letters.flat_map(char::to_lowercase).collect();
    CREDENTIALS.contains(&name.as_str())
        || CREDENTIALS
            .iter()
            .any(|end| *end != "token" && name.ends_with(end))
}
