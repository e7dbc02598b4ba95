//! A checkpoint survives a round trip through a file, and shows on its own whether it is genuine.

use super::*;
use crate::audit::chain::tests::trail::{NOW, Trail};

fn trail() -> Trail {
    Trail::new(1, &[(2, false), (1, true)])
}

#[test]
fn it_is_one_line_of_json_and_is_read_back() {
    let checkpoint = trail().checkpoint(2);
    let line = serde_json::to_string(&checkpoint).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(
        serde_json::from_str::<Checkpoint>(&line).unwrap(),
        checkpoint
    );
    let expected = format!(
        "{{\"installation\":\"{}\",\"page\":2,\"sequence\":3,\"hash\":\"{}\",\"epoch\":2,\
         \"signature\":\"{}\",\"at\":\"{NOW}\"}}",
        checkpoint.installation,
        hexadecimal(&checkpoint.hash),
        hexadecimal(&checkpoint.signature),
    );
    assert_eq!(line, expected);
}

#[test]
fn what_is_no_checkpoint_is_not_read() {
    let line = serde_json::to_string(&trail().checkpoint(1)).unwrap();
    let hash = hexadecimal(&trail().pages[0].hash);
    let broken = [
        line.replace(&hash, &hash[2..]),
        line.replace(&hash, &format!("{hash}00")),
        line.replace(
            &hash,
            &hash.replace(|digit: char| digit.is_ascii_digit(), "g"),
        ),
        line.replace("\"page\":1,", ""),
        line.replace("\"page\":1", "\"page\":\"1\""),
        line.replace("\"page\":1", "\"page\":1,\"page\":2"),
        line.replace('{', "{\"more\":1,"),
        line[..line.len() - 1].to_owned(),
    ];
    for text in broken {
        assert_ne!(text, line);
        assert!(serde_json::from_str::<Checkpoint>(&text).is_err(), "{text}");
    }
}

#[test]
fn the_key_of_its_epoch_shows_that_it_is_real() {
    let trail = trail();
    for page in 1..=2 {
        let checkpoint = trail.checkpoint(page);
        assert!(checkpoint.is_signed_by(&trail.epochs[page - 1].public_key));
        assert!(!checkpoint.is_signed_by(&trail.epochs[2 - page].public_key));
        assert!(!checkpoint.is_signed_by(&[]));
    }
}

#[test]
fn no_signed_field_of_it_can_be_another() {
    let trail = trail();
    let key = &trail.epochs[0].public_key;
    let edits: [fn(&mut Checkpoint); 6] = [
        |checkpoint| checkpoint.installation = Trail::new(2, &[]).installation,
        |checkpoint| checkpoint.page += 1,
        |checkpoint| checkpoint.sequence += 1,
        |checkpoint| checkpoint.hash[0] ^= 1,
        |checkpoint| checkpoint.epoch += 1,
        |checkpoint| checkpoint.signature[0] ^= 1,
    ];
    for (place, edit) in edits.into_iter().enumerate() {
        let mut edited = trail.checkpoint(1);
        edit(&mut edited);
        assert!(!edited.is_signed_by(key), "{place}");
    }
    let mut later = trail.checkpoint(1);
    later.at = later.at.plus(1);
    assert!(later.is_signed_by(key));
}
