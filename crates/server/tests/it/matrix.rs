//! Every route with every kind of caller. [`table`] has the expected answers; a route without a row, or
//! a row without a route, fails.

mod cast;
mod foreign;
mod gateway;
mod local;
mod public;
mod table;
mod targets;

use std::collections::BTreeSet;

use self::cast::Cast;
use self::table::{Row, rows};
use self::targets::Target;
use crate::harness::{Actor, Answer, World};

/// The part of an answer that must not depend on the spelling of the URL.
fn essence(answer: &Answer) -> String {
    let body = if answer.status < 400 {
        String::new()
    } else {
        answer.text().to_owned()
    };
    format!("{} {body}", answer.outcome())
}

/// The spellings of the path of a route.
fn spellings(path: &str) -> Vec<String> {
    let Some(rest) = path.strip_prefix("/api/v1/") else {
        return vec![path.to_owned()];
    };
    let rest = rest.trim_end_matches('/');
    ["/v1/", "/api/v1/"]
        .into_iter()
        .flat_map(|prefix| [format!("{prefix}{rest}"), format!("{prefix}{rest}/")])
        .collect()
}

fn is_in_session(actor: &Actor) -> bool {
    actor.find("cookie").is_some() && actor.find("x-csrf-token").is_some()
}

/// The answer to `actor` for the route, under every spelling of its path.
async fn ask(world: &World, cast: &Cast, actor: &Actor, row: &Row, is_refused: bool) -> u16 {
    let mut answers = Vec::new();
    for spelling in spellings(row.path) {
        // Refused callers change nothing, so they can share one target.
        let target = if is_refused {
            cast.spare.clone()
        } else {
            Target::new(world, actor.user, row.path).await
        };
        let path = target.fill(&spelling);
        // Signing out ends a session, so that each request has its own.
        let signed_in = row.path.ends_with("/session") && is_in_session(actor);
        let in_session = if signed_in {
            Some(world.in_session().await)
        } else {
            None
        };
        let actor = in_session.as_ref().unwrap_or(actor);
        let answer = match row.body {
            None => actor.send(row.method, &path, None, b"").await,
            Some(body) => {
                // Names of users are unique.
                let body = body.replace("<number>", &world.fresh_number().to_string());
                actor.json(row.method, &path, &body).await
            }
        };
        answers.push((spelling, answer));
    }
    let first = essence(&answers[0].1);
    for (spelling, answer) in &answers {
        assert_eq!(essence(answer), first, "{} {spelling}", row.method);
    }
    answers[0].1.status
}

#[tokio::test]
async fn every_caller_is_answered_as_the_table_says() {
    let (world, cast) = Cast::assemble().await;
    let mut wrong = Vec::new();
    for row in rows() {
        for (name, expected) in row.expected() {
            let actor = cast.actor(name);
            let is_refused = expected == 401;
            let status = ask(&world, &cast, actor, &row, is_refused).await;
            if status != expected {
                let route = format!("{} {}", row.method, row.path);
                wrong.push(format!("{route} as {name}: {status}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let document = toolvault_server::openapi_document();
    let mut served = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [
            "get", "put", "post", "delete", "patch", "head", "options", "trace",
        ] {
            if item.get(method).is_some() {
                served.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let listed: BTreeSet<String> = rows()
        .iter()
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
    assert_eq!(listed, served);
}

#[test]
fn every_row_says_something_about_every_caller() {
    for row in rows() {
        assert_eq!(row.expected().len(), cast::NAMES.len(), "{}", row.path);
    }
}
