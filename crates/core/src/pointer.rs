//! Places in the arguments of a tool: the name of an argument, or a JSON Pointer (RFC 6901) into the arguments.

use std::borrow::Cow;

use crate::json::Value;

/// The place of a value in a tool's arguments.
///
/// A text that begins with `/` is a JSON Pointer, such as `/params/api_key`; any other text is the name of an argument.
/// A pointer passes through objects only: in an array, a step would depend on how many elements a model sends. The
/// pointer of one step means the argument of that name, so `/token` and `token` are the same place.
#[derive(Clone, Copy, Debug)]
pub struct ArgumentPath<'a> {
    text: &'a str,
}

/// A text that begins with `/` and is not a JSON Pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in a JSON Pointer '~' is written '~0', and '/' in a name is written '~1'")]
pub struct PointerError;

/// The value at a place.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "arguments may be confidential"
)]
pub enum Found<'a> {
    /// This value, which may be null.
    Value(Value<'a>),
    /// Nothing. The objects that would hold it are objects, null, or missing.
    Nothing,
    /// No value is possible: a value on the path is not an object, or names a member with a lone surrogate.
    Blocked,
}

impl<'a> ArgumentPath<'a> {
    /// Reads a name or a pointer of any length.
    pub fn parse(text: &'a str) -> Result<Self, PointerError> {
        let mut escapes = text.split('~').skip(1);
        if text.starts_with('/') && !escapes.all(|after| after.starts_with(['0', '1'])) {
            return Err(PointerError);
        }
        Ok(Self { text })
    }

    /// The text that was read.
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// Whether it is written as a pointer.
    pub fn is_pointer(self) -> bool {
        self.text.starts_with('/')
    }

    /// The names of the members on the path to the place. There is at least one: the argument.
    pub fn steps(self) -> impl Iterator<Item = Cow<'a, str>> + Clone {
        let (text, is_pointer) = match self.text.strip_prefix('/') {
            Some(pointer) => (pointer, true),
            None => (self.text, false),
        };
        let limit = if is_pointer { usize::MAX } else { 1 };
        text.splitn(limit, '/').map(move |step| {
            if is_pointer && step.contains('~') {
                Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(step)
            }
        })
    }

    /// The one text for this place: the name if it is an argument and its name does not begin with `/`, else a pointer.
    pub fn canonical(self) -> Cow<'a, str> {
        let mut steps = self.steps();
        match (steps.next(), steps.next()) {
            (Some(name), None) => of_name(name),
            _ => Cow::Borrowed(self.text),
        }
    }

    /// The pointer of these steps.
    pub fn pointer(steps: &[String]) -> String {
        let escaped = steps.iter().map(|step| escaped(step));
        escaped.fold(String::new(), |pointer, step| pointer + "/" + &step)
    }

    /// The places that hold this one, from the argument inwards.
    pub fn holders(self) -> impl Iterator<Item = Self> {
        let text = self.text;
        let slashes = text.match_indices('/').skip(1);
        let is_pointer = self.is_pointer();
        slashes.filter(move |_| is_pointer).filter_map(|(at, _)| {
            Some(Self {
                text: text.get(..at)?,
            })
        })
    }

    /// Whether both are the same place.
    pub fn is_at(self, other: ArgumentPath<'_>) -> bool {
        self.text == other.text || self.steps().eq(other.steps())
    }

    /// Whether `other` is inside the value at this place.
    pub fn holds(self, other: ArgumentPath<'_>) -> bool {
        let mut inner = other.steps();
        other.is_pointer()
            && self.steps().all(|step| inner.next() == Some(step))
            && inner.next().is_some()
    }

    /// The value at this place inside an object, given the value of its member with the first name.
    pub(crate) fn find(self, argument: Option<Value<'_>>) -> Found<'_> {
        let mut found = argument;
        for step in self.steps().skip(1) {
            let Some(value) = found.filter(|value| !value.is_null()) else {
                return Found::Nothing;
            };
            let Some(object) = value.as_object().filter(|object| object.members().is_ok()) else {
                return Found::Blocked;
            };
            found = object.get(&step);
        }
        found.map_or(Found::Nothing, Found::Value)
    }
}

