//! Finds literal credentials in the configuration, by the names of their settings.

use toolvault_gateway::settings::Template;

use crate::config::keys::split_server;
use crate::config::layers::Layers;
use crate::credential;

/// Warns about each text in headers, variables, URLs and commands that looks like a credential.
pub(in crate::config) fn warn_of_literals(layers: &mut Layers) {
    let mut warnings = Vec::new();
    for (key, entry) in &layers.entries {
        let Some((_, field)) = split_server(key) else {
            continue;
        };
        let is_literal = |text: &str| {
            Template::parse(text).is_ok_and(|template| template.references().next().is_none())
        };
        let text = entry.value.as_str().filter(|text| is_literal(text));
        let is_credential = match (field.split_once('.'), text) {
            (Some(("headers", name)), Some(text)) => credential::in_header(name, text),
            (Some(("env", name)), Some(text)) => credential::in_variable(name, text),
            (None, Some(text)) if field == "url" => credential::in_url(text),
            (None, None) if field == "command" => {
                let words = entry.value.as_array().into_iter().flatten();
                let words: Vec<&str> = words.filter_map(toml::Value::as_str).collect();
                credential::in_arguments(&words).next().is_some()
            }
            _ => false,
        };
        if is_credential {
            let origin = &entry.origin;
            warnings.push(format!(
                "{key} ({origin}) holds a literal credential; store it with toolvault secret create and write a reference"
            ));
        }
    }
    for warning in warnings {
        layers.warn(warning);
    }
}
