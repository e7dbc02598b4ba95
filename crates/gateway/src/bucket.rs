//! Writes objects to an S3-compatible store. It never reads, lists, replaces or deletes one.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::{hexadecimal, sha256};
use toolvault_core::signature_v4::{AccessKey, Signed, authorization, date_and_time};
use toolvault_core::timestamp::Timestamp;

use crate::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
};
use crate::http::{GuardedClient, HttpError, HttpPolicy, Method, Response, StatusCode, Url};

/// What the store may say went wrong. Nothing else of its answer is repeated: it may have a credential in it.
const CODES: &[&str] = &[
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "BadDigest",
    "InvalidAccessKeyId",
    "InvalidRequest",
    "NoSuchBucket",
    "NotImplemented",
    "PermanentRedirect",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "SlowDown",
];

/// A place in a bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: GuardedClient,
    /// Ends in a slash.
    url: Url,
    host: String,
    region: String,
    access_key_id: String,
}

/// Why the URL of a place in a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// No request can be sent to it.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The URL has a query or a fragment, or characters that would have to be encoded.
    #[error(
        "expected a URL of letters, digits and -_.~/ without a query, as in https://s3.eu-central-1.amazonaws.com/BUCKET/PREFIX"
    )]
    Characters,
}

/// Why an object was not written.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The store has no answer. It may have written the object.
    #[error("the bucket gave no answer")]
    NoAnswer(#[from] HttpError),
    /// There is an object with this name already.
    #[error("the bucket has an object with this name, which is never replaced")]
    Exists,
    /// The store refused it.
    #[error("the bucket answered with status {status}{}", .code.map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The status of its answer.
        status: StatusCode,
        /// The error code of S3 in its answer.
        code: Option<&'static str>,
    },
    /// The access key ID or the region has characters that a header cannot have.
    #[error("the access key ID or the region has characters that a header cannot have")]
    Header,
}

impl Bucket {
    /// Whether `url` names a place in a bucket to which a connection could start under `policy`.
    pub fn check(url: &str, policy: &HttpPolicy) -> Result<(), BucketError> {
        place(url, policy).map(drop)
    }

    /// The place at `url`, reached under `policy`: a bucket, by path or in the host's name, and a prefix if there is one.
    pub fn new(
        url: &str,
        region: String,
        access_key_id: String,
        policy: HttpPolicy,
    ) -> Result<Self, BucketError> {
        let url = place(url, &policy)?;
        let name = url.host_str().unwrap_or_default();
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        Ok(Self {
            client: GuardedClient::new(policy)?,
            url,
            host,
            region,
            access_key_id,
        })
    }

    /// Writes a new object of JSON. `name` has only letters, digits and `-_.~`; `secret` is the secret access key.
    ///
    /// Its checksum goes with it, which a bucket with Object Lock requires.
    pub async fn put(
        &self,
        name: &str,
        body: Vec<u8>,
        secret: &Wiped<String>,
        at: Timestamp,
    ) -> Result<(), PutError> {
        let url = format!("{}{name}", self.url);
        let headers = self.headers(name, &body, secret, at)?;
        let sent = self.client.send(Method::PUT, &url, headers, body.into());
        read(&sent.await?)
    }

    fn headers(
        &self,
        name: &str,
        body: &[u8],
        secret: &Wiped<String>,
        at: Timestamp,
    ) -> Result<HeaderMap, PutError> {
        let digest = sha256(body);
        let (hash, checksum) = (hexadecimal(&digest), STANDARD.encode(digest));
        let moment = date_and_time(at);
        let signed = [
            (CONTENT_TYPE.as_str(), "application/json"),
            ("host", &self.host),
            (IF_NONE_MATCH.as_str(), "*"),
            ("x-amz-checksum-sha256", &checksum),
            ("x-amz-content-sha256", &hash),
            ("x-amz-date", &moment),
            ("x-amz-sdk-checksum-algorithm", "SHA256"),
        ];
        let key = AccessKey {
            id: &self.access_key_id,
            secret,
            region: &self.region,
            service: "s3",
        };
        let path = format!("{}{name}", self.url.path());
        let request = Signed {
            method: "PUT",
            path: &path,
            headers: &signed,
            body: &hash,
        };
        let mut headers = HeaderMap::new();
        // The client adds `host`.
        for (name, value) in signed.into_iter().filter(|(name, _)| *name != "host") {
            let value = HeaderValue::from_str(value).map_err(|_| PutError::Header)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let value = authorization(&key, at, &request);
        let mut value = HeaderValue::from_str(&value).map_err(|_| PutError::Header)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(headers)
    }
}

/// The parsed `url` with a slash at its end.
fn place(url: &str, policy: &HttpPolicy) -> Result<Url, BucketError> {
    let mut url = policy.check(url)?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let has_more = url.query().is_some() || url.fragment().is_some();
    // The signature covers the path with all other characters encoded, and an empty part of it is not the same everywhere.
    if has_more || !url.path().bytes().all(is_plain) || url.path().contains("//") {
        return Err(BucketError::Characters);
    }
    Ok(url)
}

fn read(response: &Response) -> Result<(), PutError> {
    let status = response.status;
    if status.is_success() {
        return Ok(());
    }
    // 409: another request is writing it.
    if matches!(
        status,
        StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT
    ) {
        return Err(PutError::Exists);
    }
    let text = String::from_utf8_lossy(&response.body);
    let code = text.split_once("<Code>");
    let code = code.and_then(|(_, rest)| Some(rest.split_once("</Code>")?.0));
    let code = code.and_then(|code| CODES.iter().find(|known| **known == code).copied());
    Err(PutError::Refused { status, code })
}
