//! The tools of a server: which it lists, and what is hidden of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use toolvault_core::confidential::Wiped;
use toolvault_core::conversion::Types;
use toolvault_core::digest::sha256;
use toolvault_core::json::{Tree, Value, parse};
use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::ArgumentPath;

use super::schema::{Definition, hide, pinned, types};
use super::server::Server;

/// How many tools of one server are read.
pub(crate) const MOST_TOOLS: usize = 10_000;
/// For how many sets of hidden arguments it is remembered whether a schema could be cleaned of them.
const REMEMBERED: usize = 8;
/// Of how many arguments the types are remembered.
const REMEMBERED_TYPES: usize = 64;

/// All tools that a server listed.
#[derive(Default)]
pub(crate) struct Catalogue {
    tools: HashMap<String, Arc<Tool>>,
    /// Their names as they were listed.
    order: Vec<String>,
    /// Names that stood for more than one tool.
    ambiguous: HashSet<String>,
    /// Whether they were compared with their pins, and pinned if they had none.
    is_noted: AtomicBool,
}

/// One tool.
pub(crate) struct Tool {
    /// The name under which it is matched with secrets.
    pub(crate) full_name: ToolName,
    pub(crate) definition: Definition,
    /// Its definition as the server spelled it.
    pub(crate) raw: Wiped<String>,
    /// SHA-256 of what is pinned of it.
    pub(crate) hash: [u8; 32],
    cleaned: Mutex<Vec<(BTreeSet<String>, bool)>>,
    /// The types that its schema takes for arguments; `None` for one that it does not declare.
    types: Mutex<HashMap<String, Option<Types>>>,
}

impl Catalogue {
    /// Adds the tools of one page.
    pub(crate) fn add<'a>(&mut self, server: &Server, tools: impl Iterator<Item = Value<'a>>) {
        for tool in tools {
            if self.tools.len() >= MOST_TOOLS {
                return;
            }
            let Some(tool) = Tool::read(server, tool) else {
                continue;
            };
            let name = tool.definition.name.clone();
            if self.ambiguous.contains(&name) {
                continue;
            }
            if self.tools.remove(&name).is_some() {
                tracing::warn!(server = %server.name, "a server lists two tools of one name; both are withheld");
                self.ambiguous.insert(name);
            } else {
                self.order.push(name.clone());
                self.tools.insert(name, Arc::new(tool));
            }
        }
    }

    /// The catalogue corrected by a page of tools, which is newer; `None` if the page says nothing new.
    pub(crate) fn corrected<'a>(
        &self,
        server: &Server,
        tools: impl Iterator<Item = Value<'a>>,
    ) -> Option<Self> {
        let mut page = Self::default();
        page.add(server, tools);
        let is_known = |(name, tool): (&String, &Arc<Tool>)| {
            let known = self.tools.get(name);
            self.is_ambiguous(name) || known.is_some_and(|known| known.raw == tool.raw)
        };
        if page.ambiguous.is_subset(&self.ambiguous) && page.tools.iter().all(is_known) {
            return None;
        }
        let mut corrected = Self {
            tools: self.tools.clone(),
            order: self.order.clone(),
            ambiguous: &self.ambiguous | &page.ambiguous,
            is_noted: AtomicBool::default(),
        };
        corrected.tools.retain(|name, _| !page.is_ambiguous(name));
        for tool in page.tools() {
            let name = &tool.definition.name;
            let is_new = !corrected.tools.contains_key(name);
            if corrected.is_ambiguous(name) || (is_new && corrected.tools.len() >= MOST_TOOLS) {
                continue;
            }
            if is_new {
                corrected.order.push(name.clone());
            }
            corrected.tools.insert(name.clone(), Arc::clone(tool));
        }
        Some(corrected)
    }

    /// The tool of that name, if exactly one was listed.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.get(name)
    }

    /// All tools as they were listed.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &Arc<Tool>> {
        self.order.iter().filter_map(|name| self.tools.get(name))
    }

    /// Whether they were compared with their pins.
    pub(crate) fn is_noted(&self) -> bool {
        self.is_noted.load(Ordering::Acquire)
    }

    pub(crate) fn set_noted(&self) {
        self.is_noted.store(true, Ordering::Release);
    }

    /// Whether several tools had that name.
    pub(crate) fn is_ambiguous(&self, name: &str) -> bool {
        self.ambiguous.contains(name)
    }
}

impl Tool {
    /// A tool as its server defines it; `None` if no secret could be bound to it.
    pub(crate) fn read(server: &Server, tool: Value<'_>) -> Option<Self> {
        let definition = Definition::read(tool, server.settings.secure_parameters).ok()?;
        Some(Self {
            full_name: server.name.tool(&definition.name)?,
            definition,
            raw: Wiped::new(tool.raw().to_owned()),
            hash: sha256(pinned(tool).as_bytes()),
            cleaned: Mutex::default(),
            types: Mutex::default(),
        })
    }

    /// Whether its schema declares an argument, a name or a pointer.
    pub(crate) fn declares(&self, argument: &str) -> bool {
        let Ok(path) = ArgumentPath::parse(argument) else {
            return false;
        };
        let mut steps = path.steps();
        let is_declared =
            (steps.next()).is_some_and(|name| self.definition.declared.contains(&*name));
        is_declared && (steps.next().is_none() || self.types(argument).is_some())
    }

    /// The types that its schema takes for an argument, a name or a pointer; `None` if it does not declare it.
    pub(crate) fn types(&self, argument: &str) -> Option<Types> {
        let mut known = self.types.lock();
        if let Some(types) = known.get(argument) {
            return *types;
        }
        let tool = parse(self.raw.as_bytes()).ok()?;
        let path = ArgumentPath::parse(argument).ok()?;
        let types = types(tool, path);
        if known.len() < REMEMBERED_TYPES {
            known.insert(argument.to_owned(), types);
        }
        types
    }

    /// Whether its schema can be shown without the arguments. One that cannot is withheld.
    pub(crate) fn can_hide(&self, hidden: &BTreeSet<String>) -> bool {
        if hidden.is_empty() {
            return true;
        }
        let mut cleaned = self.cleaned.lock();
        if let Some((_, can)) = cleaned.iter().find(|(known, _)| known == hidden) {
            return *can;
        }
        let can = self.is_clean_without(hidden);
        if cleaned.len() < REMEMBERED {
            cleaned.push((hidden.clone(), can));
        }
        can
    }

    fn is_clean_without(&self, hidden: &BTreeSet<String>) -> bool {
        parse(self.raw.as_bytes()).is_ok_and(|raw| hide(&mut Tree::from(raw), hidden).is_ok())
    }
}

/// What a model is not shown of a tool: arguments that the caller's defaults serve, and those that the
/// configuration calls credentials, as far as the tool declares them; and its secure parameters.
pub(crate) fn hidden(
    server: &Server,
    tool: &Tool,
    defaults: &BTreeSet<String>,
) -> BTreeSet<String> {
    let arguments = defaults.union(&server.settings.credential_arguments);
    let declared = arguments.filter(|argument| tool.declares(argument));
    innermost(declared.chain(tool.definition.secure.keys()))
}

/// The arguments without those that hold another of them: a pointer wins over the argument that it leads into.
pub(crate) fn innermost<'a>(arguments: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let paths = arguments.flat_map(|argument| ArgumentPath::parse(argument));
    let paths: Vec<_> = paths.collect();
    let innermost = paths
        .iter()
        .filter(|path| !paths.iter().any(|inner| path.holds(*inner)));
    innermost.map(|path| path.as_str().to_owned()).collect()
}
