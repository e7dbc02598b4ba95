use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value as Json};

use super::*;
use crate::json::parse;

fn of(text: &str) -> Result<String, NotCanonical> {
    canonical(parse(text.as_bytes()).unwrap()).map(|text| text.as_str().to_owned())
}

#[test]
fn the_examples_of_the_rfc() {
    // Sections 3.2.2 and 3.2.4.
    let document = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(of(document).unwrap(), expected);
    // Section 3.2.3: names in the order of UTF-16 code units.
    let document = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let text = of(document).unwrap();
    let values: Vec<_> = [
        "Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew",
    ]
    .map(|value| text.find(value).unwrap())
    .into();
    assert!(values.is_sorted(), "{text}");
}

#[test]
fn the_numbers_of_the_rfc() {
    // Appendix B.
    for (bits, expected) in [
        (0x0000_0000_0000_0000_u64, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        let written = format!("{:e}", f64::from_bits(bits));
        assert_eq!(of(&written).unwrap(), expected, "{bits:x}");
    }
}

#[test]
fn what_readers_understand_in_different_ways_is_refused() {
    for (document, why) in [
        (r#"{"a":1,"a":1}"#, NotCanonical::RepeatedName),
        (r#"{"a":1,"\u0061":1}"#, NotCanonical::RepeatedName),
        (r#"[[{"b":{"a":1,"a":2}}]]"#, NotCanonical::RepeatedName),
        (r#""\ud800""#, NotCanonical::LoneSurrogate),
        (r#"{"\udc00":1}"#, NotCanonical::LoneSurrogate),
        ("1e309", NotCanonical::Number),
        ("-1e309", NotCanonical::Number),
        ("9007199254740993", NotCanonical::Number),
        ("18446744073709551616", NotCanonical::Number),
    ] {
        assert_eq!(of(document), Err(why), "{document}");
    }
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(of(&deep(DEEPEST + 1)).is_ok());
    assert_eq!(of(&deep(DEEPEST + 2)), Err(NotCanonical::TooDeep));
}

#[test]
fn only_named_members_are_written() {
    let document = parse(br#"{"z":1,"b":[ 2 ],"a":"\u0061"}"#).unwrap();
    let text = canonical_members(document.as_object().unwrap(), &["a", "b", "c"]).unwrap();
    assert_eq!(text.as_str(), r#"{"a":"a","b":[2]}"#);
}

fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-(1_i64 << 53)..=1_i64 << 53).prop_map(Json::from),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The document in other words: members in reverse order, every character escaped, space everywhere.
fn respelled(value: &Json, out: &mut String) {
    let text = |text: &str, out: &mut String| {
        out.push('"');
        for unit in text.encode_utf16() {
            write!(out, "\\u{unit:04X}").unwrap();
        }
        out.push('"');
    };
    match value {
        Json::String(string) => text(string, out),
        Json::Array(elements) => {
            out.push_str("[ ");
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { " ,\n" } else { "" });
                respelled(element, out);
            }
            out.push_str("\t]");
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().rev().enumerate() {
                out.push_str(if index > 0 { " , " } else { "" });
                text(name, out);
                out.push_str(" :\r\n");
                respelled(member, out);
            }
            out.push('}');
        }
        Json::Number(number) => match number.as_i64() {
            Some(whole) => write!(out, "{whole}.0e0").unwrap(),
            None => write!(out, "{:E}", number.as_f64().unwrap()).unwrap(),
        },
        other => out.push_str(&other.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn spelling_changes_nothing(document in document()) {
        let text = of(&document.to_string()).unwrap();
        let mut other = String::new();
        respelled(&document, &mut other);
        prop_assert_eq!(&of(&other).unwrap(), &text);
        prop_assert_eq!(&of(&text).unwrap(), &text);
    }

    #[test]
    fn two_documents_have_one_form_only_if_they_are_equal(one in document(), other in document()) {
        // Numbers that are the same double are equal, however they are typed.
        fn plain(value: &Json) -> Json {
            match value {
                Json::Number(number) => Json::from(number.as_f64().unwrap() + 0.0),
                Json::Array(elements) => elements.iter().map(plain).collect(),
                Json::Object(members) => {
                    members.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
                }
                other => other.clone(),
            }
        }
        let equal = plain(&one) == plain(&other);
        let texts = (of(&one.to_string()).unwrap(), of(&other.to_string()).unwrap());
        prop_assert_eq!(texts.0 == texts.1, equal);
    }
}
