//! Chance that can be repeated.

use std::time::Duration;

use crate::clock::splitmix;

/// A source of chance: the same seed gives the same draws.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The source of a seed.
    pub fn new(seed: u64) -> Self {
        let mut chance = Self(seed ^ 0x6a09_e667_f3bc_c908);
        // The first draws of neighbouring seeds should not look alike.
        chance.draw();
        chance
    }

    /// A source of its own for a part of the system, so that what one part draws does not move the others.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.draw())
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        splitmix(&mut self.0)
    }

    /// A number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// A number within bounds, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.draw() % (high - low + 1)
    }

    /// A place in a list of this length, which is not empty.
    pub fn place(&mut self, length: usize) -> usize {
        (self.draw() % length as u64) as usize
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.place(of.len())]
    }

    /// A time within bounds in milliseconds, both included.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// A probability that is zero half of the time, and otherwise up to `most`: runs that lack a fault altogether find
    /// what that fault would have hidden.
    pub fn sometimes(&mut self, most: f64) -> f64 {
        if self.happens(0.5) { 0.0 } else { self.fraction() * most }
    }
}
