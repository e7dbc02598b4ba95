//! The members of a body, or of an object inside it, each read with a check.
//!
//! A refused member is recorded and then treated as absent, so that one pass finds all mistakes.

use toolvault_core::json::{Array, Object, Value};
use toolvault_vault::Field;

use super::body::Body;
use super::error::{LocationPart, Problem, ValidationErrors};

/// The location in a request from which fields are read.
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

    /// A required field; null goes to the check.
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

    /// An optional field; null goes to the check.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(Value<'a>) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.find(name)?;
        self.checked(name, value, check)
    }

    /// A field that may be absent (unchanged) or null (cleared).
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

    /// The elements of a list at `name`, each with the same check.
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

    /// Records a refusal at `path`.
    pub(crate) fn refuse(
        &mut self,
        path: impl IntoIterator<Item = LocationPart>,
        problem: Problem,
    ) {
        let location = self.location.iter().cloned().chain(path).collect();
        self.errors.push(location, problem);
    }

    /// Finds a field. In a body that is not an object, even optional fields count as missing.
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
