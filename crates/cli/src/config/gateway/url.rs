//! The URL of a server. References may occur only in path and query, so that no value decides where to connect.

use toolvault_gateway::HttpPolicy;
use toolvault_gateway::http::{HttpError, Url};
use toolvault_gateway::settings::{Part, Template};

use crate::config::layers::Layers;

/// Two texts that stay unchanged in every part of a URL, used in place of a value.
const STAND_INS: [&str; 2] = ["a", "b"];

/// The template in the value of a key, if its URL is allowed.
pub(super) fn of_key(
    layers: &mut Layers,
    key: &str,
    allow_private_network: bool,
) -> Option<Template> {
    let text = layers.text(key)?.0.to_owned();
    let template = layers.template(key, &text)?;
    match check(&template, allow_private_network) {
        Ok(()) => Some(template),
        Err(message) => {
            layers.problem_at(key, &message);
            None
        }
    }
}

fn check(template: &Template, allow_private_network: bool) -> Result<(), String> {
    let policy = HttpPolicy {
        allow_private_network,
        ..HttpPolicy::default()
    };
    let [first, second] = STAND_INS.map(|value| policy.check(&with(template, value)));
    let (first, second) = match (first, second) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(HttpError::ForbiddenAddress), _) => {
            let message = "the host has a private, local or reserved address";
            let advice = "; allow_private_network = true permits a private or loopback address";
            let advice = if allow_private_network { "" } else { advice };
            return Err(format!("{message}{advice}"));
        }
        (Err(error), _) | (_, Err(error)) => return Err(error.to_string()),
    };
    if place(&first) != place(&second) {
        return Err("a URL may contain references only in its path and query".to_owned());
    }
    if first.fragment().is_some() {
        return Err("a URL with a fragment is refused".to_owned());
    }
    Ok(())
}

/// Every part except path and query.
fn place(url: &Url) -> (&str, Option<&str>, Option<u16>, Option<&str>) {
    (url.scheme(), url.host_str(), url.port(), url.fragment())
}

/// The text with each reference replaced by `value`.
fn with(template: &Template, value: &str) -> String {
    let parts = template.parts().iter().map(|part| match part {
        Part::Text(text) => text.as_str(),
        Part::Reference(_) => value,
    });
    parts.collect()
}
