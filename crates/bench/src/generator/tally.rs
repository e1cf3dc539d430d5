//! What one member of a room has received, in three numbers. Kept for each of ten thousand members
//! and for millions of messages a second, so it is a few multiplications and no memory: compared at
//! the end, it shows that each message came once, and in which order relative to other members.
use crate::wire::MessageId;

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Tally {
    count: u64,
    /// Depends on which messages they were, not on their order.
    messages: u64,
    /// Depends on their order too.
    order: u64,
}

impl Tally {
    #[inline]
    pub(super) fn add(&mut self, id: MessageId) {
        let number = scatter(u64::from_le_bytes(id));
        self.count += 1;
        self.messages = self.messages.wrapping_add(number);
        self.order = self.order.wrapping_mul(ODD).wrapping_add(number);
    }

    /// Each message once, whatever the order.
    pub(super) fn has_what(&self, sent: &Self) -> bool {
        self.count == sent.count && self.messages == sent.messages
    }

    pub(super) fn is_in_the_order_of(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

/// Any odd number with its bits well mixed: 2⁶⁴ divided by the golden ratio.
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Sets apart numbers that differ in one digit, so that one message lost and another doubled do not
/// add up to the right sum.
#[inline]
fn scatter(number: u64) -> u64 {
    let folded = number.wrapping_mul(ODD);
    (folded ^ (folded >> 32)).wrapping_mul(ODD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(ids: &[&[u8; 8]]) -> Tally {
        let mut tally = Tally::default();
        for id in ids {
            tally.add(**id);
        }
        tally
    }

    #[test]
    fn a_message_lost_or_doubled_does_not_go_unnoticed() {
        let sent = tally(&[b"00000001", b"00000002", b"00100001", b"00100002"]);
        let lost = tally(&[b"00000001", b"00000002", b"00100001"]);
        let doubled = tally(&[b"00000001", b"00000001", b"00100001", b"00100002"]);
        // What is lost and what is doubled are the same in sum, as numbers.
        let swapped = tally(&[b"00000001", b"00000001", b"00100002", b"00100002"]);
        assert!(!lost.has_what(&sent));
        assert!(!doubled.has_what(&sent));
        assert!(!swapped.has_what(&sent));
        assert!(sent.has_what(&sent));
    }

    #[test]
    fn another_order_is_the_same_messages_and_no_more() {
        let alice = tally(&[b"00000001", b"00100001", b"00000002"]);
        let bob = tally(&[b"00100001", b"00000001", b"00000002"]);
        assert!(alice.has_what(&bob));
        assert!(!alice.is_in_the_order_of(&bob));
        assert!(alice.is_in_the_order_of(&alice));
    }
}
