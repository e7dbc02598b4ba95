//! Where another gateway asks about the messages that it relays.

use toolvault_core::confidential::Wiped;
use toolvault_server::ExtMcpSettings;

use super::layers::Layers;
use super::root_key::read_secret_file;
use super::validate::ADDRESS;

/// The shortest token, in characters.
const SHORTEST_TOKEN: usize = 32;

/// The settings; `None` if no gateway asks, or anything is wrong with them.
pub(super) fn settings(layers: &mut Layers) -> Option<ExtMcpSettings> {
    let key = "ext_mcp.token_file";
    let listen = layers.parsed("ext_mcp.listen", ADDRESS);
    let Some(path) = layers.path(key) else {
        if listen.is_some() {
            layers.problem_at("ext_mcp.listen", "set ext_mcp.token_file too");
        }
        return None;
    };
    let token = match read_secret_file(&path) {
        Ok(text) => Wiped::new(text.trim().to_owned()),
        Err(error) => {
            layers.problem_at(key, &format!("cannot read {}: {error}", path.display()));
            return None;
        }
    };
    if token.len() < SHORTEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let advice = "expected one line of at least 32 letters, digits and signs, such as from openssl rand -hex 32";
        layers.problem_at(key, advice);
        return None;
    }
    if listen.is_none() {
        layers.problem_at(key, "set ext_mcp.listen too");
    }
    Some(ExtMcpSettings {
        listen: listen?,
        token,
    })
}
