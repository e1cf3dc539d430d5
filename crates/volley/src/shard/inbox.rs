//! Where other threads leave orders for a shard. One lock, held for a push or a swap, never across work.

use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Wakes the thread that sleeps over an inbox.
pub(crate) trait Wake {
    /// May be called from any thread; a wake before the sleep counts for the sleep.
    fn wake(&self);
}

/// Orders in the order in which they were left.
///
/// It is bounded where it matters: those who send ask [`bytes`](Self::bytes) first and refuse above a limit, and shards
/// stop reading from clients well below it. Orders that carry no frame are few and always taken.
#[derive(Debug)]
pub(crate) struct Inbox<T, W> {
    state: Mutex<State<T>>,
    bytes: AtomicUsize,
    waker: W,
}

#[derive(Debug)]
struct State<T> {
    orders: Vec<T>,
    bytes: usize,
    asleep: bool,
    closed: bool,
}

impl<T, W: Wake> Inbox<T, W> {
    pub(crate) fn new(waker: W) -> Self {
        let state = State { orders: Vec::new(), bytes: 0, asleep: false, closed: false };
        Self { state: Mutex::new(state), bytes: AtomicUsize::new(0), waker }
    }

    /// Leaves an order that brings `bytes` with it. Once the inbox is closed the order is dropped, and what waits for its
    /// answer learns so by that.
    pub(crate) fn push(&self, order: T, bytes: usize) {
        drop(self.offer(order, bytes));
    }

    /// Leaves an order, or gives it back because the inbox is closed.
    pub(crate) fn offer(&self, order: T, bytes: usize) -> Result<(), T> {
        let wake = {
            let mut state = self.state.lock().expect("no push panics");
            if state.closed {
                return Err(order);
            }
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            state.bytes += bytes;
            state.orders.push(order);
            std::mem::take(&mut state.asleep)
        };
        if wake {
            self.waker.wake();
        }
        Ok(())
    }

    /// Wakes the shard if it sleeps, for something that is not in here.
    pub(crate) fn rouse(&self) {
        let wake = std::mem::take(&mut self.state.lock().expect("no push panics").asleep);
        if wake {
            self.waker.wake();
        }
    }

    /// Bytes left and not yet carried out.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes all orders into the empty `orders`, whose capacity stays behind for the next ones, and says how many bytes to
    /// [`release`](Self::release) when they are carried out.
    pub(crate) fn take(&self, orders: &mut Vec<T>) -> usize {
        debug_assert!(orders.is_empty(), "what was taken before is carried out first");
        let mut state = self.state.lock().expect("no push panics");
        std::mem::swap(&mut state.orders, orders);
        std::mem::take(&mut state.bytes)
    }

    /// Says that orders with so many bytes are carried out.
    pub(crate) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether the shard may sleep: nothing is left here, and the next push will wake it.
    pub(crate) fn sleep(&self) -> bool {
        let mut state = self.state.lock().expect("no push panics");
        state.asleep = state.orders.is_empty();
        state.asleep
    }

    /// The shard is awake for another reason, so no push needs to wake it.
    pub(crate) fn awake(&self) {
        self.state.lock().expect("no push panics").asleep = false;
    }

    /// Takes no more orders and drops those that are left.
    pub(crate) fn close(&self) {
        let left = {
            let mut state = self.state.lock().expect("no push panics");
            state.closed = true;
            self.release(std::mem::take(&mut state.bytes));
            std::mem::take(&mut state.orders)
        };
        drop(left);
    }
}
