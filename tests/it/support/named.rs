//! The tests there are, as `cargo test` names them: for tables that name tests.

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

/// The tests in the files below `directory`: those of the files themselves, or those in the module at their foot.
fn below(directory: &str, foot: &str) -> BTreeSet<String> {
    let indent = if foot.is_empty() { "" } else { "    " };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
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
        for line in text.lines().filter_map(|line| line.strip_prefix(indent)) {
            if line.starts_with("#[tokio::test") || line.starts_with("#[test]") {
                is_test = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                let name = rest.split('(').next().unwrap_or_default();
                tests.insert(format!("{module}::{foot}{name}"));
                is_test = false;
            }
        }
    }
    tests
}

/// Every test of this binary.
pub fn tests() -> BTreeSet<String> {
    below("tests/it", "")
}

/// Every test at the foot of a file.
pub fn unit_tests() -> BTreeSet<String> {
    below("src", "tests::")
}
