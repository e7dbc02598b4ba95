//! What the current definition of a tool says about its arguments.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use toolvault_core::json::{Kind, LoneSurrogate, Object, Value};

use super::document::{Document, repeats_a_name};
use super::error::CannotClean;
use crate::mcp::protocol::{AnnotationError, MirroredArguments};

/// The schema of the secure parameters (`com.google.cloud/toolbox.v1`, section 3.1).
pub(crate) const SECURE_SCHEMA: &str = "secureInputSchema";
/// How deep branches and references that describe the arguments may nest.
pub(super) const DEEPEST: usize = 64;

/// What the definition of a tool says about its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// The name of the tool, as its server knows it.
    pub name: String,
    /// The arguments that `inputSchema` has a property for or requires, also in branches and through references.
    pub declared: BTreeSet<String>,
    /// The arguments whose values are repeated in headers (`x-mcp-header`).
    /// `None` if an annotation is invalid, so that clients over HTTP must not list the tool.
    pub mirrored: Option<MirroredArguments>,
    /// The secure parameters, each with whether it is required. They are declared, too.
    pub secure: BTreeMap<String, bool>,
    /// Whether it says that it only reads (MCP, server/tools, `ToolAnnotations`).
    pub only_reads: bool,
}

/// A definition that cannot be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// It has no name, its schema is not a schema, or it repeats a name.
    #[error("the definition of the tool is malformed")]
    Malformed,
    /// Reading its schema costs too much.
    #[error("the schema of the tool is too large or nested too deep")]
    TooLarge,
}

impl From<LoneSurrogate> for Unusable {
    fn from(_: LoneSurrogate) -> Self {
        Self::Malformed
    }
}

impl From<CannotClean> for Unusable {
    fn from(error: CannotClean) -> Self {
        match error {
            CannotClean::Limit => Self::TooLarge,
            _ => Self::Malformed,
        }
    }
}

impl Definition {
    /// Reads the definition of one tool, an element of `tools`. A tool without a schema declares nothing. Its secure
    /// parameters are read only if the server gets them.
    pub(crate) fn read(tool: Value<'_>, reads_secure: bool) -> Result<Self, Unusable> {
        let object = tool.as_object().ok_or(Unusable::Malformed)?;
        if repeats_a_name(object)? {
            return Err(Unusable::Malformed);
        }
        let name = object
            .get("name")
            .and_then(Value::as_text)
            .ok_or(Unusable::Malformed)??;
        if name.is_empty() {
            return Err(Unusable::Malformed);
        }
        let mut definition = Self {
            name: name.as_str().to_owned(),
            declared: BTreeSet::new(),
            mirrored: Some(MirroredArguments::default()),
            secure: BTreeMap::new(),
            only_reads: only_reads(object)?,
        };
        if let Some(schema) = object.get("inputSchema") {
            if !matches!(schema.kind(), Kind::Object | Kind::Bool) {
                return Err(Unusable::Malformed);
            }
            let document = Document::new(schema);
            definition.declared = declared(&document, &[])?.into_keys().collect();
            definition.mirrored = match MirroredArguments::read(schema) {
                Ok(mirrored) => Some(mirrored),
                Err(AnnotationError::Invalid) => None,
                Err(AnnotationError::TooLarge) => return Err(Unusable::TooLarge),
            };
        }
        if let Some(schema) = object.get(SECURE_SCHEMA).filter(|_| reads_secure) {
            definition.secure = secure(schema)?;
            let names = definition.secure.keys().cloned();
            definition.declared.extend(names);
        }
        Ok(definition)
    }
}

/// Annotations that say it twice say nothing.
fn only_reads(tool: Object<'_>) -> Result<bool, Unusable> {
    let Some(annotations) = tool.get("annotations").and_then(Value::as_object) else {
        return Ok(false);
    };
    let hint = annotations.get("readOnlyHint");
    Ok(hint.is_some_and(|hint| hint.raw() == "true") && !repeats_a_name(annotations)?)
}

