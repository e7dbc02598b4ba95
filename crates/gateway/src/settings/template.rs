//! Text of the configuration in which references to secrets stand: `Bearer {{ secret://linear-prod }}`.

use toolvault_core::reference::{Reference, ReferenceError};

const OPENING: &str = "{{";
const CLOSING: &str = "}}";

/// A text with references in it. It holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Stays as it is.
    Text(String),
    /// Is replaced by the value of a secret.
    Reference(Reference),
}

/// Why a text is no template; it never repeats the text, which may hold a literal credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{{` without its `}}`.
    #[error("a '{{{{' has no '}}}}'")]
    Unclosed,
    /// What stands between braces, or the whole text, is not a reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl Template {
    /// Reads a text: a whole reference, or text with references in double braces.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.starts_with("secret://") {
            let reference = Reference::parse(text)?;
            return Ok(Self {
                parts: vec![Part::Reference(reference)],
            });
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPENING) {
            let (inside, behind) = after.split_once(CLOSING).ok_or(TemplateError::Unclosed)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Reference(Reference::parse(inside.trim())?));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Its pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The references in it.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Reference(reference) => Some(reference),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Part {
        Part::Reference(Reference::Name(text.to_owned()))
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    #[test]
    fn references_stand_alone_or_in_braces() {
        for (written, parts) in [
            ("", vec![]),
            ("plain", vec![text("plain")]),
            ("secret://a%20b", vec![name("a b")]),
            ("Bearer {{ secret://a }}", vec![text("Bearer "), name("a")]),
            (
                "{{secret://a}}:{{secret://b}}!",
                vec![name("a"), text(":"), name("b"), text("!")],
            ),
            ("see secret://a", vec![text("see secret://a")]),
        ] {
            assert_eq!(
                Template::parse(written).unwrap().parts(),
                parts,
                "{written}"
            );
        }
    }

    #[test]
    fn what_is_half_a_reference_is_refused() {
        for (written, error) in [
            ("Bearer {{ secret://a", TemplateError::Unclosed),
            (
                "{{ literal }}",
                TemplateError::Reference(ReferenceError::Scheme),
            ),
            (
                "secret://a b",
                TemplateError::Reference(ReferenceError::Encoding),
            ),
        ] {
            assert_eq!(Template::parse(written), Err(error), "{written}");
        }
    }
}
