//! `parlor`: everything is in the library, so that tests start the same server.

fn main() {}
