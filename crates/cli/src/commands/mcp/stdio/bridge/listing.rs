//! Lists the tools for a client of the later era that calls one without having listed them.

use std::sync::PoisonError;

use bytes::Bytes;
use toolvault_core::json::Value;
use toolvault_gateway::http::HeaderMap;
use toolvault_gateway::mcp::protocol::{Message, headers};

use super::Bridge;
use super::exchange::Request;

/// The code with which a server refuses a call whose headers do not repeat its arguments (specification 2026-07-28,
/// Streamable HTTP, "Server Validation"). It has not carried the call out.
const HEADER_MISMATCH: i64 = -32020;
/// The ID of the bridge's own requests.
const ID: &str = "\"toolvault-tools\"";
/// The most pages of a list that are read.
const MOST_PAGES: usize = 64;

impl Bridge {
    /// The headers for a call that was refused because of them. The tools are listed for that. `None` if the answer says
    /// something else, or the list says nothing new.
    pub(super) async fn headers_after(
        &self,
        request: &Request,
        answer: &[u8],
        sent: &HeaderMap,
    ) -> Option<HeaderMap> {
        let (code, _) = Message::parse(answer).ok()?.error()?;
        if code != HEADER_MISMATCH || request.method != "tools/call" {
            return None;
        }
        let call = Message::parse(&request.kept.line).ok()?;
        let metadata = call.param("_meta")?.raw();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            cursor = self.list_page(metadata, cursor.as_deref()).await?;
            if cursor.is_none() {
                break;
            }
        }
        let headers = self.modern_headers(&request.method, &call)?;
        (headers != *sent).then_some(headers)
    }

    /// Learns a page of the list. Returns the cursor of the next one as JSON, if there is one; `None` if this failed.
    async fn list_page(&self, metadata: &str, cursor: Option<&str>) -> Option<Option<String>> {
        let cursor = cursor.map(|cursor| format!(r#","cursor":{cursor}"#));
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":{ID},"method":"tools/list","params":{{"_meta":{metadata}{}}}}}"#,
            cursor.unwrap_or_default(),
        );
        let headers = headers::of_message(&Message::parse(line.as_bytes()).ok()?)?;
        let answer = self
            .attempt(headers, ID, Bytes::from(line), &mut drop)
            .await;
        let answer = answer.ok()?.line;
        let answer = Message::parse(&answer).ok()?;
        let result = answer.result()?;
        let mirrored = self.mirrored.lock();
        mirrored
            .unwrap_or_else(PoisonError::into_inner)
            .learn(&answer);
        let next = result.get("nextCursor").map(Value::raw);
        Some(next.filter(|next| next.starts_with('"')).map(str::to_owned))
    }
}