/// The text for the argument of that name: a pointer if the name itself begins with `/`.
pub fn of_name(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.starts_with('/') {
        Cow::Owned(format!("/{}", escaped(&name)))
    } else {
        name
    }
}

fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> ArgumentPath<'_> {
        ArgumentPath::parse(text).unwrap()
    }

    fn steps(text: &str) -> Vec<String> {
        path(text).steps().map(Cow::into_owned).collect()
    }

    #[test]
    fn pointers_are_read_as_rfc_6901_says() {
        for (text, expected) in [
            ("api_key", &["api_key"][..]),
            ("a/b~2", &["a/b~2"]),
            ("/api_key", &["api_key"]),
            ("/params/api_key", &["params", "api_key"]),
            ("/", &[""]),
            ("//", &["", ""]),
            ("/a~1b/~0/~01/~10", &["a/b", "~", "~1", "/0"]),
            ("/items/0/-", &["items", "0", "-"]),
        ] {
            assert_eq!(steps(text), expected, "{text}");
        }
        for text in ["/~", "/a~", "/a~2", "/a/~/b", "/~~0", "/~é"] {
            assert_eq!(
                ArgumentPath::parse(text).err(),
                Some(PointerError),
                "{text}"
            );
        }
    }

    #[test]
    fn one_place_has_one_canonical_text() {
        for (text, expected) in [
            ("token", "token"),
            ("/token", "token"),
            ("/~1token~0", "/~1token~0"),
            ("/a~1b", "a/b"),
            ("/a/b", "/a/b"),
            ("/", ""),
        ] {
            assert_eq!(path(text).canonical(), expected, "{text}");
        }
        assert!(path("/token").is_at(path("token")) && path("token").is_at(path("/token")));
        assert!(!path("/token").is_at(path("Token")));
        assert!(path("/token").is_pointer() && !path("to/ken").is_pointer());
    }

    #[test]
    fn a_place_holds_those_inside_it() {
        for (outer, inner, expected) in [
            ("params", "/params/key", true),
            ("/params", "/params/key", true),
            ("/a/b", "/a/b/c/d", true),
            ("params", "params", false),
            ("params", "/params", false),
            ("/params/key", "params", false),
            ("/params/k", "/params/key", false),
            ("a/b", "/a/b", false),
            ("a/b", "/a~1b/c", true),
        ] {
            assert_eq!(path(outer).holds(path(inner)), expected, "{outer} {inner}");
        }
    }

    #[test]
    fn the_places_that_hold_a_place_come_from_the_outside_in() {
        let holders = |text| -> Vec<_> { path(text).holders().map(ArgumentPath::as_str).collect() };
        assert_eq!(holders("/a~1b/c/d"), ["/a~1b", "/a~1b/c"]);
        assert!(holders("/a").is_empty() && holders("a/b").is_empty());
    }

    proptest! {
        #[test]
        fn a_name_that_does_not_begin_with_a_slash_means_itself(name in "[^/].{0,8}") {
            prop_assert_eq!(steps(&name), std::slice::from_ref(&name));
            prop_assert_eq!(path(&name).canonical(), name.as_str());
            prop_assert_eq!(path(&name).holders().count(), 0);
        }

        #[test]
        fn a_pointer_has_its_steps(names in prop::collection::vec("[/~01a]{0,3}", 1..4)) {
            prop_assert_eq!(steps(&ArgumentPath::pointer(&names)), names);
        }

        #[test]
        fn every_name_has_a_text_of_its_own(name in "[/~01a]{0,6}") {
            let text = of_name(Cow::Borrowed(&name)).into_owned();
            prop_assert_eq!(steps(&text), std::slice::from_ref(&name));
            prop_assert_eq!(path(&text).canonical(), text.as_str());
        }
    }
}
