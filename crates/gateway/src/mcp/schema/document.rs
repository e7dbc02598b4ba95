//! One schema as a document: objects looked into once, references followed, and the work counted.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use percent_encoding::percent_decode_str;
use toolvault_core::json::{Kind, LoneSurrogate, Member, Object, Value};

use super::CannotClean;

/// How often each byte of a schema may be read on the average; honest ones stay below a tenth of it.
const READINGS: usize = 64;
/// What is granted beside that, for small schemas.
const GRANTED: usize = 16 * 1024;

/// From how many members on an object has an index of their names.
const INDEXED: usize = 16;

/// A schema and what has been found in it so far.
pub(super) struct Document<'a> {
    root: Value<'a>,
    left: Cell<usize>,
    looked: RefCell<HashMap<usize, Rc<Looked<'a>>>>,
    anchors: OnceCell<HashMap<String, Option<Value<'a>>>>,
}

/// An object that was looked into.
pub(super) struct Looked<'a> {
    /// Its members in order, each name once.
    pub members: Vec<Member<'a>>,
    places: HashMap<Cow<'a, str>, usize>,
    repeats: bool,
}

impl<'a> Looked<'a> {
    /// The member of that name.
    pub(super) fn get(&self, name: &str) -> Option<Value<'a>> {
        let member = if self.members.len() < INDEXED {
            self.members.iter().find(|member| member.name == name)
        } else {
            self.members.get(*self.places.get(name)?)
        };
        member.map(|member| member.value)
    }
}

