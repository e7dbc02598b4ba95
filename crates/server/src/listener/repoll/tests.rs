use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::AtomicUsize;

use super::*;

/// The task that polls: how often it was woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Task {
    fn woken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn what_wakes_itself_goes_on_without_its_task() {
    let (task, repoll) = (Arc::new(Task::default()), Repoll::new());
    let waker = Waker::from(Arc::clone(&task));
    let mut polls = 0;
    let mut twice = pin!(poll_fn(|context| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls == 2 {
            Poll::Ready("done")
        } else {
            Poll::Pending
        }
    }));
    let polled = repoll.poll(&mut Context::from_waker(&waker), twice.as_mut());
    assert_eq!(polled, Poll::Ready("done"));
    assert_eq!(task.woken(), 0);
}

#[test]
fn what_always_wakes_itself_lets_others_have_their_turn() {
    let (task, repoll) = (Arc::new(Task::default()), Repoll::new());
    let waker = Waker::from(Arc::clone(&task));
    let mut polls = 0;
    let mut endless = pin!(poll_fn(|context| {
        polls += 1;
        context.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    assert!(
        repoll
            .poll(&mut Context::from_waker(&waker), endless.as_mut())
            .is_pending()
    );
    assert_eq!(task.woken(), 1);
    assert_eq!(polls, MOST);
}

#[test]
fn what_is_woken_by_others_is_polled_by_its_task() {
    let (task, repoll) = (Arc::new(Task::default()), Repoll::new());
    let waker = Waker::from(Arc::clone(&task));
    let mut kept = None;
    let mut polls = 0;
    let mut waiting = pin!(poll_fn(|context| {
        polls += 1;
        kept = Some(context.waker().clone());
        Poll::<()>::Pending
    }));
    for round in 1..=2 {
        assert!(
            repoll
                .poll(&mut Context::from_waker(&waker), waiting.as_mut())
                .is_pending()
        );
        repoll.waker.wake_by_ref();
        repoll.waker.wake_by_ref();
        assert_eq!(task.woken(), round);
    }
    assert_eq!(polls, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_from_another_thread_is_missed() {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let sending = tokio::spawn(async move {
        for number in 0..10_000 {
            sender.send(number).await.unwrap();
        }
    });
    let repoll = Repoll::new();
    let mut counting = pin!(async {
        let mut count = 0;
        while receiver.recv().await.is_some() {
            count += 1;
        }
        count
    });
    let count = poll_fn(|context| repoll.poll(context, counting.as_mut())).await;
    assert_eq!(count, 10_000);
    sending.await.unwrap();
}
