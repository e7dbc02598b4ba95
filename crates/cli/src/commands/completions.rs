//! `toolvault completions`: prints a completion script. `toolvault man`: writes the manual pages.

pub(crate) mod names;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::commands::Arguments;
use crate::context::Context;
use crate::failure::ExitStatus;
use crate::printer::Target;

#[derive(Args)]
pub(crate) struct CompletionsOptions {
    shell: Shell,
}

#[derive(Args)]
pub(crate) struct ManOptions {
    /// An existing directory
    directory: PathBuf,
}

pub(crate) fn run(
    options: &CompletionsOptions,
    context: &Context<'_>,
) -> anyhow::Result<ExitStatus> {
    let mut toolvault = Arguments::command();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut toolvault, "toolvault", &mut script);
    let script = String::from_utf8(script)?;
    let takers = names::takers(&toolvault).join(" ");
    let script = with_names(options.shell, script, &takers);
    context.printer.pass_on(Target::Output, script.as_bytes())?;
    Ok(ExitStatus::Success)
}

/// The script, with the names of secrets as the first argument of the `takers`, subcommands of `secret`.
fn with_names(shell: Shell, script: String, takers: &str) -> String {
    let asks = names::COMMAND;
    let first = match shell {
        Shell::Bash => format!(
            r#"    if [[ $COMP_CWORD -eq 3 && ${{COMP_WORDS[1]}} == secret && ${{COMP_WORDS[3]}} != -* && " {takers} " == *" ${{COMP_WORDS[2]}} "* ]]; then
        COMPREPLY=( $("$1" {asks} "${{COMP_WORDS[3]}}" 2>/dev/null) )
        return 0
    fi
"#
        ),
        Shell::Zsh => format!(
            r#"    if (( CURRENT == 4 )) && [[ $words[2] == secret && $PREFIX != -* && " {takers} " == *" $words[3] "* ]]; then
        local -a names
        names=(${{(f)"$($words[1] {asks} $PREFIX 2>/dev/null)"}})
        compadd -a names
        return
    fi
"#
        ),
        Shell::Fish => {
            return format!(
                r#"{script}complete -c toolvault -n "__fish_toolvault_using_subcommand secret; and __fish_seen_subcommand_from {takers}; and test (count (commandline -opc)) -eq 3" -f -a "(toolvault {asks} (commandline -ct) 2>/dev/null)"
"#
            );
        }
        _ => return script,
    };
    let start = "_toolvault() {\n";
    script.replacen(start, &format!("{start}{first}"), 1)
}

/// One page for each command.
pub(crate) fn write_manual(options: &ManOptions) -> anyhow::Result<ExitStatus> {
    clap_mangen::generate_to(Arguments::command(), &options.directory)?;
    Ok(ExitStatus::Success)
}
