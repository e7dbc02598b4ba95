//! Secure parameters of MCP Toolbox for Databases (extension `com.google.cloud/toolbox.v1` of 2026-07-28): parameters
//! that a server declares and receives apart from the arguments, because no model may see or choose them.
//!
//! For a server with `secure_parameters`, each request says that its client knows the extension. The parameters are
//! hidden arguments like any other until the call is complete, and then [`split`] puts them where they belong.

use std::collections::BTreeMap;

use toolvault_core::arguments::Arguments;
use toolvault_core::json::{LoneSurrogate, Tree, parse};
use toolvault_core::pointer::ArgumentPath;

use super::protocol::METADATA;

/// The extension.
const EXTENSION: &str = "com.google.cloud/toolbox.v1";
/// The member of a call's parameters that holds them.
pub(crate) const ARGUMENTS: &str = "secureArguments";

/// Says in a request that its client knows the extension. A request without metadata stays as it is: its server refuses
/// it.
pub(crate) fn declare(request: &mut Tree<'_>) -> Result<(), LoneSurrogate> {
    match request.get_mut("params")? {
        Some(params) => declare_in(params),
        None => Ok(()),
    }
}

/// The parameters of a request of our own, with the same.
pub(crate) fn declared(params: &str) -> Option<String> {
    let mut params = Tree::from(parse(params.as_bytes()).ok()?);
    declare_in(&mut params).ok()?;
    String::from_utf8(std::mem::take(&mut *params.to_json())).ok()
}

fn declare_in(params: &mut Tree<'_>) -> Result<(), LoneSurrogate> {
    let mut at = params;
    let capabilities = format!("{METADATA}clientCapabilities");
    for (name, is_made) in [
        ("_meta", false),
        (&capabilities, false),
        ("extensions", true),
    ] {
        if is_made && at.get_mut(name)?.is_none() {
            at.set(name, Tree::object())?;
        }
        match at.get_mut(name)? {
            Some(inner) => at = inner,
            None => return Ok(()),
        }
    }
    if at.get_mut(EXTENSION)?.is_none() {
        at.set(EXTENSION, Tree::object())?;
    }
    Ok(())
}

/// Takes the secure parameters out of the arguments.
pub(crate) fn split(args: &mut Arguments, secure: &BTreeMap<String, bool>) -> Arguments {
    let mut taken = Arguments::new();
    for name in secure.keys() {
        let Ok(path) = ArgumentPath::parse(name) else {
            continue;
        };
        if let Some(value) = args.raw(name).and_then(|raw| parse(raw.as_bytes()).ok()) {
            taken.insert(path, value);
            args.remove(path);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_joins_those_of_the_client() {
        let meta = |capabilities: &str| {
            format!(r#"{{"_meta":{{"{METADATA}clientCapabilities":{capabilities}}}}}"#)
        };
        for (before, after) in [
            ("{}", r#"{"extensions":{"com.google.cloud/toolbox.v1":{}}}"#),
            (
                r#"{"a":1,"extensions":{"b":{"c": 1}}}"#,
                r#"{"a":1,"extensions":{"b":{"c": 1},"com.google.cloud/toolbox.v1":{}}}"#,
            ),
            (
                r#"{"extensions":{"com.google.cloud/toolbox.v1":{"d":1}}}"#,
                r#"{"extensions":{"com.google.cloud/toolbox.v1":{"d":1}}}"#,
            ),
            ("7", "7"),
        ] {
            assert_eq!(declared(&meta(before)), Some(meta(after)), "{before}");
        }
        assert_eq!(declared(r#"{"a":1}"#).as_deref(), Some(r#"{"a":1}"#));
    }
}
