//! One JSON value, as a slice of the checked document that contains it.
//!
//! It has no `Debug`, because its text may be confidential.

use crate::confidential::Wiped;

use super::object::{Array, Object};
use super::strings::{self, LoneSurrogate};

/// The six kinds of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// An integer or a decimal number of any size.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A JSON value, as a slice of the source text.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a value may be confidential")]
pub struct Value<'a> {
    raw: &'a str,
}

/// A JSON value with its own text, which is overwritten when it is dropped.
#[expect(missing_debug_implementations, reason = "a value may be confidential")]
pub struct OwnedValue(Wiped<String>);

impl OwnedValue {
    /// The value.
    pub fn value(&self) -> Value<'_> {
        Value::of_checked(&self.0)
    }
}

impl<'a> Value<'a> {
    /// A copy of the value with its text.
    pub fn to_owned_value(self) -> OwnedValue {
        OwnedValue(Wiped::new(self.raw.to_owned()))
    }

    /// The value with the text `raw`, which the scanner has accepted.
    pub(crate) fn of_checked(raw: &'a str) -> Self {
        Self { raw }
    }

    /// Its kind.
    pub fn kind(self) -> Kind {
        match self.raw.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// Its source text, without the space around it.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then_some(self.raw == "true")
    }

    /// The source text of the number, if it is one.
    pub fn as_number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then_some(self.raw)
    }

    /// The text of the string, if it is one; zeroised on drop.
    pub fn as_text(self) -> Option<Result<Wiped<String>, LoneSurrogate>> {
        let inner = self.raw.strip_prefix('"')?.strip_suffix('"')?;
        Some(strings::decode(inner))
    }

    /// The object, if it is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        (self.kind() == Kind::Object).then_some(Object::of_checked(self.raw))
    }

    /// The array, if it is one.
    pub fn as_array(self) -> Option<Array<'a>> {
        (self.kind() == Kind::Array).then_some(Array::of_checked(self.raw))
    }
}
