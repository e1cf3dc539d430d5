//! How fast the store is by itself: `cargo run --release -p server --example store_speed [FOLDER]`. With a folder the
//! database stays, and a second run finds it large.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::{
    Activity, Body, ClientId, Fanout, Logged, Name, NewMessage, NewRoom, NewUser, Page,
    PasswordHash, RoomId, RoomName, Store, Timestamp, User,
};
use server::Random;
use server::store::Sqlite;
use uuid::Builder;

const BODY: &str = "A message of the length that people write on average: neither short nor long, and with \
                    something in it that makes it 150 bytes, as in all the other tables.";
const SENDERS: u64 = 64;
const ROOMS: usize = 256;
const MESSAGES_EACH: u64 = 4_000;
const LARGE_ROOM: u64 = 1_000_000;
const PARTICIPANTS: u64 = 100_000;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What kind of UUID clients make up.
#[derive(Debug, Clone, Copy)]
enum Version {
    /// Version 4.
    Random,
    /// Version 7.
    TimeFirst,
}

/// Listens to nothing.
struct Deaf;

impl Fanout for Deaf {
    fn publish(&self, _: &[Logged]) {}
}

#[derive(Clone)]
struct Bench {
    store: Arc<Sqlite>,
    random: Random,
    version: Version,
    begun: Instant,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let stays = std::env::args().nth(1);
    let passing = std::env::temp_dir().join(format!("store-speed-{}", std::process::id()));
    let folder = stays.as_ref().map_or(passing.as_path(), Path::new);

    let begun = Instant::now();
    let store = Sqlite::open(folder, Arc::new(Deaf))?;
    println!("open                              {:>10.2?}", begun.elapsed());
    println!("resident, idle                    {:>7} KiB", resident_kib()?);
    let random = Random::seeded(begun.elapsed().subsec_nanos().into());
    let mut bench = Bench { store: Arc::new(store), random, version: Version::Random, begun };
    let alice = bench.user("alice").await?;
    for version in [Version::Random, Version::TimeFirst] {
        bench.version = version;
        println!("with client ids that are UUIDs {version:?}");
        bench.appends(&alice, 1, 2_000).await?;
        bench.appends(&alice, SENDERS, MESSAGES_EACH).await?;
        bench.appends(&alice, 4 * SENDERS, MESSAGES_EACH / 2).await?;
    }
    bench.large_room(&alice).await?;
    bench.crowd(&alice).await?;
    println!("resident, after all that          {:>7} KiB", resident_kib()?);

    let closing = Instant::now();
    bench.store.close().await;
    println!("close                             {:>10.2?}", closing.elapsed());
    if stays.is_none() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

impl Bench {
    /// Somebody whose name begins with this.
    async fn user(&self, name: &str) -> Outcome<User> {
        let number = u32::from_be_bytes(self.random.bytes());
        let name = Name::parse(&format!("{name}{number}"))?;
        let user = NewUser { name, password: PasswordHash(String::new()), at: Timestamp(1) };
        Ok(self.store.create_user(user).await?.user)
    }

    async fn room(&self, by: &User) -> Outcome<RoomId> {
        let id = RoomId::from_random_bytes(self.random.bytes());
        let room = NewRoom { id, name: RoomName::parse("A room")?, by: by.id, at: Timestamp(1) };
        Ok(self.store.create_room(room).await?.id)
    }

    fn message(&self, room: RoomId, author: &User, body: &Body) -> NewMessage {
        let bytes = self.random.bytes();
        let client_id = match self.version {
            Version::Random => Builder::from_random_bytes(bytes),
            Version::TimeFirst => {
                let [_, _, _, _, _, _, random @ ..] = bytes;
                let time = self.begun.elapsed().as_millis() as u64;
                Builder::from_unix_timestamp_millis(time, &random)
            }
        };
        let client_id = ClientId(client_id.into_uuid());
        NewMessage { room, client_id, author: author.clone(), body: body.clone(), at: Timestamp(2) }
    }

