//! YAML as Python's safe loader reads it, with the line of each part.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::Value;
use zeroize::Zeroizing;

/// A workflow is some pages; what is larger, or repeats itself through aliases, is given up.
const MOST_PARTS: usize = 100_000;
const DEEPEST: usize = 64;
const MERGE: &str = "<<";

/// A part of a document. It may hold a credential: it is overwritten when dropped.
#[derive(Clone)]
pub(super) struct Node {
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Scalar {
        text: Zeroizing<String>,
        is_plain: bool,
    },
    List(Vec<Node>),
    Table(Vec<(Node, Node)>),
}

/// Why a text is no document. It quotes no more than one character of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        line: usize,
        column: usize,
        reason: String,
    },
    #[error("line {0}: a second document begins; a workflow's file holds one")]
    Second(usize),
    #[error("line {0}: the document is too large or too deep")]
    TooLarge(usize),
    #[error("it is empty")]
    Empty,
}

impl From<ScanError> for DocumentError {
    fn from(error: ScanError) -> Self {
        Self::Syntax {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            reason: error.info().to_owned(),
        }
    }
}

impl Node {
    /// Reads a document.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        let mut builder = Builder::default();
        for next in Parser::new_from_str(text) {
            let (event, span) = next?;
            builder.take(event, span)?;
        }
        builder.root.ok_or(DocumentError::Empty)
    }

    /// A member of a table; of several with one name the last.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let mut found = None;
        for (key, value) in self.members() {
            if key == name {
                found = Some(value);
            }
        }
        found
    }

    /// The members of a table that have a text as their name.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        let table = match &self.content {
            Content::Table(members) => members.as_slice(),
            _ => &[],
        };
        table
            .iter()
            .filter_map(|(key, value)| Some((key.scalar()?, value)))
    }

    /// The parts of a list.
    pub(super) fn list(&self) -> Option<&[Self]> {
        match &self.content {
            Content::List(parts) => Some(parts),
            _ => None,
        }
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.content, Content::Table(_))
    }

    /// A text: neither null nor a number nor a switch.
    pub(super) fn text(&self) -> Option<&str> {
        match self.value() {
            Value::String(_) => self.scalar(),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.is_scalar() && self.value().is_null()
    }

    pub(super) fn is_scalar(&self) -> bool {
        self.scalar().is_some()
    }

    /// A scalar as JSON; a list or a table is only `true`.
    pub(super) fn value(&self) -> Value {
        let Content::Scalar { text, is_plain } = &self.content else {
            return Value::Bool(true);
        };
        if !is_plain {
            return Value::String(text.to_string());
        }
        match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => true.into(),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
                false.into()
            }
            other => number(other).unwrap_or_else(|| Value::String(other.to_owned())),
        }
    }

    /// Whether some text in it satisfies a condition.
    pub(super) fn any_text(&self, condition: &impl Fn(&str) -> bool) -> bool {
        match &self.content {
            Content::Scalar { text, .. } => condition(text),
            Content::List(parts) => parts.iter().any(|part| part.any_text(condition)),
            Content::Table(members) => members.iter().any(|(_, value)| value.any_text(condition)),
        }
    }

    fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// How many parts it has, itself among them.
    fn size(&self) -> usize {
        1 + match &self.content {
            Content::Scalar { .. } => 0,
            Content::List(parts) => parts.iter().map(Self::size).sum(),
            Content::Table(members) => members
                .iter()
                .map(|(key, value)| key.size() + value.size())
                .sum::<usize>(),
        }
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.ends_with(|last: char| last.is_ascii_digit() || last == '.') {
        return None;
    }
    let whole = text.parse::<i64>().map(Value::from);
    whole.or_else(|_| text.parse::<f64>().map(Value::from)).ok()
}

