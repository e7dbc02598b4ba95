//! The files of the page, and the headers that restrict what it can do.

use crate::harness::World;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn every_file_of_the_page_can_do_only_what_the_page_needs() {
    let world = World::start().await;
    for path in ["/", "/dashboard/index.html"] {
        let answer = world.anonymous().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(answer.header("content-security-policy"), Some(POLICY));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            Some("same-origin")
        );
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(answer.text().contains("<title>Toolvault"));
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let world = World::start().await;
    let first = world.anonymous().get("/").await;
    let tag = first.header("etag").unwrap();
    let again = world.anonymous().with("if-none-match", tag).get("/").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(tag));
    assert_eq!(again.header("content-security-policy"), Some(POLICY));
    let other = world.anonymous().with("if-none-match", "\"other\"");
    assert_eq!(other.get("/").await.body, first.body);
}

#[tokio::test]
async fn a_page_of_another_name_is_not_served() {
    let world = World::start().await;
    for path in ["/", "/dashboard/index.html"] {
        // DNS rebinding: the name of a stranger that leads to this machine.
        let rebound = world.anonymous().with("host", "rebound.example");
        rebound.get(path).await.refused(403, "host_not_allowed");
    }
}

#[tokio::test]
async fn without_a_dashboard_there_are_neither_pages_nor_sessions() {
    let world = World::start_with(|settings| settings.server.dashboard.enabled = false).await;
    for path in ["/", "/dashboard/index.html", "/v1/session"] {
        world
            .anonymous()
            .get(path)
            .await
            .refused(404, "no_such_route");
    }
    let key = world.keys.operator.expose();
    world.sign_in(key).await.refused(404, "no_such_route");
    let elsewhere = World::start().await.in_session().await;
    let cookie = elsewhere.sends("cookie");
    let person = world.anonymous().with("cookie", cookie);
    person.get("/v1/me").await.refused(401, "unauthenticated");
}
