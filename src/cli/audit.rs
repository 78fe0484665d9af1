//! `brickyard audit verify`: what became of the audit, for people and for a scheduler that looks at the exit code.

use crate::app::App;
use crate::config::Config;
use crate::domain::id::WorkspaceId;
use crate::domain::seal::{Head, Row};
use crate::provisioning::verify::{self, Breach, Report};
use crate::store::schema;
use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat};
use sqlx::{Connection, PgConnection};
use std::io::Write;
use std::process::ExitCode;

/// Checks the audit and tells; 1 if it is not as it was written.
pub(super) fn verify(config: Config, noted: Option<Head>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let report = runtime.block_on(async {
        let app = App::new(config)?;
        // Not through the pool at first, which waits and hides why there is no connection.
        PgConnection::connect_with(&app.db.connect_options())
            .await
            .context("connecting to the database")?
            .close()
            .await?;
        let current = schema::is_current(&app.db).await.context("the database")?;
        ensure!(
            current,
            "the schema is not up to date: run `brickyard migrate`"
        );
        verify::verify(&app.db, noted)
            .await
            .context("reading the audit")
    })?;
    writeln!(std::io::stdout(), "{}", told(&report, noted))?;
    Ok(match report.breaches.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The report below each other, the verdict last.
fn told(report: &Report, noted: Option<Head>) -> String {
    let sealed = report.head.map_or(0, |head| head.position);
    let mut text = format!("sealed      {}\n", rows(sealed));
    if let Some(head) = report.head {
        text.push_str(&format!("head        {head}\n"));
    }
    let waiting = &report.waiting;
    let age = waiting.oldest_seconds.map(age);
    let age = age.map_or(String::new(), |age| format!(", the oldest {age} old"));
    text.push_str(&format!("not sealed  {}{age}\n", rows(waiting.rows)));
    if report.breaches.is_empty() {
        if noted.is_some() {
            text.push_str("noted head  is in the chain\n");
        }
        text.push_str("\nThe audit is as it was written.");
        return text;
    }
    for breach in &report.breaches {
        text.push_str(&format!("\n{}\n", of_breach(breach)));
    }
    text.push_str("\nThe audit is NOT as it was written.");
    text
}

fn of_breach(breach: &Breach) -> String {
    match breach {
        Breach::Altered(position, row) => format!(
            "altered     {}\n            It does not match its seal, position {position} of the chain: one of them was \
             changed.\n            Up to position {} the chain holds.",
            of_row(row),
            position - 1
        ),
        Breach::Removed(link) => format!(
            "removed     row {}, sealed at {}\n            Its seal is there, position {} of the chain. Up to position \
             {} the chain holds.",
            link.seq,
            time(link.sealed_at),
            link.position,
            link.position - 1
        ),
        Breach::SealMissing(position) => format!(
            "no seal     at position {position} of the chain, and there are others\n            Up to position {} the \
             chain holds.",
            position - 1
        ),
        Breach::Misplaced(position) => {
            format!("a seal      at position {position}: the chain begins at 1")
        }
        Breach::Stray(row) => format!(
            "not chained {}\n            It was put in past the triggers, or its seal was removed.",
            of_row(row)
        ),
        Breach::Lost(seq) => format!("removed     row {seq}, before it was sealed"),
        Breach::CutOff(head) => format!(
            "noted head  {head}\n            The chain does not reach that position any more: its end was cut off."
        ),
        Breach::Rewritten(head) => format!(
            "noted head  {head}\n            The chain holds another hash there: it was written anew."
        ),
    }
}

/// Number, time, action and workspace.
fn of_row(row: &Row) -> String {
    let workspace = row.workspace_id.map(WorkspaceId::from_uuid);
    let on = workspace.map_or(String::new(), |id| format!(" on {id}"));
    let (seq, action) = (row.seq, &row.action);
    format!("row {seq}, {action}{on}, at {}", time(row.at))
}

fn time(micros: Option<i64>) -> String {
    let at = micros.and_then(DateTime::from_timestamp_micros);
    at.map_or("no time".to_owned(), |at| {
        at.to_rfc3339_opts(SecondsFormat::Micros, true)
    })
}

fn rows(count: i64) -> String {
    match count {
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    }
}

/// In the largest unit of which there are two or more.
fn age(seconds: f64) -> String {
    let units = [("d", 86_400.0), ("h", 3600.0), ("min", 60.0)];
    let unit = units.iter().find(|(_, length)| seconds >= 2.0 * length);
    let (name, length) = unit.copied().unwrap_or(("s", 1.0));
    format!("{:.0} {name}", (seconds / length).floor().max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_one_unit() {
        for (seconds, expected) in [
            (-1.0, "0 s"),
            (41.9, "41 s"),
            (119.0, "119 s"),
            (120.0, "2 min"),
            (86_400.0, "24 h"),
            (200_000.0, "2 d"),
        ] {
            assert_eq!(age(seconds), expected);
        }
    }
}
