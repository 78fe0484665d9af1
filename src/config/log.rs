//! `[log]`: what is logged and how it looks.

use super::{Mistakes, Source};
use crate::telemetry::{self, Format, Settings};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    format: Format,
    filter: String,
}

impl Default for Raw {
    fn default() -> Self {
        let Settings { format, filter } = Settings::default();
        Self { format, filter }
    }
}

pub(super) fn read(source: &Source, mistakes: &mut Mistakes) -> Option<Settings> {
    let Raw { format, filter } = source.section("log", mistakes)?;
    if let Err(why) = telemetry::check_filter(&filter) {
        mistakes.add("log.filter", format!("`{filter}`: {why}"));
    }
    Some(Settings { format, filter })
}
