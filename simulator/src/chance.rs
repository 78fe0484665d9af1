//! Seeded chance: ids, delays and secrets of a run come from one generator.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The generator.
pub(crate) struct Chance(StdRng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(StdRng::seed_from_u64(seed))
    }

    pub(crate) fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.0.random())
            .into_uuid()
            .to_string()
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| char::from(b"0123456789abcdef"[self.0.random_range(0..16)]))
            .collect()
    }

    /// A workspace id: above 2^32, so that 32-bit clients break, and below 2^53, as all real ones.
    pub(crate) fn workspace_id(&mut self) -> i64 {
        self.0.random_range((1i64 << 33)..(1i64 << 53))
    }

    /// A SCIM id: 15 or 16 digits.
    pub(crate) fn principal_id(&mut self) -> i64 {
        self.0
            .random_range(100_000_000_000_000..9_000_000_000_000_000)
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }
}
