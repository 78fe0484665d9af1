//! What the database says: every row of every table as JSON, of one moment, over a connection that cannot write.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::{BTreeMap, BTreeSet};

/// Every row of every table.
pub struct Facts {
    tables: BTreeMap<String, Vec<Value>>,
    /// What time it was by the database's clock.
    pub now: DateTime<Utc>,
}

impl Facts {
    /// Reads them.
    pub async fn read(url: &str) -> Self {
        let mut connection = PgConnection::connect(url)
            .await
            .expect("the database answers");
        for statement in [
            "set default_transaction_read_only = on",
            "begin isolation level repeatable read",
        ] {
            let set = sqlx::query(statement).execute(&mut connection).await;
            set.expect("the database answers");
        }
        let facts = Self::within(&mut connection).await;
        let _ = connection.close().await;
        facts
    }

    /// Reads them as a transaction sees them.
    pub async fn within(connection: &mut PgConnection) -> Self {
        let names: Vec<String> = sqlx::query_scalar(
            "select quote_ident(table_name) from information_schema.tables where table_schema = 'public'",
        )
        .fetch_all(&mut *connection)
        .await
        .expect("tables");
        let mut tables = BTreeMap::new();
        for name in names {
            let statement =
                format!("select coalesce(jsonb_agg(to_jsonb(t)), '[]'::jsonb) from {name} t");
            let rows: Value = sqlx::query_scalar(AssertSqlSafe(statement))
                .fetch_one(&mut *connection)
                .await
                .expect("rows");
            let Value::Array(rows) = rows else {
                unreachable!("an array")
            };
            tables.insert(name, rows);
        }
        let now = sqlx::query_scalar("select clock()")
            .fetch_one(&mut *connection)
            .await
            .expect("the time");
        Self { tables, now }.sorted()
    }

    /// In the order things happened, as far as their keys tell.
    fn sorted(mut self) -> Self {
        for (name, rows) in &mut self.tables {
            match name.as_str() {
                "audit" => rows.sort_by_key(|row| row["seq"].as_i64()),
                _ => rows.sort_by(|a, b| text(a, "id").cmp(text(b, "id"))),
            }
        }
        self
    }

    /// The rows of a table.
    pub fn rows(&self, table: &str) -> &[Value] {
        self.tables
            .get(table)
            .unwrap_or_else(|| panic!("there is no table {table}"))
    }

    /// Everything as text.
    pub fn dump(&self) -> impl Iterator<Item = (&str, String)> {
        self.tables.iter().flat_map(|(name, rows)| {
            let rows = rows.iter().map(Value::to_string);
            rows.map(move |row| (name.as_str(), row))
        })
    }

    /// Workspaces that an admin had us forget: what is left of them outside is nobody's business any more.
    pub fn forgotten(&self, workspace: &Value) -> bool {
        self.rows("audit").iter().any(|row| {
            text(row, "action") == "workspace.forgotten" && row["workspace_id"] == workspace["id"]
        })
    }
}

impl Facts {
    /// Operations and workspaces that are not kept any more, by id: the audit says that they were purged, and how they
    /// went cannot be told without their rows.
    pub fn purged(&self) -> BTreeSet<&str> {
        let audit = self.rows("audit");
        let of = |action: &'static str, column: &'static str| {
            let rows = audit
                .iter()
                .filter(move |row| text(row, "action") == action);
            rows.map(move |row| text(row, column))
        };
        let mut purged: BTreeSet<&str> = of("workspace.purged", "workspace_id").collect();
        let accepted = audit
            .iter()
            .filter(|row| text(row, "action") == "operation.accepted");
        let theirs: Vec<&str> = accepted
            .filter(|row| purged.contains(text(row, "workspace_id")))
            .map(|row| text(row, "operation_id"))
            .collect();
        purged.extend(theirs);
        purged.extend(of("operation.purged", "operation_id"));
        purged
    }
}

impl Facts {
    /// Workspaces that were purged, with the id and name that the audit kept.
    pub fn tombstones(&self) -> Vec<Value> {
        let audit = self.rows("audit").iter();
        let purged = audit.filter(|row| text(row, "action") == "workspace.purged");
        let row = |row: &Value| serde_json::json!({"id": row["workspace_id"], "name": row["detail"]["name"]});
        purged.map(row).collect()
    }
}

/// A text column; empty if null.
pub fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

/// A time; none if null.
pub fn time(row: &Value, column: &str) -> Option<DateTime<Utc>> {
    let time = row[column].as_str()?;
    let parsed = DateTime::parse_from_rfc3339(time);
    Some(parsed.expect("a time").with_timezone(&Utc))
}

/// The public form of an id: a prefix and the base32 of its 128 bits, most significant first.
pub fn public(prefix: &str, id: &str) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let id: uuid::Uuid = id.parse().expect("a UUID");
    let bits = id.as_u128();
    let digits = (0..26).rev().map(|digit| {
        let five = (bits >> (digit * 5)) & 31;
        char::from(DIGITS[usize::try_from(five).expect("below 32")])
    });
    format!("{prefix}_{}", digits.collect::<String>())
}

/// What messages call a workspace.
pub fn called(workspace: &Value) -> String {
    let id = public("ws", text(workspace, "id"));
    format!(
        "workspace {id} ({}, {})",
        text(workspace, "name"),
        text(workspace, "phase")
    )
}

/// The name a workspace has upstream.
pub fn upstream(workspace: &Value) -> String {
    let id = public("ws", text(workspace, "id"));
    format!("{}-{}", text(workspace, "name"), &id[id.len() - 8..])
}
