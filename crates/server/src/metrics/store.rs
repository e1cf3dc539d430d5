//! What the store counts.

use std::fmt;
use std::sync::Arc;

use chat::Chat;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::store::Sqlite;

/// How often it is read, looked at when somebody asks.
#[derive(Debug)]
pub(super) struct Reads(pub(super) Arc<Chat<Sqlite>>);

impl Collector for Reads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Questions to the database";
        let mut metric =
            encoder.encode_descriptor("store_reads", help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&self.0.store().reads(), None)
    }
}
