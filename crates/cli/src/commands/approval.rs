//! `toolvault approval`: a person decides the calls of tools that wait for it.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::api::Api;
use crate::api::approvals::{Approval, Decision};
use crate::api::connection::ConnectionOptions;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::printer::{Printer, Table};

#[derive(Subcommand)]
#[command(
    after_help = "The key needs the scope manage, and a call is never decided with the key that made it. Commands use the server of the \
    profile in use (toolvault login), unless TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE is set."
)]
pub(crate) enum ApprovalCommand {
    /// List the calls that wait, and what is allowed
    List(ListOptions),
    /// Show a call with its arguments
    Show(NamedOptions),
    /// Allow a call that waits
    Allow(AllowOptions),
    /// Refuse a call that waits
    Refuse(NamedOptions),
    /// Take back what was allowed, or withdraw a call that waits
    Revoke(NamedOptions),
}

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct NamedOptions {
    /// ID of the approval
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Args)]
pub(crate) struct AllowOptions {
    /// ID of the approval
    id: String,
    /// Allow each call of this tool with the same key for one hour, with any arguments
    #[arg(long, conflicts_with = "always")]
    hour: bool,
    /// Allow each call of this tool with the same key and exactly these arguments, until it is revoked or the tool changes
    #[arg(long)]
    always: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl AllowOptions {
    const fn decision(&self) -> Decision {
        match (self.hour, self.always) {
            (true, _) => Decision::Hour,
            (false, true) => Decision::Always,
            (false, false) => Decision::Once,
        }
    }
}

pub(crate) async fn run(
    command: ApprovalCommand,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    match command {
        ApprovalCommand::List(options) => list(&options, context).await?,
        ApprovalCommand::Show(options) => {
            let api = Api::connect(&options.connection, context).await?;
            let approval = api.get_approval(&options.id).await?;
            show(&approval, options.json, context.printer)?;
        }
        ApprovalCommand::Allow(options) => {
            let (decision, id) = (options.decision(), &options.id);
            let api = Api::connect(&options.connection, context).await?;
            let decided = api.decide_approval(id, decision).await?;
            say("Allowed", &decided, options.json, context.printer)?;
        }
        ApprovalCommand::Refuse(options) => {
            let api = Api::connect(&options.connection, context).await?;
            let decided = api.decide_approval(&options.id, Decision::Refuse).await?;
            say("Refused", &decided, options.json, context.printer)?;
        }
        ApprovalCommand::Revoke(options) => revoke(&options, context).await?,
    }
    Ok(ExitStatus::Success)
}

async fn list(options: &ListOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    let approvals = api.list_approvals().await?;
    if options.json {
        return context.printer.json(&approvals);
    }
    let mut table = Table::new(&["ID", "SERVER", "TOOL", "KEY", "STATE", "ASKED", "ENDS"])
        .sparing(&["ASKED", "KEY"]);
    for approval in &approvals {
        table.row([
            &approval.id,
            &approval.server,
            &approval.tool,
            approval.caller(),
            approval.says(),
            &approval.requested_at.whole_second().to_string(),
            &approval.ends(),
        ]);
    }
    let empty = "No call waits for a person, and nothing is allowed beforehand.";
    Ok(context.printer.table_or(&table, empty)?)
}

async fn revoke(options: &NamedOptions, context: &Context<'_>) -> anyhow::Result<()> {
    let api = Api::connect(&options.connection, context).await?;
    api.delete_approval(&options.id).await?;
    if options.json {
        let id = json!({ "approval_id": options.id });
        return context.printer.json(&id);
    }
    let line = format!("Revoked the approval {}.", options.id);
    Ok(context.printer.line(&line)?)
}

/// Prints what was decided.
fn say(done: &str, decided: &Approval, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
    if is_json {
        return printer.json(decided);
    }
    let (server, tool, says) = (&decided.server, &decided.tool, decided.says());
    let line = format!("{done} the tool {tool} of the server {server}: {says}.");
    Ok(printer.line(&line)?)
}

fn show(approval: &Approval, is_json: bool, printer: &Printer) -> anyhow::Result<()> {
    if is_json {
        return printer.json(approval);
    }
    let mut table = Table::plain();
    table.row(["id", &approval.id]);
    table.row(["server", &approval.server]);
    table.row(["tool", &approval.tool]);
    if let Some(title) = &approval.title {
        table.row(["title", title]);
    }
    table.row(["key", approval.caller()]);
    table.row(["why", &approval.why()]);
    table.row(["state", approval.says()]);
    table.row(["asked", &approval.requested_at.whole_second().to_string()]);
    table.row(["ends", &approval.ends()]);
    if let Some(by) = &approval.decided_by {
        table.row(["decided by", by]);
    }
    table.row(["arguments", approval.arguments.get()]);
    Ok(printer.table(&table)?)
}

impl Approval {
    /// The name of the key that made the call, or whose token did.
    fn caller(&self) -> &str {
        match self.requester.as_str() {
            "" => &self.requested_by,
            name => name,
        }
    }

    fn why(&self) -> String {
        let of = match &self.secret_name {
            Some(name) => format!("the policy of the secret {name}"),
            None => "the configuration of the server".to_owned(),
        };
        if self.need == "first" {
            format!("{of}, until this key was allowed the tool once")
        } else {
            format!("{of}, for each call")
        }
    }

    /// Its state and what was decided, in words.
    fn says(&self) -> &str {
        match (self.state.as_str(), self.decision.as_deref()) {
            ("pending", _) => "waits",
            ("allowed", Some("once")) => "allowed once",
            ("allowed", Some("hour")) => "allowed for an hour",
            ("allowed", Some("always")) => "always allowed with these arguments",
            (state, _) => state,
        }
    }

    fn ends(&self) -> String {
        let end = self.expires_at.map(|at| at.whole_second().to_string());
        end.unwrap_or_else(|| "never".to_owned())
    }
}
