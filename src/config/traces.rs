//! `[traces]`: where traces go, if anywhere.

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use crate::telemetry::traces::Settings;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    endpoint: Option<String>,
    sample_ratio: f64,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            endpoint: None,
            sample_ratio: 1.0,
        }
    }
}

/// `Some(None)` if they go nowhere.
pub(super) fn read(
    source: &Source,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> Option<Option<Settings>> {
    let Raw {
        endpoint,
        sample_ratio,
    } = source.section("traces", mistakes)?;
    if !(0.0..=1.0).contains(&sample_ratio) {
        mistakes.add(
            "traces.sample_ratio",
            format!("{sample_ratio} is not between 0 and 1"),
        );
    }
    Some(endpoint.map(|endpoint| {
        mistakes.url("traces.endpoint", &endpoint, plain);
        if !cfg!(feature = "otlp") {
            let words = "this program was built without traces (cargo feature `otlp`)";
            mistakes.add("traces.endpoint", words);
        }
        Settings {
            endpoint,
            sample_ratio,
        }
    }))
}
