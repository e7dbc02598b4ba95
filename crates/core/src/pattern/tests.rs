//! Patterns against a naive reference: exhaustively over small texts, then by properties.

use proptest::prelude::*;

use super::*;

/// Whether `pattern` matches `text`, by the textbook table over all pairs of positions.
pub(crate) fn naive_match(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // reachable[i]: the part of the pattern read so far matches the first i characters.
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = if wanted == '*' {
                reachable[end] || (end > 0 && next[end - 1])
            } else {
                end > 0 && reachable[end - 1] && text[end - 1] == wanted
            };
        }
        reachable = next;
    }
    reachable[text.len()]
}

pub(crate) fn pattern(text: &str) -> ToolPattern {
    ToolPattern::parse(text).unwrap()
}

pub(crate) fn tool(text: &str) -> ToolName {
    ToolName::parse(text).unwrap()
}

/// All texts of 1 to `longest` characters from `alphabet`.
fn all_texts(alphabet: &str, longest: usize) -> Vec<String> {
    let mut texts = Vec::new();
    let mut of_length = vec![String::new()];
    for _ in 0..longest {
        of_length = of_length
            .iter()
            .flat_map(|text| {
                alphabet
                    .chars()
                    .map(move |character| format!("{text}{character}"))
            })
            .collect();
        texts.extend(of_length.iter().cloned());
    }
    texts
}

#[test]
fn names_have_1_to_1024_code_points() {
    assert_eq!(ToolName::parse(""), Err(NameError::Empty));
    assert_eq!(ToolPattern::parse(""), Err(NameError::Empty));
    for character in ["a", "é", "語", "🔑"] {
        assert!(ToolName::parse(&character.repeat(1024)).is_ok());
        assert!(ToolPattern::parse(&character.repeat(1024)).is_ok());
        assert_eq!(
            ToolName::parse(&character.repeat(1025)),
            Err(NameError::TooLong)
        );
        assert_eq!(
            ToolPattern::parse(&character.repeat(1025)),
            Err(NameError::TooLong)
        );
    }
}

#[test]
fn names_hold_no_nul_and_tools_no_wildcard() {
    assert_eq!(ToolName::parse("a\0"), Err(NameError::Nul));
    assert_eq!(ToolPattern::parse("\0*"), Err(NameError::Nul));
    assert_eq!(ToolName::parse("a*"), Err(NameError::Wildcard));
    assert!(ToolName::parse(" Ä/b?[c]\\\n ").is_ok());
}

#[test]
fn names_and_patterns_stay_as_they_were_given() {
    for text in [" Ä/b?[c]\\\n ", "a", "語🔑"] {
        assert_eq!((tool(text).as_str(), pattern(text).as_str()), (text, text));
        assert_eq!(
            (tool(text).to_string(), pattern(text).to_string()),
            (text.to_owned(), text.to_owned())
        );
    }
    assert_eq!(pattern("*a*__*").as_str(), "*a*__*");
}

