//! Labels and tags, and how a request says which there shall be.

use std::collections::BTreeMap;

/// Most labels, and most tags, of one workspace.
pub const MAX_PAIRS: usize = 20;

/// Two ways to say it.
#[derive(Debug, Clone)]
pub enum Pairs {
    /// These and no others.
    Replace(BTreeMap<String, String>),
    /// These too; without a value: that one no longer.
    Merge(BTreeMap<String, Option<String>>),
}

impl Pairs {
    /// A merge patch (RFC 7396): null takes all of them away.
    pub fn patch(pairs: Option<BTreeMap<String, Option<String>>>) -> Self {
        match pairs {
            Some(pairs) => Self::Merge(pairs),
            None => Self::Replace(BTreeMap::new()),
        }
    }

    /// What there shall be, where there are these.
    #[must_use]
    pub fn onto(&self, present: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let merge = match self {
            Self::Replace(pairs) => return pairs.clone(),
            Self::Merge(pairs) => pairs,
        };
        let mut new = present.clone();
        for (key, value) in merge {
            match value {
                Some(value) => new.insert(key.clone(), value.clone()),
                None => new.remove(key),
            };
        }
        new
    }
}
