//! The issuer's answer, which the browser brings in a URL: `code`, `state` and `iss` (RFC 6749, section 4.1.2, and RFC
//! 9207).

use percent_encoding::percent_decode_str;
use toolvault_core::confidential::Wiped;

/// What the issuer answers to a sign-in.
pub(crate) struct Answer {
    code: Wiped<String>,
    state: String,
    issuer: Option<String>,
}

/// The parameters of these names in a query. `None` if it cannot be read, or has one of them twice: that has no meaning.
pub(crate) fn parameters<const N: usize>(
    query: &str,
    names: [&str; N],
) -> Option<[Option<String>; N]> {
    let mut found = [const { None }; N];
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut places = names.iter().zip(&mut found);
        let Some((_, place)) = places.find(|(known, _)| **known == name) else {
            continue;
        };
        let value = value.replace('+', " ");
        let value = percent_decode_str(&value).decode_utf8().ok()?.into_owned();
        if place.replace(value).is_some() {
            return None;
        }
    }
    Some(found)
}

impl Answer {
    /// Reads a query.
    pub(crate) fn read(query: &str) -> Option<Self> {
        let [code, state, issuer] = parameters(query, ["code", "state", "iss"])?;
        Some(Self {
            code: Wiped::new(code.filter(|code| !code.is_empty())?),
            state: state?,
            issuer,
        })
    }

    /// The code, if this answers to a sign-in with `state` at `issuer`.
    pub(crate) fn code(&self, state: &str, issuer: &str, names_itself: bool) -> Option<&str> {
        let is_from_issuer = match &self.issuer {
            Some(named) => named == issuer,
            None => !names_itself,
        };
        (self.state == state && is_from_issuer).then_some(self.code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str, names_itself: bool) -> Option<String> {
        let answer = Answer::read(query)?;
        let code = answer.code("s", "https://issuer.example/", names_itself);
        code.map(str::to_owned)
    }

    const NAMED: &str = "state=s&iss=https%3A%2F%2Fissuer.example%2F&code=c%2B+d";

    #[test]
    fn the_code_of_the_right_answer_is_decoded() {
        assert_eq!(code(NAMED, true).as_deref(), Some("c+ d"));
        assert_eq!(
            code("code=c&state=s&session_state=x", false).as_deref(),
            Some("c")
        );
    }

    #[test]
    fn another_state_or_issuer_is_no_answer() {
        for query in [
            "",
            "code=c",
            "state=s",
            "code=&state=s",
            "code=c&state=S",
            "code=c&state=s&state=s",
            "code=c&code=d&state=s",
            "code=c&state=s&iss=https%3A%2F%2Fissuer.example",
            "code=c&state=s&iss=",
            "code=%ff&state=s",
            "error=access_denied&state=s",
        ] {
            assert_eq!(code(query, false), None, "{query}");
        }
        assert_eq!(code("code=c&state=s", true), None);
    }
}
