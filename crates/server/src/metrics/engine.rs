//! What the engine counts of connections and frames.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use volley::{CloseReason, FAN_OUT_BUCKETS, Snapshot, Volley};

/// The engine, read when somebody asks.
#[derive(Debug)]
pub(super) struct Engine(pub(super) Volley);

impl Collector for Engine {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = self.0.metrics();
        let gauges = [
            ("websockets", "Connections that are WebSockets", now.websockets),
            ("polling_sessions", "Connections by long-polling", now.polling_sessions),
            ("frames_waiting", "Frames that wait for slow clients", now.frames_waiting),
            ("queued_bytes", "Bytes that wait for slow clients", now.queued_bytes),
            ("inbox_bytes", "Bytes that wait for the engine", now.inbox_bytes),
        ];
        for (name, help, value) in gauges {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            metric.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))?;
        }
        let counters = [
            ("connections_opened", "Connections opened", now.opened),
            ("upgrades", "Connections that went from long-polling to WebSocket", now.upgrades),
            ("packets_received", "Packets from clients", now.packets_received),
            ("frames_published", "Frames sent to rooms", now.frames_published),
            ("frames_queued", "Frames put into clients' queues", now.frames_queued),
            ("frames_sent", "Frames that left for clients", now.frames_sent),
            ("frames_discarded", "Frames whose client went before them", now.frames_discarded),
        ];
        for (name, help, value) in counters {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        closes(&mut encoder, &now)?;
        fan_out(&mut encoder, &now)
    }
}

fn closes(encoder: &mut DescriptorEncoder<'_>, now: &Snapshot) -> fmt::Result {
    let help = "Connections closed, and why";
    let mut metric =
        encoder.encode_descriptor("connections_closed", help, None, MetricType::Counter)?;
    for reason in CloseReason::ALL {
        let labels = [("reason", reason.as_str())];
        let mut closed = metric.encode_family(&labels)?;
        closed.encode_counter::<NoLabelSet, _, u64>(&now.closes[reason as usize], None)?;
    }
    Ok(())
}

/// The engine does not add up the times, so each counts as the longest that its bucket holds.
fn fan_out(encoder: &mut DescriptorEncoder<'_>, now: &Snapshot) -> fmt::Result {
    let seconds = |bucket: usize| f64::from(1 << bucket) / 1e6;
    let mut buckets: Vec<_> =
        now.fan_out.iter().enumerate().map(|(bucket, count)| (seconds(bucket), *count)).collect();
    let sum = buckets.iter().map(|(longest, count)| longest * *count as f64).sum();
    buckets[FAN_OUT_BUCKETS - 1].0 = f64::MAX;
    let help = "Time from a message's commit until it was written to all members of its room";
    let mut metric =
        encoder.encode_descriptor("fan_out_seconds", help, None, MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(sum, now.fan_out.iter().sum(), &buckets, None)
}
