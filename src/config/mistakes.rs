//! Mistakes in the configuration, collected and told together.

use super::Source;
use crate::domain::name::is_name;
use std::fmt;

/// One mistake (or warning), by the key it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Dotted key, such as `templates.sandbox.region`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl Mistake {
    pub(super) fn new(key: impl AsRef<str>, message: impl Into<String>) -> Self {
        Self {
            key: key.as_ref().to_owned(),
            message: message.into(),
        }
    }
}

/// All mistakes of one configuration. Prints as one aligned block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file, or words for its absence.
    pub source: String,
    /// The mistakes, by key.
    pub mistakes: Vec<Mistake>,
    /// What is only worth a word.
    pub warnings: Vec<Mistake>,
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes = match self.mistakes.len() {
            1 => "1 mistake".to_owned(),
            n => format!("{n} mistakes"),
        };
        write!(f, "{mistakes} in the configuration ({})", self.source)?;
        block(f, &self.mistakes)
    }
}

/// One line per mistake, messages below each other.
pub(super) fn block(f: &mut impl fmt::Write, mistakes: &[Mistake]) -> fmt::Result {
    let width = mistakes.iter().map(|m| m.key.chars().count()).max();
    let width = width.unwrap_or_default();
    for Mistake { key, message } in mistakes {
        write!(f, "\n  {key:width$}  {message}")?;
    }
    Ok(())
}

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn add(&mut self, key: impl AsRef<str>, message: impl Into<String>) {
        self.0.push(Mistake::new(key, message));
    }

    /// The name of a table: part of ids, paths and logs.
    pub(super) fn name(&mut self, key: &str, name: &str) {
        if !is_name(name) {
            self.add(
                key,
                "a name has 3 to 40 of a-z, 0-9 and `-`, begins with a letter and does not end in `-`",
            );
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By key; with the variable's name where the environment gave the value.
    pub(super) fn finish(self, source: Option<&Source>) -> Vec<Mistake> {
        let mut mistakes = self.0;
        mistakes.sort_by(|a, b| a.key.cmp(&b.key));
        for mistake in &mut mistakes {
            if let Some(variable) = source.and_then(|source| source.variable(&mistake.key)) {
                mistake.message.push_str(&format!(" (from {variable})"));
            }
        }
        mistakes
    }
}
