//! Searches texts for values without holding up the thread's other work.

use std::panic::resume_unwind;

use tokio::task::{consume_budget, spawn_blocking};
use toolvault_core::json::Value;

/// Longer texts are searched in a thread of their own, in bytes. Where a value has fewer than 8 letters, the search reads
/// 10 MB/s, and other requests on the thread wait for it.
const LONGEST: usize = 256 << 10;

/// Runs `search` over `text`, in this thread if the text is short. Many short ones make room for other tasks in between.
pub async fn search<T: Send + 'static>(
    text: Value<'_>,
    search: impl FnOnce(Value<'_>) -> T + Send + 'static,
) -> T {
    if text.raw().len() <= LONGEST {
        consume_budget().await;
        return search(text);
    }
    let text = text.to_owned_value();
    match spawn_blocking(move || search(text.value())).await {
        Ok(found) => found,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use toolvault_core::json::parse;

    use super::*;

    #[tokio::test]
    async fn only_a_long_text_is_searched_in_another_thread() {
        let here = thread::current().id();
        for (length, is_here) in [(LONGEST, true), (LONGEST + 1, false)] {
            let text = format!("\"{}\"", "x".repeat(length - 2));
            let value = parse(text.as_bytes()).unwrap();
            let (thread, read) = search(value, |value| {
                (thread::current().id(), value.raw().to_owned())
            })
            .await;
            assert_eq!((thread == here, read == text), (is_here, true), "{length}");
        }
    }

    #[tokio::test]
    #[should_panic(expected = "of the search")]
    async fn a_panic_in_the_other_thread_is_one_here() {
        let text = format!("\"{}\"", "x".repeat(LONGEST));
        search(parse(text.as_bytes()).unwrap(), |_| panic!("of the search")).await;
    }

    #[tokio::test]
    async fn other_tasks_run_between_many_short_texts() {
        let other = tokio::spawn(async {});
        for _ in 0..1_000 {
            search(parse(b"1").unwrap(), |_| ()).await;
        }
        assert!(other.is_finished());
    }
}