/// Where in the schema something stands.
pub(super) enum Home<'a> {
    /// A definition, whole, of that name under `$defs` or `definitions` of the root.
    Definition(&'static str, Cow<'a, str>),
    /// A part of such a definition; of the schema of which of its properties, if of any.
    Within(&'static str, Cow<'a, str>, Option<Cow<'a, str>>),
    /// A property of the root, of that name, or a part of its schema.
    Property(Cow<'a, str>),
    /// The root, or something that describes the arguments.
    Elsewhere,
}

impl<'a> Document<'a> {
    pub(super) fn new(root: Value<'a>) -> Self {
        Self {
            root,
            left: Cell::new(root.raw().len() * READINGS + GRANTED),
            looked: RefCell::default(),
            anchors: OnceCell::new(),
        }
    }

    pub(super) fn root(&self) -> Value<'a> {
        self.root
    }

    /// Where the text of a value begins, which tells it from all others.
    pub(super) fn place(&self, value: Value<'a>) -> usize {
        value.raw().as_ptr().addr() - self.root.raw().as_ptr().addr()
    }

    /// Counts work, in bytes that are read.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), CannotClean> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or(CannotClean::Limit)?);
        Ok(())
    }

    /// The members of an object, of repeated ones the last; none if it is no object.
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
        let mut places = HashMap::new();
        if members.len() >= INDEXED {
            let names = members.iter().enumerate();
            places.extend(names.map(|(at, member)| (member.name.clone(), at)));
        }
        let looked = Rc::new(Looked {
            repeats: object.written_members() != members.len(),
            members,
            places,
        });
        self.looked.borrow_mut().insert(place, Rc::clone(&looked));
        Ok(Some(looked))
    }

    /// The members of an object that must say one thing only; none if it is a boolean, a number or `null`.
    pub(super) fn members(&self, value: Value<'a>) -> Result<Option<Rc<Looked<'a>>>, CannotClean> {
        match (self.look(value)?, value.kind()) {
            (Some(looked), _) if !looked.repeats => Ok(Some(looked)),
            (None, Kind::Bool | Kind::Number | Kind::Null) => Ok(None),
            _ => Err(CannotClean::Ambiguous),
        }
    }

    /// The elements of an array; none if it is a boolean, a number or `null`.
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

    /// The names in a list, none in the place of what is no text; none at all if it is no list.
    pub(super) fn names(&self, value: Value<'a>) -> Result<Option<Vec<Named<'a>>>, CannotClean> {
        let Some(elements) = self.elements(value)? else {
            return Ok(None);
        };
        let named = |element: Value<'a>| {
            let text = element.as_text().transpose()?;
            Ok((element, text.map(|text| text.as_str().to_owned())))
        };
        elements
            .into_iter()
            .map(named)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// What a reference leads to; none if that is nothing in this schema.
    pub(super) fn resolve(&self, reference: &str) -> Result<Option<Value<'a>>, CannotClean> {
        self.spend(reference.len())?;
        let Some(fragment) = self.fragment(reference)? else {
            return Ok(None);
        };
        let Ok(fragment) = percent_decode_str(&fragment).decode_utf8() else {
            return Ok(None);
        };
        match fragment.strip_prefix('/') {
            Some(pointer) => self.follow(pointer),
            None if fragment.is_empty() => Ok(Some(self.root)),
            None => Ok(self.anchors()?.get(&*fragment).copied().flatten()),
        }
    }

    /// Where a value stands.
    pub(super) fn home(&self, value: Value<'a>) -> Result<Home<'a>, CannotClean> {
        for keyword in ["$defs", "definitions"] {
            let Some(entry) = self.entry(self.root, keyword, value)? else {
                continue;
            };
            if self.place(entry.value) == self.place(value) {
                return Ok(Home::Definition(keyword, entry.name));
            }
            let property = self.entry(entry.value, "properties", value)?;
            let property = property.map(|property| property.name);
            return Ok(Home::Within(keyword, entry.name, property));
        }
        let property = self.entry(self.root, "properties", value)?;
        Ok(property.map_or(Home::Elsewhere, |property| Home::Property(property.name)))
    }

    /// The member of `schema`'s `keyword` in which `value` stands, if it does.
    fn entry(
        &self,
        schema: Value<'a>,
        keyword: &str,
        value: Value<'a>,
    ) -> Result<Option<Member<'a>>, CannotClean> {
        let place = self.place(value);
        let holds = |outer: Value<'a>| {
            let start = self.place(outer);
            (start..start + outer.raw().len()).contains(&place)
        };
        let group = self.look(schema)?.and_then(|looked| looked.get(keyword));
        let Some(group) = group.filter(|group| holds(*group)) else {
            return Ok(None);
        };
        let Some(looked) = self.look(group)? else {
            return Ok(None);
        };
        // Members stand in the order of their text, but for repeated ones, which are found nowhere.
        let after = |member: &Member<'a>| self.place(member.value) <= place;
        let at = looked.members.partition_point(after).checked_sub(1);
        let entry = at.and_then(|at| looked.members.get(at));
        Ok(entry.filter(|entry| holds(entry.value)).cloned())
    }

    /// What follows the `#` of a reference within this schema.
    fn fragment<'r>(&self, reference: &'r str) -> Result<Option<Cow<'r, str>>, CannotClean> {
        if let Some(fragment) = reference.strip_prefix('#') {
            return Ok(Some(Cow::Borrowed(fragment)));
        }
        let root = self.look(self.root)?;
        let Some(id) = root.and_then(|root| root.get("$id")?.as_text()) else {
            return Ok(None);
        };
        let id = id?;
        let own = id.split('#').next().unwrap_or_default();
        Ok(match reference.strip_prefix(own) {
            Some("") => Some(Cow::Borrowed("")),
            Some(rest) => rest.strip_prefix('#').map(Cow::Borrowed),
            None => None,
        })
    }

    /// Follows a JSON pointer (RFC 6901) without its first `/`, unless another base (`$id`) is on its way.
    fn follow(&self, pointer: &str) -> Result<Option<Value<'a>>, CannotClean> {
        let mut at = self.root;
        for token in pointer.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match at.kind() {
                Kind::Object => self.look(at)?.and_then(|looked| looked.get(&token)),
                Kind::Array => {
                    let elements = self.elements(at)?.unwrap_or_default();
                    let index: Option<usize> = token.parse().ok();
                    index.and_then(|index| elements.get(index).copied())
                }
                _ => None,
            };
            match next {
                Some(next) if !self.has_its_own_base(next)? => at = next,
                _ => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Whether references in it are relative to itself.
    pub(super) fn has_its_own_base(&self, value: Value<'a>) -> Result<bool, CannotClean> {
        let id = self.look(value)?.and_then(|looked| looked.get("$id"));
        Ok(self.place(value) != 0 && id.is_some_and(|id| id.kind() == Kind::String))
    }

    fn anchors(&self) -> Result<&HashMap<String, Option<Value<'a>>>, CannotClean> {
        if let Some(anchors) = self.anchors.get() {
            return Ok(anchors);
        }
        let mut anchors = HashMap::new();
        let mut open = vec![self.root];
        while let Some(value) = open.pop() {
            if self.has_its_own_base(value)? {
                continue;
            }
            if let Some(looked) = self.look(value)? {
                for name in ["$anchor", "$dynamicAnchor"] {
                    if let Some(anchor) = looked.get(name).and_then(Value::as_text) {
                        let anchor = anchor?.as_str().to_owned();
                        let other = anchors.insert(anchor.clone(), Some(value));
                        if other.is_some_and(|other| {
                            other.is_some_and(|other| self.place(other) != self.place(value))
                        }) {
                            anchors.insert(anchor, None);
                        }
                    }
                }
                open.extend(looked.members.iter().map(|member| member.value));
            } else if value.kind() == Kind::Array {
                open.extend(self.elements(value)?.unwrap_or_default());
            }
        }
        Ok(self.anchors.get_or_init(|| anchors))
    }
}

/// An element of a list and its text.
pub(super) type Named<'a> = (Value<'a>, Option<String>);

/// Whether a name stands in it more than once.
pub(super) fn repeats_a_name(object: Object<'_>) -> Result<bool, LoneSurrogate> {
    Ok(object.written_members() != object.members()?.len())
}
