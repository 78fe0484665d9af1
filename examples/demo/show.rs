//! What the demo prints: calm, aligned, at most 100 columns; colours only on a terminal that wants them.

use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::time::Duration;

const COLUMNS: usize = 100;
/// Where the values of fields begin.
const LABELS: usize = 10;

const BOLD: &str = "1";
const GREEN: &str = "32";
const RED: &str = "31";
const DIM: &str = "2";

pub(crate) struct Screen {
    colours: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colours: wanted && std::io::stdout().is_terminal(),
        }
    }

    fn paint(&self, code: &str, words: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{words}\x1b[0m")
        } else {
            words.to_owned()
        }
    }

    fn print(line: &str) {
        let mut out = std::io::stdout().lock();
        // A reader that went away is no reason to leave the service running.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    pub(crate) fn line(&mut self, words: &str) {
        for line in wrapped(words, COLUMNS) {
            Self::print(&line);
        }
    }

    pub(crate) fn gap(&mut self) {
        Self::print("");
    }

    pub(crate) fn heading(&mut self, words: &str) {
        self.gap();
        Self::print(&self.paint(BOLD, words));
        self.gap();
    }

    /// A label and its value, which is wrapped beside it.
    pub(crate) fn field(&mut self, label: &str, value: &str) {
        for (number, line) in wrapped(value, COLUMNS - LABELS - 2).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            Self::print(&format!(
                "  {}{line}",
                self.paint(DIM, &format!("{label:LABELS$}"))
            ));
        }
    }

    /// A step that has ended.
    pub(crate) fn step(&mut self, step: &Value, width: usize) {
        let (mark, colour) = match step["status"].as_str() {
            Some("failed") => ("✗", RED),
            Some("skipped") => ("–", DIM),
            _ => ("✓", GREEN),
        };
        let name = step["name"].as_str().unwrap_or_default();
        let took = step["duration_ms"]
            .as_u64()
            .map(|ms| seconds(Duration::from_millis(ms)))
            .unwrap_or_default();
        let before = format!("{name:width$}  {took:>7}");
        let room = COLUMNS.saturating_sub(before.chars().count() + 8);
        let mut message = wrapped(step["message"].as_str().unwrap_or_default(), room).into_iter();
        let (said, more) = (message.next().unwrap_or_default(), message.next().is_some());
        let said = if more { format!("{said} …") } else { said };
        let line = format!("  {} {before}", self.paint(colour, mark));
        if said.is_empty() {
            Self::print(&line);
        } else {
            Self::print(&format!("{line}  {}", self.paint(DIM, &said)));
        }
    }

    /// Why something failed, who can mend it, and the vendor's own words.
    pub(crate) fn problem(&mut self, problem: &Value) {
        let word = |pointer: &str| problem.pointer(pointer).and_then(Value::as_str);
        if let Some(title) = word("/title") {
            self.line(&format!("{title}."));
        }
        let vendor = problem
            .pointer("/upstream")
            .filter(|upstream| upstream.is_object())
            .map(|upstream| {
                let parts = ["status", "error_code", "message"].map(|field| &upstream[field]);
                let parts = parts.into_iter().filter(|part| !part.is_null()).map(plain);
                parts.collect::<Vec<_>>().join(" ")
            });
        let fields = [
            ("detail", word("/detail").map(str::to_owned)),
            ("hint", word("/hint").map(str::to_owned)),
            ("fix by", word("/fix_by").map(|who| who.replace('_', " "))),
            ("vendor", vendor),
        ];
        for (label, value) in fields {
            if let Some(value) = value {
                self.field(label, &value);
            }
        }
    }

    pub(crate) fn failure(&mut self, words: &str) {
        self.gap();
        for line in wrapped(words, COLUMNS) {
            Self::print(&self.paint(RED, &line));
        }
    }
}

/// `40 ms`, `7.7 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return format!("{} ms", duration.as_millis());
    }
    format!("{:.1} s", duration.as_secs_f64())
}

/// A JSON value without quotes.
pub(crate) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Lines of at most so many columns; a longer word has a line of its own. Control characters are blanks: what is
/// shown came over a wire.
fn wrapped(words: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
