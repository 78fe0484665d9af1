//! `tests/mutants.toml`: read, and applied to a file's text.

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;
use std::path::Path;

/// A defect, and the test that must fail because of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// What it is called.
    pub name: String,
    /// What is wrong then, in a sentence.
    pub wrong: String,
    /// The file it is in, from the top of the repository.
    pub file: String,
    /// Text that stands there once.
    pub find: String,
    /// What stands there instead.
    pub put: String,
    /// The test, as it is named behind `cargo test --test it`; or `--lib` and the name of one at the foot of a file.
    pub test: String,
}

#[derive(Deserialize)]
struct Table {
    mutant: Vec<Mutant>,
}

/// All of them, as they stand below `root`.
///
/// # Errors
/// What is wrong with the table.
pub fn read(root: &Path) -> Result<Vec<Mutant>, Box<figment::Error>> {
    let table: Table =
        Figment::from(Toml::file_exact(root.join("tests/mutants.toml"))).extract()?;
    Ok(table.mutant)
}

impl Mutant {
    /// The file's text with the defect in it.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        match text.matches(&self.find).count() {
            _ if self.find == self.put => Err("it changes nothing".to_owned()),
            1 => Ok(text.replacen(&self.find, &self.put, 1)),
            times => Err(format!("{} has its text {times} times", self.file)),
        }
    }

    /// Whether the test is one at the foot of a file, and its name.
    pub fn place(&self) -> (bool, &str) {
        match self.test.strip_prefix("--lib ") {
            Some(name) => (true, name),
            None => (false, &self.test),
        }
    }
}
