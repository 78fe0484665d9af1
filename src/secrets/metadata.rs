//! What is written about a secret beside it, and how it becomes pairs of text.

use super::Version;
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::BTreeMap;

/// In place of a time: Vault takes no empty values.
const NEVER: &str = "never";

/// What is written about the secret beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The vendor's token id.
    pub token_id: String,
    /// Generation of the token, from 1.
    pub generation: u32,
    /// The version this metadata speaks of.
    pub version: Version,
    /// When the token ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Our workspace id: whose secret it is.
    pub workspace: String,
}

impl Metadata {
    /// As every store keeps it: custom metadata, tags, a JSON object.
    pub(super) fn pairs(&self) -> BTreeMap<String, String> {
        let ends = self
            .expires_at
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
        let pairs = [
            ("token_id", self.token_id.clone()),
            ("generation", self.generation.to_string()),
            ("version", self.version.0.clone()),
            ("expires_at", ends.unwrap_or_else(|| NEVER.to_owned())),
            ("workspace", self.workspace.clone()),
        ];
        pairs
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect()
    }

    /// What the pairs say, if all of it is there and makes sense.
    pub(super) fn from_pairs(pairs: &BTreeMap<String, String>) -> Option<Self> {
        let expires_at = match pairs.get("expires_at")?.as_str() {
            NEVER => None,
            text => Some(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc)),
        };
        Some(Self {
            token_id: pairs.get("token_id")?.clone(),
            generation: pairs.get("generation")?.parse().ok()?,
            version: Version(pairs.get("version")?.clone()),
            expires_at,
            workspace: pairs.get("workspace")?.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_say_the_same_or_nothing() {
        let whole = Metadata {
            token_id: "t".to_owned(),
            generation: 2,
            version: Version("3".to_owned()),
            expires_at: Some("2027-01-02T03:04:05.678Z".parse().unwrap()),
            workspace: "w".to_owned(),
        };
        assert_eq!(Metadata::from_pairs(&whole.pairs()), Some(whole.clone()));
        let endless = Metadata {
            expires_at: None,
            ..whole.clone()
        };
        assert_eq!(Metadata::from_pairs(&endless.pairs()), Some(endless));
        for key in whole.pairs().keys() {
            let mut pairs = whole.pairs();
            pairs.remove(key);
            assert_eq!(Metadata::from_pairs(&pairs), None, "without {key}");
        }
        for (key, value) in [("generation", "x"), ("expires_at", "soon")] {
            let mut pairs = whole.pairs();
            pairs.insert(key.to_owned(), value.to_owned());
            assert_eq!(Metadata::from_pairs(&pairs), None, "{key} = {value}");
        }
    }
}
