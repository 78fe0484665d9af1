//! What was measured, as a table.

use std::fmt;

/// Rows of text.
pub(crate) struct Table(Vec<[String; 5]>);

impl Table {
    pub(crate) fn new() -> Self {
        Self(vec![
            ["what", "how", "ours", "bound", "ratio"].map(str::to_owned),
        ])
    }

    /// A figure beside its bound. The ratio is ours to the bound's: for rates above 1 is better, for times below.
    pub(crate) fn beside(&mut self, what: &str, how: &str, ours: f64, bound: f64, unit: &str) {
        self.push(
            what,
            how,
            figure(ours, unit),
            figure(bound, unit),
            format!("{:.2}", ours / bound),
        );
    }

    /// A figure that is counted, or has no bound.
    pub(crate) fn count(&mut self, what: &str, how: &str, ours: f64, unit: &str) {
        self.push(what, how, figure(ours, unit), String::new(), String::new());
    }

    fn push(&mut self, what: &str, how: &str, ours: String, bound: String, ratio: String) {
        self.0
            .push([what.to_owned(), how.to_owned(), ours, bound, ratio]);
    }
}

fn figure(value: f64, unit: &str) -> String {
    let digits = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.0
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        for (number, row) in self.0.iter().enumerate() {
            let [what, how, ours, bound, ratio] = row;
            writeln!(
                f,
                "| {what:a$} | {how:b$} | {ours:>c$} | {bound:>d$} | {ratio:>e$} |",
                a = widths[0],
                b = widths[1],
                c = widths[2],
                d = widths[3],
                e = widths[4],
            )?;
            if number == 0 {
                let [a, b, c, d, e] = widths.map(|width| "-".repeat(width));
                writeln!(f, "| {a} | {b} | {c} | {d} | {e} |")?;
            }
        }
        Ok(())
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}

/// The value that this share of them does not exceed.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}
