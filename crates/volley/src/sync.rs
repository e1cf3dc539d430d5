//! The primitives that threads share, named in one place so that the model checker can stand in for them.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
