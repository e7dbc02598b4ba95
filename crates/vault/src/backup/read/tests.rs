//! Files that are not what was written: each is refused, whatever was done to it.

use proptest::prelude::*;
use toolvault_core::backup::Packer;
use toolvault_core::confidential::{Confidential, Key};
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy as _;
use toolvault_core::envelope::OVERHEAD;
use toolvault_core::identity::InstallationId;
use toolvault_core::timestamp::Timestamp;
use uuid::Uuid;

use super::*;
use crate::backup::Table;
use crate::clock::SystemEntropy;

const ROWS: usize = 300;
const COLUMNS: usize = 4;

struct Written {
    file: Vec<u8>,
    /// Where the chunks begin.
    beginning: usize,
    root_key: RootKeySource,
    rows: Vec<Vec<Value>>,
}

fn value(row: usize, column: usize) -> Value {
    match column {
        0 => Value::Integer(i64::try_from(row).unwrap()),
        1 => Value::Text(format!("name {row}")),
        2 => Value::Bytes(vec![u8::try_from(row % 251).unwrap(); 1_000]),
        _ => Value::Null,
    }
}

fn contents() -> Contents {
    Contents {
        created_at: Timestamp::from_microseconds(1),
        version: "0".into(),
        engine: "SQLite".into(),
        schema: 1,
        audit_pages: 0,
        audit_records: 0,
        audit_head: String::new(),
        tables: backup::tables(1).map(table).collect(),
    }
}

/// A table; only the secrets have rows.
fn table(name: &str) -> Table {
    let rows = if name == "secrets" { ROWS } else { 0 };
    Table {
        name: name.into(),
        columns: vec!["a".into(); COLUMNS],
        rows: i64::try_from(rows).unwrap(),
    }
}

/// A backup of five chunks. Its parts are `contents`, then rows.
fn written(parts: impl FnOnce(&mut Vec<u8>)) -> Written {
    let root = Key::generate(&SystemEntropy).unwrap();
    let installation = InstallationId(Uuid::nil());
    let wrapped = Keyring::create(&root, installation, &SystemEntropy).unwrap();
    let keyring = Keyring::open(&root, installation, &wrapped).unwrap();
    let header = Header::new(installation, vec![1; 16], wrapped, &SystemEntropy).unwrap();
    let mut file = header.write().unwrap();
    let beginning = file.len();
    let mut packer = Packer::new(Chunks::new(&keyring, &header, &file).unwrap());
    let mut plaintext = Vec::new();
    parts(&mut plaintext);
    file.extend(packer.write(&plaintext, &SystemEntropy).unwrap());
    file.extend(packer.finish(&SystemEntropy).unwrap());
    let text = hexadecimal(root.expose());
    Written {
        file,
        beginning,
        root_key: RootKeySource::Text(Confidential::from(text.as_str())),
        rows: Vec::new(),
    }
}

fn sound() -> Written {
    let rows: Vec<Vec<Value>> = (0..ROWS)
        .map(|row| (0..COLUMNS).map(|column| value(row, column)).collect())
        .collect();
    let mut made = written(|plaintext| {
        let contents = serde_json::to_vec(&contents()).unwrap();
        row::write_part(&contents, plaintext).unwrap();
        for row in &rows {
            row::write(row, plaintext).unwrap();
        }
    });
    made.rows = rows;
    made
}

/// All rows of the file, if it is a whole backup.
fn read_all(file: &[u8], root_key: &RootKeySource) -> Result<Vec<Vec<Value>>, RestoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let mut opened = runtime.unwrap().block_on(open(file, root_key))?;
    let found = opened.contents.tables.iter();
    let table = found.clone().find(|table| table.rows > 0).unwrap();
    let rows = (0..table.rows).map(|_| opened.reader.row(table.columns.len()));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    opened.reader.finish()?;
    Ok(rows)
}

fn is_damaged(file: &[u8], root_key: &RootKeySource) -> bool {
    matches!(
        read_all(file, root_key),
        Err(RestoreError::Format(_) | RestoreError::WrongRootKey)
    )
}

#[test]
fn a_whole_file_is_read_and_another_root_key_is_refused() {
    let (made, other) = (sound(), sound());
    assert!(made.file.len() > made.beginning + 4 * SEALED_CHUNK);
    assert!(read_all(&made.file, &made.root_key).unwrap() == made.rows);
    let refused = read_all(&made.file, &other.root_key);
    assert!(matches!(refused, Err(RestoreError::WrongRootKey)));
    // The root key is refused before any chunk is read.
    let refused = read_all(&made.file[..made.beginning], &other.root_key);
    assert!(matches!(refused, Err(RestoreError::WrongRootKey)));
}

#[test]
fn every_changed_byte_of_the_beginning_and_every_cut_near_an_edge_is_refused() {
    let made = sound();
    let first_tag = made.beginning + OVERHEAD;
    for at in 0..first_tag {
        for flip in [1, 0x20, 0x80] {
            let mut file = made.file.clone();
            file[at] ^= flip;
            assert!(is_damaged(&file, &made.root_key), "byte {at}");
        }
    }
    let edges = (0..=5).map(|chunk| made.beginning + chunk * SEALED_CHUNK);
    for edge in edges.chain([0, made.file.len()]) {
        for end in edge.saturating_sub(2)..(edge + 3).min(made.file.len()) {
            let cut = &made.file[..end];
            assert!(is_damaged(cut, &made.root_key), "cut at {end}");
        }
    }
}

