//! The operation as callers see it.

use super::attention::{Attention, attention};
use super::progress::{Progress, progress, retry_after};
use crate::domain::external::ExternalIds;
use crate::domain::operation::{OperationKind, OperationStatus, StepRecord};
use crate::http::PublicUrl;
use crate::http::problem::Document;
use crate::store::operations::Operation as Row;
use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;

/// The work on a workspace that a caller can follow.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Operation {
    /// `op_…`.
    #[schema(pattern = "^op_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    pub id: String,
    /// What it does.
    pub kind: OperationKind,
    /// Where it is. New values may be added.
    pub status: OperationStatus,
    /// True exactly for `succeeded`, `failed` and `cancelled`; never becomes false again.
    pub done: bool,
    /// What it works on.
    pub target: Target,
    /// The team of the workspace.
    pub team: String,
    /// The principal who asked, or `system:` and why.
    pub requested_by: String,
    /// The failed operation whose work it continues; its steps up to there are shown as they went.
    pub retry_of: Option<String>,
    /// Place in the queue; null unless it is queued and due, and always null in lists.
    pub queue: Option<QueuePlace>,
    /// How far it is.
    pub progress: Progress,
    /// Its steps, all of them from the first answer on.
    pub steps: Vec<StepRecord>,
    /// Sentences about what was not as asked.
    pub warnings: Vec<String>,
    /// Why it failed or needs attention.
    pub problem: Option<Document>,
    /// What is left and what can be done; null unless it needs attention, and always null in lists.
    pub attention: Option<Attention>,
    /// It does not begin before this; null if it may begin at once.
    pub not_before: Option<DateTime<Utc>>,
    /// When it will be given up; null until it begins.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When its first step began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Where to read it again.
    #[schema(format = "uri-reference")]
    pub href: String,
}

/// What an operation works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Target {
    /// Always `workspace`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where to read it.
    #[schema(format = "uri-reference")]
    pub href: String,
}

/// Place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct QueuePlace {
    /// Counts from 1; 1001 says that it is that or further back.
    #[schema(minimum = 1)]
    pub position: i64,
    /// Operations that will be begun before it, counted up to 1000.
    #[schema(minimum = 0)]
    pub ahead: i64,
}

/// What is looked up beside the row for one operation, and not for a list.
#[derive(Debug, Default)]
pub struct Beside {
    /// Operations before it in the queue, if it is in it.
    pub ahead: Option<i64>,
    /// What its workspace has outside, if the operation needs attention.
    pub external: Option<ExternalIds>,
}

impl Operation {
    /// The answer for a row.
    pub fn of(row: &Row, beside: &Beside, now: DateTime<Utc>, public_url: &PublicUrl) -> Self {
        let href = href(row);
        let steps = row.steps.iter().map(|step| StepRecord {
            started_at: step.started_at.map(millis),
            finished_at: step.finished_at.map(millis),
            ..step.clone()
        });
        let problem = row.problem.as_ref();
        Self {
            id: row.id.to_string(),
            kind: row.kind,
            status: row.status,
            done: row.status.is_done(),
            target: Target {
                kind: "workspace".to_owned(),
                id: row.workspace_id.to_string(),
                name: row.workspace_name.clone(),
                href: format!("/workspaces/{}", row.workspace_id),
            },
            team: row.team.clone(),
            requested_by: row.requested_by.clone(),
            retry_of: row.retry_of.map(|id| id.to_string()),
            queue: beside.ahead.map(|ahead| QueuePlace {
                position: ahead + 1,
                ahead,
            }),
            progress: progress(row, now),
            steps: steps.collect(),
            warnings: row.warnings.clone(),
            problem: problem.map(|p| {
                Document::stored(p, public_url, href.clone(), Some(row.request_id.clone()))
            }),
            attention: beside.external.as_ref().and_then(|it| attention(row, it)),
            not_before: row.not_before.map(millis),
            deadline_at: row.deadline_at.map(millis),
            created_at: millis(row.created_at),
            started_at: row.started_at.map(millis),
            finished_at: row.finished_at.map(millis),
            href,
        }
    }
}

/// Where an operation is read.
pub fn href(row: &Row) -> String {
    format!("/operations/{}", row.id)
}

/// The headers that tell a client what to do next: `Retry-After` while it is not done, `Link` to its workspace.
pub fn headers(row: &Row, ahead: Option<i64>, now: DateTime<Utc>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(seconds) = retry_after(row, ahead.unwrap_or(0), now) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    let related = format!("</workspaces/{}>; rel=\"related\"", row.workspace_id);
    if let Ok(link) = HeaderValue::from_str(&related) {
        headers.insert(header::LINK, link);
    }
    headers
}

/// Our times have milliseconds, the database's microseconds.
pub fn millis(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::samples;

    #[test]
    fn every_field_is_there_and_times_have_milliseconds() {
        let row = samples::running();
        let json = serde_json::to_value(Operation::of(
            &row,
            &Beside::default(),
            row.created_at,
            &PublicUrl::default(),
        ))
        .unwrap();
        assert_eq!(json["id"], row.id.to_string());
        assert_eq!(json["target"]["type"], "workspace");
        for null in ["queue", "problem", "attention", "not_before", "finished_at"] {
            assert!(json.get(null).unwrap().is_null(), "{null}");
        }
        assert_eq!(json["created_at"], "2026-11-22T09:00:12.345Z");
        assert_eq!(json["done"], false);
        assert_eq!(json["steps"].as_array().unwrap().len(), row.plan.len());
    }

    #[test]
    fn a_failed_one_carries_the_same_document_as_an_answer() {
        let row = samples::failed();
        let json = serde_json::to_value(Operation::of(
            &row,
            &Beside::default(),
            row.created_at,
            &PublicUrl::default(),
        ))
        .unwrap();
        let problem = &json["problem"];
        assert_eq!(problem["code"], "elastic_ip_limit");
        assert_eq!(problem["instance"], json["href"]);
        assert_eq!(problem["request_id"], "req_01kb1mq3nye0rb46cttw1jx7p2");
        assert_eq!(problem["upstream"]["service"], "databricks_account");
        assert_eq!(json["done"], true);
    }
}
