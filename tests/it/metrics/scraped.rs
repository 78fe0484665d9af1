//! The text of the metrics, read as a scraper reads it.

use std::collections::{BTreeMap, BTreeSet};

/// One line of the text.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// Types by family, and all samples.
pub(super) struct Scraped {
    pub(super) types: BTreeMap<String, String>,
    pub(super) samples: Vec<Sample>,
}

impl Scraped {
    pub(super) fn of(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let (mut types, mut samples) = (BTreeMap::new(), Vec::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                let before = types.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{name} stands twice");
            }
            if line.starts_with('#') {
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.trim_end_matches('}').split_terminator("\",");
            samples.push(Sample {
                name: name.to_owned(),
                labels: labels
                    .filter(|pair| !pair.is_empty())
                    .map(|pair| {
                        let (label, value) = pair.split_once("=\"").expect("a label");
                        (label.to_owned(), value.trim_end_matches('"').to_owned())
                    })
                    .collect(),
                value: value.parse().expect("a number"),
            });
        }
        Self { types, samples }
    }

    /// The sum of a metric's series that have these labels.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            let has = |(label, value): &(&str, &str)| {
                sample.labels.get(*label).is_some_and(|it| it == value)
            };
            sample.name == name && labels.iter().all(has)
        };
        self.samples
            .iter()
            .filter(fits)
            .map(|sample| sample.value)
            .sum()
    }

    /// Metrics as they are documented: name of the series, type, labels.
    pub(super) fn metrics(&self) -> BTreeSet<(String, String, BTreeSet<String>)> {
        let suffixes = |kind: &str| match kind {
            "counter" => "_total",
            "histogram" => "_count",
            _ => "",
        };
        let mut found = BTreeSet::new();
        for (family, kind) in &self.types {
            let series = format!("{family}{}", suffixes(kind));
            let samples: Vec<&Sample> = self.samples.iter().filter(|s| s.name == series).collect();
            assert!(
                !samples.is_empty(),
                "{family} has no series: the run was not busy enough"
            );
            for sample in samples {
                let name = if kind == "histogram" {
                    family.clone()
                } else {
                    series.clone()
                };
                found.insert((name, kind.clone(), sample.labels.keys().cloned().collect()));
            }
        }
        found
    }
}
