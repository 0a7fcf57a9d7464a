//! Events that were written together, as one row: a tenth of the price of a row each.

use std::{collections::HashSet, fmt::Write};

use orchestrator_protocol::{Seq, Timestamp, WorkerId};

use super::{column, uuid, varint};
use crate::store::{
    error::StoreError,
    row::Key,
    sqlite::sql::{Cells, Insert},
    writer::codec::{damaged, event::Happening, kind_code, kind_of, state_code, state_of},
};

/// Events of one row at the most: two full rows of plain ones fill a page.
const MOST: usize = 64;

/// The length from which on a row takes no more events.
const LONG: usize = 1500;

/// How many digits of a row's links tell of one event. The queries that follow them say it too.
const DIGITS: usize = 12;

/// Events whose places in the history follow each other.
#[derive(Debug, PartialEq)]
pub(in crate::store::sqlite) struct Chunk {
    first: Seq,
    last: Seq,
    /// Which kinds of events there are: a bit each.
    kinds: i64,
    /// Of each event, in [`DIGITS`] digits, how far before it its task's event before it is: all the way to 0 if it is the
    /// first.
    links: String,
    body: Vec<u8>,
}

/// Writes rows of `event`.
pub(in crate::store::sqlite) static INSERT: Insert =
    Insert::new("insert into event(seq,first,kinds,links,body)", 5, "");

/// The parameters of one row of [`INSERT`].
pub(in crate::store::sqlite) fn bind<'r>(cells: &mut Cells<'r>, chunk: &'r Chunk) {
    cells.int(chunk.last.0);
    cells.int(chunk.first.0);
    cells.int(chunk.kinds);
    cells.text(chunk.links.as_str());
    cells.bytes(&chunk.body);
}

/// The bits of kinds of events, by their numbers.
pub(in crate::store::sqlite) fn kinds(codes: impl IntoIterator<Item = i64>) -> i64 {
    codes.into_iter().fold(0, |kinds, code| kinds | 1 << code)
}

/// Events in the order of their places, as rows.
pub(in crate::store::sqlite) fn pack(events: &[Happening]) -> Vec<Chunk> {
    let mut chunks = Vec::with_capacity(events.len() / MOST + 1);
    let mut rest = events;
    while let Some(first) = rest.first() {
        let mut packer = Packer::new(first);
        let mut links = String::with_capacity(DIGITS * MOST.min(rest.len()));
        let mut count = 0;
        for (event, place) in rest.iter().take(MOST).zip(first.seq.0..) {
            if event.seq.0 != place || packer.body.len() >= LONG {
                break;
            }
            packer.add(event);
            write!(links, "{:0DIGITS$}", event.seq.0 - event.previous.0).expect("a String takes everything");
            count += 1;
        }
        let (now, later) = rest.split_at(count);
        chunks.push(Chunk {
            first: first.seq,
            last: Seq(first.seq.0 + count as i64 - 1),
            kinds: kinds(now.iter().map(|event| kind_code(event.kind))),
            links,
            body: packer.body,
        });
        rest = later;
    }
    chunks
}

/// The events of a row of `seq,first,body`. Which event of its task came before each is not said.
pub(in crate::store::sqlite) fn decode(row: &sqlx::sqlite::SqliteRow) -> Result<Vec<Happening>, StoreError> {
    unpack(Seq(column(row, 1)?), column(row, 2)?)
}

/// The events of a body.
pub(in crate::store::sqlite) fn unpack(first: Seq, body: &[u8]) -> Result<Vec<Happening>, StoreError> {
    let mut unpacker = Unpacker::new(first, body);
    let mut events = Vec::new();
    while !unpacker.rest.is_empty() {
        let event = unpacker.next()?;
        events.push(event.ok_or_else(|| damaged("event", "it is cut off"))?);
    }
    Ok(events)
}

/// The body of a row of `seq,first,body` without the events of some tasks; none when nothing is left.
pub(in crate::store::sqlite) fn without(
    row: &sqlx::sqlite::SqliteRow,
    tasks: &HashSet<i64>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let first = Seq(column(row, 1)?);
    let mut left = unpack(first, column(row, 2)?)?;
    left.retain(|event| !tasks.contains(&event.key.0));
    let Some(event) = left.first() else { return Ok(None) };
    let mut packer = Packer::new(event);
    packer.seq = first.0;
    for event in &left {
        packer.add(event);
    }
    Ok(Some(packer.body))
}

/// Writes events one after the other, each by how it differs from the one before.
struct Packer {
    body: Vec<u8>,
    seq: i64,
    key: i64,
    at: i64,
    workers: Vec<WorkerId>,
}

impl Packer {
    fn new(first: &Happening) -> Self {
        Self {
            body: Vec::with_capacity(256),
            seq: first.seq.0,
            key: 0,
            at: 0,
            workers: Vec::new(),
        }
    }

    fn add(&mut self, event: &Happening) {
        let body = &mut self.body;
        varint::put(body, (event.seq.0 - self.seq) as u64);
        varint::put_signed(body, event.key.0.wrapping_sub(self.key));
        varint::put_signed(body, event.at.as_micros().wrapping_sub(self.at));
        body.push(kind_code(event.kind) as u8);
        body.push(event.state.map_or(0, |state| state_code(state) as u8 + 1));
        varint::put(body, event.attempt.map_or(0, |attempt| u64::from(attempt) + 1));
        match event.worker {
            None => body.push(0),
            Some(worker) => {
                let known = self.workers.iter().position(|known| *known == worker);
                // One after the last that is known is a new one, whose id follows.
                varint::put(body, known.unwrap_or(self.workers.len()) as u64 + 1);
                if known.is_none() {
                    body.extend(worker.as_bytes());
                    self.workers.push(worker);
                }
            }
        }
        let more = event.more.as_deref();
        varint::put(body, more.map_or(0, |more| more.len() as u64 + 1));
        body.extend(more.unwrap_or_default().as_bytes());
        (self.seq, self.key, self.at) = (event.seq.0, event.key.0, event.at.as_micros());
    }
}

