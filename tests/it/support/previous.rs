//! The version before: `scripts/build-previous.sh` builds it out of this repository's history.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version before.
pub struct Previous {
    /// Its binary.
    pub program: PathBuf,
    /// Its statements, as `.sqlx/` keeps them.
    pub queries: PathBuf,
}

/// It, for a test. None where the clone does not go back so far: then the test is left out, and that is said past the
/// harness.
pub fn previous(test: &str) -> Option<Previous> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wanted = std::fs::read_to_string(root.join("tests/previous_version")).expect("a file");
    let mut wanted = wanted.lines().filter(|line| !line.starts_with('#'));
    let wanted = wanted.next().expect("a commit");
    let there = root.join(".tools/previous");
    let built = std::fs::read_to_string(there.join("commit")).unwrap_or_default();
    if built.trim() == wanted {
        return Some(Previous {
            program: there.join("brickyard"),
            queries: there.join(".sqlx"),
        });
    }
    let known = Command::new("git")
        .args(["cat-file", "-e", &format!("{wanted}^{{commit}}")])
        .current_dir(root)
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        !known,
        "the version before is missing: run scripts/build-previous.sh"
    );
    let _ = writeln!(
        std::io::stderr(),
        "There is no commit {wanted} in this clone, so this is left out: {test}"
    );
    None
}