/// A list or a table that has begun.
struct Open {
    line: usize,
    anchor: usize,
    parts: Vec<Node>,
    is_table: bool,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    parts: usize,
    documents: usize,
    root: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), DocumentError> {
        let line = span.start.line();
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(DocumentError::Second(line));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let content = Content::Scalar {
                    text: Zeroizing::new(text.into_owned()),
                    is_plain: style == ScalarStyle::Plain && tag.is_none(),
                };
                self.place(Node { line, content }, anchor)?;
            }
            Event::Alias(anchor) => {
                // One that is not there yet would hold itself.
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or(DocumentError::TooLarge(line))?;
                self.parts += node.size();
                self.place(Node { line, ..node }, 0)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, false)?,
            Event::MappingStart(anchor, _) => self.begin(line, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let anchor = open.anchor;
                    self.place(open.close(), anchor)?;
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, line: usize, anchor: usize, is_table: bool) -> Result<(), DocumentError> {
        if self.open.len() >= DEEPEST {
            return Err(DocumentError::TooLarge(line));
        }
        self.open.push(Open {
            line,
            anchor,
            parts: Vec::new(),
            is_table,
        });
        Ok(())
    }

    fn place(&mut self, node: Node, anchor: usize) -> Result<(), DocumentError> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(DocumentError::TooLarge(node.line));
        }
        if anchor > 0 {
            self.parts += node.size();
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.parts.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

impl Open {
    fn close(self) -> Node {
        let content = if self.is_table {
            Content::Table(merged(self.parts))
        } else {
            Content::List(self.parts)
        };
        Node {
            line: self.line,
            content,
        }
    }
}

/// Names and values in turn, with what `<<` brings in before what the table says itself.
fn merged(parts: Vec<Node>) -> Vec<(Node, Node)> {
    let mut parts = parts.into_iter();
    let (mut brought, mut own) = (Vec::new(), Vec::new());
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        match (key.scalar(), value.content) {
            (Some(MERGE), Content::Table(members)) => brought.extend(members),
            (Some(MERGE), Content::List(tables)) => {
                // Of several the first wins.
                for table in tables.into_iter().rev() {
                    if let Content::Table(members) = table.content {
                        brought.extend(members);
                    }
                }
            }
            (_, content) => own.push((
                key,
                Node {
                    line: value.line,
                    content,
                },
            )),
        }
    }
    brought.extend(own);
    brought
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Node {
        Node::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(text: &str) -> String {
        Node::parse(text).err().unwrap().to_string()
    }

    #[test]
    fn scalars_are_what_they_are_for_python() {
        let table = read(
            "{a: ~, b: yes, c: 12, d: 1.5, e: '12', f: !!str 7, g: secret://x, h: 1.2.3, i: [1], j: }",
        );
        let values: Vec<String> = table
            .members()
            .map(|(name, value)| format!("{name}={}", value.value()))
            .collect();
        assert_eq!(
            values.join(" "),
            r#"a=null b=true c=12 d=1.5 e="12" f="7" g="secret://x" h="1.2.3" i=true j=null"#
        );
        assert!(table.get("j").unwrap().is_null() && !table.get("i").unwrap().is_null());
        assert_eq!(table.get("e").unwrap().text(), Some("12"));
        assert_eq!(table.get("c").unwrap().text(), None);
    }

    #[test]
    fn the_last_of_equal_names_counts_and_lines_are_known() {
        let table = read("a: 1\n\na: # here\n  b: [x,\n   y]\n");
        let list = table.get("a").unwrap().get("b").unwrap();
        assert_eq!(
            list.list()
                .unwrap()
                .iter()
                .map(|part| part.line)
                .collect::<Vec<_>>(),
            [4, 5]
        );
    }

    #[test]
    fn aliases_and_merges_are_followed() {
        let table =
            read("base: &b {x: 1, y: 2}\nm: {<<: *b, y: 3}\nn: {<<: [{x: 8}, *b]}\nl: *b\n");
        let at = |name: &str, member: &str| {
            table
                .get(name)
                .unwrap()
                .get(member)
                .unwrap()
                .value()
                .to_string()
        };
        assert_eq!(
            [
                at("m", "x"),
                at("m", "y"),
                at("n", "x"),
                at("n", "y"),
                at("l", "x")
            ]
            .concat(),
            "13821"
        );
    }

    #[test]
    fn what_is_no_document_is_told_with_its_line() {
        assert_eq!(error(""), "it is empty");
        assert_eq!(
            error("a: 1\n---\nb: 2\n"),
            "line 2: a second document begins; a workflow's file holds one"
        );
        let syntax = error("a: 1\nb: [1, 2\nc: canary-0123456789\n");
        assert!(
            syntax.starts_with("line 3, column 2: ") && !syntax.contains("canary"),
            "{syntax}"
        );
        assert!(error("a: *nobody").starts_with("line 1, column "));
        assert_eq!(
            error("&a [*a]"),
            "line 1: the document is too large or too deep"
        );
    }

    #[test]
    fn a_document_that_unfolds_without_end_is_given_up() {
        let lines = (1..12).map(|level| {
            let below = format!("*a{}, ", level - 1).repeat(10);
            format!("a{level}: &a{level} [{below}]\n")
        });
        let text = ["a0: &a0 [x, x, x]\n".to_owned()].into_iter().chain(lines);
        assert!(
            error(&text.collect::<String>()).ends_with("the document is too large or too deep")
        );
        assert_eq!(
            error(&format!("{}x{}", "[".repeat(65), "]".repeat(65))),
            "line 1: the document is too large or too deep"
        );
        assert!(!error(&"[".repeat(100_000)).is_empty());
    }
}
