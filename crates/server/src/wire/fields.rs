//! The members of a body or of an object inside it, each read by one of the checks.
//!
//! A refused member is recorded and reads as if it were absent, so that all mistakes are found at once.

use toolvault_core::json::{Array, Object, Value};
use toolvault_vault::Field;

use super::body::Body;
use super::error::{LocationPart, Problem, ValidationErrors};

/// The place in a request from which fields are read.
pub(crate) struct Fields<'a, 'e> {
    body: Body<'a>,
    location: Vec<LocationPart>,
    errors: &'e mut ValidationErrors,
}

impl<'a, 'e> Fields<'a, 'e> {
    /// The members of the body itself.
    pub(crate) fn of(body: Body<'a>, errors: &'e mut ValidationErrors) -> Self {
        Self {
            body,
            location: vec!["body".into()],
            errors,
        }
    }

    /// The members of `object`, which was found at `name`, or at `name` and an index.
    pub(crate) fn inside(
        &mut self,
        path: impl IntoIterator<Item = LocationPart>,
        object: Object<'a>,
    ) -> Fields<'a, '_> {
        let location = self.location.iter().cloned().chain(path).collect();
        let body = Body::Object {
            object,
            is_merge_patch: false,
        };
        Fields {
            body,
            location,
            errors: self.errors,
        }
    }

    /// A field that must be there; null is for the check to refuse.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(Value<'a>) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.find(name);
        if value.is_none() && !matches!(self.body, Body::NotAnObject) {
            self.refuse([name.into()], Problem::missing());
        }
        self.checked(name, value?, check)
    }

    /// A field that may be absent; null is for the check to refuse.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(Value<'a>) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.find(name)?;
        self.checked(name, value, check)
    }

    /// A field that may be absent, which keeps it, or null, which clears it.
    pub(crate) fn nullable<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(Value<'a>) -> Result<T, Problem>,
    ) -> Field<T> {
        match self.find(name) {
            None => Field::Keep,
            Some(value) if value.is_null() => Field::Clear,
            Some(value) => self
                .checked(name, value, check)
                .map_or(Field::Keep, Field::Set),
        }
    }

    /// The elements of a list that was found at `name`, each by the same check.
    pub(crate) fn each<T>(
        &mut self,
        name: &'static str,
        list: Array<'a>,
        mut check: impl FnMut(Value<'a>) -> Result<T, Problem>,
    ) -> Vec<T> {
        let mut accepted = Vec::new();
        for (index, element) in list.elements().enumerate() {
            match check(element) {
                Ok(element) => accepted.push(element),
                Err(problem) => self.refuse([name.into(), index.into()], problem),
            }
        }
        accepted
    }

    /// Records that what stands at `path` is refused.
    pub(crate) fn refuse(
        &mut self,
        path: impl IntoIterator<Item = LocationPart>,
        problem: Problem,
    ) {
        let location = self.location.iter().cloned().chain(path).collect();
        self.errors.push(location, problem);
    }

    /// Looks the field up. A body that is no object lacks even its optional fields.
    fn find(&mut self, name: &'static str) -> Option<Value<'a>> {
        match self.body {
            Body::Absent => None,
            Body::Object { object, .. } => object.get(name),
            Body::NotAnObject => {
                self.refuse([name.into()], Problem::missing());
                None
            }
        }
    }

    fn checked<T>(
        &mut self,
        name: &'static str,
        value: Value<'a>,
        check: impl FnOnce(Value<'a>) -> Result<T, Problem>,
    ) -> Option<T> {
        check(value)
            .map_err(|problem| self.refuse([name.into()], problem))
            .ok()
    }
}
