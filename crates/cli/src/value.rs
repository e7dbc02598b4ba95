//! Reading the value of a secret: from a hidden prompt, standard input or a file, never from an argument.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// The longest value, in bytes (contract, section 2).
const LONGEST_VALUE: usize = 65_536;

/// The value in `file`, where `-` is standard input; without a file, from a prompt if there is a
/// terminal, else from standard input.
pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    match file {
        Some(path) if path != Path::new("-") => {
            let opened = std::fs::File::open(path).map_err(|error| {
                Failure::refused(format!("cannot read {}: {error}", path.display()))
            })?;
            read_all(opened)
        }
        None if std::io::stdin().is_terminal() => prompt(),
        _ => read_all(std::io::stdin().lock()),
    }
}

fn prompt() -> anyhow::Result<Zeroizing<String>> {
    let value = Zeroizing::new(rpassword::prompt_password("Value: ")?);
    let again = Zeroizing::new(rpassword::prompt_password("Again: ")?);
    if value == again {
        Ok(value)
    } else {
        Err(Failure::refused("the two values are not the same").into())
    }
}

fn read_all(input: impl std::io::Read) -> anyhow::Result<Zeroizing<String>> {
    // Room for all that is accepted, so that no growing leaves a copy behind.
    let most = LONGEST_VALUE + "\r\n".len();
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    input.take(most as u64 + 1).read_to_end(&mut bytes)?;
    let value = without_line_break(&bytes);
    if value.len() > LONGEST_VALUE {
        return Err(Failure::refused("a value has at most 65536 bytes").into());
    }
    match std::str::from_utf8(value) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Failure::refused("a value is text in UTF-8").into()),
    }
}

/// One line break at the end is the editor's, not the value's.
fn without_line_break(bytes: &[u8]) -> &[u8] {
    let stripped = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    match stripped.strip_suffix(b"\r") {
        Some(stripped) if stripped.len() + 2 == bytes.len() => stripped,
        _ => stripped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_the_value() {
        for (read, value) in [
            ("s3cret\n", "s3cret"),
            ("s3cret\r\n", "s3cret"),
            ("s3cret\n\n", "s3cret\n"),
            ("s3cret\r", "s3cret\r"),
            ("-----BEGIN\nKEY\n", "-----BEGIN\nKEY"),
            ("", ""),
        ] {
            assert_eq!(read_all(read.as_bytes()).unwrap().as_str(), value);
        }
    }

    #[test]
    fn a_value_ends_at_its_limit() {
        let longest = "v".repeat(LONGEST_VALUE);
        assert!(read_all(format!("{longest}\r\n").as_bytes()).is_ok());
        assert!(read_all(format!("{longest}v").as_bytes()).is_err());
        assert!(read_all(&[b'a', 0xff, b'b', b'c'][..]).is_err());
    }
}
