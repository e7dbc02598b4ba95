//! Defaults that depend on the machine: the platform's directories for data and configuration.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use toml::Value;

use super::keys::ROOT_KEY_VALUE;
use super::layers::{Layers, Origin};

/// The default configuration file, which `mcp add` creates if needed.
pub(super) fn standard_path() -> Option<PathBuf> {
    Some(platform()?.config_dir().join("toolvault.toml"))
}

/// The file of the profiles.
pub(crate) fn profiles_path() -> Option<PathBuf> {
    Some(profiles_directory()?.join("profiles.toml"))
}

/// The directory that holds the file of the profiles.
pub(crate) fn profiles_directory() -> Option<PathBuf> {
    Some(platform()?.config_dir().to_owned())
}

/// Makes the data directory absolute, and derives further defaults from it.
pub(super) fn complete(layers: &mut Layers) {
    let (data_dir, origin) = if let Some(entry) = layers.entries.get("data_dir") {
        (entry.value.as_str().map(absolute), entry.origin.clone())
    } else {
        let standard = platform().map(|platform| Ok(platform.data_dir().to_owned()));
        (standard, Origin::Default)
    };
    let data_dir = match data_dir {
        Some(Ok(data_dir)) => data_dir,
        Some(Err(message)) => return layers.problem("data_dir", &origin, &message),
        None => {
            let advice = "there is no home directory; set --data-dir";
            return layers.problem("data_dir", &origin, advice);
        }
    };
    let text = |path: PathBuf| path.into_os_string().into_string().ok();
    let root_key_file = text(beside(&data_dir, ".root.key"));
    let (Some(data_dir), Some(root_key_file)) = (text(data_dir), root_key_file) else {
        return layers.problem("data_dir", &origin, "expected a path in UTF-8");
    };
    layers.set("data_dir", Value::String(data_dir), origin);
    let sources = [
        ROOT_KEY_VALUE,
        "root_key.file",
        "root_key.command",
        "root_key.passphrase_file",
    ];
    if !sources.iter().any(|key| layers.entries.contains_key(*key)) {
        layers.set(
            "root_key.file",
            Value::String(root_key_file),
            Origin::Default,
        );
    }
}

/// A file beside the data directory with its name and this suffix.
pub(crate) fn beside(data_dir: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(data_dir);
    name.push(suffix);
    PathBuf::from(name)
}

/// The absolute path, in a form to which a suffix can be appended.
fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = std::path::absolute(text).map_err(|error| error.to_string())?;
    // Iterating over components drops a trailing slash and single dots.
    let path: PathBuf = path.components().collect();
    if path.file_name().is_none() {
        return Err("expected a directory with a name".to_owned());
    }
    Ok(path)
}

fn platform() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "toolvault")
}
