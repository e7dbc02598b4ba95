//! A strict S3-compatible store with one bucket. It checks each signature with code of its own, and what Object Lock
//! requires. <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::ship::receiver::Request;

pub(super) const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(super) const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(super) const REGION: &str = "eu-central-1";
pub(super) const PLACE: &str = "/checkpoints/production/";

/// What must be signed, beside `host`.
const SIGNED: [&str; 5] = [
    "if-none-match",
    "x-amz-checksum-sha256",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-sdk-checksum-algorithm",
];

/// The objects by path.
#[derive(Default)]
pub(super) struct Store {
    pub(super) objects: BTreeMap<String, String>,
}

impl Store {
    /// Does what the request asks for, and answers. Returns the status and the code.
    pub(super) fn serve(&mut self, request: Request) -> (&'static str, &'static str) {
        let (status, code) = match self.put(&request) {
            Ok(()) => ("200 OK", ""),
            Err(refusal) => refusal,
        };
        let body = match code {
            "" => String::new(),
            code => {
                format!("<Error><Code>{code}</Code><Message>{SECRET_ACCESS_KEY}</Message></Error>")
            }
        };
        request.answer(status, &body);
        (status, code)
    }

    fn put(&mut self, request: &Request) -> Result<(), (&'static str, &'static str)> {
        let mut lines = request.head.trim_end().split("\r\n");
        let line: Vec<_> = lines.next().unwrap().split(' ').collect();
        let [method, path, "HTTP/1.1"] = line[..] else {
            panic!("{line:?}");
        };
        assert_eq!(method, "PUT");
        let headers: BTreeMap<_, _> = lines.map(|line| line.split_once(": ").unwrap()).collect();
        let forbidden = |code| ("403 Forbidden", code);
        let bad = |code| ("400 Bad Request", code);

        let authorization = headers
            .get("authorization")
            .ok_or(forbidden("AccessDenied"))?;
        let (scope, names, signature) = parts(authorization).ok_or(bad("InvalidRequest"))?;
        let (id, scope) = scope.split_once('/').unwrap();
        if id != ACCESS_KEY_ID {
            return Err(forbidden("InvalidAccessKeyId"));
        }
        let hash = hexadecimal(&Sha256::digest(request.body.as_bytes()));
        let checksum = STANDARD.encode(Sha256::digest(request.body.as_bytes()));
        let moment = headers["x-amz-date"];
        let day = &moment[..8];
        if scope != format!("{day}/{REGION}/s3/aws4_request") {
            return Err(bad("AuthorizationHeaderMalformed"));
        }
        let signed: Vec<_> = names.split(';').collect();
        assert!(signed.is_sorted() && signed.contains(&"host"), "{signed:?}");
        assert!(
            SIGNED.iter().all(|name| signed.contains(name)),
            "{signed:?}"
        );
        let listed: Vec<_> = signed
            .iter()
            .map(|name| format!("{name}:{}", headers[name]))
            .collect();
        let listed = listed.join("\n");
        let body = headers["x-amz-content-sha256"];
        let canonical = format!("{method}\n{path}\n\n{listed}\n\n{names}\n{body}");
        let digest = hexadecimal(&Sha256::digest(canonical.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}");
        let mut key = format!("AWS4{SECRET_ACCESS_KEY}").into_bytes();
        for part in scope.split('/') {
            key = mac(&key, part);
        }
        if hexadecimal(&mac(&key, &text)) != signature {
            return Err(forbidden("SignatureDoesNotMatch"));
        }
        if headers["x-amz-content-sha256"] != hash || headers["x-amz-checksum-sha256"] != checksum {
            return Err(bad("BadDigest"));
        }
        assert_eq!(headers["x-amz-sdk-checksum-algorithm"], "SHA256");
        assert_eq!(headers["if-none-match"], "*");
        assert!(path.starts_with(PLACE), "{path}");
        if self.objects.contains_key(path) {
            return Err(("412 Precondition Failed", "PreconditionFailed"));
        }
        self.objects.insert(path.to_owned(), request.body.clone());
        Ok(())
    }
}

/// The credential, the names of the signed headers, and the signature.
fn parts(authorization: &str) -> Option<(&str, &str, &str)> {
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let (credential, rest) = rest.split_once(",SignedHeaders=")?;
    let (names, signature) = rest.split_once(",Signature=")?;
    Some((credential, names, signature))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}
