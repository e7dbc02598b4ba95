//! AWS Signature Version 4, with which a request to an S3-compatible store proves that it has an access key:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
//!
//! Only the `Authorization` header, of requests without a query: a signed URL would be a credential in a log.

use aws_lc_rs::hmac;

use crate::confidential::Wiped;
use crate::digest::{hexadecimal, sha256};
use crate::timestamp::Timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// An access key, and the part of the store that it is used for.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "it holds the secret access key"
)]
pub struct AccessKey<'a> {
    /// Its ID. It is not confidential.
    pub id: &'a str,
    /// The secret access key.
    pub secret: &'a str,
    /// The region, as in `eu-central-1`.
    pub region: &'a str,
    /// The service, as in `s3`.
    pub service: &'a str,
}

/// The parts of a request that are signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method, in capital letters.
    pub method: &'a str,
    /// The path as it is sent, with everything but `A-Z a-z 0-9 - _ . ~ /` percent-encoded.
    pub path: &'a str,
    /// The headers: lower-case names in their order, and values without spaces at their ends or repeated ones. `host` and
    /// `x-amz-date` must be among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body in hexadecimal.
    pub body: &'a str,
}

/// The moment as `x-amz-date` has it: `20130524T000000Z`. Fractions of a second are dropped.
pub fn date_and_time(at: Timestamp) -> String {
    let whole = Timestamp::from_microseconds(at.microseconds().div_euclid(1_000_000) * 1_000_000);
    whole.to_string().replace(['-', ':'], "")
}

/// The value of the `Authorization` header of this request, made at `at`.
pub fn authorization(key: &AccessKey<'_>, at: Timestamp, signed: &Signed<'_>) -> String {
    let moment = date_and_time(at);
    let day = moment.split('T').next().unwrap_or_default();
    let scope = format!("{day}/{}/{}/aws4_request", key.region, key.service);
    let names: Vec<_> = signed.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let headers = signed.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    let canonical = format!(
        "{}\n{}\n\n{}\n\n{names}\n{}",
        signed.method,
        signed.path,
        headers.join("\n"),
        signed.body
    );
    let digest = hexadecimal(&sha256(canonical.as_bytes()));
    let text = format!("{ALGORITHM}\n{moment}\n{scope}\n{digest}");
    let first = Wiped::new(format!("AWS4{}", key.secret).into_bytes());
    let signing_key = [day, key.region, key.service, "aws4_request"]
        .iter()
        .fold(first, |key, part| mac(&key, part));
    let signature = hexadecimal(&mac(&signing_key, &text));
    format!(
        "{ALGORITHM} Credential={}/{scope},SignedHeaders={names},Signature={signature}",
        key.id
    )
}

fn mac(key: &[u8], text: &str) -> Wiped<Vec<u8>> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    Wiped::new(hmac::sign(&key, text.as_bytes()).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn signature(text: &str) -> &str {
        text.rsplit('=').next().unwrap()
    }

    /// The examples of the page above.
    #[test]
    fn signatures_are_those_that_aws_published_for_s3() {
        let key = AccessKey {
            id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "s3",
        };
        let at: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let body = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        assert_eq!(hexadecimal(&sha256(b"Welcome to Amazon S3.")), body);
        let put = Signed {
            method: "PUT",
            path: "/test%24file.text",
            headers: &[
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                host,
                ("x-amz-content-sha256", body),
                ("x-amz-date", "20130524T000000Z"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body,
        };
        assert_eq!(
            authorization(&key, at, &put),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,\
             Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        let get = Signed {
            method: "GET",
            path: "/test.txt",
            headers: &[
                host,
                ("range", "bytes=0-9"),
                ("x-amz-content-sha256", EMPTY),
                ("x-amz-date", "20130524T000000Z"),
            ],
            body: EMPTY,
        };
        assert_eq!(
            signature(&authorization(&key, at, &get)),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }

    /// Cases `get-vanilla` and `post-vanilla` of the AWS Signature Version 4 test suite.
    #[test]
    fn signatures_are_those_of_the_test_suite_of_aws() {
        let key = AccessKey {
            id: "AKIDEXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "service",
        };
        let at: Timestamp = "2015-08-30T12:36:00.999Z".parse().unwrap();
        for (method, expected) in [
            (
                "GET",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ] {
            let signed = Signed {
                method,
                path: "/",
                headers: &[
                    ("host", "example.amazonaws.com"),
                    ("x-amz-date", "20150830T123600Z"),
                ],
                body: EMPTY,
            };
            assert_eq!(signature(&authorization(&key, at, &signed)), expected);
        }
    }
}
