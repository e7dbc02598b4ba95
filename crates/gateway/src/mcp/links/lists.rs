//! What a server lists: its tools, remembered for a while, and anything else page by page.

use std::sync::Arc;
use std::time::{Duration, Instant};

use toolvault_core::json::{Array, Object, Value};

use super::context::Context;
use super::link::Link;
use crate::mcp::protocol::{Era, Message};
use crate::mcp::refusal::{Refusal, UpstreamError};
use crate::mcp::secure;
use crate::mcp::tools::{Catalogue, MOST_TOOLS};

/// For how long a list of tools is believed without word from the server.
const CATALOGUE_LASTS: Duration = Duration::from_secs(15);
/// How old a list is before an unknown name is a reason to ask again.
const LISTED_AGAIN: Duration = Duration::from_secs(1);
const MOST_PAGES: usize = 1_000;
/// How many times the largest message all pages of a list may take together.
const LISTED: usize = 4;

/// What of a server's is listed.
#[derive(Clone, Copy)]
pub(crate) struct List {
    pub(crate) method: &'static str,
    /// The member of the result that holds it.
    pub(crate) member: &'static str,
}

const TOOLS: List = List {
    method: "tools/list",
    member: "tools",
};

impl Link {
    /// The server's tools, listed if they are not known. `context` is the request that needs them: where each
    /// request stands alone, ours says the same about itself.
    pub(crate) async fn catalogue(&self, context: &Context) -> Result<Arc<Catalogue>, Refusal> {
        let mut held = self.catalogue.lock().await;
        self.known(&mut held, context).await
    }

    async fn known(
        &self,
        held: &mut Option<(Instant, Arc<Catalogue>)>,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        if let Some((at, catalogue)) = held.as_ref()
            && at.elapsed() < CATALOGUE_LASTS
        {
            return Ok(Arc::clone(catalogue));
        }
        let catalogue = Arc::new(self.list(Catalogue::default(), None, context).await?);
        *held = Some((Instant::now(), Arc::clone(&catalogue)));
        Ok(catalogue)
    }

    /// The server's tools, listed again if one of this name is not among those that are known.
    pub(crate) async fn catalogue_with(
        &self,
        name: &str,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        let catalogue = self.catalogue(context).await?;
        if catalogue.get(name).is_some() || catalogue.is_ambiguous(name) {
            return Ok(catalogue);
        }
        {
            let mut held = self.catalogue.lock().await;
            if held
                .as_ref()
                .is_some_and(|(at, _)| at.elapsed() >= LISTED_AGAIN)
            {
                *held = None;
            }
        }
        self.catalogue(context).await
    }

    /// The catalogue that begins with a page which the client has just asked for.
    pub(crate) async fn catalogue_from(
        &self,
        page: Object<'_>,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        let mut held = self.catalogue.lock().await;
        let mut catalogue = Catalogue::default();
        catalogue.add(&self.access.server, elements(page, "tools").into_iter());
        let catalogue = match next_cursor(page) {
            Some(cursor) => self.list(catalogue, Some(cursor), context).await?,
            None => catalogue,
        };
        let catalogue = Arc::new(catalogue);
        *held = Some((Instant::now(), Arc::clone(&catalogue)));
        Ok(catalogue)
    }

    /// The server's tools, corrected by a later page which the client has just asked for: a tool whose
    /// definition changed is called by its new one.
    pub(crate) async fn catalogue_corrected_by(
        &self,
        page: Object<'_>,
        context: &Context,
    ) -> Result<Arc<Catalogue>, Refusal> {
        let mut held = self.catalogue.lock().await;
        let catalogue = self.known(&mut held, context).await?;
        let tools = elements(page, "tools").into_iter();
        let Some(corrected) = catalogue.corrected(&self.access.server, tools) else {
            return Ok(catalogue);
        };
        let corrected = Arc::new(corrected);
        if let Some((_, catalogue)) = held.as_mut() {
            *catalogue = Arc::clone(&corrected);
        }
        Ok(corrected)
    }

    /// Forgets the tools: the server said that they changed.
    pub(crate) async fn forget_catalogue(&self) {
        *self.catalogue.lock().await = None;
    }

    async fn list(
        &self,
        mut catalogue: Catalogue,
        cursor: Option<String>,
        context: &Context,
    ) -> Result<Catalogue, Refusal> {
        let server = &self.access.server;
        self.pages(TOOLS, cursor, context, |tools| {
            catalogue.add(server, tools.into_iter());
        })
        .await?;
        Ok(catalogue)
    }

    /// Everything of one kind that the server lists, page by page. A server that does not have the method answers with
    /// an error, which counts as an empty list. A server that lists more than a client could read is refused.
    pub(crate) async fn pages(
        &self,
        list: List,
        mut cursor: Option<String>,
        context: &Context,
        mut take: impl FnMut(Vec<Value<'_>>),
    ) -> Result<(), Refusal> {
        let (mut bytes, mut count) = (0, 0);
        for _ in 0..MOST_PAGES {
            let mut params = context.params(cursor.as_deref());
            if self.access.server.settings.secure_parameters && self.era == Era::Modern {
                params = secure::declared(&params).unwrap_or(params);
            }
            let (answer, _) = self
                .request(list.method, Some(&params), context.headers())
                .await?;
            let message = Message::parse(&answer)?;
            let Some(page) = message.result() else {
                return Ok(());
            };
            let elements = elements(page, list.member);
            bytes += answer.len();
            count += elements.len();
            if count > MOST_TOOLS || bytes > self.limits.message_bytes.saturating_mul(LISTED) {
                break;
            }
            take(elements);
            cursor = next_cursor(page);
            if cursor.is_none() {
                return Ok(());
            }
        }
        Err(UpstreamError::ListTooLong.into())
    }
}

fn elements<'a>(page: Object<'a>, member: &str) -> Vec<Value<'a>> {
    let array = page.get(member).and_then(Value::as_array);
    array.into_iter().flat_map(Array::elements).collect()
}

fn next_cursor(page: Object<'_>) -> Option<String> {
    let cursor = page.get("nextCursor")?.as_text()?.ok()?;
    Some(cursor.as_str().to_owned())
}
