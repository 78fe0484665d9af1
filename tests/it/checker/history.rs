//! What the clients remember: whom they asked as, what, and what they were told; and how processes ended.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::time::Duration;

/// One client's exchange with the API.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Subject of the bearer token; empty without one.
    pub subject: String,
    /// The groups it says.
    pub groups: Vec<String>,
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// What was sent.
    pub body: String,
    /// Status.
    pub status: u16,
    /// What was answered.
    pub text: String,
}

/// How a process ended that was told to.
#[derive(Debug, Clone)]
pub struct Stop {
    /// Whose leases it held.
    pub owner: uuid::Uuid,
    /// Exit code.
    pub code: i32,
    /// From the signal to the end.
    pub took: Duration,
    /// How long it may take.
    pub grace: Duration,
}

/// All of it, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Exchanges.
    pub exchanges: Vec<Exchange>,
    /// Vendor's ids of things that a test planted, or removed as somebody else would: no undo of ours.
    pub planted: Vec<String>,
    /// Ends of processes.
    pub stops: Vec<Stop>,
    /// Other texts that are to be searched for secrets, by what they are: a log.
    pub texts: Vec<(String, String)>,
}

impl Exchange {
    /// The operation it was told of, if it was accepted.
    pub fn operation(&self) -> Option<String> {
        if self.status != 202 {
            return None;
        }
        let answer: Value = serde_json::from_str(&self.text).ok()?;
        let id = answer["id"].as_str()?;
        id.starts_with("op_").then(|| id.to_owned())
    }

    /// When the operation was accepted that it was told of.
    pub fn accepted_at(&self) -> Option<DateTime<Utc>> {
        let answer: Value = serde_json::from_str(&self.text).ok()?;
        answer["created_at"].as_str()?.parse().ok()
    }
}

/// Subject and groups of a bearer token, unverified: clients know who they are.
pub fn identity(bearer: &str) -> (String, Vec<String>) {
    let claims = bearer.split('.').nth(1).and_then(|payload| {
        let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    });
    let claims = claims.unwrap_or_default();
    let groups = claims["groups"].as_array().into_iter().flatten();
    let groups = groups.filter_map(|group| group.as_str().map(str::to_owned));
    (
        claims["sub"].as_str().unwrap_or_default().to_owned(),
        groups.collect(),
    )
}
