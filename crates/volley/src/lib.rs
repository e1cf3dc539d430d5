#![doc = include_str!("../README.md")]

pub use access::{Origins, Pass, Refusal};
pub use builder::Builder;
pub use close::CloseReason;
pub use engine::Volley;
pub use event::{Answer, Event, Placeholder};
pub use frame::{EncodeError, Frame};
pub use group::Group;
pub use metrics::{FAN_OUT_BUCKETS, Snapshot};
pub use namespace::{Connect, Namespace, Refused};
pub use serve::{Peer, Server};
pub use service::Service;
pub use socket::{AckError, SendError, Socket};

pub mod engine_io;
pub mod limits;
pub mod raw;
pub mod serve;
pub mod socket_io;
pub mod websocket;

mod access;
mod builder;
mod close;
mod engine;
mod event;
mod frame;
mod group;
mod metrics;
mod namespace;
mod order;
mod service;
mod shard;
mod socket;
mod sync;
