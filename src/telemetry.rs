//! Logs: one line per event on standard error, JSON for machines or a readable form for people.
//!
//! Standard error and not standard output, since `openapi` and `dev --json` print their results there; a collector
//! reads both. An event's fields stand at the top level of its line, those of its span under `span`, by our names:
//! `request_id`, `operation.id`, `workspace.id`, `step`, `attempt`, `code`. Never a token, a body or an address with a
//! query.

use serde::Deserialize;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

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

/// Installs the logs of this process. Call it once.
///
/// # Errors
/// When the filter cannot be understood, or logs are installed already.
pub fn install(settings: &Settings) -> Result<(), InstallError> {
    let filter = filter_of(&settings.filter).map_err(InstallError::Filter)?;
    let json = match settings.format {
        Format::Json => true,
        Format::Pretty => false,
        Format::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init()?;
    } else {
        builder
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .finish()
            .try_init()?;
    }
    Ok(())
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
