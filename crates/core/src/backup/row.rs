//! A row of a table as bytes, the same for every database engine: the values of its columns in order.
//!
//! A value is a tag and, unless it is absent, 8 bytes of a number, or a length (4 bytes, big-endian) and that many bytes.

use super::FormatError;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

/// The value of a column. A truth value is 0 or 1, an ID is its 16 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// A number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// About how many bytes of memory it takes.
    pub fn length(&self) -> usize {
        let content = match self {
            Self::Null | Self::Integer(_) => 0,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        };
        size_of::<Self>() + content
    }
}

/// Appends `row`, preceded by its length.
pub fn write(row: &[Value], to: &mut Vec<u8>) -> Result<(), FormatError> {
    let mut body = Vec::new();
    for value in row {
        match value {
            Value::Null => body.push(NULL),
            Value::Integer(number) => {
                body.push(INTEGER);
                body.extend(number.to_be_bytes());
            }
            Value::Text(text) => {
                body.push(TEXT);
                write_part(text.as_bytes(), &mut body)?;
            }
            Value::Bytes(bytes) => {
                body.push(BYTES);
                write_part(bytes, &mut body)?;
            }
        }
    }
    write_part(&body, to)
}

/// Appends `part`, preceded by its length.
pub fn write_part(part: &[u8], to: &mut Vec<u8>) -> Result<(), FormatError> {
    let length = u32::try_from(part.len()).map_err(|_| FormatError::Damaged)?;
    to.extend(length.to_be_bytes());
    to.extend(part);
    Ok(())
}

/// Reads a row with this many columns.
pub fn read(mut row: &[u8], columns: usize) -> Result<Vec<Value>, FormatError> {
    let mut values = Vec::with_capacity(columns);
    while let Some((tag, rest)) = row.split_first() {
        row = rest;
        values.push(match *tag {
            NULL => Value::Null,
            INTEGER => Value::Integer(i64::from_be_bytes(take(&mut row)?)),
            TEXT => {
                let text = String::from_utf8(take_part(&mut row)?);
                Value::Text(text.map_err(|_| FormatError::Damaged)?)
            }
            BYTES => Value::Bytes(take_part(&mut row)?),
            _ => return Err(FormatError::Damaged),
        });
    }
    if values.len() == columns {
        Ok(values)
    } else {
        Err(FormatError::Damaged)
    }
}

fn take<const N: usize>(row: &mut &[u8]) -> Result<[u8; N], FormatError> {
    let (taken, rest) = row.split_first_chunk::<N>().ok_or(FormatError::Damaged)?;
    *row = rest;
    Ok(*taken)
}

fn take_part(row: &mut &[u8]) -> Result<Vec<u8>, FormatError> {
    let length = usize::try_from(u32::from_be_bytes(take(row)?));
    let length = length.map_err(|_| FormatError::Damaged)?;
    let (part, rest) = row.split_at_checked(length).ok_or(FormatError::Damaged)?;
    *row = rest;
    Ok(part.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_value_is_its_content_and_the_enum() {
        let alone = size_of::<Value>();
        for (value, content) in [
            (Value::Null, 0),
            (Value::Integer(7), 0),
            (Value::Text("é".into()), 2),
            (Value::Bytes(vec![0; 300]), 300),
        ] {
            assert_eq!(value.length(), alone + content);
        }
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let row = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Text("é\0".into()),
            Value::Bytes(vec![0, 255]),
            Value::Text(String::new()),
        ];
        let mut written = Vec::new();
        write(&row, &mut written).unwrap();
        // The layout, byte by byte: files of earlier versions must stay readable.
        let expected = [
            &[0, 0, 0, 30][..],
            &[0],
            &[1, 0x80, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 3, 0xc3, 0xa9, 0],
            &[3, 0, 0, 0, 2, 0, 255],
            &[2, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(written, expected);
        let body = &written[4..];
        assert_eq!(read(body, row.len()).unwrap(), row);
        for end in 0..body.len() {
            assert!(read(&body[..end], row.len()).is_err(), "{end}");
        }
        for columns in [0, 4, 6] {
            assert!(read(body, columns).is_err());
        }
        assert!(read(&[4], 1).is_err());
        assert!(read(&[2, 0, 0, 0, 1, 0xff], 1).is_err());
        assert!(read(&[3, 0xff, 0xff, 0xff, 0xff, 0], 1).is_err());
    }
}
