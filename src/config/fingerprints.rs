//! Whether a section of one configuration is that of another, without keeping what it says: it may hold secrets.

use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::LazyLock;

/// Of this process only: a fingerprint says nothing to anybody else.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// One fingerprint per section, of what was given in file and environment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fingerprints(BTreeMap<String, u64>);

/// Two configurations print the same whether a default is spelled out or not.
impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprints")
    }
}

impl Fingerprints {
    pub(super) fn of<'s, V: Serialize + 's>(
        sections: impl IntoIterator<Item = (&'s String, &'s V)>,
    ) -> Self {
        let fingerprint = |value: &V| KEY.hash_one(serde_json::to_vec(value).unwrap_or_default());
        Self(
            sections
                .into_iter()
                .map(|(name, value)| (name.clone(), fingerprint(value)))
                .collect(),
        )
    }

    /// Whether this section was given in the same words.
    pub(super) fn same(&self, other: &Self, section: &str) -> bool {
        self.0.get(section) == other.0.get(section)
    }
}
