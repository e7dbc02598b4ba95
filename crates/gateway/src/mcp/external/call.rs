//! A call that another gateway makes.

use std::sync::Arc;

use toolvault_core::json::unambiguous::repeats_a_name;
use toolvault_core::json::{Object, Tree, Value, parse};

use super::{Checked, External};
use crate::mcp::access::Access;
use crate::mcp::call::{Sent, Target, answers, arguments, in_words, json, shape, take_out};
use crate::mcp::record::CallRecord;
use crate::mcp::refusal::Refusal;

impl External {
    /// The parameters of a call, completed. It is recorded here: the other gateway does not tell about calls that failed.
    pub(super) async fn call(&self, accesses: &[Arc<Access>]) -> Result<Checked, Refusal> {
        // Of more than one it would be unclear whose secrets the call gets.
        let ([access], [_]) = (accesses, self.servers.as_slice()) else {
            return Err(Refusal::NoSuchServer);
        };
        let refused = Refusal::InvalidParams;
        let content = self.content.as_deref().unwrap_or(b"{}");
        let params = parse(content).map_err(|_| refused("they are not JSON"))?;
        let object = params.as_object().ok_or(refused("not an object"))?;
        let Some(Ok(name)) = object.get("name").and_then(Value::as_text) else {
            return Err(refused("'name' is not text"));
        };
        let (visit, server) = (&self.visit, &access.server);
        let recorder = &visit.state.recorder;
        let mut record = recorder.begin(visit.caller(), server, server.name.tool(&name));
        let completed = self.complete(access, object, &name, &mut record).await;
        match &completed {
            Ok(_) => {
                access.note_completed();
                record.answered();
            }
            Err(refusal) => record.refused(refusal.reason()),
        }
        completed.map_err(|refusal| visit.with_page(in_words(server, refusal)))
    }

    async fn complete(
        &self,
        access: &Access,
        params: Object<'_>,
        name: &str,
        record: &mut CallRecord,
    ) -> Result<Checked, Refusal> {
        let (visit, server) = (&self.visit, &access.server);
        let sent = parse(params.raw().as_bytes()).map_err(|_| Refusal::UnknownTool)?;
        let mut args = arguments(params.get("arguments"))?;
        record.arguments = shape(&args);
        let tool = server.name.tool(name).ok_or(Refusal::UnknownTool)?;
        visit.allow(&tool)?;
        let known = access.values.count();
        visit.search(access, &tool, sent).await?;
        let target = self.target(access, name).await?;
        let taken = take_out(&mut args, &target.hidden, server.settings.allow_override);
        record.dropped = taken.dropped;
        let mut tree = Tree::from(sent);
        let from_client = Sent {
            arguments: params.get("arguments"),
            answers: answers(&mut tree)?,
        };
        let (args, applied) = target
            .complete(visit, access, (&from_client, args), false)
            .await?;
        // The values of this call are known from here on, and those of others that began meanwhile.
        if access.values.count() != known {
            visit.search(access, &tool, sent).await?;
        }
        if !taken.is_changed && applied == 0 && !repeats_a_name(sent) {
            return Ok(Checked::Unchanged);
        }
        tree.set("arguments", json(&args)?)
            .map_err(|_| Refusal::InvalidParams("'arguments' cannot be read"))?;
        Ok(Checked::Changed(tree.to_json()))
    }

    /// The tool as it was listed last: the server cannot be asked.
    async fn target(&self, access: &Access, name: &str) -> Result<Target, Refusal> {
        let (visit, server) = (&self.visit, &access.server);
        let (state, rules, caller) = (&visit.state, &visit.rules, visit.caller());
        let full_name = server.name.tool(name).ok_or(Refusal::UnknownTool)?;
        let listed = state.pins.last_listed(caller, access, name).await?;
        let (catalogue, pinned) = listed.ok_or(Refusal::UnknownTool)?;
        let target = Target::find(
            &state.vault,
            rules,
            caller,
            server,
            full_name,
            &catalogue,
            &pinned,
        );
        let target = target.await?;
        // Another gateway knows no secure parameters: it would drop them.
        if target.secure().is_empty() {
            Ok(target)
        } else {
            Err(Refusal::InvalidParams(
                "secure parameters cannot go through another gateway",
            ))
        }
    }
}
