//! People who enter a room one after the other: how long until each has what was said last and is in.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Crowd;
use crate::wire;

/// An answer that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long each client of an idle crowd needs to enter the same room, whose newest `page` messages
/// they are told first: from the request's last byte sent to its answer read.
pub(crate) fn enter_one_by_one(crowd: &mut Crowd, page: usize) -> Result<Vec<Duration>> {
    let dialect = crowd.dialect.clone();
    let mut trips = Vec::new();
    for newcomer in 0..crowd.connections.len() {
        let asked = Instant::now();
        crowd.connections[newcomer].send_text(dialect.join(0).as_bytes())?;
        let (mut told, mut joined) = (0, None);
        while joined.is_none() {
            ensure!(asked.elapsed() < PATIENCE, "nobody lets client {newcomer} in");
            crowd.hear(PATIENCE, |member, connection, bytes| {
                wire::each_frame(bytes, |opcode, payload| {
                    if dialect.value_of(payload).is_some() {
                        told += 1;
                    } else if member == newcomer && dialect.is_joined(payload)? {
                        joined = Some(asked.elapsed());
                        ensure!(told == page, "{told} messages instead of {page}");
                    } else if !dialect.is_aside(payload) {
                        connection.answer(opcode, payload)?;
                    }
                    Ok(())
                })
            })?;
        }
        trips.push(joined.context("it has just been set")?);
    }
    Ok(trips)
}
