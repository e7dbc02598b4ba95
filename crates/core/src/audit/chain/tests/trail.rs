//! A trail as the server writes it, by an attacker who kept every signing key.

use super::super::*;
use crate::audit::epoch::Signer;
use crate::audit::record::{Action, Actor, Decision};
use crate::confidential::Key;
use crate::entropy::deterministic::Deterministic;
use crate::envelope::NumberedKey;
use crate::timestamp::{SECOND, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_microseconds(1_767_323_045 * SECOND);

/// The number of records on a page, and whether an epoch begins with it.
pub(crate) type Step = (usize, bool);

pub(crate) struct Trail {
    pub(crate) installation: InstallationId,
    /// What the auditor noted at set-up.
    pub(crate) first_key: Vec<u8>,
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) pages: Vec<Page>,
    /// The pages before those.
    pub(crate) pruned: Vec<Page>,
    /// One for each epoch. A server erases all but the last.
    pub(crate) signers: Vec<Signer>,
    pub(crate) head: Head,
    wrap: NumberedKey,
    entropy: Deterministic,
}

impl Trail {
    pub(crate) fn new(seed: u64, steps: &[Step]) -> Self {
        let entropy = Deterministic::new(seed);
        let installation = InstallationId::generate(&entropy, NOW).unwrap();
        let wrap = NumberedKey {
            id: 4,
            key: Key::generate(&entropy).unwrap(),
        };
        let head = Head::EMPTY;
        let first = Signer::begin(installation, &wrap, None, &head, &entropy).unwrap();
        let mut trail = Self {
            installation,
            first_key: first.epoch.public_key.clone(),
            epochs: vec![first.epoch],
            pages: Vec::new(),
            pruned: Vec::new(),
            signers: vec![first.signer],
            head,
            wrap,
            entropy,
        };
        for (records, begins_epoch) in steps {
            if *begins_epoch {
                trail.begin_epoch();
            }
            trail.append(*records);
        }
        trail
    }

    pub(crate) fn begin_epoch(&mut self) {
        let predecessor = self.signers.last();
        let next = Signer::begin(
            self.installation,
            &self.wrap,
            predecessor,
            &self.head,
            &self.entropy,
        )
        .unwrap();
        // The wrapped form opens to the same key.
        let opened = Signer::open(
            self.installation,
            &self.wrap,
            next.epoch.number,
            &next.wrapped,
        )
        .unwrap();
        self.signers.push(opened);
        self.epochs.push(next.epoch);
    }

    pub(crate) fn append(&mut self, records: usize) {
        let mut records: Vec<Record> = (0..records).map(|place| self.record(place)).collect();
        let signer = self.signers.last().unwrap();
        let page = Page::append(
            self.installation,
            &self.head,
            signer.number,
            signer.pair(),
            &mut records,
        )
        .unwrap();
        self.head = page.head();
        self.pages.push(page);
    }

    fn record(&self, place: usize) -> Record {
        let moment = NOW.plus(self.head.sequence * SECOND);
        let mut record = Record::new(
            moment,
            &Actor::Local(1000),
            None,
            Action::SecretUsed,
            Decision::Allowed,
        );
        record.tool = Some(format!("tool\n{place}\u{2028}\"{}", self.head.page));
        record
    }

    pub(crate) fn verifier(&self) -> Result<ChainVerifier, ChainError> {
        ChainVerifier::new(
            self.installation,
            Some(&self.first_key),
            self.epochs.clone(),
            self.start(),
        )
    }

    fn start(&self) -> Head {
        self.pruned.last().map_or(Head::EMPTY, Page::head)
    }

    /// Prunes the first pages, as a server does: epochs that began among them get the hash of the page before.
    pub(crate) fn prune(&mut self, pages: usize) {
        self.pruned.extend(self.pages.drain(..pages));
        let number = self.start().page;
        for epoch in self.epochs.iter_mut().skip(1) {
            if epoch.first_page <= number {
                let before = usize::try_from(epoch.first_page - 2).unwrap();
                epoch.before = Some(self.pruned[before].hash);
            }
        }
    }

    pub(crate) fn verify(&self) -> Result<Head, ChainError> {
        self.verify_against([]).map(|ending| ending.head)
    }

    /// The checkpoints that the trail, which is sound, does not agree with.
    pub(crate) fn missed(
        &self,
        checkpoints: impl IntoIterator<Item = Checkpoint>,
    ) -> Vec<(i64, Missed)> {
        self.verify_against(checkpoints).unwrap().missed
    }

    pub(crate) fn verify_against(
        &self,
        checkpoints: impl IntoIterator<Item = Checkpoint>,
    ) -> Result<Ending, ChainError> {
        let verifier = self.verifier()?.expecting(checkpoints);
        let threads = NonZeroUsize::new(2).unwrap();
        let (_, verifier) = verifier.pages(&self.pages, threads, |_, _| Ok(()));
        verifier?.finish()
    }

    pub(crate) fn checkpoint(&self, page: usize) -> Checkpoint {
        Checkpoint::new(self.installation, &self.pages[page - 1], NOW)
    }

    /// Hashes and signs again the pages from this position on, each with the key of this epoch.
    pub(crate) fn reseal_from(&mut self, place: usize, epoch: usize) {
        let signer = &self.signers[epoch - 1];
        let mut previous = place
            .checked_sub(1)
            .map_or(Head::EMPTY.hash, |at| self.pages[at].hash);
        for page in &mut self.pages[place..] {
            page.hash = page.compute_hash(self.installation, &previous);
            let message = page.signed(self.installation);
            page.signature = signer.pair().sign(message.as_slice()).as_ref().to_vec();
            previous = page.hash;
        }
    }
}

impl ChainVerifier {
    /// Verifies one page. One that is refused does not move the verifier.
    pub(crate) fn page(&mut self, page: &Page) -> Result<Vec<Record>, ChainError> {
        let pages = std::slice::from_ref(page);
        let (mut records, next) = self
            .clone()
            .pages(pages, NonZeroUsize::MIN, |_, records| Ok(records));
        *self = next?;
        Ok(records.remove(0))
    }
}
