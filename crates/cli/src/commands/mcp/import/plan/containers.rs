//! Values that a command hands on to a container or another program by its arguments: `docker run -e NAME=value`.
//! With the name alone they hand on a variable of their own, whose value is not in the list of processes.

use crate::commands::mcp::import::client::Surroundings;
use crate::commands::mcp::import::left::Text;
use crate::credential;

/// Programs with `-e NAME` and `--env NAME`.
const ENGINES: [&str; 3] = ["docker", "nerdctl", "podman"];

/// The words of a command in which credentials are names only; their values are among the variables then.
pub(super) fn without_values(
    words: &[Text],
    variables: &mut Vec<(String, Text)>,
    surroundings: &Surroundings,
) -> Vec<Text> {
    let program = words
        .first()
        .and_then(|word| word.rsplit('/').next())
        .unwrap_or_default();
    let is_engine = ENGINES.contains(&program);
    let mut is_assigned = program == "env";
    let mut left: Vec<Text> = Vec::with_capacity(words.len());
    for (place, word) in words.iter().enumerate() {
        let before = left.last().map_or("", |last| last.as_str());
        let is_value = is_engine && (before == "-e" || before == "--env");
        let option = ["--env=", "-e"].into_iter().find(|option| {
            is_engine
                && word
                    .strip_prefix(option)
                    .is_some_and(|rest| rest.contains('='))
        });
        let assignment = word
            .strip_prefix(option.unwrap_or_default())
            .unwrap_or(word);
        is_assigned &= place == 0 || assignment.contains('=');
        let is_here = is_value || option.is_some() || (is_assigned && place > 0);
        let pair = assignment.split_once('=').filter(|_| is_here);
        let secret = pair.filter(|(name, value)| {
            credential::in_variable(name, value) || surroundings.only_variable(value).is_some()
        });
        let Some((name, value)) = secret else {
            left.push(word.clone());
            continue;
        };
        // What the command says wins over its own environment.
        variables.retain(|(other, _)| other != name);
        variables.push((name.to_owned(), Text::new(value.to_owned())));
        if is_engine {
            left.push(Text::new(format!("{}{name}", option.unwrap_or_default())));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::mcp::import::client::{Folder, Kind};

    fn without(words: &[&str]) -> (Vec<String>, Vec<(String, String)>) {
        let words: Vec<Text> = words
            .iter()
            .map(|word| Text::new((*word).to_owned()))
            .collect();
        let surroundings = Surroundings {
            kind: Kind::VsCode,
            folder: Folder::Open,
            home: None,
        };
        let mut variables = vec![("API_KEY".to_owned(), Text::new("other".to_owned()))];
        let left = without_values(&words, &mut variables, &surroundings);
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name, value.to_string()));
        (
            left.iter().map(|word| word.to_string()).collect(),
            variables.collect(),
        )
    }

    #[test]
    fn containers_get_the_names_of_credentials_alone() {
        for (words, expected) in [
            (
                &["docker", "run", "-e", "API_KEY=abcdef", "image"][..],
                &["docker", "run", "-e", "API_KEY", "image"][..],
            ),
            (
                &["/usr/bin/podman", "run", "--env=API_KEY=abcdef", "image"],
                &["/usr/bin/podman", "run", "--env=API_KEY", "image"],
            ),
            (
                &["docker", "run", "-eAPI_KEY=abcdef", "image"],
                &["docker", "run", "-eAPI_KEY", "image"],
            ),
            (
                &["env", "API_KEY=abcdef", "server", "x=y"],
                &["env", "server", "x=y"],
            ),
        ] {
            let (left, variables) = without(words);
            assert_eq!(left, expected);
            assert_eq!(variables, [("API_KEY".to_owned(), "abcdef".to_owned())]);
        }
    }

    #[test]
    fn settings_and_the_words_of_other_programs_stay() {
        for words in [
            &["docker", "run", "-e", "LOG_MODE=strict", "image"][..],
            &["npx", "server", "-e", "API_KEY=abcdef"],
            &["env", "LANG=C", "server", "API_KEY=abcdef"],
        ] {
            let (left, variables) = without(words);
            assert_eq!(left, words);
            assert_eq!(variables, [("API_KEY".to_owned(), "other".to_owned())]);
        }
    }
}
