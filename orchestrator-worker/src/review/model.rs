//! A model's review of one file: what to ask, and how to read the answer. No network here.
//!
//! What a model says is worth reading and not worth believing: its findings never get more than medium confidence, its
//! lines are checked against the file, and its words are cleaned. The file is data: it is numbered line by line and
//! framed by a mark that its author could not know, and secrets in it are masked before it leaves the machine.

mod answer;
mod ask;

pub use answer::{AnswerError, Reading, extract_json, read};
pub use ask::{Chunk, Message, Request, requests};

#[cfg(test)]
mod tests;