/// Reads what a [`Packer`] wrote.
struct Unpacker<'b> {
    rest: &'b [u8],
    seq: i64,
    key: i64,
    at: i64,
    workers: Vec<WorkerId>,
}

impl<'b> Unpacker<'b> {
    fn new(first: Seq, body: &'b [u8]) -> Self {
        Self {
            rest: body,
            seq: first.0,
            key: 0,
            at: 0,
            workers: Vec::new(),
        }
    }

    /// The next event; none when the body is cut off.
    fn next(&mut self) -> Result<Option<Happening>, StoreError> {
        let Some(plain) = self.plain() else { return Ok(None) };
        let (kind, state, attempt, worker, more) = plain;
        let worker = match worker {
            None => None,
            Some(Known::As(worker)) => Some(worker),
            Some(Known::New(bytes)) => {
                let worker = WorkerId::from_uuid(uuid(bytes)?);
                self.workers.push(worker);
                Some(worker)
            }
        };
        let more = more.map(|more| std::str::from_utf8(more).map_err(|e| damaged("event", e)));
        Ok(Some(Happening {
            seq: Seq(self.seq),
            key: Key(self.key),
            previous: Seq(0),
            at: Timestamp::from_micros(self.at),
            kind: kind_of(i64::from(kind))?,
            state: match state {
                0 => None,
                state => Some(state_of(i64::from(state) - 1)?),
            },
            attempt: (attempt > 0).then(|| (attempt - 1) as u32),
            worker,
            more: more.transpose()?.map(str::to_owned),
        }))
    }

    /// The next event as it is written.
    fn plain(&mut self) -> Option<Plain<'b>> {
        let rest = &mut self.rest;
        self.seq = self.seq.wrapping_add(varint::take(rest)? as i64);
        self.key = self.key.wrapping_add(varint::take_signed(rest)?);
        self.at = self.at.wrapping_add(varint::take_signed(rest)?);
        let (kind, state) = (varint::take_byte(rest)?, varint::take_byte(rest)?);
        let attempt = varint::take(rest)?;
        let worker = match varint::take(rest)? as usize {
            0 => None,
            place => Some(match self.workers.get(place - 1) {
                Some(worker) => Known::As(*worker),
                None => Known::New(varint::take_bytes(rest, 16)?),
            }),
        };
        let more = match varint::take(rest)? as usize {
            0 => None,
            length => Some(varint::take_bytes(rest, length - 1)?),
        };
        Some((kind, state, attempt, worker, more))
    }
}

/// An event as it is written: its kind, its state, its attempt, the worker, and what else it says.
type Plain<'b> = (u8, u8, u64, Option<Known<'b>>, Option<&'b [u8]>);

/// A worker that an event names.
enum Known<'b> {
    As(WorkerId),
    New(&'b [u8]),
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{EventType, TaskState};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    prop_compose! {
        fn event()(
            gap in 1..3_i64, key: i64, at in -8_000_000_000_000_000..8_000_000_000_000_000_i64,
            kind in prop::sample::select(&EventType::ALL[..]),
            state in prop::option::of(prop::sample::select(&TaskState::ALL[..])),
            attempt in prop::option::of(any::<u32>()),
            worker in prop::option::of(0..4_u128), more in prop::option::of(".{0,300}"),
        ) -> (i64, Happening) {
            let worker = worker.map(|n| WorkerId::from_uuid(Uuid::from_u128(n)));
            let (seq, previous, at) = (Seq(0), Seq(0), Timestamp::from_micros(at));
            (gap, Happening { seq, key: Key(key), previous, at, kind, state, attempt, worker, more })
        }
    }

    fn placed(events: Vec<(i64, Happening)>) -> Vec<Happening> {
        let mut seq = 100;
        let place = |(gap, mut event): (i64, Happening)| {
            seq += gap;
            event.seq = Seq(seq);
            event
        };
        events.into_iter().map(place).collect()
    }

    proptest! {
        #[test]
        fn events_come_back(events in prop::collection::vec(event(), 0..200)) {
            let events = placed(events);
            let chunks = pack(&events);
            let mut back = Vec::new();
            for chunk in &chunks {
                let unpacked = unpack(chunk.first, &chunk.body)?;
                prop_assert_eq!(unpacked.last().map(|e| e.seq), Some(chunk.last));
                prop_assert_eq!(chunk.links.len(), DIGITS * (chunk.last.0 - chunk.first.0 + 1) as usize);
                back.extend(unpacked);
            }
            prop_assert_eq!(format!("{back:?}"), format!("{events:?}"));
        }

        #[test]
        fn what_is_cut_off_is_noticed(events in prop::collection::vec(event(), 1..5), cut: prop::sample::Index) {
            let chunk = pack(&placed(events)).remove(0);
            let cut = cut.index(chunk.body.len() - 1) + 1;
            let (whole, rest) = (unpack(chunk.first, &chunk.body)?, unpack(chunk.first, &chunk.body[..cut]));
            prop_assert!(cut == chunk.body.len() || rest.is_err() || rest?.len() < whole.len());
        }
    }
}
