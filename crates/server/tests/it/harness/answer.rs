//! An answer.

use serde_json::Value;

/// A complete answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The machine-readable code of an error.
    pub(crate) fn code(&self) -> &str {
        self.header("toolvault-error").unwrap_or("")
    }

    /// Status and code in one text.
    pub(crate) fn outcome(&self) -> String {
        format!("{} {}", self.status, self.code())
            .trim_end()
            .to_owned()
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The answer must be a refusal with this status and code, in the documented form.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!(
            self.outcome(),
            format!("{status} {code}"),
            "{}",
            self.text()
        );
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(self.json().get("detail").is_some(), "{}", self.text());
        self
    }

    /// The `type` and `loc` of each mistake in a 422, joined: `missing body.name`.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let body = self.json();
        let detail = body["detail"].as_array().unwrap();
        detail
            .iter()
            .map(|mistake| {
                let location: Vec<String> = mistake["loc"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|part| {
                        part.as_str()
                            .map_or_else(|| part.to_string(), str::to_owned)
                    })
                    .collect();
                format!(
                    "{} {}",
                    mistake["type"].as_str().unwrap(),
                    location.join(".")
                )
            })
            .collect()
    }
}
