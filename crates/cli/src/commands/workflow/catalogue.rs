//! What is known of iointel's tools: which constructor arguments of theirs are credentials.

use std::sync::LazyLock;

use serde::Deserialize;
use toolvault_core::pattern::{ToolName, ToolPattern};

/// What stands behind the name of an argument that a tool cannot do without.
const REQUIRED: char = '*';

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| toml::from_str(include_str!("catalogue.toml")).unwrap_or_default());

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    services: Vec<Service>,
}

/// The tools of one service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
    tools: Vec<ToolPattern>,
    arguments: Vec<String>,
    /// Variables in which its tools look for what was not given.
    #[serde(default)]
    environment: Vec<String>,
}

/// All services.
pub(super) fn services() -> &'static [Service] {
    &CATALOGUE.services
}

/// The service whose tool this is, and the pattern that says so.
pub(super) fn find(tool: &ToolName) -> Option<(&'static Service, &'static ToolPattern)> {
    let patterns = services()
        .iter()
        .flat_map(|service| service.tools.iter().map(move |pattern| (service, pattern)));
    patterns
        .filter(|(_, pattern)| pattern.matches(tool))
        .max_by_key(|(_, pattern)| (pattern.is_exact(), pattern.literal_chars()))
}

impl Service {
    /// The arguments that are credentials, and whether the tools need them.
    pub(super) fn arguments(&self) -> impl Iterator<Item = (&str, bool)> {
        let arguments = self.arguments.iter();
        arguments.map(|argument| match argument.strip_suffix(REQUIRED) {
            Some(name) => (name, true),
            None => (argument.as_str(), false),
        })
    }

    /// The variables in which its tools look for an argument: those called like it or, if none is, all.
    pub(super) fn environment(&self, argument: &str) -> Vec<&str> {
        let ending = argument.to_ascii_uppercase();
        let all = || self.environment.iter().map(String::as_str);
        let mut named: Vec<&str> = all()
            .filter(|variable| variable.ends_with(&ending))
            .collect();
        if named.is_empty() {
            named.extend(all());
        }
        named
    }

    /// Whether an argument of its tools holds something confidential, and not only says who or where.
    pub(super) fn is_confidential(&self, argument: &str) -> bool {
        let is_place = ["name", "_id", "_sid", "path", "path_"]
            .iter()
            .any(|end| argument.ends_with(end));
        !is_place && self.arguments().any(|(name, _)| name == argument)
    }

    /// Whether a secret for this pattern and argument would serve a tool of it.
    pub(super) fn is_reached(&self, pattern: &ToolPattern, argument: &str) -> bool {
        self.arguments().any(|(name, _)| name == argument)
            && self.tools.iter().any(|tools| tools.overlaps(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(tool: &str) -> (&'static str, String) {
        let (service, _) = find(&ToolName::parse(tool).unwrap()).unwrap();
        let marked = service.arguments().map(|(name, is_required)| {
            let mark = if is_required { "*" } else { "" };
            format!("{name}{mark}")
        });
        (&service.name, marked.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_file_is_read_whole() {
        let text = include_str!("catalogue.toml");
        let read: Catalogue = toml::from_str(text).unwrap();
        assert_eq!(read.services.len(), text.matches("[[services]]").count());
        for service in services() {
            assert!(
                !service.tools.is_empty() && service.arguments().count() > 0,
                "{service:?}"
            );
            for (name, _) in service.arguments() {
                assert!(
                    name.bytes()
                        .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
                );
            }
        }
    }

    #[test]
    fn tools_are_known_by_their_uneven_names() {
        for (tool, service, arguments) in [
            ("agno__linear__get_issue_details", "Linear", "api_token*"),
            ("agno__github__get_issue", "Github", "access_token*"),
            ("agno__jira__get_issue", "Jira", "username* password token*"),
            ("agno_exa_search_exa", "Exa", "api_key"),
            (
                "agno__x__create_post",
                "X",
                "bearer_token consumer_key consumer_secret access_token access_token_secret",
            ),
            (
                "google_calendar_list_events",
                "GoogleCalendar",
                "credentials_path token_path",
            ),
            ("Crawler-scrape_url", "Crawler", "api_key*"),
            ("Wolfram-query", "Wolfram", "api_key*"),
            ("get_forecast", "OpenWeather", "api_key"),
            ("email_user", "Email", "sender_passkey"),
            ("agno__cartesia__text_to_speech", "Cartesia", "api_key"),
            ("agno__cartesia__list_voices", "ClickUp", "api_key*"),
        ] {
            assert_eq!(known(tool), (service, arguments.to_owned()), "{tool}");
        }
        for tool in [
            "searxng.search",
            "get_company_info",
            "agno__wikipedia__search_wikipedia",
            "AGNO__LINEAR__X",
        ] {
            assert!(find(&ToolName::parse(tool).unwrap()).is_none(), "{tool}");
        }
    }

    #[test]
    fn a_pattern_reaches_more_services_than_it_seems_to() {
        let reached = |pattern: &str, argument: &str| {
            let pattern = ToolPattern::parse(pattern).unwrap();
            let services = services().iter();
            let reached = services.filter(|service| service.is_reached(&pattern, argument));
            reached
                .map(|service| service.name.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(reached("agno__cartesia__*", "api_key"), "Cartesia ClickUp");
        assert_eq!(reached("agno__linear__*", "api_token"), "Linear");
        assert_eq!(reached("*", "api_token"), "Linear Todoist");
    }

    #[test]
    fn variables_are_found_by_the_name_of_the_argument() {
        let environment = |tool: &str, argument: &str| {
            let (service, _) = find(&ToolName::parse(tool).unwrap()).unwrap();
            service.environment(argument).join(" ")
        };
        assert_eq!(
            environment("agno__jira__get_issue", "password"),
            "JIRA_PASSWORD"
        );
        assert_eq!(environment("agno__fal__image", "api_key"), "FAL_KEY");
        assert_eq!(environment("agno__sql__run", "password"), "");
    }

    #[test]
    fn names_and_places_are_not_confidential() {
        let (jira, _) = find(&ToolName::parse("agno__jira__get_issue").unwrap()).unwrap();
        assert!(
            jira.is_confidential("token")
                && !jira.is_confidential("username")
                && !jira.is_confidential("other")
        );
    }
}
