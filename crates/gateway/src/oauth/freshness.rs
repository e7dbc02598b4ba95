//! How long metadata of a server are believed (RFC 9111, section 5.2.2).

use crate::http::{HeaderMap, header};

/// If the server does not say how long, in seconds.
const USUAL: i64 = 600;
/// However long the server says: endpoints that moved are found again. In seconds.
const LONGEST: i64 = 3_600;

/// For how many seconds an answer with these headers may be used again.
pub(super) fn lifetime(headers: &HeaderMap) -> i64 {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    let mut directives = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let is_barred = |directive: &str| {
        ["no-store", "no-cache"]
            .iter()
            .any(|name| directive.eq_ignore_ascii_case(name))
    };
    if directives.clone().any(is_barred) {
        return 0;
    }
    let named = directives.find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        let seconds: u64 = seconds.trim_matches('"').parse().ok()?;
        let seconds = i64::try_from(seconds).unwrap_or(LONGEST);
        name.eq_ignore_ascii_case("max-age").then_some(seconds)
    });
    named.unwrap_or(USUAL).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderValue;

    #[test]
    fn what_the_server_says_counts_within_bounds() {
        for (values, seconds) in [
            (&[][..], 600),
            (&["public"], 600),
            (&["max-age=60"], 60),
            (&["public, Max-Age=\"60\""], 60),
            (&["public", "max-age=60"], 60),
            (&["max-age=31536000"], 3_600),
            (&["max-age=0"], 0),
            (&["no-store, max-age=60"], 0),
            (&["max-age=60", "No-Cache"], 0),
            (&["max-age=-1"], 600),
            (&["s-maxage=5"], 600),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CACHE_CONTROL, HeaderValue::from_static(value));
            }
            assert_eq!(lifetime(&headers), seconds, "{values:?}");
        }
    }
}
