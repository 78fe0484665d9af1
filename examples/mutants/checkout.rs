//! A copy of the checkout: what git knows of and what it would take up, as it is in the work tree.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The copy.
pub struct Checkout(PathBuf);

impl Checkout {
    /// Makes the copy like `root`. What is like it already is not touched: it need not be built again.
    pub fn copy(root: &Path, to: PathBuf) -> Result<Self> {
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(root)
            .output()
            .context("git ls-files")?;
        ensure!(listed.status.success(), "git ls-files does not list it");
        let listed = String::from_utf8(listed.stdout)?;
        let files: BTreeSet<&str> = listed.split('\0').filter(|it| !it.is_empty()).collect();
        let there = |file: &&&str| root.join(file).is_file();
        let files: BTreeSet<PathBuf> = files.iter().filter(there).map(PathBuf::from).collect();
        std::fs::create_dir_all(&to)?;
        remove_others(&to, &to, &files)?;
        for file in &files {
            let text = std::fs::read(root.join(file))?;
            let target = to.join(file);
            if std::fs::read(&target).is_ok_and(|old| old == text) {
                continue;
            }
            if let Some(directory) = target.parent() {
                std::fs::create_dir_all(directory)?;
            }
            // With its rights: there are scripts among them.
            std::fs::copy(root.join(file), &target)?;
        }
        Ok(Self(to))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The text of a file of it.
    pub fn read(&self, file: &str) -> Result<String> {
        std::fs::read_to_string(self.0.join(file)).with_context(|| file.to_owned())
    }

    /// Replaces it.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        std::fs::write(self.0.join(file), text).with_context(|| file.to_owned())
    }
}

fn remove_others(root: &Path, directory: &Path, files: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(root, &path, files)?;
        } else if !files.contains(path.strip_prefix(root)?) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
