//! Edits the configuration file, keeping comments and order.

use std::path::{Path, PathBuf};

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};
use toolvault_gateway::ServerName;

use super::layers::{Layers, Origin};
use super::{computed, gateway};
use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::replace::replace;

/// A configuration file that was read and may be changed.
pub(crate) struct ConfigurationFile {
    path: PathBuf,
    before: Option<String>,
    document: DocumentMut,
}

/// The content of a server's table. As JSON, it has the same members as the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerTable {
    /// For a server over HTTP.
    pub(crate) url: Option<String>,
    /// Header names and templates.
    pub(crate) headers: Vec<(String, String)>,
    /// Whether its address may be private or loopback.
    pub(crate) allow_private_network: bool,
    /// For a program.
    pub(crate) command: Vec<String>,
    /// Variable names and templates.
    pub(crate) env: Vec<(String, String)>,
    /// The working directory of a program.
    pub(crate) directory: Option<String>,
    /// Arguments that are always hidden.
    pub(crate) credential_arguments: Vec<String>,
}

impl ConfigurationFile {
    /// The file named by flag or variable, otherwise the platform's. It need not exist.
    pub(crate) fn open(named: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        let path = named
            .map(Path::to_owned)
            .or_else(|| environment.get(environment::CONFIG).map(PathBuf::from))
            .or_else(computed::standard_path)
            .ok_or_else(|| {
                Failure::refused("there is no home directory").hint("name the file with --config")
            })?;
        let before = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = path.display();
                return Err(Failure::refused(format!("cannot read {path}: {error}")));
            }
        };
        // The parser's own message quotes the line, which may hold a secret.
        let document = before.as_deref().unwrap_or_default().parse();
        let document = document.map_err(|_: toml_edit::TomlError| {
            Failure::refused(format!("{} is not a TOML document", path.display()))
                .hint("toolvault config names the line")
        })?;
        Ok(Self {
            path,
            before,
            document,
        })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has a server with this name.
    pub(crate) fn has_server(&self, name: &ServerName) -> bool {
        self.servers()
            .is_some_and(|servers| servers.contains_key(name.as_str()))
    }

    /// The settings of a server that [`ServerTable`] covers.
    pub(crate) fn server(&self, name: &ServerName) -> Option<ServerTable> {
        let table = self.servers()?.get(name.as_str())?.as_table_like()?;
        let text = |key: &str| Some(table.get(key)?.as_str()?.to_owned());
        let texts = |key: &str| {
            let items = table.get(key).and_then(Item::as_array);
            let items = items.into_iter().flatten();
            items
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let pairs = |key: &str| {
            let pairs = table.get(key).and_then(Item::as_table_like);
            let pairs = pairs.into_iter().flat_map(TableLike::iter);
            pairs
                .filter_map(|(name, item)| Some((name.to_owned(), item.as_str()?.to_owned())))
                .collect()
        };
        Some(ServerTable {
            url: text("url"),
            headers: pairs("headers"),
            allow_private_network: table
                .get("allow_private_network")
                .and_then(Item::as_bool)
                .unwrap_or_default(),
            command: texts("command"),
            env: pairs("env"),
            directory: text("directory"),
            credential_arguments: texts("credential_arguments"),
        })
    }

    /// Writes a server's table, replacing one with the same name.
    pub(crate) fn set_server(
        &mut self,
        name: &ServerName,
        server: &ServerTable,
    ) -> Result<(), Failure> {
        let mut parent: &mut dyn TableLike = self.document.as_table_mut();
        for key in ["gateway", "servers"] {
            let item = parent.entry(key).or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            parent = item.as_table_like_mut().ok_or_else(|| {
                Failure::refused(format!(
                    "in {}, '{key}' is not a table",
                    self.path.display()
                ))
            })?;
        }
        parent.insert(name.as_str(), Item::Table(server.table()));
        self.check(name)
    }

    /// Removes a server's table. Returns false if there is none.
    pub(crate) fn remove_server(&mut self, name: &ServerName) -> bool {
        let gateway = self.document.get_mut("gateway");
        let servers = gateway
            .and_then(Item::as_table_like_mut)
            .and_then(|gateway| gateway.get_mut("servers"))
            .and_then(Item::as_table_like_mut);
        servers.is_some_and(|servers| servers.remove(name.as_str()).is_some())
    }

    /// Saves the file.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let text = self.document.to_string();
        let before = self.before.as_deref();
        replace(&self.path, before.map(str::as_bytes), text.as_bytes()).map_err(|error| {
            let path = self.path.display();
            Failure::failed(format!(
                "cannot write {path}: {error}; the file is unchanged"
            ))
        })
    }

    /// Refuses tables with which the server would not start.
    fn check(&self, name: &ServerName) -> Result<(), Failure> {
        let mut layers = Layers::default();
        layers.add_defaults();
        let origin = Origin::File(self.path.clone());
        layers.add_table(&self.document.to_string(), &origin);
        gateway::settings(&mut layers);
        let prefix = format!("gateway.servers.{name}");
        let of_server = |problem: &&String| {
            let rest = problem.strip_prefix(&prefix);
            rest.is_some_and(|rest| rest.starts_with(['.', ' ']))
        };
        let origin = format!(" ({origin})");
        let problems = layers.problems.iter().filter(of_server);
        let problems: Vec<String> = problems.map(|told| told.replacen(&origin, "", 1)).collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::refused(problems.join("; ")))
        }
    }

    fn servers(&self) -> Option<&dyn TableLike> {
        self.document
            .get("gateway")?
            .as_table_like()?
            .get("servers")?
            .as_table_like()
    }
}

impl Serialize for ServerTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table: toml::Table = self.table().to_string().parse().map_err(S::Error::custom)?;
        table.serialize(serializer)
    }
}

impl ServerTable {
    /// The table as TOML text, with its heading.
    pub(crate) fn text(&self, name: &ServerName) -> String {
        format!("[gateway.servers.{name}]\n{}", self.table())
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        let pairs = |pairs: &[(String, String)]| {
            let pairs = pairs
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()));
            pairs.collect::<InlineTable>()
        };
        let texts = |texts: &[String]| texts.iter().map(String::as_str).collect::<Array>();
        let mut set = |key: &str, value: Value| table.insert(key, Item::Value(value));
        if let Some(url) = &self.url {
            set("url", url.as_str().into());
        }
        if !self.headers.is_empty() {
            set("headers", pairs(&self.headers).into());
        }
        if self.allow_private_network {
            set("allow_private_network", true.into());
        }
        if !self.command.is_empty() {
            set("command", texts(&self.command).into());
        }
        if !self.env.is_empty() {
            set("env", pairs(&self.env).into());
        }
        if let Some(directory) = &self.directory {
            set("directory", directory.as_str().into());
        }
        if !self.credential_arguments.is_empty() {
            set(
                "credential_arguments",
                texts(&self.credential_arguments).into(),
            );
        }
        table
    }
}
