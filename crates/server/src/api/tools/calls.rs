//! Reads the tool calls to complete.

use std::collections::{BTreeMap, BTreeSet};

use toolvault_core::arguments::Arguments;
use toolvault_core::json::{Object, Value};
use toolvault_core::pattern::ToolName;
use toolvault_core::pointer::ArgumentPath;
use toolvault_core::reference::Reference;
use toolvault_vault::Call;

use crate::extract::input::name_problem;
use crate::wire::{Body, Fields, Problem, ValidationErrors, check};

/// The most calls in one request.
const MOST_CALLS: usize = 100;
/// The allowed lengths of an argument's name, in code points.
const ARGUMENT_LENGTHS: std::ops::RangeInclusive<usize> = 1..=1024;

/// The content of a request to `/v1/resolve`.
pub(super) enum ResolveRequest {
    One(Box<Call>),
    Several(Vec<Call>),
}

/// Reads the call of the tool in the path.
pub(super) fn read_one(
    tool: Option<ToolName>,
    body: Body<'_>,
    errors: &mut ValidationErrors,
) -> Option<Call> {
    let mut fields = Fields::of(body, errors);
    read_fields(tool, &mut fields)
}

/// Reads one call with its tool, or the member `calls`.
pub(super) fn read_several(
    body: Body<'_>,
    errors: &mut ValidationErrors,
) -> Option<ResolveRequest> {
    let mut fields = Fields::of(body, errors);
    let Some(list) = fields.nullable("calls", check::list).given() else {
        let tool = fields.required("tool_name", tool_name);
        return read_fields(tool, &mut fields).map(|call| ResolveRequest::One(Box::new(call)));
    };
    let objects = fields.each("calls", list, check::dictionary);
    if let Err(problem) = check::count("List", objects.len(), 0..=MOST_CALLS) {
        fields.refuse(["calls".into()], problem);
        return None;
    }
    let calls: Vec<Option<Call>> = objects
        .into_iter()
        .enumerate()
        .map(|(index, object)| {
            let mut fields = fields.inside(["calls".into(), index.into()], object);
            let tool = fields.required("tool_name", tool_name);
            read_fields(tool, &mut fields)
        })
        .collect();
    calls
        .into_iter()
        .collect::<Option<Vec<Call>>>()
        .map(ResolveRequest::Several)
}

fn read_fields(tool: Option<ToolName>, fields: &mut Fields<'_, '_>) -> Option<Call> {
    let args = fields.nullable("args", arguments).given();
    let bindings = fields.nullable("bindings", check::dictionary).given();
    let bindings = bindings.map(|object| read_bindings(object, fields));
    let accepts = read_names("accepts", fields);
    let require = read_names("require", fields);
    Some(Call {
        tool: tool?,
        args: args.unwrap_or_default(),
        bindings: bindings.unwrap_or_default(),
        accepts,
        require: require.unwrap_or_default(),
        types: BTreeMap::new(),
        approved: None,
    })
}

fn read_names(name: &'static str, fields: &mut Fields<'_, '_>) -> Option<BTreeSet<String>> {
    let list = fields.nullable(name, check::list).given()?;
    Some(fields.each(name, list, argument_name).into_iter().collect())
}

fn read_bindings(object: Object<'_>, fields: &mut Fields<'_, '_>) -> BTreeMap<String, Reference> {
    let Ok(members) = object.members() else {
        fields.refuse(["bindings".into()], lone_surrogate());
        return BTreeMap::new();
    };
    let mut bindings = BTreeMap::new();
    for member in members {
        match argument_path(&member.name).and_then(|_| reference(member.value)) {
            Ok(reference) => {
                bindings.insert(member.name.into_owned(), reference);
            }
            Err(problem) => {
                let path = ["bindings".into(), member.name.into_owned().into()];
                fields.refuse(path, problem);
            }
        }
    }
    bindings
}

/// Refuses a literal: it may be a secret written into configuration.
fn reference(value: Value<'_>) -> Result<Reference, Problem> {
    let text = check::text(value, 0..=usize::MAX)?;
    Reference::parse(&text).map_err(|_| {
        let message =
            "Input should be a reference: secret://<secret_name> or secret:///id/<secret_id>";
        Problem::new("secret_reference", message)
    })
}

fn arguments(value: Value<'_>) -> Result<Arguments, Problem> {
    Arguments::from_object(check::dictionary(value)?).map_err(|_| lone_surrogate())
}

fn tool_name(value: Value<'_>) -> Result<ToolName, Problem> {
    let text = check::text(value, ARGUMENT_LENGTHS)?;
    ToolName::parse(&text).map_err(name_problem)
}

fn argument_name(value: Value<'_>) -> Result<String, Problem> {
    let mut text = check::text(value, 0..=usize::MAX)?;
    argument_path(&text)?;
    Ok(std::mem::take(&mut *text))
}

fn argument_path(text: &str) -> Result<ArgumentPath<'_>, Problem> {
    check::within(text, ARGUMENT_LENGTHS)?;
    ArgumentPath::parse(text).map_err(|error| Problem::value_error(&error.to_string()))
}

fn lone_surrogate() -> Problem {
    let message = "Input should be a valid string, unable to parse raw data as a unicode string";
    Problem::new("string_unicode", message)
}