#[test]
fn lengths_beyond_the_limits_take_no_memory_and_are_refused() {
    // Sealed with the right key, as by a faulty program.
    let long = |length: u32| {
        move |plaintext: &mut Vec<u8>| {
            let contents = serde_json::to_vec(&contents()).unwrap();
            row::write_part(&contents, plaintext).unwrap();
            plaintext.extend(length.to_be_bytes());
        }
    };
    for length in [1, 1 << 20, u32::MAX] {
        let made = written(long(length));
        assert!(is_damaged(&made.file, &made.root_key));
    }
    for contents in [&b"{}"[..], b"", b"[[", &vec![b' '; (1 << 20) + 1]] {
        let made = written(|plaintext| row::write_part(contents, plaintext).unwrap());
        assert!(is_damaged(&made.file, &made.root_key));
    }
    // More than the rows.
    let made = sound();
    let longer = written(|plaintext| {
        let contents = serde_json::to_vec(&contents()).unwrap();
        row::write_part(&contents, plaintext).unwrap();
        for row in made.rows.iter().chain(&made.rows[..1]) {
            row::write(row, plaintext).unwrap();
        }
    });
    assert!(is_damaged(&longer.file, &longer.root_key));
}

#[test]
fn other_tables_than_those_of_the_schema_are_refused() {
    let read = |contents: &Contents| {
        let contents = serde_json::to_vec(contents).unwrap();
        let made = written(|plaintext| row::write_part(&contents, plaintext).unwrap());
        read_all(&made.file, &made.root_key)
    };
    // As an older version makes it beside a newer one.
    let beside = Contents {
        schema: database::newest_schema(),
        ..contents()
    };
    let mut fewer = contents();
    fewer.tables.pop();
    let mut more = contents();
    more.tables.push(table("secrets"));
    for other in [beside, fewer, more] {
        let refused = read(&other);
        assert!(
            matches!(refused, Err(RestoreError::OtherTables(_))),
            "{refused:?}"
        );
    }
    let newer = Contents {
        schema: database::newest_schema() + 1,
        ..contents()
    };
    assert!(matches!(read(&newer), Err(RestoreError::Newer(_))));
}

/// What is done to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip {
        at: prop::sample::Index,
        bit: u8,
    },
    Cut(prop::sample::Index),
    Append(Vec<u8>),
    Remove {
        at: prop::sample::Index,
        count: usize,
    },
    Insert {
        at: prop::sample::Index,
        bytes: Vec<u8>,
    },
    SwapChunks(prop::sample::Index, prop::sample::Index),
    DropChunk(prop::sample::Index),
    RepeatChunk(prop::sample::Index),
    Zero {
        at: prop::sample::Index,
        count: usize,
    },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    let bytes = || prop::collection::vec(any::<u8>(), 1..100);
    prop_oneof![
        4 => (at(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        2 => at().prop_map(Damage::Cut),
        1 => bytes().prop_map(Damage::Append),
        1 => (at(), 1_usize..70_000).prop_map(|(at, count)| Damage::Remove { at, count }),
        1 => (at(), bytes()).prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
        2 => (at(), at()).prop_map(|(one, other)| Damage::SwapChunks(one, other)),
        1 => at().prop_map(Damage::DropChunk),
        1 => at().prop_map(Damage::RepeatChunk),
        1 => (at(), 1_usize..5_000).prop_map(|(at, count)| Damage::Zero { at, count }),
    ]
}

impl Damage {
    fn apply(&self, made: &Written) -> Vec<u8> {
        let mut file = made.file.clone();
        let length = file.len();
        let (beginning, sealed) = made.file.split_at(made.beginning);
        let mut chunks: Vec<&[u8]> = sealed.chunks(SEALED_CHUNK).collect();
        match self {
            Self::Flip { at, bit } => file[at.index(length)] ^= 1 << bit,
            Self::Cut(at) => file.truncate(at.index(length)),
            Self::Append(bytes) => file.extend(bytes),
            Self::Remove { at, count } => {
                let at = at.index(length);
                file.drain(at..(at + count).min(length));
            }
            Self::Insert { at, bytes } => {
                let at = at.index(length);
                file.splice(at..at, bytes.iter().copied());
            }
            Self::Zero { at, count } => {
                let at = at.index(length);
                file[at..(at + count).min(length)].fill(0);
            }
            Self::SwapChunks(one, other) => {
                let (one, other) = (one.index(chunks.len()), other.index(chunks.len()));
                chunks.swap(one, other);
                file = [beginning, &chunks.concat()].concat();
            }
            Self::DropChunk(at) => {
                chunks.remove(at.index(chunks.len()));
                file = [beginning, &chunks.concat()].concat();
            }
            Self::RepeatChunk(at) => {
                let at = at.index(chunks.len());
                chunks.insert(at, chunks[at]);
                file = [beginning, &chunks.concat()].concat();
            }
        }
        file
    }
}

#[test]
fn two_thousand_damaged_files_are_refused() {
    let made = sound();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2_000)
    });
    let outcome = runner.run(&damage(), |damage| {
        let file = damage.apply(&made);
        // Two chunks may be the same one, and zeros may have been zeros.
        prop_assume!(file != made.file);
        prop_assert!(is_damaged(&file, &made.root_key));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_file_of_random_bytes_is_refused() {
    let made = sound();
    for length in [0, 1, PREFIX, 100, SEALED_CHUNK + 1] {
        let mut file = vec![0; length];
        SystemEntropy.fill(&mut file).unwrap();
        assert!(is_damaged(&file, &made.root_key));
    }
}
