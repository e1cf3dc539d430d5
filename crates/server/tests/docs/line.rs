//! A line between clients and a server that can be cut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Whoever connects to it is connected to the server at the other end, unless it is cut.
pub(crate) struct Line {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The server at the other end; while the line is cut there is none.
    server: Option<String>,
    open: Vec<TcpStream>,
}

impl Line {
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let line = Self { address, state: state.clone() };
        line.mend(server);
        thread::spawn(move || {
            for client in listener.incoming() {
                state.lock().unwrap().connect(&client.unwrap());
            }
        });
        line
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection; new ones end at once.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.server = None;
        for stream in state.open.drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// From now on the line leads to this server.
    pub(crate) fn mend(&self, server: &str) {
        self.state.lock().unwrap().server = Some(server.to_owned());
    }
}

impl State {
    fn connect(&mut self, client: &TcpStream) {
        let Some(server) = &self.server else { return };
        let Ok(server) = TcpStream::connect(server) else { return };
        for (from, to) in [(client, &server), (&server, client)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            self.open.push(from.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }
}