    /// Each sender says the next thing when the last one is acked.
    async fn appends(&self, author: &User, senders: u64, each: u64) -> Outcome<()> {
        let mut rooms = Vec::new();
        for _ in 0..ROOMS {
            rooms.push(self.room(author).await?);
        }
        let rooms = Arc::new(rooms);
        let body = Body::parse(BODY)?;
        let begun = Instant::now();
        let senders = (0..senders).map(|sender| {
            let (bench, author) = (self.clone(), author.clone());
            let (rooms, body) = (rooms.clone(), body.clone());
            tokio::spawn(async move {
                let mut taken = Vec::new();
                for number in 0..each {
                    let room = rooms[(sender * 7 + number) as usize % rooms.len()];
                    let message = bench.message(room, &author, &body);
                    let asked = Instant::now();
                    bench.store.append(message).await?;
                    taken.push(asked.elapsed());
                }
                Outcome::Ok(taken)
            })
        });
        let mut taken = Vec::new();
        for sender in senders.collect::<Vec<_>>() {
            taken.extend(sender.await??);
        }
        let rate = taken.len() as f64 / begun.elapsed().as_secs_f64();
        let senders = taken.len() as u64 / each;
        println!(
            "append, {senders:>4} senders              {rate:>8.0} /s   {}",
            percentiles(taken)
        );
        Ok(())
    }

    async fn large_room(&self, author: &User) -> Outcome<()> {
        let room = self.room(author).await?;
        let body = Body::parse(BODY)?;
        let writers = (0..SENDERS).map(|_| {
            let (bench, author, body) = (self.clone(), author.clone(), body.clone());
            tokio::spawn(async move {
                for _ in 0..LARGE_ROOM / SENDERS {
                    bench.store.append(bench.message(room, &author, &body)).await?;
                }
                Outcome::Ok(())
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await??;
        }
        for (what, page) in [("newest", None), ("somewhere", Some(LARGE_ROOM))] {
            let mut taken = Vec::new();
            for _ in 0..2_000 {
                let place = u64::from(u32::from_be_bytes(self.random.bytes()));
                let page =
                    page.map_or(Page::Newest, |length| Page::Before(chat::Seq(place % length)));
                let asked = Instant::now();
                self.store.history(room, page, 50).await?;
                taken.push(asked.elapsed());
            }
            println!("50 of 1,000,000, {what:<14}             {}", percentiles(taken));
        }
        Ok(())
    }

    async fn crowd(&self, author: &User) -> Outcome<()> {
        let room = self.room(author).await?;
        let mut activities = Vec::new();
        for number in 0..PARTICIPANTS / 1000 {
            let guests = (0..1000).map(|_| {
                let bench = self.clone();
                tokio::spawn(async move { bench.user("guest").await })
            });
            for guest in guests.collect::<Vec<_>>() {
                // Two of them may draw the same name.
                let Ok(guest) = guest.await? else { continue };
                activities.push(Activity {
                    room,
                    user: guest.id,
                    at: Timestamp(number.cast_signed()),
                });
            }
        }
        for what in ["first", "again"] {
            activities
                .iter_mut()
                .for_each(|activity| activity.at = activity.at.plus(Duration::from_secs(30)));
            let begun = Instant::now();
            self.store.record_activity(activities.clone(), vec![]).await?;
            let rate = activities.len() as f64 / begun.elapsed().as_secs_f64();
            println!("activity, {what:<5}                   {rate:>8.0} /s");
        }
        let mut taken = Vec::new();
        for _ in 0..2_000 {
            let asked = Instant::now();
            self.store.participants(room, 200).await?;
            taken.push(asked.elapsed());
        }
        println!("200 of 100,000 participants                    {}", percentiles(taken));
        Ok(())
    }
}

fn percentiles(mut taken: Vec<Duration>) -> String {
    taken.sort_unstable();
    let at = |percent| taken[(taken.len() - 1) * percent / 100];
    format!("p50 {:>9.1?}  p99 {:>9.1?}  max {:>9.1?}", at(50), at(99), at(100))
}

fn resident_kib() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
