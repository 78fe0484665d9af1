//! The catalogue and the source: nothing is listed that nothing can say.

use brickyard::domain::problem::Code;
use std::path::{Path, PathBuf};

/// Where codes are listed, described or shown, but not told.
const LISTS: &[&str] = &[
    "domain/problem.rs",
    "domain/cause.rs",
    "http/routes.rs",
    "http/samples.rs",
    "http/problems/",
    "/tests",
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_code_is_told_somewhere() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut files = Vec::new();
    sources(Path::new(root), &mut files);
    let mut told = String::new();
    for file in files {
        let name = file.to_string_lossy().replace(root, "");
        if LISTS.iter().any(|list| name.contains(list)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("source");
        // Its own tests stand at the foot of a file.
        told.push_str(
            text.split("#[cfg(test)]\nmod tests")
                .next()
                .unwrap_or_default(),
        );
    }
    let names = |code: &Code| {
        let name = format!("Code::{code:?}");
        told.match_indices(&name)
            .any(|(at, _)| !told[at + name.len()..].starts_with(char::is_alphanumeric))
    };
    let silent: Vec<&Code> = Code::ALL.iter().filter(|code| !names(code)).collect();
    assert!(silent.is_empty(), "nothing tells {silent:?}");
}
