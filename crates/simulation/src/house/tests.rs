//! Stories that seeds have told, each played by itself.

use std::net::{IpAddr, Ipv4Addr};

use chat::wire::{Ack, Join, Joined, Say, Sent};
use chat::{ClientId, Name, NewRoom, NewUser, RoomName, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::*;

/// A server, and alice who is connected to it.
struct Stage {
    nature: Nature,
    executor: Executor,
    house: House,
    room: RoomId,
    alice: Line,
    asks: u64,
}

impl Stage {
    fn new() -> Self {
        let nature = Nature::of(1);
        let (mut executor, platter) = (Executor::default(), Platter::default());
        let disk = Arc::new(Moody::new(&nature));
        let (name, password) = (Name::parse("alice").unwrap(), PasswordHash("a horse".to_owned()));
        let user = NewUser { name, password: password.clone(), at: Timestamp(0) };
        let user = platter.data().create_user(&user).unwrap().user.id;
        let (id, name) = (RoomId::from_random_bytes([1; 16]), RoomName::parse("Tea").unwrap());
        let room = platter.data().create_room(&NewRoom { id, name, by: user, at: Timestamp(0) }).id;
        let house = House::open(&mut executor, &nature, &platter, &disk, EventRates::default());
        let latency = Duration::from_micros(1)..Duration::from_micros(2);
        let alice = Line::open(&nature, 0, 1, latency);
        let (at_home, line) = (house.clone(), alice.clone());
        executor.spawn(async move {
            let token = Token::from_random_bytes([1; 32]);
            let from = Network::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
            at_home.clone().log_in(user, password, token.clone()).await.unwrap();
            at_home.serve(line, token, from, Duration::ZERO).await;
        });
        let mut stage = Self { nature, executor, house, room, alice, asks: 0 };
        stage.pass(Duration::from_secs(1));
        stage
    }

    fn pass(&mut self, duration: Duration) {
        let until = self.nature.now() + u64::try_from(duration.as_nanos()).unwrap();
        // So that something happens at its end.
        self.nature.arrange(duration, Happening::Starts);
        while self.nature.now() < until {
            while self.executor.step(&self.nature) {}
            match self.nature.proceed() {
                Some(Happening::Woken(waker)) => waker.wake(),
                Some(Happening::Up(line)) => line.rises(),
                _ => {}
            }
        }
    }

    /// Alice asks for something; the answer, if there is one soon.
    fn ask<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        payload: impl Serialize,
    ) -> Option<Ack<T>> {
        self.asks += 1;
        self.alice.say(name, serde_json::to_string(&payload).unwrap().into(), self.asks);
        self.pass(Duration::from_millis(10));
        let packets: Vec<_> = std::iter::repeat_with(|| self.alice.arrived())
            .take_while(|packets| !packets.is_empty())
            .flatten()
            .collect();
        packets.iter().find_map(|packet| match packet {
            Packet::Ack(number, answer) if *number == self.asks => {
                Some(serde_json::from_str(answer).unwrap())
            }
            _ => None,
        })
    }

    fn join(&mut self) -> Joined {
        let join = Join { room: self.room, after: None, epoch: None };
        match self.ask("join", join) {
            Some(Ack::Ok(joined)) => joined,
            other => panic!("{other:?}"),
        }
    }

    fn say(&mut self) -> Option<Ack<Sent>> {
        let client_id = ClientId(Uuid::from_u128(1));
        self.ask("message", Say { room: self.room, client_id, body: "Milk?".to_owned() })
    }
}

/// While the engine had too much to send, a message could not be told, and its ack found no place. When it was repeated
/// it was acked; then its author joined again, before the room had caught up.
#[test]
fn who_was_acked_joins_no_log_that_ends_before_that() {
    let mut stage = Stage::new();
    stage.join();
    stage.house.switchboard().overload(Duration::from_millis(15));
    assert_eq!(stage.say(), None);
    stage.pass(Duration::from_millis(10));
    let Some(Ack::Ok(sent)) = stage.say() else { panic!("it is stored by now") };
    assert_eq!(stage.join().head, sent.seq);
}
