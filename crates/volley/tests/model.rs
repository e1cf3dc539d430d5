//! Every interleaving of the few places where threads meet: leaving orders, sleeping, joining, sending, closing.
//!
//! The files under test are the engine's own, compiled here once more with the model checker's locks instead of the
//! system's.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "the files are included for a part of what they hold"
)]

mod sync {
    pub(crate) use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
}
#[path = "../src/shard/inbox.rs"]
mod inbox;
#[path = "../src/order.rs"]
mod order;
#[path = "../src/shard/rung.rs"]
mod rung;

use std::mem::take;

use inbox::{Inbox, Wake};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use order::Order;
use rung::Rung;
use sync::{AtomicUsize, Ordering};

/// A poll that can be woken, as far as an inbox knows one.
#[derive(Default)]
struct Poll {
    woken: Mutex<bool>,
    wake: Condvar,
}

struct Waker(Arc<Poll>);

impl Wake for Waker {
    fn wake(&self) {
        *self.0.woken.lock().unwrap() = true;
        self.0.wake.notify_one();
    }
}

impl Poll {
    fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !take(&mut *woken) {
            woken = self.wake.wait(woken).unwrap();
        }
    }
}

/// A shard, as far as its inbox knows one: it sleeps when it may, and otherwise takes what was left.
struct Shard {
    poll: Arc<Poll>,
    inbox: Arc<Inbox<Command, Waker>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Frame(u32),
    /// A backlog, then membership.
    Join(Vec<u32>),
    Resume,
    Stop,
}

impl Shard {
    fn new() -> Self {
        let poll = Arc::new(Poll::default());
        Self { inbox: Arc::new(Inbox::new(Waker(poll.clone()))), poll }
    }

    /// Runs until so many orders were carried out, and returns them.
    fn take(&self, orders: usize) -> Vec<Command> {
        let mut taken = Vec::new();
        while taken.len() < orders {
            if self.inbox.sleep() {
                self.poll.sleep();
                self.inbox.awake();
            }
            let mut left = Vec::new();
            let bytes = self.inbox.take(&mut left);
            self.inbox.release(bytes);
            taken.append(&mut left);
        }
        taken
    }
}

/// What a member receives: nothing before it joined, its backlog, then everything.
fn received(orders: Vec<Command>) -> Vec<u32> {
    let mut received = None;
    for order in orders {
        match order {
            Command::Frame(frame) => {
                received.iter_mut().for_each(|seen: &mut Vec<u32>| seen.push(frame))
            }
            Command::Join(backlog) => received = Some(backlog),
            Command::Resume | Command::Stop => {}
        }
    }
    received.unwrap_or_default()
}

#[test]
fn an_order_that_is_left_while_the_shard_falls_asleep_wakes_it() {
    loom::model(|| {
        let shard = Shard::new();
        let threads: Vec<_> = (0..2)
            .map(|frame| {
                let inbox = shard.inbox.clone();
                thread::spawn(move || inbox.push(Command::Frame(frame), 10))
            })
            .collect();
        // A lost wake-up shows as a deadlock, which the checker reports.
        assert_eq!(shard.take(2).len(), 2);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(shard.inbox.bytes(), 0);
    });
}

#[test]
fn an_order_is_carried_out_or_given_back_when_the_inbox_closes_meanwhile() {
    loom::model(|| {
        let shard = Shard::new();
        let inbox = shard.inbox.clone();
        let sender = thread::spawn(move || inbox.offer(Command::Frame(1), 10));
        let mut left = Vec::new();
        let bytes = shard.inbox.take(&mut left);
        shard.inbox.release(bytes);
        shard.inbox.close();
        let given_back = sender.join().unwrap();
        // Third way: it came between the last look and the close, and was dropped with the rest.
        let carried_out = left.len();
        assert!(carried_out + usize::from(given_back.is_err()) <= 1);
        assert_eq!(shard.inbox.offer(Command::Stop, 0), Err(Command::Stop));
    });
}

