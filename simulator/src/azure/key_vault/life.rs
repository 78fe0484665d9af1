//! The life of a secret: it has versions, is deleted, is recovered.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{conflict, not_found};
use crate::answer::Answer;

/// How long a deleted secret can be recovered.
const DAYS: i64 = 90;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Live,
    /// It can be recovered once it has settled.
    Deleted {
        at: i64,
        settled: Duration,
    },
    /// It can be read before it can be written.
    Recovering {
        readable: Duration,
        until: Duration,
    },
}

/// A secret with its versions, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) versions: Vec<Version>,
    pub(super) phase: Phase,
}

/// One version. Times are epoch seconds.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(super) content_type: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(super) enabled: bool,
    pub(super) nbf: Option<i64>,
    pub(super) exp: Option<i64>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

impl Secret {
    pub(super) fn catch_up(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Recovering { until, .. } if now >= until) {
            self.phase = Phase::Live;
        }
    }

    pub(crate) fn is_deleted(&self) -> bool {
        matches!(self.phase, Phase::Deleted { .. })
    }

    pub(super) fn is_readable(&self, now: Duration) -> bool {
        match self.phase {
            Phase::Live => true,
            Phase::Deleted { .. } => false,
            Phase::Recovering { readable, .. } => now >= readable,
        }
    }

    /// Refuses to write to one that is not there, or not quite.
    pub(super) fn may_change(&self, now: Duration) -> Result<(), Answer> {
        let name = &self.name;
        match self.phase {
            Phase::Live => Ok(()),
            Phase::Deleted { settled, .. } if now < settled => Err(conflict(
                "ObjectIsBeingDeleted",
                &format!("Secret {name} is currently being deleted."),
            )),
            Phase::Deleted { .. } => Err(conflict(
                "ObjectIsDeletedButRecoverable",
                &format!(
                    "Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this \
                     state, the secret can only be recovered or purged."
                ),
            )),
            Phase::Recovering { .. } => Err(conflict(
                "ObjectIsBeingRecovered",
                &format!("Secret {name} is currently being recovered."),
            )),
        }
    }

    /// Refuses to do what is for deleted ones that have settled.
    pub(super) fn is_recoverable(&self, now: Duration) -> Result<(), Answer> {
        match self.phase {
            Phase::Deleted { settled, .. } if now >= settled => Ok(()),
            Phase::Deleted { .. } | Phase::Recovering { .. } => self.may_change(now),
            Phase::Live => Err(not_found(&self.name)),
        }
    }

    pub(super) fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// One version, without its value; `of` is the vault's URL.
    pub(super) fn show(&self, of: &str, version: &Version) -> Value {
        let id = format!("{of}/secrets/{}/{}", self.name, version.id);
        version.show(&id)
    }

    /// The secret, without versions.
    pub(super) fn show_whole(&self, of: &str) -> Value {
        let id = format!("{of}/secrets/{}", self.name);
        self.current().map_or(Value::Null, |it| it.show(&id))
    }

    /// What is kept of a deleted one.
    pub(super) fn show_deleted(&self, of: &str, whole: bool) -> Value {
        let mut body = match self.current() {
            Some(version) if !whole => self.show(of, version),
            _ => self.show_whole(of),
        };
        if let Phase::Deleted { at, .. } = self.phase {
            body["recoveryId"] = format!("{of}/deletedsecrets/{}", self.name).into();
            body["deletedDate"] = at.into();
            body["scheduledPurgeDate"] = (at + DAYS * 86_400).into();
        }
        body
    }
}

impl Version {
    fn show(&self, id: &str) -> Value {
        let mut attributes = json!({
            "enabled": self.enabled,
            "created": self.created,
            "updated": self.updated,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": DAYS,
        });
        for (name, value) in [("nbf", self.nbf), ("exp", self.exp)] {
            if let Some(value) = value {
                attributes[name] = value.into();
            }
        }
        let mut body = json!({"id": id, "attributes": attributes});
        if let Some(kind) = &self.content_type {
            body["contentType"] = kind.as_str().into();
        }
        if !self.tags.is_empty() {
            body["tags"] = json!(self.tags);
        }
        body
    }
}
