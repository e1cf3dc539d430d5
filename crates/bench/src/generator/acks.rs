//! One client alone in its room, one message at a time: how long until the server has acknowledged.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Crowd, Latencies, latencies};
use crate::wire::{self, MessageId};

const ACK: u32 = 7;

/// An acknowledgement that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Round trips of `message`, from its last byte sent to its acknowledgement read.
pub(crate) fn round_trips(
    crowd: &mut Crowd,
    warm_up: Duration,
    window: Duration,
) -> Result<Latencies> {
    let mut outgoing = crowd.dialect.outgoing(0, Some(ACK));
    let mut latency = latencies();
    let begun = Instant::now();
    for count in 0.. {
        let id = outgoing.stamp(0, count);
        let sent = Instant::now();
        if sent - begun > warm_up + window {
            break;
        }
        crowd.connections.first_mut().context("nobody is there")?.send_text(outgoing.payload())?;
        let trip = one_ack(crowd, sent, id)?;
        if sent - begun > warm_up {
            latency.saturating_record(trip.as_nanos() as u64);
        }
    }
    Ok(latency)
}

/// The message itself comes first: what a server sends to a socket arrives in that order.
fn one_ack(crowd: &mut Crowd, sent: Instant, id: MessageId) -> Result<Duration> {
    let dialect = crowd.dialect.clone();
    let mut delivered = None;
    let mut trip = None;
    while trip.is_none() {
        ensure!(sent.elapsed() < PATIENCE, "no acknowledgement came");
        crowd.hear(PATIENCE, |_, connection, bytes| {
            wire::each_frame(bytes, |opcode, payload| {
                if let Some(value) = dialect.value_of(payload) {
                    delivered = value.first_chunk().copied();
                } else if dialect.is_ack(payload, ACK)? {
                    trip = Some(sent.elapsed());
                    ensure!(delivered == Some(id), "the acknowledgement overtook the message");
                } else if !dialect.is_aside(payload) {
                    connection.answer(opcode, payload)?;
                }
                Ok(())
            })
        })?;
    }
    trip.context("it has just been set")
}
