//! One schema as a document: objects parsed once, references followed, and the work counted.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use percent_encoding::percent_decode_str;
use toolvault_core::json::{Kind, LoneSurrogate, Member, Object, Value};

use super::error::CannotClean;

/// How often each byte of a schema may be read on average. Real schemas need less than a tenth of it.
const READINGS: usize = 64;
/// Bytes that small schemas may read in addition.
const GRANTED: usize = 16 * 1024;
/// Objects with this many members get an index of their names.
const INDEXED: usize = 16;

/// A schema and the objects in it that were parsed.
pub(super) struct Document<'a> {
    root: Value<'a>,
    left: Cell<usize>,
    looked: RefCell<HashMap<usize, Rc<Looked<'a>>>>,
}

/// An object that was parsed.
pub(super) struct Looked<'a> {
    /// Its members in order, each name once.
    pub members: Vec<Member<'a>>,
    index: HashMap<Cow<'a, str>, usize>,
    repeats: bool,
}

impl<'a> Looked<'a> {
    /// The member of that name.
    pub(super) fn get(&self, name: &str) -> Option<Value<'a>> {
        let member = if self.members.len() < INDEXED {
            self.members.iter().find(|member| member.name == name)
        } else {
            self.members.get(*self.index.get(name)?)
        };
        member.map(|member| member.value)
    }
}

impl<'a> Document<'a> {
    pub(super) fn new(root: Value<'a>) -> Self {
        Self {
            root,
            left: Cell::new(root.raw().len() * READINGS + GRANTED),
            looked: RefCell::default(),
        }
    }

    pub(super) fn root(&self) -> Value<'a> {
        self.root
    }

    /// The offset of a value in the text, which identifies the value.
    pub(super) fn place(&self, value: Value<'a>) -> usize {
        value.raw().as_ptr().addr() - self.root.raw().as_ptr().addr()
    }

    /// Counts work, in bytes that are read.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), CannotClean> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or(CannotClean::Limit)?);
        Ok(())
    }

    /// The members of an object, of repeated ones the last. `None` if it is not an object.
    pub(super) fn look(&self, value: Value<'a>) -> Result<Option<Rc<Looked<'a>>>, CannotClean> {
        let Some(object) = value.as_object() else {
            return Ok(None);
        };
        let place = self.place(value);
        if let Some(looked) = self.looked.borrow().get(&place) {
            return Ok(Some(Rc::clone(looked)));
        }
        self.spend(value.raw().len())?;
        let members = object.members()?;
        let mut index = HashMap::new();
        if members.len() >= INDEXED {
            let names = members.iter().enumerate();
            index.extend(names.map(|(at, member)| (member.name.clone(), at)));
        }
        let looked = Rc::new(Looked {
            repeats: object.written_members() != members.len(),
            members,
            index,
        });
        self.looked.borrow_mut().insert(place, Rc::clone(&looked));
        Ok(Some(looked))
    }

    /// The members of an object that must not repeat a name. `None` for a boolean, a number or `null`.
    pub(super) fn members(&self, value: Value<'a>) -> Result<Option<Rc<Looked<'a>>>, CannotClean> {
        match (self.look(value)?, value.kind()) {
            (Some(looked), _) if !looked.repeats => Ok(Some(looked)),
            (None, Kind::Bool | Kind::Number | Kind::Null) => Ok(None),
            _ => Err(CannotClean::Ambiguous),
        }
    }

    /// The elements of an array. `None` for a boolean, a number or `null`.
    pub(super) fn elements(&self, value: Value<'a>) -> Result<Option<Vec<Value<'a>>>, CannotClean> {
        match (value.as_array(), value.kind()) {
            (Some(array), _) => {
                self.spend(value.raw().len())?;
                Ok(Some(array.elements().collect()))
            }
            (None, Kind::Bool | Kind::Number | Kind::Null) => Ok(None),
            _ => Err(CannotClean::Ambiguous),
        }
    }

    /// The elements of a list of names, with the text of those that are strings. `None` if it is not a list.
    pub(super) fn names(&self, value: Value<'a>) -> Result<Option<Vec<Named<'a>>>, CannotClean> {
        let Some(elements) = self.elements(value)? else {
            return Ok(None);
        };
        let named = |element: Value<'a>| {
            let text = element.as_text().transpose()?;
            Ok((element, text.map(|text| text.as_str().to_owned())))
        };
        let named = elements.into_iter().map(named);
        named.collect::<Result<_, _>>().map(Some)
    }

    /// What a reference leads to, or `None` if it leads to nothing in this schema.
    pub(super) fn resolve(&self, reference: &str) -> Result<Option<Value<'a>>, CannotClean> {
        match reference_steps(reference) {
            Some(steps) => self.follow(self.root, &steps),
            None => Ok(None),
        }
    }

    /// Follows the steps of a JSON Pointer (RFC 6901) from `value`.
    pub(super) fn follow(
        &self,
        value: Value<'a>,
        steps: &[String],
    ) -> Result<Option<Value<'a>>, CannotClean> {
        let mut at = value;
        for step in steps {
            self.spend(step.len())?;
            let next = match at.kind() {
                Kind::Object => self.look(at)?.and_then(|looked| looked.get(step)),
                Kind::Array => {
                    let elements = self.elements(at)?.unwrap_or_default();
                    let index: Option<usize> = step.parse().ok();
                    index.and_then(|index| elements.get(index).copied())
                }
                _ => None,
            };
            match next {
                Some(next) if !self.has_own_base(next)? => at = next,
                _ => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Whether references in it are relative to itself (`$id` below the root), and so cannot be followed here.
    pub(super) fn has_own_base(&self, value: Value<'a>) -> Result<bool, CannotClean> {
        let id = self.look(value)?.and_then(|looked| looked.get("$id"));
        Ok(self.place(value) != 0 && id.is_some_and(|id| id.kind() == Kind::String))
    }
}

/// An element of a list, and its text if it is a string.
pub(super) type Named<'a> = (Value<'a>, Option<String>);

/// The steps of a JSON Pointer without its first `/`.
fn steps(pointer: &str) -> Vec<String> {
    let unescaped = |step: &str| step.replace("~1", "/").replace("~0", "~");
    pointer.split('/').map(unescaped).collect()
}

/// The steps of a reference that is a JSON Pointer into the same schema. `None` for any other reference.
pub(super) fn reference_steps(reference: &str) -> Option<Vec<String>> {
    let fragment = percent_decode_str(reference.strip_prefix('#')?);
    let fragment = fragment.decode_utf8().ok()?;
    if fragment.is_empty() {
        return Some(Vec::new());
    }
    Some(steps(fragment.strip_prefix('/')?))
}

/// Whether a name occurs in the object more than once.
pub(super) fn repeats_a_name(object: Object<'_>) -> Result<bool, LoneSurrogate> {
    Ok(object.written_members() != object.members()?.len())
}
