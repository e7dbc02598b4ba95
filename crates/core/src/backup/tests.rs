use super::*;
use crate::confidential::Key;
use crate::entropy::deterministic::{Deterministic, bytes};
use crate::timestamp::Timestamp;

struct Scene {
    root: Key,
    header: Header,
    entropy: Deterministic,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let entropy = Deterministic::new(seed);
        let root = Key::generate(&entropy).unwrap();
        let now = Timestamp::from_microseconds(0);
        let installation = InstallationId::generate(&entropy, now).unwrap();
        let wrapped = Keyring::create(&root, installation, &entropy).unwrap();
        let header = Header::new(installation, vec![7; 16], wrapped, &entropy).unwrap();
        Self {
            root,
            header,
            entropy,
        }
    }

    fn chunks(&self, header: &Header, beginning: &[u8]) -> Chunks {
        let keyring = Keyring::open(&self.root, header.installation, &header.keyring).unwrap();
        Chunks::new(&keyring, header, beginning).unwrap()
    }

    /// The chunks of a backup of `plaintext`, which is written in pieces.
    fn pack(&self, plaintext: &[u8]) -> Vec<u8> {
        let beginning = self.header.write().unwrap();
        let mut packer = Packer::new(self.chunks(&self.header, &beginning));
        let mut sealed = Vec::new();
        for piece in plaintext.chunks(50_000) {
            sealed.extend(packer.write(piece, &self.entropy).unwrap());
        }
        sealed.extend(packer.finish(&self.entropy).unwrap());
        sealed
    }

    /// What the chunks open to, with this beginning.
    fn unpack(&self, beginning: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let header = Header::read(&beginning[PREFIX..]).ok()?;
        let mut chunks = self.chunks(&header, beginning);
        let (mut rest, mut plaintext) = (sealed, Vec::new());
        loop {
            let is_last = rest.len() <= SEALED_CHUNK;
            let (chunk, after) = rest.split_at(rest.len().min(SEALED_CHUNK));
            plaintext.extend(chunks.open(chunk, is_last).ok()?.expose());
            rest = after;
            if is_last {
                return Some(plaintext);
            }
        }
    }
}

#[test]
fn what_was_written_is_read_whatever_its_length() {
    let scene = Scene::new(1);
    let beginning = scene.header.write().unwrap();
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
        let plaintext = bytes(2, length);
        let sealed = scene.pack(&plaintext);
        let chunks = length.div_ceil(CHUNK).max(1);
        assert_eq!(sealed.len(), length + chunks * OVERHEAD);
        let read = scene.unpack(&beginning, &sealed);
        assert!(read.as_deref() == Some(&*plaintext), "{length}");
    }
}

#[test]
fn chunks_that_are_cut_moved_repeated_or_left_out_do_not_open() {
    let scene = Scene::new(1);
    let beginning = scene.header.write().unwrap();
    let sealed = scene.pack(&bytes(2, 3 * CHUNK));
    let [one, two, three] = [0, 1, 2].map(|n| &sealed[n * SEALED_CHUNK..(n + 1) * SEALED_CHUNK]);
    assert!(
        scene
            .unpack(&beginning, &[one, two, three].concat())
            .is_some()
    );
    let damaged: [&[&[u8]]; 9] = [
        &[],
        &[one],
        &[one, two],
        &[two, three],
        &[one, three],
        &[two, one, three],
        &[one, one, two, three],
        &[one, two, three, three],
        &[one, two, three, b"x"],
    ];
    for damaged in damaged {
        assert!(scene.unpack(&beginning, &damaged.concat()).is_none());
    }
    // A chunk of another backup of the same store.
    let mut other = Scene::new(1);
    other.header.salt[0] ^= 1;
    let foreign = other.pack(&bytes(2, 3 * CHUNK));
    let foreign = [&foreign[..SEALED_CHUNK], two, three].concat();
    assert!(scene.unpack(&beginning, &foreign).is_none());
}

#[test]
fn a_changed_beginning_opens_no_chunk() {
    let scene = Scene::new(1);
    let beginning = scene.header.write().unwrap();
    let sealed = scene.pack(b"rows");
    assert_eq!(scene.unpack(&beginning, &sealed).unwrap(), b"rows");
    // The same header, written in another way.
    let mut spaced = beginning.clone();
    spaced.push(b' ');
    assert!(scene.unpack(&spaced, &sealed).is_none());
    let mut salted = beginning;
    let digit = salted.iter().rposition(u8::is_ascii_digit).unwrap();
    salted[digit] = if salted[digit] == b'0' { b'1' } else { b'0' };
    assert!(scene.unpack(&salted, &sealed).is_none());
}

#[test]
fn the_header_is_read_as_it_was_written_and_nothing_long_is_believed() {
    let header = Scene::new(1).header;
    let beginning = header.write().unwrap();
    let (prefix, rest) = beginning.split_at(PREFIX);
    assert_eq!(Header::length(prefix), Ok(rest.len()));
    let read = Header::read(rest).unwrap();
    assert_eq!(read.write().unwrap(), beginning);

    assert_eq!(&prefix[..20], b"toolvault/backup/v1\n");
    let refused = [
        (&b"SQLite format 3\0        "[..], FormatError::Unknown),
        (b"", FormatError::Unknown),
        (b"toolvault/backup/v2\n\0\0\0\x01", FormatError::Newer),
        (b"toolvault/backup/v1\n\0\0\x01", FormatError::Damaged),
        (
            b"toolvault/backup/v1\n\xff\xff\xff\xff",
            FormatError::Damaged,
        ),
    ];
    for (prefix, error) in refused {
        assert_eq!(Header::length(prefix), Err(error));
    }
    for header in [&b"{}"[..], b"", b"[[[", &rest[..rest.len() - 1]] {
        assert_eq!(Header::read(header).err(), Some(FormatError::Damaged));
    }
}

#[test]
fn a_header_may_be_as_long_as_the_limit_and_not_longer() {
    let mut header = Scene::new(1).header;
    let length = |header: &Header| header.write().map(|beginning| beginning.len() - PREFIX);
    // A byte of the salt is two digits, so the purpose of a key makes the rest even.
    if length(&header).unwrap() % 2 == 1 {
        header.keyring[0].purpose.push('s');
    }
    let more = (LONGEST_HEADER - length(&header).unwrap()) / 2;
    header.root_key_salt.extend(vec![7; more]);
    assert_eq!(length(&header), Ok(LONGEST_HEADER));
    let beginning = header.write().unwrap();
    let prefix = &beginning[..PREFIX];
    assert_eq!(Header::length(prefix), Ok(LONGEST_HEADER));
    header.keyring[0].purpose.push('s');
    assert_eq!(length(&header), Err(FormatError::Damaged));
}

#[test]
fn chunks_are_bound_to_their_number_counted_from_zero() {
    let scene = Scene::new(1);
    let beginning = scene.header.write().unwrap();
    let sealed = scene.pack(&bytes(2, 2 * CHUNK + 1));
    let chunks = scene.chunks(&scene.header, &beginning);
    for (number, sealed) in (0_i64..).zip(sealed.chunks(SEALED_CHUNK)) {
        // Written out: files of earlier versions must stay readable.
        let bound = Transcript::new("toolvault/backup-chunk/v1")
            .bytes(&sha256(&beginning))
            .number(number)
            .number(i64::from(number == 2));
        assert!(
            envelope::open(&chunks.key, bound, sealed).is_ok(),
            "{number}"
        );
    }
}
