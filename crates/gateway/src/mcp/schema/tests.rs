//! What is declared, what is hidden, and what a schema may cost.

mod declared;
mod headers;
mod hidden;
mod hostile;
mod nested;
mod properties;
mod published;
mod references;
mod types;
mod validator;

use std::collections::BTreeSet;

use toolvault_core::json::{Tree, parse_text};

use super::{CannotClean, hide};

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The definition of a tool without the hidden arguments; none if it did not change.
fn hidden_in(tool: &str, hidden: &BTreeSet<String>) -> Result<Option<String>, CannotClean> {
    let mut tree = Tree::from(parse_text(tool).unwrap());
    let is_changed = hide(&mut tree, hidden)?;
    let written = String::from_utf8(tree.to_json().to_vec()).unwrap();
    assert_eq!(is_changed, written != tool, "{written}");
    Ok(is_changed.then_some(written))
}

/// A schema without the hidden arguments; none if it did not change.
fn cleaned(schema: &str, hidden: &[&str]) -> Result<Option<String>, CannotClean> {
    let around = ["{\"name\":\"t\",\"inputSchema\":", "}"];
    let tool = hidden_in(&around.join(schema), &names(hidden))?;
    let inner = |tool: &str| {
        tool.strip_prefix(around[0])?
            .strip_suffix('}')
            .map(str::to_owned)
    };
    Ok(tool.map(|tool| inner(&tool).unwrap()))
}

/// Checks a table of schemas, each before and after `key` and `pin` were hidden.
fn check(table: &[(&str, &str)]) {
    for (before, after) in table {
        let cleaned =
            cleaned(before, &["key", "pin"]).unwrap_or_else(|error| panic!("{before}: {error}"));
        assert_eq!(cleaned.as_deref().unwrap_or(before), *after, "{before}");
    }
}
