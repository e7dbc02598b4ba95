//! The units of the services. Both come from the one of the Debian package.

use std::path::Path;

/// The unit of the Debian package.
const PACKAGED: &str = include_str!("../../../../../packaging/toolvault.service");
/// The program in that unit.
const PACKAGED_PROGRAM: &str = "/usr/bin/toolvault";
/// The first line of a unit that this program may replace.
pub(super) const MARK: &str =
    "# Written by toolvault init, which replaces it. Change it with: systemctl edit";
/// What the service of a user keeps. The rest needs rights that a user does not have, or would keep the programs of the
/// gateway from the user's own files and programs.
const KEPT_BY_USER: [&str; 12] = [
    "Description",
    "Documentation",
    "Type",
    "ExecReload",
    "Restart",
    "TimeoutStopSec",
    "LimitNOFILE",
    "UMask",
    "NoNewPrivileges",
    "LockPersonality",
    "RestrictRealtime",
    "RestrictSUIDSGID",
];

/// The unit of a service of the system, whose program is at `program`.
pub(super) fn of_system(program: &str) -> String {
    format!("{MARK}\n{}", PACKAGED.replace(PACKAGED_PROGRAM, program))
}

/// The unit of a user's service. The programs of the gateway are found in the folders of `path`.
pub(super) fn of_user(program: &str, configuration: Option<&Path>, path: &str) -> String {
    let mut unit = format!("{MARK} --user\n");
    for line in PACKAGED.lines() {
        let line = match line.split_once('=') {
            None if line.starts_with('[') => format!("\n{line}"),
            Some(("ExecStart", _)) => {
                let path = format!("Environment={}", quoted(&format!("PATH={path}")));
                format!("{path}\nExecStart={}", command(program, configuration))
            }
            Some(("WantedBy", _)) => "WantedBy=default.target".to_owned(),
            Some((name, _)) if KEPT_BY_USER.contains(&name) => line.to_owned(),
            _ => continue,
        };
        unit.push_str(&line);
        unit.push('\n');
    }
    unit
}

fn command(program: &str, configuration: Option<&Path>) -> String {
    let program = quoted(program);
    configuration.map_or_else(
        || format!("{program} serve"),
        |file| {
            // In arguments, but not in the program, systemd puts variables.
            let file = quoted(&file.display().to_string()).replace('$', "$$");
            format!("{program} serve --config {file}")
        },
    )
}

/// A word as systemd reads it (systemd.syntax(7), systemd.unit(5)).
fn quoted(word: &str) -> String {
    let mut text = String::from('"');
    for character in word.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '%' => text.push_str("%%"),
            _ => text.push(character),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_unit_has_what_a_user_may_have() {
        let unit = of_user("/home/ann/bin/toolvault", None, "/home/ann/bin:/usr/bin");
        insta::assert_snapshot!(unit, @r#"
        # Written by toolvault init, which replaces it. Change it with: systemctl edit --user

        [Unit]
        Description=Toolvault, the secret manager for the tools of AI agents
        Documentation=man:toolvault(1)

        [Service]
        Type=notify
        Environment="PATH=/home/ann/bin:/usr/bin"
        ExecStart="/home/ann/bin/toolvault" serve
        ExecReload=kill -HUP $MAINPID
        Restart=on-failure
        TimeoutStopSec=45
        LimitNOFILE=65536
        UMask=0077
        LockPersonality=yes
        NoNewPrivileges=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes

        [Install]
        WantedBy=default.target
        "#);
    }

    #[test]
    fn words_are_what_they_were_when_systemd_has_read_them() {
        let file = Path::new("/home/a \"b\"/50%/$HOME/\\x.toml");
        let unit = of_user("/opt/100%/toolvault", Some(file), "/a b:/$c");
        assert!(unit.contains(r#"Environment="PATH=/a b:/$c""#), "{unit}");
        let start = r#"ExecStart="/opt/100%%/toolvault" serve --config "/home/a \"b\"/50%%/$$HOME/\\x.toml""#;
        assert!(unit.contains(start), "{unit}");
    }

    #[test]
    fn the_systems_unit_is_the_packages_with_another_program() {
        let unit = of_system("/usr/local/bin/toolvault");
        assert!(unit.contains(
            "ExecStart=/usr/local/bin/toolvault serve --config /etc/toolvault/toolvault.toml"
        ));
        let (_, rest) = unit.split_once('\n').unwrap();
        assert_eq!(rest.replace("/usr/local/bin/", "/usr/bin/"), PACKAGED);
    }
}
