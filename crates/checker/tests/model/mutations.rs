//! What must not be, put into a history in which all is well.

use checker::{Event, Path, Record};
use uuid::Uuid;

/// A change to a history that no honest server could have caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    LosesAnAckedRow,
    ForgetsOneHeard,
    RepeatsOneHeard,
    SwapsTwoHeard,
    ChangesAText,
    ChangesATime,
    ChangesANumberInAnAck,
    ChangesARow,
    RepeatsARow,
    MovesAJoin,
    InventsASender,
}

pub(crate) const ALL: [Mutation; 11] = [
    Mutation::LosesAnAckedRow,
    Mutation::ForgetsOneHeard,
    Mutation::RepeatsOneHeard,
    Mutation::SwapsTwoHeard,
    Mutation::ChangesAText,
    Mutation::ChangesATime,
    Mutation::ChangesANumberInAnAck,
    Mutation::ChangesARow,
    Mutation::RepeatsARow,
    Mutation::MovesAJoin,
    Mutation::InventsASender,
];

impl Mutation {
    /// The changed history, if it has what can be changed.
    pub(crate) fn of(self, records: &[Record], pick: usize) -> Option<Vec<Record>> {
        let mut records = records.to_vec();
        let told = |record: &Record| {
            matches!(record.event, Event::Heard { path: Path::Live | Path::Resume, .. })
        };
        match self {
            Self::LosesAnAckedRow => {
                let acked = |record: &Record| matches!(record.event, Event::Ok { .. });
                let (_, client_id) = about(&records[find(&records, pick, acked)?])?;
                // The rows behind it move up.
                records.retain(|record| {
                    !matches!(record.event, Event::Row { .. })
                        || about(record).is_none_or(|(_, row)| row != client_id)
                });
            }
            Self::ForgetsOneHeard => {
                // A page may begin anywhere, so what is missing must be heard live.
                let live =
                    |record: &Record| matches!(record.event, Event::Heard { path: Path::Live, .. });
                let index = find(&records, pick, live)?;
                let process = records[index].process;
                // What a client has not heard it may have read, and who leaves need not hear it.
                let excuses =
                    |event: &Event| matches!(event, Event::Read { .. } | Event::Left { .. });
                if records.iter().any(|one| one.process == process && excuses(&one.event)) {
                    return None;
                }
                records.remove(index);
            }
            Self::RepeatsOneHeard => {
                let index = find(&records, pick, told)?;
                records.insert(index, records[index].clone());
            }
            Self::SwapsTwoHeard => {
                let one = find(&records, pick, told)?;
                let same = |record: &&Record| {
                    let rooms = (about(record), about(&records[one]));
                    record.process == records[one].process
                        && matches!(rooms, (Some((room, _)), Some((other, _))) if room == other)
                };
                let next = records[one + 1..].iter().find(same)?.clone();
                if !told(&next) {
                    return None;
                }
                let other = records.iter().rposition(|record| *record == next)?;
                let event = records[one].event.clone();
                records[one].event = std::mem::replace(&mut records[other].event, event);
            }
            Self::ChangesAText | Self::ChangesATime => {
                let heard = |record: &Record| matches!(record.event, Event::Heard { .. });
                let index = find(&records, pick, heard)?;
                if let Event::Heard { message, .. } = &mut records[index].event {
                    message.body ^= u64::from(self == Self::ChangesAText);
                    message.at += i64::from(self == Self::ChangesATime);
                }
            }
            Self::ChangesANumberInAnAck => {
                let acked = |record: &Record| matches!(record.event, Event::Ok { .. });
                let index = find(&records, pick, acked)?;
                if let Event::Ok { seq, .. } = &mut records[index].event {
                    *seq += 1;
                }
            }
            Self::ChangesARow => {
                let row = |record: &Record| matches!(record.event, Event::Row { .. });
                let index = find(&records, pick, row)?;
                if let Event::Row { message, .. } = &mut records[index].event {
                    message.client_id = Uuid::from_u128(u128::MAX);
                }
            }
            Self::RepeatsARow => {
                let row = |record: &Record| matches!(record.event, Event::Row { .. });
                let index = find(&records, pick, row)?;
                records.insert(index, records[index].clone());
            }
            Self::MovesAJoin => {
                let joined = |record: &Record| matches!(record.event, Event::Joined { .. });
                let index = find(&records, pick, joined)?;
                if let Event::Joined { head, .. } = &mut records[index].event {
                    *head += 1;
                }
            }
            Self::InventsASender => {
                let row = |record: &Record| matches!(record.event, Event::Row { .. });
                let (_, client_id) = about(&records[find(&records, pick, row)?])?;
                records.retain(|record| {
                    !matches!(record.event, Event::Invoke { post } if post.client_id == client_id)
                });
            }
        }
        Some(records)
    }
}

fn find(records: &[Record], pick: usize, what: impl Fn(&Record) -> bool) -> Option<usize> {
    let found: Vec<usize> = (0..records.len()).filter(|&index| what(&records[index])).collect();
    found.get(pick.checked_rem(found.len())?).copied()
}

/// The room and the message it is about.
fn about(record: &Record) -> Option<(Uuid, Uuid)> {
    match &record.event {
        Event::Heard { room, message, .. } | Event::Row { room, message } => {
            Some((*room, message.client_id))
        }
        Event::Ok { post, .. } => Some((post.room, post.client_id)),
        Event::Joining { room, .. } | Event::Joined { room, .. } | Event::Left { room } => {
            Some((*room, Uuid::nil()))
        }
        _ => None,
    }
}
