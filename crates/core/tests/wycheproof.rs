//! The published vectors of Project Wycheproof, against the algorithms that `core` uses from
//! aws-lc-rs, called as `core` calls them.

#[cfg(test)]
mod vectors {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
    use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
    use aws_lc_rs::hmac::{self, HMAC_SHA256};
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use wycheproof::TestResult;

    /// How many vectors were to be accepted and how many to be refused.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Counts {
        accepted: usize,
        refused: usize,
    }

    impl Counts {
        /// Compares one answer with the vector's; the sets used here have only two kinds.
        fn check(&mut self, accepted: bool, result: TestResult, vector: usize) {
            assert_ne!(result, TestResult::Acceptable, "vector {vector}");
            assert_eq!(accepted, result == TestResult::Valid, "vector {vector}");
            if accepted {
                self.accepted += 1;
            } else {
                self.refused += 1;
            }
        }

        fn assert_both_occurred(&self) {
            assert!(self.accepted > 0 && self.refused > 0, "{self:?}");
        }
    }

    fn aes_key(bytes: &[u8]) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).unwrap())
    }

    #[test]
    fn aes_256_gcm_opens_what_is_genuine_and_nothing_else() {
        use wycheproof::aead::{TestName, TestSet};
        let mut counts = Counts::default();
        for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
            if group.key_size != 256 || group.nonce_size != 8 * NONCE_LEN {
                continue;
            }
            assert_eq!(group.tag_size, 128);
            for test in group.tests {
                let nonce = Nonce::try_assume_unique_for_key(&test.nonce).unwrap();
                let mut sealed = [&test.ct[..], &test.tag[..]].concat();
                let aad = Aad::from(&test.aad[..]);
                let opened = aes_key(&test.key).open_in_place(nonce, aad, &mut sealed);
                if let Ok(plaintext) = &opened {
                    assert_eq!(**plaintext, test.pt[..], "vector {}", test.tc_id);
                }
                counts.check(opened.is_ok(), test.result, test.tc_id);
            }
        }
        counts.assert_both_occurred();
    }

    #[test]
    fn aes_256_gcm_seals_as_published() {
        use wycheproof::aead::{TestName, TestSet};
        let mut sealed_count = 0;
        for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
            if group.key_size != 256 || group.nonce_size != 8 * NONCE_LEN {
                continue;
            }
            for test in group
                .tests
                .iter()
                .filter(|test| test.result == TestResult::Valid)
            {
                let nonce = Nonce::try_assume_unique_for_key(&test.nonce).unwrap();
                let mut sealed = test.pt.to_vec();
                let aad = Aad::from(&test.aad[..]);
                aes_key(&test.key)
                    .seal_in_place_append_tag(nonce, aad, &mut sealed)
                    .unwrap();
                let expected = [&test.ct[..], &test.tag[..]].concat();
                assert_eq!(sealed, expected, "vector {}", test.tc_id);
                sealed_count += 1;
            }
        }
        assert!(sealed_count > 0);
    }

    #[test]
    fn hmac_sha256_accepts_what_is_genuine_and_nothing_else() {
        use wycheproof::mac::{TestName, TestSet};
        let mut counts = Counts::default();
        let mut truncated = Counts::default();
        for group in TestSet::load(TestName::HmacSha256).unwrap().test_groups {
            for test in group.tests {
                let key = hmac::Key::new(HMAC_SHA256, &test.key);
                if group.tag_size == 256 {
                    let genuine = hmac::verify(&key, &test.msg, &test.tag).is_ok();
                    counts.check(genuine, test.result, test.tc_id);
                } else {
                    let tag = hmac::sign(&key, &test.msg);
                    let genuine = tag.as_ref()[..group.tag_size / 8] == test.tag[..];
                    truncated.check(genuine, test.result, test.tc_id);
                }
            }
        }
        counts.assert_both_occurred();
        truncated.assert_both_occurred();
    }

    #[test]
    fn hkdf_sha256_derives_as_published_and_never_too_much() {
        use wycheproof::hkdf::{TestName, TestSet};

        /// `length` bytes of output.
        struct Length(usize);
        impl KeyType for Length {
            fn len(&self) -> usize {
                self.0
            }
        }

        let mut counts = Counts::default();
        for group in TestSet::load(TestName::HkdfSha256).unwrap().test_groups {
            for test in group.tests {
                let extracted = Salt::new(HKDF_SHA256, &test.salt).extract(&test.ikm);
                let info = [&test.info[..]];
                let mut derived = vec![0; test.size];
                let done = extracted
                    .expand(&info, Length(test.size))
                    .and_then(|material| material.fill(&mut derived));
                if done.is_ok() {
                    assert_eq!(derived, test.okm[..], "vector {}", test.tc_id);
                }
                counts.check(done.is_ok(), test.result, test.tc_id);
            }
        }
        counts.assert_both_occurred();
    }

    #[test]
    fn ed25519_verifies_what_is_genuine_and_nothing_else() {
        use wycheproof::eddsa::{TestName, TestSet};
        let mut counts = Counts::default();
        for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
            let key = UnparsedPublicKey::new(&ED25519, &group.key.pk[..]);
            for test in group.tests {
                let genuine = key.verify(&test.msg, &test.sig).is_ok();
                counts.check(genuine, test.result, test.tc_id);
            }
        }
        counts.assert_both_occurred();
    }
}
