//! README's promises: each names tests, and they exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// Every test of this binary, as `cargo test` names it.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let mut tests = BTreeSet::new();
    for path in paths {
        let module = path
            .strip_prefix(&root)
            .expect("below it")
            .with_extension("");
        let module = module.to_string_lossy().replace('/', "::");
        let module = module.trim_end_matches("::mod");
        let text = std::fs::read_to_string(&path).expect("source");
        let mut is_test = false;
        for line in text.lines() {
            if line.starts_with("#[tokio::test") || line.starts_with("#[test]") {
                is_test = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                let name = rest.split('(').next().unwrap_or_default();
                tests.insert(format!("{module}::{name}"));
                is_test = false;
            }
        }
    }
    tests
}

#[test]
fn every_promise_names_tests_that_exist() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let (_, section) = readme
        .split_once("## What you can rely on")
        .expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let tests = tests();
    let rows: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| promise"))
        .filter(|line| !line.starts_with("| ---"))
        .collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let (_, named) = row
            .trim_end_matches(" |")
            .rsplit_once(" | ")
            .expect("two cells");
        let named: Vec<&str> = named.split_whitespace().collect();
        assert!(!named.is_empty(), "no test keeps: {row}");
        for name in named {
            let name = name.trim_matches('`');
            assert!(tests.contains(name), "there is no test {name}");
        }
    }
}
