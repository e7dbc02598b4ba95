//! Reads the value of a secret from a hidden prompt, standard input or a file, but never from an argument.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use toolvault_core::confidential::Wiped;

use crate::failure::Failure;
use crate::printer::Printer;

/// The longest value, in bytes (contract, section 2).
pub(crate) const LONGEST_VALUE: usize = 65_536;

/// Editors on Windows put this before a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The value in `file`, where `-` is standard input. Without a file: from a prompt on a terminal, otherwise from
/// standard input.
pub(crate) fn read(file: Option<&Path>, printer: &Printer) -> anyhow::Result<Wiped<String>> {
    let read = match file {
        Some(path) if path != Path::new("-") => {
            let opened = std::fs::File::open(path).map_err(|error| {
                Failure::refused(format!("cannot read {}: {error}", path.display()))
            })?;
            read_all(opened, &path.display().to_string())?
        }
        None if std::io::stdin().is_terminal() => return prompt(printer),
        _ => read_all(std::io::stdin().lock(), "standard input")?,
    };
    if read.had_byte_order_mark {
        printer.error_line("note: removed the byte order mark before the value");
    }
    Ok(read.value)
}

/// A value that was read.
struct Read {
    value: Wiped<String>,
    had_byte_order_mark: bool,
}

/// Asks for a hidden text on the terminal.
pub(crate) fn ask_hidden(question: &str, printer: &Printer) -> Result<Wiped<String>, Failure> {
    let asked = rpassword::prompt_password(question).map(Wiped::new);
    asked.map_err(|error| {
        // The line of the question was not ended.
        printer.error_line("");
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Failure::refused("nothing was entered"),
            _ => Failure::failed(format!("cannot ask on the terminal: {error}")),
        }
    })
}

fn prompt(printer: &Printer) -> anyhow::Result<Wiped<String>> {
    let value = ask_hidden("Value: ", printer)?;
    let again = ask_hidden("Again: ", printer)?;
    if value == again {
        Ok(value)
    } else {
        Err(Failure::refused("the two values are not the same").into())
    }
}

fn read_all(input: impl std::io::Read, from: &str) -> Result<Read, Failure> {
    // Room for all that is accepted, so that no growing leaves a copy behind.
    let most = BYTE_ORDER_MARK.len() + LONGEST_VALUE + "\r\n".len();
    let mut bytes = Wiped::new(Vec::with_capacity(most + 1));
    input
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::refused(format!("cannot read {from}: {error}")))?;
    let unmarked = bytes.strip_prefix(BYTE_ORDER_MARK);
    let value = without_line_break(unmarked.unwrap_or(&bytes));
    if value.len() > LONGEST_VALUE {
        return Err(Failure::refused("a value has at most 65536 bytes"));
    }
    match std::str::from_utf8(value) {
        Ok(text) => Ok(Read {
            value: Wiped::new(text.to_owned()),
            had_byte_order_mark: unmarked.is_some(),
        }),
        Err(_) => Err(Failure::refused("a value is text in UTF-8")),
    }
}

/// The line break after a single line is the editor's. Several lines stay as they are: a private key without its
/// last line break cannot be used.
fn without_line_break(bytes: &[u8]) -> &[u8] {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if line.contains(&b'\n') {
        return bytes;
    }
    match line.strip_suffix(b"\r") {
        Some(stripped) if line.len() < bytes.len() => stripped,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_line_loses_its_line_break_and_several_stay_as_they_are() {
        for (read, value) in [
            ("s3cret\n", "s3cret"),
            ("s3cret\r\n", "s3cret"),
            ("s3cret\n\n", "s3cret\n\n"),
            ("s3cret\r", "s3cret\r"),
            ("-----BEGIN\nKEY\n", "-----BEGIN\nKEY\n"),
            ("-----BEGIN\r\nKEY\r\n", "-----BEGIN\r\nKEY\r\n"),
            ("-----BEGIN\nKEY", "-----BEGIN\nKEY"),
            ("", ""),
        ] {
            assert_eq!(read_all(read.as_bytes(), "").unwrap().value.as_str(), value);
        }
    }

    #[test]
    fn a_byte_order_mark_is_taken_off_and_told() {
        for (read, value, had_one) in [
            ("\u{feff}s3cret\n", "s3cret", true),
            ("\u{feff}a\nb\n", "a\nb\n", true),
            ("s3\u{feff}cret", "s3\u{feff}cret", false),
        ] {
            let read = read_all(read.as_bytes(), "").unwrap();
            assert_eq!(read.value.as_str(), value);
            assert_eq!(read.had_byte_order_mark, had_one);
        }
    }

    #[test]
    fn a_value_ends_at_its_limit() {
        let longest = "v".repeat(LONGEST_VALUE);
        assert!(read_all(format!("{longest}\r\n").as_bytes(), "").is_ok());
        assert!(read_all(format!("{longest}v").as_bytes(), "").is_err());
        assert!(read_all(&[b'a', 0xff, b'b', b'c'][..], "").is_err());
    }
}
