//! Which URLs are taken, and what is made of the answers. `crates/cli/tests/it/bucket.rs` checks what is sent.

use bytes::Bytes;

use super::*;

fn answer(status: u16, body: &'static str) -> Result<(), PutError> {
    read(&Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(body.as_bytes()),
    })
}

#[test]
fn a_url_names_a_bucket_by_path_or_by_host_with_a_prefix_or_without() {
    let policy = HttpPolicy::default();
    for (url, expected) in [
        (
            "https://s3.example.com/bucket",
            "https://s3.example.com/bucket/",
        ),
        (
            "https://bucket.s3.example.com",
            "https://bucket.s3.example.com/",
        ),
        (
            "https://bucket.s3.example.com/a/b/",
            "https://bucket.s3.example.com/a/b/",
        ),
        (
            "https://s3.example.com:9000/bucket/a_b.c~d-1",
            "https://s3.example.com:9000/bucket/a_b.c~d-1/",
        ),
    ] {
        assert_eq!(place(url, &policy).unwrap().as_str(), expected);
    }
    for url in [
        "https://s3.example.com/bucket?list-type=2",
        "https://s3.example.com/bucket#a",
        "https://s3.example.com/a b",
        "https://s3.example.com/a+b",
        "https://s3.example.com/a%2Fb",
        "https://s3.example.com//bucket",
        "https://s3.example.com/bucket//",
    ] {
        let refused = place(url, &policy);
        assert!(matches!(refused, Err(BucketError::Characters)), "{url}");
    }
    for url in [
        "http://s3.example.com/bucket",
        "https://id:key@s3.example.com/bucket",
        "https://10.0.0.1/bucket",
        "s3://bucket",
    ] {
        let refused = place(url, &policy);
        assert!(matches!(refused, Err(BucketError::Http(_))), "{url}");
    }
}

#[test]
fn only_a_success_counts_and_only_known_codes_are_repeated() {
    assert!(answer(200, "").is_ok());
    for status in [409, 412] {
        assert!(matches!(answer(status, ""), Err(PutError::Exists)));
    }
    let text = |status, body| answer(status, body).unwrap_err().to_string();
    let denied = "<Error><Code>AccessDenied</Code><Message>the-key</Message></Error>";
    assert_eq!(
        text(403, denied),
        "the bucket answered with status 403 Forbidden (AccessDenied)"
    );
    for body in ["", "<Code>the-key</Code>", "<Code>AccessDenied", "\u{0}"] {
        assert_eq!(
            text(403, body),
            "the bucket answered with status 403 Forbidden"
        );
    }
    // A redirect leads elsewhere: nothing was written.
    let moved = text(301, "<Code>PermanentRedirect</Code>");
    assert!(moved.contains("301") && moved.contains("(PermanentRedirect)"));
}
