//! Where secrets go, as far as the servers of the configuration say.

use toolvault_core::reference::Reference;
use toolvault_gateway::ServerName;
use toolvault_gateway::settings::{ServerSettings, Template, Transport};

use crate::config::{self, ServeOptions, StoreOptions};
use crate::context::Context;
use crate::failure::Failure;

/// A proposed binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) tool: String,
    pub(super) argument: String,
    pub(super) is_default: bool,
    /// The name under which the configuration looks for the secret.
    pub(super) name: Option<String>,
}

/// All places for secrets, each with the words that an entry for it is called.
#[derive(Default)]
pub(super) struct Places(Vec<(Vec<String>, Binding)>);

impl Places {
    /// The places of the configured servers.
    pub(super) fn configured(context: &Context<'_>) -> Result<Self, Failure> {
        let options = ServeOptions::from(StoreOptions::default());
        let configuration = config::load(&options, &context.environment, context.printer)?;
        let mut places = Self::default();
        for (name, server) in &configuration.server.gateway.servers {
            places.add(name, server);
        }
        Ok(places)
    }

    /// The only place for an entry of this name.
    pub(super) fn find(&self, name: &str) -> Option<Binding> {
        let name = normal(name);
        let fitting = self.0.iter().filter(|(words, _)| words.contains(&name));
        let mut bindings = fitting.map(|(_, binding)| binding);
        let first = bindings.next()?;
        bindings.all(|other| other == first).then(|| first.clone())
    }

    fn add(&mut self, server: &ServerName, settings: &ServerSettings) {
        let tool = format!("{}*", server.prefix());
        let templates: Vec<(String, &Template)> = match &settings.transport {
            Transport::Http(http) => {
                let headers = http.headers.iter();
                let headers =
                    headers.map(|header| (format!("headers.{}", header.spelling), &header.value));
                std::iter::once(("url".to_owned(), &http.url))
                    .chain(headers)
                    .collect()
            }
            Transport::Stdio(program) => {
                let variables = program.env.iter();
                variables
                    .map(|(name, text)| (format!("env.{name}"), text))
                    .collect()
            }
            Transport::Elsewhere => Vec::new(),
        };
        for (argument, template) in templates {
            for reference in template.references() {
                let Reference::Name(name) = reference else {
                    continue;
                };
                let variable = argument.strip_prefix("env.");
                let mut words = vec![normal(name)];
                words.extend(variable.map(|variable| of_server(server, variable)));
                let binding = Binding {
                    tool: tool.clone(),
                    argument: argument.clone(),
                    is_default: false,
                    name: Some(name.clone()),
                };
                self.0.push((words, binding));
            }
        }
        for argument in &settings.credential_arguments {
            let words = vec![normal(&format!("{server}{argument}"))];
            let binding = Binding {
                tool: tool.clone(),
                argument: argument.clone(),
                is_default: true,
                name: None,
            };
            self.0.push((words, binding));
        }
    }
}

/// The name of a server and its variable, which may begin with the server's name itself. A variable alone, such as
/// `API_KEY`, may be of any server.
fn of_server(server: &ServerName, variable: &str) -> String {
    let (server, variable) = (normal(server.as_str()), normal(variable));
    if variable.starts_with(&server) {
        variable
    } else {
        server + &variable
    }
}

/// A name in lower case and without separators: `API_TOKEN`, `api-token` and `apiToken` are one.
fn normal(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
