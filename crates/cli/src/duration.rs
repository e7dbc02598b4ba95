//! Durations as people write them: `90d`, `12h`, `30m`, `45s`, `2w`.

/// The number of seconds in `text`.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let expected = || "a number and one of s, m, h, d and w, as in 90d".to_owned();
    let unit = text.chars().next_back().ok_or_else(expected)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(expected()),
    };
    let number = text.strip_suffix(unit).unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(expected());
    }
    number
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
        .filter(|&seconds| seconds <= 100 * 365 * 86_400)
        .ok_or_else(|| "that is more than a hundred years".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn each_unit_is_understood() {
        assert_eq!(parse("90d"), Ok(7_776_000));
        assert_eq!(parse("1w"), Ok(604_800));
        assert_eq!(parse("0s"), Ok(0));
        assert_eq!(parse("90m"), parse("5400s"));
        assert_eq!(parse("1h"), Ok(3_600));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "d",
            "90",
            "-1d",
            "+1d",
            "1.5h",
            "1 d",
            "1é",
            "1y",
            "99999999999999999999d",
            "9999999d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
