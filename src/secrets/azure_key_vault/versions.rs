//! The versions of a secret, as a list shows them: which is the newest, and what our tags say.
//!
//! The list has no order, and its times are whole seconds, so each version of ours has a number too. One that somebody else
//! made in the second of another is taken for the newer; if two could be the newest, nothing is believed about either.

use crate::secrets::{Metadata, Version};
use azure_security_keyvault_secrets::models::{DeletedSecret, SecretProperties};
use std::collections::{BTreeMap, HashMap};

/// The tag that marks a secret as ours; the others begin with it.
const TAG: &str = "brickyard";
/// Which put it was, so that one whose answer was lost is known again.
const PUT: &str = "brickyard-put";
/// Counts up from version to version.
const NUMBER: &str = "brickyard-number";
/// Stands before the name of each piece of metadata.
const ABOUT: &str = "brickyard-about-";

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) version: Version,
    pub(super) enabled: bool,
    /// Which put of ours made it.
    pub(super) put: Option<String>,
    created: i64,
    number: Option<u64>,
    metadata: Option<Metadata>,
}

impl Known {
    pub(super) fn of(shown: &SecretProperties) -> Option<Self> {
        let id = shown.id.as_deref()?;
        let (_, version) = id.trim_end_matches('/').rsplit_once('/')?;
        let tags = shown.tags.clone().unwrap_or_default();
        let attributes = shown.attributes.as_ref();
        let created = attributes.and_then(|it| it.created);
        let pairs: BTreeMap<String, String> = tags
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(ABOUT)?.to_owned(), value.clone())))
            .collect();
        Some(Self {
            version: Version(version.to_owned()),
            enabled: attributes.and_then(|it| it.enabled).unwrap_or(true),
            put: tags.get(PUT).cloned(),
            created: created.map_or(0, |at| at.unix_timestamp()),
            number: tags.get(NUMBER).and_then(|text| text.parse().ok()),
            metadata: Metadata::from_pairs(&pairs),
        })
    }

    /// Grows from version to version.
    fn age(&self) -> (i64, u64) {
        (self.created, self.number.unwrap_or(u64::MAX))
    }
}

/// All versions of one secret, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versions(Vec<Known>);

impl Versions {
    pub(super) fn new(mut known: Vec<Known>) -> Self {
        // The id decides what nothing else does, so that all who look see the same.
        known.sort_by(|a, b| {
            let ids = (&a.version.0, &b.version.0);
            a.age().cmp(&b.age()).then(ids.0.cmp(ids.1))
        });
        Self(known)
    }

    pub(super) fn newest(&self) -> Option<&Known> {
        self.0.last()
    }

    pub(super) fn find(&self, version: &Version) -> Option<&Known> {
        self.0.iter().find(|it| it.version == *version)
    }

    /// Whether this version is the newest, and no other could be it.
    pub(super) fn is_newest(&self, version: &Version) -> bool {
        self.is_decided() && self.newest().is_some_and(|it| it.version == *version)
    }

    fn is_decided(&self) -> bool {
        match self.0.as_slice() {
            [.., before, last] => before.age() < last.age(),
            _ => true,
        }
    }

    /// The newest metadata there is, of whatever version it speaks.
    pub(super) fn metadata(&self) -> Option<Metadata> {
        let mut told = self.0.iter().rev().filter_map(|it| it.metadata.clone());
        told.next().filter(|_| self.is_decided())
    }

    /// The number of the next version.
    pub(super) fn next_number(&self) -> u64 {
        let highest = self.0.iter().filter_map(|it| it.number).max();
        highest.map_or(1, |it| it.saturating_add(1))
    }
}

/// Whether a deleted secret was ours.
pub(super) fn is_ours(deleted: &DeletedSecret) -> bool {
    deleted
        .tags
        .as_ref()
        .is_some_and(|tags| tags.contains_key(TAG))
}

/// The tags of a value that is put.
pub(super) fn tags(put: &str, number: u64) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (TAG, "true".to_owned()),
        (PUT, put.to_owned()),
        (NUMBER, number.to_string()),
    ])
}

/// The same with what is known of the value; a change of tags replaces all of them.
pub(super) fn tags_with(known: &Known, metadata: &Metadata) -> HashMap<String, String> {
    let pairs = metadata.pairs().into_iter();
    let mut tags: HashMap<_, _> = pairs
        .map(|(key, value)| (format!("{ABOUT}{key}"), value))
        .collect();
    tags.insert(TAG.to_owned(), "true".to_owned());
    if let Some(put) = &known.put {
        tags.insert(PUT.to_owned(), put.clone());
    }
    if let Some(number) = known.number {
        tags.insert(NUMBER.to_owned(), number.to_string());
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known(version: &str, created: i64, tags: &[(&str, &str)]) -> Known {
        let tags: BTreeMap<_, _> = tags.iter().copied().collect();
        let shown = json!({
            "id": format!("https://kv.vault.azure.net/secrets/a--b/{version}"),
            "attributes": {"enabled": true, "created": created},
            "tags": tags,
        });
        Known::of(&serde_json::from_value(shown).unwrap()).unwrap()
    }

    fn numbered(version: &str, created: i64, number: &str) -> Known {
        known(version, created, &[(TAG, "true"), (NUMBER, number)])
    }

    fn newest(known: &[Known]) -> (String, bool) {
        let versions = Versions::new(known.to_vec());
        let newest = versions.newest().unwrap().version.clone();
        let sure = versions.is_newest(&newest);
        (newest.0, sure)
    }

    #[test]
    fn the_newest_by_time_then_by_number() {
        let (b, a) = (numbered("b", 1, "1"), numbered("a", 1, "2"));
        assert_eq!(newest(std::slice::from_ref(&b)), ("b".to_owned(), true));
        assert_eq!(newest(&[a.clone(), b.clone()]), ("a".to_owned(), true));
        let later = numbered("0", 2, "1");
        assert_eq!(newest(&[later, a.clone(), b]), ("0".to_owned(), true));
        // Somebody else's of the same second counts as newer, and two of one number as nobody's.
        let foreign = known("c", 1, &[]);
        assert_eq!(newest(&[foreign, a.clone()]), ("c".to_owned(), true));
        let (name, sure) = newest(&[a, numbered("z", 1, "2")]);
        assert_eq!((name.as_str(), sure), ("z", false));
        assert_eq!(Versions::new(Vec::new()).newest(), None);
    }

    #[test]
    fn metadata_is_the_newest_there_is() {
        let told = Metadata {
            token_id: "t".to_owned(),
            generation: 2,
            version: Version("a".to_owned()),
            expires_at: None,
            workspace: "w".to_owned(),
        };
        let first = numbered("a", 1, "1");
        let tags = tags_with(&first, &told);
        assert!(tags.len() <= 15);
        let tags: Vec<_> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let first = known("a", 1, &tags);
        let all = Versions::new(vec![numbered("b", 2, "2"), first.clone()]);
        assert_eq!(all.metadata(), Some(told.clone()));
        assert_eq!(all.next_number(), 3);
        let doubtful = Versions::new(vec![numbered("b", 1, "1"), first]);
        assert_eq!(doubtful.metadata(), None);
    }
}
