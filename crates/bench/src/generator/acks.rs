//! One client alone in its room, one message at a time: how long until the server has acknowledged.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Crowd, Latencies, latencies, room_name};
use crate::wire::{self, MessageId, Outgoing};

const ACK: u32 = 7;
const ACKNOWLEDGED: &[u8] = b"437[true]";

/// An acknowledgement that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Round trips of `message`, from its last byte sent to its acknowledgement read.
pub(crate) fn round_trips(
    crowd: &mut Crowd,
    warm_up: Duration,
    window: Duration,
) -> Result<Latencies> {
    let mut outgoing = Outgoing::new(&room_name(0), Some(ACK));
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
    let mut delivered = None;
    let mut trip = None;
    while trip.is_none() {
        ensure!(sent.elapsed() < PATIENCE, "no acknowledgement came");
        crowd.hear(PATIENCE, |_, connection, bytes| {
            wire::each_frame(bytes, |opcode, payload| {
                if payload == ACKNOWLEDGED {
                    trip = Some(sent.elapsed());
                    ensure!(delivered == Some(id), "the acknowledgement overtook the message");
                } else if let Some(id) = wire::message_id(payload) {
                    delivered = Some(id);
                } else {
                    connection.answer(opcode, payload)?;
                }
                Ok(())
            })
        })?;
    }
    trip.context("it has just been set")
}
