//! A JSON value under modification: only the parts that are accessed become a tree, the rest keeps its source text.

use std::borrow::Cow;

use crate::confidential::Wiped;

use super::object::Object;
use super::strings::{LoneSurrogate, spelled, write_string};
use super::value::{Kind, Value};

/// The members of an object in order, each name once.
pub type Members<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

/// A value of which some parts may be changed. All other parts are written exactly as they were received.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a value may be confidential")]
pub enum Tree<'a> {
    /// As it was received.
    Kept(Value<'a>),
    /// JSON text that was inserted.
    Raw(Wiped<String>),
    /// An object that was accessed.
    Object(Members<'a>),
    /// An array that was accessed.
    Array(Vec<Tree<'a>>),
}

impl<'a> From<Value<'a>> for Tree<'a> {
    fn from(value: Value<'a>) -> Self {
        Self::Kept(value)
    }
}

impl<'a> Tree<'a> {
    /// A string.
    pub fn text(text: &str) -> Self {
        Self::Raw(spelled(text))
    }

    /// An object without members.
    pub fn object() -> Self {
        Self::Object(Vec::new())
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Kept(value) => value.kind(),
            Self::Raw(raw) => Value::of_checked(raw).kind(),
            Self::Object(_) => Kind::Object,
            Self::Array(_) => Kind::Array,
        }
    }

    /// The text of the string, if it is a string of Unicode text.
    pub fn as_text(&self) -> Option<Wiped<String>> {
        match self {
            Self::Kept(value) => value.as_text()?.ok(),
            Self::Raw(raw) => Value::of_checked(raw).as_text()?.ok(),
            _ => None,
        }
    }

    /// The members, mutable; `None` if it is not an object.
    ///
    /// A member whose name has a lone surrogate is an error: such a name cannot be compared.
    pub fn members_mut(&mut self) -> Result<Option<&mut Members<'a>>, LoneSurrogate> {
        match self {
            Self::Kept(value) => {
                let Some(object) = value.as_object() else {
                    return Ok(None);
                };
                *self = Self::Object(looked_into(object)?);
            }
            Self::Raw(raw) => {
                let Some(object) = Value::of_checked(raw).as_object() else {
                    return Ok(None);
                };
                *self = Self::Object(owned(object)?);
            }
            _ => {}
        }
        match self {
            Self::Object(members) => Ok(Some(members)),
            _ => Ok(None),
        }
    }

    /// The elements, mutable; `None` if it is not an array.
    pub fn elements_mut(&mut self) -> Option<&mut Vec<Tree<'a>>> {
        match self {
            Self::Kept(value) => {
                let elements = value.as_array()?.elements().map(Self::Kept).collect();
                *self = Self::Array(elements);
            }
            Self::Raw(raw) => {
                let elements = Value::of_checked(raw).as_array()?.elements();
                let elements = elements.map(|value| Self::Raw(copy(value))).collect();
                *self = Self::Array(elements);
            }
            _ => {}
        }
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The member with that name, mutable.
    pub fn get_mut(&mut self, name: &str) -> Result<Option<&mut Tree<'a>>, LoneSurrogate> {
        let members = self.members_mut()?;
        let found = members.and_then(|members| members.iter_mut().find(|(other, _)| other == name));
        Ok(found.map(|(_, value)| value))
    }

    /// Sets a member: in place if it is present, otherwise at the end. Does nothing if the value is not an object.
    pub fn set(&mut self, name: &str, value: Tree<'a>) -> Result<(), LoneSurrogate> {
        let Some(members) = self.members_mut()? else {
            return Ok(());
        };
        match members.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value,
            None => members.push((Cow::Owned(name.to_owned()), value)),
        }
        Ok(())
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) -> Result<Option<Tree<'a>>, LoneSurrogate> {
        let Some(members) = self.members_mut()? else {
            return Ok(None);
        };
        let place = members.iter().position(|(other, _)| other == name);
        Ok(place.map(|place| members.remove(place).1))
    }

    /// Appends it to `out` as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Kept(value) => out.extend_from_slice(value.raw().as_bytes()),
            Self::Raw(raw) => out.extend_from_slice(raw.as_bytes()),
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
            Self::Array(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.write(out);
                }
                out.push(b']');
            }
        }
    }

    /// The same value, which borrows nothing.
    pub fn detached(&self) -> Tree<'static> {
        let text = std::mem::take(&mut *self.to_json());
        // It was made of text.
        Tree::Raw(Wiped::new(String::from_utf8(text).unwrap_or_default()))
    }

    /// The value as JSON.
    pub fn to_json(&self) -> Wiped<Vec<u8>> {
        let mut out = Wiped::new(Vec::new());
        self.write(&mut out);
        out
    }
}