/// The parameters of a `secureInputSchema`, each with whether it is required.
fn secure(schema: Value<'_>) -> Result<BTreeMap<String, bool>, Unusable> {
    let document = Document::new(schema);
    let looked = document.members(schema)?.ok_or(Unusable::Malformed)?;
    let required = looked.get("required");
    let required = required.map(|names| document.names(names)).transpose()?;
    let required: Vec<_> = required.flatten().unwrap_or_default();
    let is_required = |wanted: &str| {
        let mut names = required.iter().filter_map(|(_, name)| name.as_deref());
        names.any(|name| name == wanted)
    };
    let declared = declared(&document, &[])?.into_keys();
    // A secret's argument that begins so is a pointer.
    let names = declared.filter(|name| !name.starts_with('/'));
    let names = names.map(|name| (is_required(&name), name));
    Ok(names
        .map(|(is_required, name)| (name, is_required))
        .collect())
}

/// Declared members, each with the schemas that describe it.
pub(super) type Declared<'a> = BTreeMap<String, Vec<Value<'a>>>;

/// The members that the schema declares in the object at `path`, which is the arguments themselves if empty.
pub(super) fn declared<'a>(
    document: &Document<'a>,
    path: &[String],
) -> Result<Declared<'a>, CannotClean> {
    let mut walk = Walk {
        document,
        seen: HashSet::new(),
        declared: BTreeMap::new(),
    };
    walk.schema(document.root(), path, Mood::Stated, 0)?;
    Ok(walk.declared)
}

/// Whether the schema states something, or only asks (`if`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Mood {
    Stated,
    Asked,
}

struct Walk<'a, 'd> {
    document: &'d Document<'a>,
    seen: HashSet<(usize, usize, Mood)>,
    declared: Declared<'a>,
}

impl<'a> Walk<'a, '_> {
    fn schema(
        &mut self,
        value: Value<'a>,
        path: &[String],
        mood: Mood,
        depth: usize,
    ) -> Result<(), CannotClean> {
        let place = self.document.place(value);
        if !self.seen.insert((place, path.len(), mood)) {
            return Ok(());
        }
        if depth > DEEPEST {
            return Err(CannotClean::Limit);
        }
        let Some(looked) = self.document.members(value)? else {
            return Ok(());
        };
        self.document.spend(looked.members.len())?;
        let deeper = depth + 1;
        for member in &looked.members {
            let value = member.value;
            match &*member.name {
                "properties" => self.properties(value, path, mood, deeper)?,
                "required" if mood == Mood::Stated && path.is_empty() => {
                    let names = self.document.names(value)?.unwrap_or_default();
                    for name in names.into_iter().filter_map(|(_, name)| name) {
                        self.declared.entry(name).or_default();
                    }
                }
                "allOf" | "anyOf" | "oneOf" => {
                    for branch in self.document.elements(value)?.unwrap_or_default() {
                        self.schema(branch, path, mood, deeper)?;
                    }
                }
                "dependentSchemas" | "dependencies" => {
                    let dependents = self.document.members(value)?;
                    let dependents = dependents.iter().flat_map(|looked| &looked.members);
                    for dependent in
                        dependents.filter(|dependent| dependent.value.as_array().is_none())
                    {
                        self.schema(dependent.value, path, mood, deeper)?;
                    }
                }
                "if" => self.schema(value, path, Mood::Asked, deeper)?,
                "then" | "else" => self.schema(value, path, mood, deeper)?,
                "$ref" => {
                    let reference = value.as_text().ok_or(CannotClean::Ambiguous)??;
                    if let Some(target) = self.document.resolve(&reference)? {
                        self.schema(target, path, mood, deeper)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn properties(
        &mut self,
        value: Value<'a>,
        path: &[String],
        mood: Mood,
        depth: usize,
    ) -> Result<(), CannotClean> {
        let Some(looked) = self.document.members(value)? else {
            return Ok(());
        };
        let Some((first, rest)) = path.split_first() else {
            let declared = looked.members.iter();
            for member in declared.filter(|member| member.value.as_bool() != Some(false)) {
                let schemas = self.declared.entry(member.name.to_string()).or_default();
                schemas.extend((mood == Mood::Stated).then_some(member.value));
            }
            return Ok(());
        };
        match looked.get(first) {
            Some(property) => self.schema(property, rest, mood, depth),
            None => Ok(()),
        }
    }
}
