//! All SQL about domain tables: workspaces, operations, attempts, tokens, idempotency keys, audit and its seals, used
//! bearer tokens, orphans, sightings; and what of all this is not kept for ever ([`retention`]).
//!
//! Functions take a connection, so that the caller decides what commits together. Every read that serves a caller
//! names the teams it may see ([`Teams`]). This room decides nothing: rules live in `domain` and `provisioning`.

pub mod attempts;
pub mod audit;
pub mod gauges;
pub mod grants;
pub mod idempotency;
pub mod operations;
pub mod orphans;
pub mod retention;
pub mod schema;
pub mod seals;
pub mod sightings;
pub mod tokens;
pub mod used_tokens;
pub mod workspaces;

use serde::de::DeserializeOwned;
use sqlx::{Postgres, QueryBuilder};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or answered with an error.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that this version cannot understand; it names itself.
    #[error("{table}.{column} of {id} cannot be read: {reason}")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Primary key.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// The name of the violated constraint, if that is what went wrong.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// Whether it is the database that is away or busy, so that the same transaction may succeed a moment later.
    pub fn is_away(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        match error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => true,
            // 08 connection, 25006 a primary that no longer is one, 40 serialisation and deadlock, 53 no resources, 55000 a
            // database that lets nobody in, 55P03 a lock that was waited for too long, 57 shutdown, start-up and time-outs
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                ["08", "25006", "40", "53", "55000", "55P03", "57"]
                    .iter()
                    .any(|class| code.starts_with(class))
            }),
            _ => false,
        }
    }
}

/// Which teams' rows a reader may see. Part of every query that serves a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teams {
    /// Every team.
    All,
    /// These only.
    Only(Vec<String>),
}

impl Teams {
    /// The bind value: null means all.
    fn bind(&self) -> Option<&[String]> {
        match self {
            Self::All => None,
            Self::Only(teams) => Some(teams),
        }
    }
}

/// A page of a keyset-paginated list: order by id, beginning after `after`.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Id of the last row of the page before.
    pub after: Option<uuid::Uuid>,
    /// Oldest first instead of newest first.
    pub ascending: bool,
    /// Rows wanted.
    pub limit: i64,
}

/// Reads a text or JSON column into a domain type, or names the row that cannot be read.
fn read<T: DeserializeOwned>(
    table: &'static str,
    column: &'static str,
    id: impl std::fmt::Display,
    value: serde_json::Value,
) -> Result<T> {
    serde_json::from_value(value).map_err(|error| StoreError::Inconsistent {
        table,
        column,
        id: id.to_string(),
        reason: error.to_string(),
    })
}

/// The JSON of one of our own types.
fn json<T: serde::Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_else(|error| {
        // Our column types have string keys and no failing Serialize; this is a bug worth seeing in the row.
        serde_json::Value::String(format!("not serialisable: {error}"))
    })
}

/// Appends the condition that every list begins with: the teams its reader may see.
fn push_teams(query: &mut QueryBuilder<Postgres>, teams: &Teams) {
    let teams = || teams.bind().map(<[String]>::to_vec);
    query
        .push("(")
        .push_bind(teams())
        .push("::text[] is null or team = any(");
    query.push_bind(teams()).push("))");
}

/// Appends filters by columns; the values of one column are alternatives, none means no filter.
fn push_alternatives(query: &mut QueryBuilder<Postgres>, columns: &[(&'static str, &Vec<String>)]) {
    for (column, values) in columns.iter().filter(|(_, values)| !values.is_empty()) {
        query.push(" and ").push(column).push(" = any(");
        query.push_bind((*values).clone()).push(")");
    }
}

/// Appends a page's condition, order and limit. Ids are UUIDv7: their order is the order of creation.
fn push_page(query: &mut QueryBuilder<Postgres>, page: &Page) {
    if let Some(after) = page.after {
        query
            .push(if page.ascending {
                " and id > "
            } else {
                " and id < "
            })
            .push_bind(after);
    }
    query.push(if page.ascending {
        " order by id"
    } else {
        " order by id desc"
    });
    query.push(" limit ").push_bind(page.limit);
}
