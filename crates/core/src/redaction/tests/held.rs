//! What a stream holds back after a value, and after a value was removed.

use super::{looks_for, spellings};

#[test]
fn what_follows_a_value_is_not_held_back() {
    for value in ["sk-live-0123456789", "two words and 0123456789"] {
        let redactor = looks_for([("key", value)]);
        let (mut stream, mut out) = (redactor.stream(), Vec::new());
        for spelled in [value.to_owned(), spellings::hexadecimal(value.as_bytes())] {
            stream.push(format!("{spelled}. ").as_bytes(), &mut out);
            for _ in 0..100 {
                stream.push(b"other words, ", &mut out);
            }
            assert!(stream.held.len() < 200, "{}", stream.held.len());
        }
    }
}

#[test]
fn nothing_is_held_back_for_a_value_that_was_removed() {
    let words = ("words", "a b c d e");
    for others in [vec![], vec![("other", "sk-live-0123456789")]] {
        let redactor = looks_for(others);
        let added = redactor.add(words.0, words.1).unwrap();
        let (mut stream, mut out) = (redactor.stream(), Vec::new());
        stream.push(b"before: a b c", &mut out);
        redactor.remove(added);
        for _ in 0..100 {
            stream.push(b" d e, and so on;", &mut out);
        }
        assert!(stream.held.len() < 40, "{}", stream.held.len());
        // What was begun before the removal is not continued.
        redactor.add(words.0, words.1);
        stream.push(b" d e: ", &mut out);
        stream.push(words.1.as_bytes(), &mut out);
        stream.finish(&mut out);
        assert!(out.ends_with(b"so on; d e: [secret:words]"));
        assert!(out.starts_with(b"before: a b c d e, and"));
    }
}
