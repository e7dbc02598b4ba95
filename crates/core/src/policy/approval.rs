//! Which calls of a tool a person must allow.

use serde::{Deserialize, Serialize};

/// When a person must allow a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Each call.
    Always,
    /// The first call of the tool with a key.
    First,
    /// Each call of a tool that does not say that it only reads (`readOnlyHint` of MCP's tool annotations).
    Writes,
}

/// What a call needs. The greater one includes the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A person has allowed the tool for this key once.
    First,
    /// A person has allowed this call.
    Each,
}

impl Approval {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Always, Self::First, Self::Writes];

    /// The name in policies and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::First => "first",
            Self::Writes => "writes",
        }
    }

    /// What a call needs of a tool that only reads, or of one that may write.
    pub const fn need(self, only_reads: bool) -> Option<Need> {
        match self {
            Self::First => Some(Need::First),
            Self::Writes if only_reads => None,
            Self::Always | Self::Writes => Some(Need::Each),
        }
    }
}

impl Need {
    /// The name in approvals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Each => "each",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tool_that_says_so_may_read_without_approval() {
        assert_eq!(Approval::Writes.need(true), None);
        assert_eq!(Approval::Writes.need(false), Some(Need::Each));
        for only_reads in [true, false] {
            assert_eq!(Approval::Always.need(only_reads), Some(Need::Each));
            assert_eq!(Approval::First.need(only_reads), Some(Need::First));
        }
        assert!(None < Some(Need::First) && Need::First < Need::Each);
    }

    #[test]
    fn each_is_read_by_its_name() {
        for approval in Approval::ALL {
            let json = format!("\"{}\"", approval.as_str());
            assert_eq!(serde_json::to_string(&approval).unwrap(), json);
            assert_eq!(serde_json::from_str::<Approval>(&json).unwrap(), approval);
        }
        assert!(serde_json::from_str::<Approval>("\"never\"").is_err());
    }
}