#[test]
fn every_short_pattern_agrees_with_the_reference_on_every_short_name() {
    let names: Vec<ToolName> = all_texts("ab", 8).iter().map(|text| tool(text)).collect();
    let mut compared = 0_u32;
    for text in all_texts("ab*", 6) {
        let pattern = pattern(&text);
        for name in &names {
            let expected = naive_match(&text, name.as_str());
            assert_eq!(pattern.matches(name), expected, "{pattern} against {name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 1092 * 510);
}

#[test]
fn every_short_pattern_that_lies_inside_another_matches_no_more() {
    let names: Vec<ToolName> = all_texts("abc", 5).iter().map(|text| tool(text)).collect();
    let patterns: Vec<ToolPattern> = all_texts("ab*", 4)
        .iter()
        .map(|text| pattern(text))
        .collect();
    let mut inside = 0_u32;
    for inner in &patterns {
        for outer in &patterns {
            let broader = names
                .iter()
                .find(|name| inner.matches(name) && !outer.matches(name));
            let lies_inside = inner.lies_inside(outer);
            if let Some(name) = broader {
                assert!(!lies_inside, "{inner} matches {name}, {outer} does not");
            } else {
                // With the `c` that no pattern has, these names distinguish all inclusions.
                assert!(lies_inside, "{outer} matches all that {inner} matches");
                inside += 1;
            }
        }
    }
    assert!(inside > 1000, "{inside}");
}

#[test]
fn inclusion_is_decided_by_what_a_wildcard_could_hold() {
    assert!(pattern("agno__linear__*").lies_inside(&pattern("agno__*")));
    assert!(pattern("agno__linear__get").lies_inside(&pattern("*__get")));
    assert!(pattern("a**b").lies_inside(&pattern("a*b")));
    assert!(!pattern("agno__*").lies_inside(&pattern("agno__linear__*")));
    assert!(!pattern("*").lies_inside(&pattern("a*")));
    assert!(!pattern("a*").lies_inside(&pattern("a")));
    assert!(!pattern("a*b").lies_inside(&pattern("a_b")));
}

#[test]
fn its_parts_are_counted_in_code_points() {
    let mixed = pattern("héé*語*");
    assert_eq!((mixed.literal_chars(), mixed.literal_prefix()), (4, "héé"));
    assert!(!mixed.is_exact());
    assert_eq!(mixed.as_str(), mixed.to_string());
    assert_eq!(
        (pattern("abc").literal_prefix(), pattern("abc").is_exact()),
        ("abc", true)
    );
    assert_eq!(
        (
            pattern("**").literal_prefix(),
            pattern("**").literal_chars()
        ),
        ("", 0)
    );
}

#[test]
fn a_wildcard_in_the_text_is_only_a_character() {
    assert!(pattern("a*b").matches_text("a*b"));
    assert!(!pattern("ab").matches_text("a*"));
    assert!(pattern("*").matches_text(""));
}

#[test]
fn patterns_made_to_backtrack_do_not() {
    // A backtracking matcher would need about 500^500 steps here.
    let stars = pattern(&format!("{}b", "a*".repeat(511)));
    assert!(!stars.matches(&tool(&"a".repeat(1024))));
    let periodic = pattern(&format!("*{}b*{}c", "a".repeat(500), "a".repeat(500)));
    assert!(!periodic.matches(&tool(&"a".repeat(1024))));
    let only_stars = pattern(&"*".repeat(1024));
    assert!(only_stars.matches_text(&"ab".repeat(5_000_000)));
}

#[test]
fn json_holds_them_as_checked_text() {
    let parsed: ToolPattern = serde_json::from_str("\"a*\"").unwrap();
    assert_eq!(serde_json::to_string(&parsed).unwrap(), "\"a*\"");
    assert_eq!(serde_json::to_string(&tool("a")).unwrap(), "\"a\"");
    let refused = serde_json::from_str::<ToolName>("\"canary*\"")
        .unwrap_err()
        .to_string();
    assert!(!refused.contains("canary"), "{refused}");
}

proptest! {
    #[test]
    fn a_pattern_agrees_with_the_reference(
        pattern_text in "[abé*]{1,24}", name in "[abé]{1,32}",
    ) {
        let expected = naive_match(&pattern_text, &name);
        prop_assert_eq!(pattern(&pattern_text).matches(&tool(&name)), expected);
    }

    #[test]
    fn a_name_made_from_a_pattern_is_matched_by_it(
        literals in prop::collection::vec("[^*\0]{0,6}", 2..8),
        fillings in prop::collection::vec("[^*\0]{0,6}", 8),
    ) {
        let pattern_text = literals.join("*");
        let mut name = String::new();
        for (position, literal) in literals.iter().enumerate() {
            if position > 0 {
                name.push_str(&fillings[position]);
            }
            name.push_str(literal);
        }
        prop_assert!(pattern(&pattern_text).matches_text(&name));
    }

    #[test]
    fn what_lies_inside_matches_nothing_more(
        outer in "[ab*]{0,7}[ab]", fillings in prop::collection::vec("[ab*]{0,3}", 8),
        name_fillings in prop::collection::vec("[abc]{0,4}", 32),
    ) {
        // Filling the wildcards of the outer pattern gives an inner one; filling those, a name.
        let inner = filled(&outer, &fillings);
        let name = filled(&inner, &name_fillings);
        prop_assert!(pattern(&inner).lies_inside(&pattern(&outer)));
        prop_assert!(pattern(&inner).matches(&tool(&name)));
        prop_assert!(pattern(&outer).matches(&tool(&name)));
    }
}

/// `pattern_text` with its wildcards replaced in turn by the fillings, which are repeated as needed.
fn filled(pattern_text: &str, fillings: &[String]) -> String {
    let mut fillings = fillings.iter().cycle();
    pattern_text
        .chars()
        .map(|character| match character {
            '*' => fillings.next().unwrap().clone(),
            literal => literal.to_string(),
        })
        .collect()
}

#[test]
fn patterns_overlap_exactly_if_some_text_matches_both() {
    let patterns: Vec<String> = all_texts("ab*", 4);
    // Six characters suffice for every shortest witness: at most two literal texts of up to four, overlapping.
    let texts = all_texts("ab", 6);
    for left in &patterns {
        let matched: Vec<&String> = texts
            .iter()
            .filter(|text| naive_match(left, text))
            .collect();
        for right in &patterns {
            let expected = matched.iter().any(|text| naive_match(right, text));
            assert_eq!(
                pattern(left).overlaps(&pattern(right)),
                expected,
                "{left} {right}"
            );
        }
    }
}

#[test]
fn what_may_follow_a_prefix_is_found_as_by_trying_everything() {
    let patterns = all_texts("ab*", 4);
    let prefixes = all_texts("ab", 3);
    // Three characters of prefix and the four of a pattern after them suffice for every shortest witness.
    let texts = all_texts("ab", 7);
    let mut found = 0_u32;
    for text in &patterns {
        let matched: Vec<&String> = texts
            .iter()
            .filter(|name| naive_match(text, name))
            .collect();
        for prefix in &prefixes {
            let expected = matched.iter().any(|name| name.starts_with(prefix));
            let may_match = pattern(text).may_match_after(prefix);
            assert_eq!(may_match, expected, "{text} after {prefix}");
            found += u32::from(may_match);
        }
    }
    assert!(found > 500, "{found}");
    assert!(pattern("a").may_match_after("") && pattern("*").may_match_after(""));
}

proptest! {
    #[test]
    fn a_pattern_may_match_after_each_beginning_of_a_name_that_it_matches(
        pattern_text in "[abé*]{1,8}", fillings in prop::collection::vec("[abé_]{0,3}", 8),
        cut in any::<prop::sample::Index>(),
    ) {
        let name = filled(&pattern_text, &fillings);
        let ends: Vec<usize> = (0..=name.len()).filter(|end| name.is_char_boundary(*end)).collect();
        let beginning = &name[..ends[cut.index(ends.len())]];
        prop_assert!(pattern(&pattern_text).may_match_after(beginning));
    }

    #[test]
    fn it_may_match_after_a_prefix_exactly_if_it_overlaps_all_that_begins_so(
        pattern_text in "[abé*]{1,8}", prefix in "[abé]{0,6}",
    ) {
        let all = pattern(&format!("{prefix}*"));
        let pattern = pattern(&pattern_text);
        prop_assert_eq!(pattern.may_match_after(&prefix), pattern.overlaps(&all));
    }
}
