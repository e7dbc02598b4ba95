//! Takes values out of the layers, and records a problem for each unusable one.

use std::path::PathBuf;
use std::str::FromStr;

use toml::Value;
use toolvault_gateway::settings::{Part, Template};

use super::layers::{Entry, Layers, Origin};

impl Layers {
    /// The text of a key, with its origin.
    pub(super) fn text(&self, key: &str) -> Option<(&str, &Origin)> {
        let entry = self.entries.get(key)?;
        Some((entry.value.as_str()?, &entry.origin))
    }

    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(|(text, _)| PathBuf::from(text))
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let items = self
            .entries
            .get(key)
            .and_then(|entry| entry.value.as_array());
        let items = items.into_iter().flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    }

    pub(super) fn boolean(&self, key: &str) -> bool {
        let entry = self.entries.get(key);
        entry
            .and_then(|entry| entry.value.as_bool())
            .unwrap_or_default()
    }

    /// A parsed text; a problem reports what was `expected`.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Option<T> {
        let (text, origin) = self.text(key)?;
        if let Ok(value) = text.parse() {
            return Some(value);
        }
        let origin = origin.clone();
        self.problem(key, &origin, expected);
        None
    }

    /// A list of parsed texts.
    pub(super) fn all_parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Vec<T> {
        let parsed: Option<Vec<T>> = self
            .texts(key)
            .iter()
            .map(|text| text.parse().ok())
            .collect();
        parsed.unwrap_or_else(|| {
            self.problem_at(key, expected);
            Vec::new()
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy + Default>(&mut self, key: &str, choices: &[(&str, T)]) -> T {
        let Some((text, _)) = self.text(key) else {
            return T::default();
        };
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return *value;
        }
        let names: Vec<String> = choices
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        self.problem_at(key, &format!("expected {}", names.join(" or ")));
        T::default()
    }

    /// An integer of at least `least`, within its type.
    pub(super) fn integer<T: TryFrom<i64> + Default>(&mut self, key: &str, least: i64) -> T {
        let entry = self.entries.get(key);
        let number = entry.and_then(|entry| entry.value.as_integer());
        let number = number.filter(|&number| number >= least);
        number
            .and_then(|number| T::try_from(number).ok())
            .unwrap_or_else(|| {
                self.problem_at(key, &format!("expected a whole number from {least} on"));
                T::default()
            })
    }

    /// Of settings that exclude each other, the one with the highest rank. Two of the same rank are a problem.
    pub(super) fn latest(&mut self, keys: &[&'static str]) -> Option<&'static str> {
        let set = keys
            .iter()
            .filter_map(|&key| Some((key, self.entries.get(key)?.origin.rank())));
        let set: Vec<(&'static str, u8)> = set.collect();
        let highest = set.iter().map(|&(_, rank)| rank).max()?;
        let highest: Vec<&'static str> = set
            .iter()
            .filter(|&&(_, rank)| rank == highest)
            .map(|&(key, _)| key)
            .collect();
        if highest.len() > 1 {
            self.problems
                .push(format!("set only one of {}", highest.join(" and ")));
        }
        highest.first().copied()
    }

    /// Adds a problem with the value of a key.
    pub(super) fn problem_at(&mut self, key: &str, expected: &str) {
        let origin = self
            .entries
            .get(key)
            .map_or(Origin::Default, |entry| entry.origin.clone());
        self.problem(key, &origin, expected);
    }

    /// The values below `prefix`.
    pub(super) fn below(&self, prefix: &str) -> impl Iterator<Item = (&str, &Value)> {
        let start = prefix.to_owned();
        self.entries
            .iter()
            .filter_map(move |(key, Entry { value, .. })| {
                key.strip_prefix(&start).map(|rest| (rest, value))
            })
    }

    /// The keys below `prefix` with their texts.
    pub(super) fn texts_below(&self, prefix: &str) -> Vec<(String, String)> {
        let texts = self.below(prefix).filter_map(|(name, value)| {
            let text = value.as_str()?;
            Some((name.to_owned(), text.to_owned()))
        });
        texts.collect()
    }

    /// The template in the value of a key, if its literal parts have no line break and no NUL.
    pub(super) fn template(&mut self, key: &str, text: &str) -> Option<Template> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                self.problem_at(key, &error.to_string());
                return None;
            }
        };
        let is_refused = |part: &Part| match part {
            Part::Text(text) => text.contains(['\r', '\n', '\0']),
            Part::Reference(_) => false,
        };
        if template.parts().iter().any(is_refused) {
            self.problem_at(key, "a line break or NUL is refused");
            return None;
        }
        Some(template)
    }
}