#[test]
fn members_in_different_shards_receive_the_frames_of_two_senders_in_one_order() {
    loom::model(|| {
        let shards = [Shard::new(), Shard::new()];
        let order = Arc::new(Order::new(2));
        order.join(0, || ());
        order.join(1, || ());
        let senders: Vec<_> = [1, 2]
            .into_iter()
            .map(|frame| {
                let (order, inboxes) =
                    (order.clone(), [shards[0].inbox.clone(), shards[1].inbox.clone()]);
                thread::spawn(move || {
                    order.send(|shard| inboxes[shard].push(Command::Frame(frame), 1))
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert_eq!(shards[0].take(2), shards[1].take(2));
    });
}

#[test]
fn a_backlog_and_what_is_sent_while_joining_meet_without_a_gap_or_a_repeat() {
    loom::model(|| {
        let shard = Shard::new();
        let order = Arc::new(Order::new(1));
        // The application's log: what was sent so far, under the application's own lock.
        let log = Arc::new(Mutex::new(Vec::new()));
        let senders: Vec<_> = (0..2)
            .map(|_| {
                let (order, inbox, log) = (order.clone(), shard.inbox.clone(), log.clone());
                thread::spawn(move || {
                    let mut log = log.lock().unwrap();
                    let frame = log.len() as u32 + 1;
                    log.push(frame);
                    order.send(|_| inbox.push(Command::Frame(frame), 1));
                })
            })
            .collect();
        {
            let log = log.lock().unwrap();
            order.join(0, || shard.inbox.push(Command::Join(log.clone()), 0));
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        shard.inbox.push(Command::Stop, 0);
        let mut orders = Vec::new();
        while orders.last() != Some(&Command::Stop) {
            orders.append(&mut shard.take(1));
        }
        assert_eq!(received(orders), [1, 2]);
    });
}

#[test]
fn a_send_that_meets_the_last_member_leaving_finds_it_or_finds_nobody() {
    loom::model(|| {
        let shard = Shard::new();
        let order = Arc::new(Order::new(1));
        order.join(0, || ());
        let (leaving, inbox) = (order.clone(), shard.inbox.clone());
        let sender = {
            let order = order.clone();
            thread::spawn(move || order.send(|_| inbox.push(Command::Frame(1), 1)))
        };
        leaving.left(0);
        sender.join().unwrap();
        assert_eq!(order.members(), 0);
        assert!(shard.inbox.bytes() <= 1);
    });
}

#[test]
fn a_handler_that_was_rung_for_twice_sees_both_things_or_is_resumed_twice() {
    loom::model(|| {
        let shard = Shard::new();
        let rung = Arc::new(Rung::default());
        let come = Arc::new(AtomicUsize::new(0));
        assert!(rung.ring());
        shard.inbox.push(Command::Resume, 0);
        let second = {
            let (rung, inbox, come) = (rung.clone(), shard.inbox.clone(), come.clone());
            thread::spawn(move || {
                // Nothing but the ring makes this seen.
                come.store(1, Ordering::Relaxed);
                if rung.ring() {
                    inbox.push(Command::Resume, 0);
                }
            })
        };
        // One that is lost shows as a deadlock.
        loop {
            assert_eq!(shard.take(1), [Command::Resume]);
            rung.listen();
            if come.load(Ordering::Relaxed) == 1 {
                break;
            }
        }
        second.join().unwrap();
    });
}

/// The checker is worth something only if it finds what is broken on purpose: here a sleeper that looks first and says only
/// then that it sleeps.
#[test]
#[should_panic(expected = "nobody would wake it")]
fn the_checker_finds_a_lost_wake_up() {
    loom::model(|| {
        let woken = Arc::new(Mutex::new(false));
        let (orders, asleep) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(false)));
        let push = {
            let (orders, asleep, woken) = (orders.clone(), asleep.clone(), woken.clone());
            thread::spawn(move || {
                *orders.lock().unwrap() += 1;
                *woken.lock().unwrap() = take(&mut *asleep.lock().unwrap());
            })
        };
        let sleeps = *orders.lock().unwrap() == 0;
        if sleeps {
            *asleep.lock().unwrap() = true;
        }
        push.join().unwrap();
        assert!(!sleeps || *woken.lock().unwrap(), "nobody would wake it");
    });
}
