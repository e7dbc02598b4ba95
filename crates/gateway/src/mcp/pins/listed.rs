//! A pin as an operator sees it, with what changed in words.

use toolvault_vault::{PinnedTexts, ToolPin};

use super::difference::differences;
use super::warnings::{self, Names};
use crate::settings::ServerName;

/// A pin for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPin {
    /// What the tool is pinned as, and when it changed.
    pub pin: ToolPin,
    /// What a person should know of its name and its pinned definition.
    pub warnings: Vec<String>,
    /// What the change is, in words; `None` if there is no change, or a definition was not kept.
    pub differences: Option<Vec<String>>,
    /// What a person should know of the changed definition.
    pub change_warnings: Vec<String>,
}

impl ListedPin {
    /// Without texts if a server has so many changes and warnings that not all are told.
    pub(super) fn new(
        mut pin: ToolPin,
        texts: Option<PinnedTexts>,
        names: &Names,
        server: &ServerName,
    ) -> Self {
        // A tool that changed back is as it is pinned.
        let is_back = pin.is_back();
        pin.change = pin.change.filter(|_| !is_back);
        let Some(texts) = texts else {
            let untold = vec!["not told: the server has too many others".to_owned()];
            let differences = pin.change.map(|_| untold.clone());
            return Self {
                pin,
                warnings: untold,
                differences,
                change_warnings: Vec::new(),
            };
        };
        let of = |text: Option<&String>| text.map(|text| warnings::of_definition(text));
        let mut warnings = names.warnings(server.as_str(), &pin.tool);
        warnings.extend(of(texts.pinned.as_ref()).unwrap_or_default());
        let changed = texts.changed.filter(|_| !is_back);
        let change_warnings = of(changed.as_ref()).unwrap_or_default();
        let texts = texts.pinned.zip(changed);
        Self {
            pin,
            warnings,
            differences: texts.map(|(before, after)| differences(&before, &after)),
            change_warnings,
        }
    }
}
