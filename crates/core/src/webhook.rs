//! Signatures of webhooks, with which a receiver tells who sent a message: Standard Webhooks,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use aws_lc_rs::hmac;

use crate::timestamp::Timestamp;

/// The symmetric signature (HMAC-SHA256) of the message `id` with this body, sent at `at`.
///
/// It covers the time in whole seconds, as the header `webhook-timestamp` has it, so that a receiver can refuse a
/// message that someone sends again later.
pub fn sign(key: &[u8], id: &str, at: Timestamp, body: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{id}.{}.", at.seconds()).as_bytes());
    context.update(body);
    context.sign().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::hexadecimal;
    use crate::timestamp::SECOND;

    #[test]
    fn a_message_is_signed_as_other_libraries_sign_it() {
        // From the tests of the reference libraries: `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`, and the signature
        // `v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=`.
        let key = [
            0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a, 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f,
            0x08, 0x2c, 0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0,
        ];
        let at = Timestamp::from_microseconds(1_614_265_330 * SECOND + 999_999);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = sign(&key, id, at, br#"{"test": 2432232314}"#);
        let expected = "83484cf52b04f8e4cf2531adfed9882ad4b2665137b852442d594d20e2c9d4e1";
        assert_eq!(hexadecimal(&signature), expected);
        let changed = sign(&key, id, at, br#"{"test": 2432232315}"#);
        assert_ne!(hexadecimal(&changed), expected);
    }
}