fn copy(value: Value<'_>) -> Wiped<String> {
    Wiped::new(value.raw().to_owned())
}

fn looked_into(object: Object<'_>) -> Result<Members<'_>, LoneSurrogate> {
    let members = object.members()?.into_iter();
    Ok(members
        .map(|member| (member.name, Tree::Kept(member.value)))
        .collect())
}

fn owned<'a>(object: Object<'_>) -> Result<Members<'a>, LoneSurrogate> {
    let members = object.members()?.into_iter();
    Ok(members
        .map(|member| {
            let name = Cow::Owned(member.name.into_owned());
            (name, Tree::Raw(copy(member.value)))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::parse_text;

    fn written(tree: &Tree<'_>) -> String {
        String::from_utf8(tree.to_json().to_vec()).unwrap()
    }

    #[test]
    fn what_is_not_touched_keeps_its_spelling() {
        let text = r#"{"a": 1.0, "b" : [1e400,  "\u0041"], "a": 2e1}"#;
        let mut tree = Tree::from(parse_text(text).unwrap());
        assert_eq!(written(&tree), text);
        assert!(tree.get_mut("b").unwrap().is_some());
        assert_eq!(written(&tree), r#"{"a":2e1,"b":[1e400,  "\u0041"]}"#);
    }

    #[test]
    fn strings_have_text_wherever_they_come_from() {
        let text = |tree: &Tree<'_>| tree.as_text().map(|text| text.to_string());
        let kept = Tree::from(parse_text("\"a\\n\"").unwrap());
        assert_eq!(text(&kept).as_deref(), Some("a\n"));
        assert_eq!(text(&Tree::text("b\"")).as_deref(), Some("b\""));
        for other in ["1", "[]", "{}", "null", r#""\ud800""#] {
            assert_eq!(
                text(&Tree::from(parse_text(other).unwrap())),
                None,
                "{other}"
            );
        }
        assert_eq!(text(&Tree::object()), None);
    }

    #[test]
    fn members_are_set_removed_and_put_in_place() {
        let mut tree = Tree::from(parse_text(r#"{"a":{"b":[1,2]},"c":3}"#).unwrap());
        tree.set("c", Tree::text("four\"")).unwrap();
        tree.set("d", Tree::object()).unwrap();
        let inner = tree.get_mut("a").unwrap().unwrap().get_mut("b").unwrap();
        inner.unwrap().elements_mut().unwrap().remove(0);
        assert_eq!(written(&tree), r#"{"a":{"b":[2]},"c":"four\"","d":{}}"#);
        assert!(tree.remove("a").unwrap().is_some());
        assert!(tree.remove("a").unwrap().is_none());
        assert_eq!(written(&tree), r#"{"c":"four\"","d":{}}"#);
    }

    #[test]
    fn text_put_in_can_be_looked_into() {
        let mut tree = Tree::Raw(Wiped::new(r#"{"a":[1,{"b":2}]}"#.to_owned()));
        let array = tree.get_mut("a").unwrap().unwrap();
        let object = array.elements_mut().unwrap().last_mut().unwrap();
        object.set("b", Tree::text("x")).unwrap();
        assert_eq!(written(&tree), r#"{"a":[1,{"b":"x"}]}"#);
        assert_eq!(tree.kind(), Kind::Object);
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        let mut tree = Tree::from(parse_text("[1]").unwrap());
        assert!(tree.members_mut().unwrap().is_none());
        tree.set("a", Tree::object()).unwrap();
        assert_eq!(written(&tree), "[1]");
        let mut broken = Tree::from(parse_text(r#"{"\ud800":1}"#).unwrap());
        assert!(broken.members_mut().is_err());
    }

    proptest! {
        #[test]
        fn looking_into_everything_changes_no_value(value in crate::json::tests::properties::json()) {
            let text = value.to_string();
            let mut tree = Tree::from(parse_text(&text).unwrap());
            look(&mut tree);
            let again: serde_json::Value = serde_json::from_str(&written(&tree)).unwrap();
            let before: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(again, before);
        }
    }

    fn look(tree: &mut Tree<'_>) {
        if let Ok(Some(members)) = tree.members_mut() {
            for (_, value) in members {
                look(value);
            }
        } else if let Some(elements) = tree.elements_mut() {
            for element in elements {
                look(element);
            }
        }
    }
}
