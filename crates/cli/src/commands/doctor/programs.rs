//! Checks of the gateway's servers that are programs: whether the program exists, and whether a sandbox is available.

use toolvault_gateway::settings::{Sandbox, StdioServer, Transport};
use toolvault_gateway::stdio::{Support, program_fault, sandbox_support};
use toolvault_gateway::{GatewaySettings, ServerName};

use super::findings::Findings;

/// Reports nothing if no such server is configured.
pub(super) async fn check(
    settings: &GatewaySettings,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let programs: Vec<_> = programs(settings).collect();
    if programs.is_empty() {
        return Ok(());
    }
    let support = tokio::task::spawn_blocking(sandbox_support).await?;
    check_sandbox(settings.sandbox, support, findings);
    for (name, program) in programs {
        if let Some(fault) = program_fault(program, &settings.inherited) {
            findings.notice(
                "tool servers",
                &format!("{name}: {fault}"),
                "install it, or configure its whole path; the server searches for it on its own PATH",
            );
        }
    }
    Ok(())
}

fn programs(settings: &GatewaySettings) -> impl Iterator<Item = (&ServerName, &StdioServer)> {
    settings
        .servers
        .iter()
        .filter_map(|(name, server)| match &server.transport {
            Transport::Stdio(program) => Some((name, program)),
            Transport::Http(_) | Transport::Elsewhere => None,
        })
}

fn check_sandbox(sandbox: Sandbox, support: Support, findings: &mut Findings) {
    const ALLOW: &str = "allow this user to make user namespaces, or use a kernel with Landlock";
    match (sandbox, support) {
        (Sandbox::Off, _) => findings.notice(
            "sandbox",
            "it is off: tool servers can read the root key and the data directory",
            "set gateway.sandbox to \"auto\" or \"on\"",
        ),
        (Sandbox::Auto | Sandbox::On, Support::MountNamespace) => {
            findings.good("sandbox", "tool servers run in a sandbox (mount namespace)");
        }
        (Sandbox::Auto | Sandbox::On, Support::Landlock) => {
            findings.good("sandbox", "tool servers run in a sandbox (Landlock)");
        }
        (Sandbox::Auto, Support::None) => findings.notice(
            "sandbox",
            "this system has no sandbox: tool servers can read the root key and the data directory",
            ALLOW,
        ),
        (Sandbox::On, Support::None) => findings.bad(
            "sandbox",
            "it is on, but this system has no sandbox: no tool server starts",
            ALLOW,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings::Grade;
    use super::*;

    #[test]
    fn only_what_keeps_servers_from_starting_is_wrong() {
        use Grade::{Bad, Good, Notice};
        for (sandbox, support, expected) in [
            (Sandbox::Auto, Support::MountNamespace, Good),
            (Sandbox::On, Support::Landlock, Good),
            (Sandbox::Auto, Support::None, Notice),
            (Sandbox::Off, Support::None, Notice),
            (Sandbox::Off, Support::Landlock, Notice),
            (Sandbox::On, Support::None, Bad),
        ] {
            let mut findings = Findings::default();
            check_sandbox(sandbox, support, &mut findings);
            for grade in [Good, Notice, Bad] {
                let found = findings.of_grade(grade).len();
                assert_eq!(
                    found,
                    usize::from(grade == expected),
                    "{sandbox:?} {support}"
                );
            }
        }
    }
}
