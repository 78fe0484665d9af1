//! Logs, and the spans that become traces ([`traces`]).
//!
//! Logs are one line per event on standard error, JSON for machines or a readable form for people.
//!
//! Standard error and not standard output, since `openapi` and `dev --json` print their results there; a collector
//! reads both. An event's fields stand at the top level of its line, those of its span under `span`, by our names:
//! `request_id`, `operation.id`, `workspace.id`, `step`, `attempt`, `code`. Never a token, a body or an address with a
//! query.

pub mod traces;

use serde::Deserialize;
use std::io::IsTerminal;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, fmt, registry};

/// What logs look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object per line.
    Json,
    /// For people.
    Pretty,
    /// `pretty` on a terminal, else `json`.
    #[default]
    Auto,
}

/// Settings of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What they look like.
    pub format: Format,
    /// Which events: `info`, or `brickyard=debug,sqlx=warn,info`.
    pub filter: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            filter: "info".to_owned(),
        }
    }
}

/// Whether a filter can be understood.
///
/// # Errors
/// What is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), String> {
    filter_of(filter).map(|_| ())
}

/// Installs the logs of this process, and its traces if they go anywhere: then whoever gets the finished spans sends
/// them. Call it once.
///
/// # Errors
/// When the filter cannot be understood, or logs are installed already.
pub fn install(
    settings: &Settings,
    traces: Option<&traces::Settings>,
) -> Result<Option<traces::Finished>, InstallError> {
    let filter = filter_of(&settings.filter).map_err(InstallError::Filter)?;
    let terminal = std::io::stderr().is_terminal();
    let json = match settings.format {
        Format::Json => true,
        Format::Pretty => false,
        Format::Auto => !terminal,
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed()
    } else {
        lines.with_ansi(terminal).with_target(false).boxed()
    };
    let (tracer, finished) = traces.map(traces::Tracer::new).unzip();
    // What is logged does not decide what is traced.
    let ours = filter_fn(is_span_of_ours).with_max_level_hint(LevelFilter::DEBUG);
    registry()
        .with(lines.with_filter(filter))
        .with(tracer.map(|tracer| tracer.with_filter(ours)))
        .try_init()?;
    Ok(finished)
}

fn is_span_of_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("brickyard")
}

/// Why logs could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The filter cannot be understood.
    #[error("the log filter cannot be understood: {0}")]
    Filter(String),
    /// There are logs already.
    #[error("logs are installed already")]
    Twice(#[from] TryInitError),
}

fn filter_of(filter: &str) -> Result<EnvFilter, String> {
    // An empty filter would mean "errors only", which nobody means.
    if filter.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    EnvFilter::try_new(filter).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::check_filter;

    #[test]
    fn filters() {
        for good in ["info", "brickyard=debug,sqlx=warn,info", "off"] {
            assert_eq!(check_filter(good), Ok(()), "{good}");
        }
        for bad in ["", " ", "brickyard=loud", "a=b=c"] {
            assert!(check_filter(bad).is_err(), "{bad}");
        }
    }
}
