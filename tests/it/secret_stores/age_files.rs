//! Encrypted files: what lies on disk, who can read it, and what is refused.

use super::{TOKEN, contract, value};
use age::x25519::Identity;
use brickyard::secrets::age_file::{AgeFile, Format, Settings};
use brickyard::secrets::{Checked, SecretStore, SecretValue, StoreFailure, Version};
use secrecy::{ExposeSecret, SecretString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

/// An empty directory, and who can read what is put there.
struct Desk {
    folder: TempDir,
    identity: Identity,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            identity: Identity::generate(),
        }
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn store(&self, format: Format) -> AgeFile {
        AgeFile::new(Settings {
            directory: self.folder.path().to_owned(),
            recipient: self.identity.to_public(),
            format,
        })
    }

    /// As `age -d -i key` does it.
    fn decrypted(&self, path: &str) -> String {
        let sealed = fs::read(self.path(path)).unwrap();
        String::from_utf8(age::decrypt(&self.identity, &sealed).unwrap()).unwrap()
    }

    /// Every file and folder below the directory.
    fn names(&self) -> Vec<String> {
        fn walk(folder: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                names.push(entry.path().display().to_string());
                if entry.path().is_dir() {
                    walk(&entry.path(), names);
                }
            }
        }
        let mut names = Vec::new();
        walk(self.folder.path(), &mut names);
        names
    }
}

#[tokio::test]
async fn files_keep_the_contract() {
    let desk = Desk::new();
    for format in [Format::Token, Format::Json] {
        let store = desk.store(format);
        assert_eq!(store.kind(), "age_file");
        contract::keeps(&store).await;
        contract::lets_one_win(&store).await;
    }
    let lock = desk.path(".lock").display().to_string();
    assert_eq!(desk.names(), [lock], "nothing else is left");
}

#[tokio::test]
async fn a_check_leaves_nothing_behind_and_sees_what_a_put_would_meet() {
    let desk = Desk::new();
    let store = desk.store(Format::Token);
    assert_eq!(store.check("a/b/c").await.unwrap(), Checked::Writable);
    assert!(desk.names().is_empty(), "{:?}", desk.names());
    store.put("a/b/c", value(), None).await.unwrap();
    let before = desk.names();
    assert_eq!(store.check("a/b/c").await.unwrap(), Checked::Writable);
    assert_eq!(desk.names(), before);

    // In the way: a file, a link, a folder.
    fs::write(desk.path("file"), "theirs").unwrap();
    symlink(desk.path("a"), desk.path("link")).unwrap();
    fs::create_dir(desk.path("folder.age")).unwrap();
    for path in ["file/x", "link/x", "folder"] {
        let refused = store.check(path).await.unwrap_err();
        assert_eq!(refused.failure, StoreFailure::Denied, "{path}: {refused}");
        let put = store.put(path, value(), None).await.unwrap_err();
        assert_eq!(put.failure, StoreFailure::Denied, "{path}: {put}");
    }
}

#[tokio::test]
async fn whoever_has_the_identity_reads_and_nobody_else() {
    let desk = Desk::new();
    let store = desk.store(Format::Token);
    let first = store.put("teams/a", value(), None).await.unwrap();
    assert_eq!(desk.decrypted("teams/a.age"), TOKEN.expose_secret());
    let json = desk.store(Format::Json);
    json.put("teams/a", value(), Some(&first)).await.unwrap();
    let found: serde_json::Value = serde_json::from_str(&desk.decrypted("teams/a.age")).unwrap();
    assert_eq!(found["token"], TOKEN.expose_secret());
    assert_eq!(found["host"], "https://dbc-1.example");
    let sealed = fs::read(desk.path("teams/a.age")).unwrap();
    assert!(age::decrypt(&Identity::generate(), &sealed).is_err());
    for name in ["teams/a.age", "teams/a.json"] {
        let content = fs::read(desk.path(name)).unwrap();
        assert!(
            !String::from_utf8_lossy(&content).contains("canary"),
            "{name}"
        );
        let mode = fs::metadata(desk.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let mode = fs::metadata(desk.path("teams")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
}

#[tokio::test]
async fn after_a_crash_nothing_is_believed_that_is_not_so() {
    let desk = Desk::new();
    let store = desk.store(Format::Token);
    let first = store.put("a", value(), None).await.unwrap();
    // Between the count and the value: the second value was never written.
    fs::write(desk.path("a.json"), r#"{"version": 2, "metadata": {}}"#).unwrap();
    fs::write(desk.path("a.age.new"), "half").unwrap();
    let found = store.metadata("a").await.unwrap().unwrap();
    let second = Version("2".to_owned());
    assert_eq!(
        (found.current.as_ref(), found.metadata),
        (Some(&second), None)
    );
    let moved = store.put("a", value(), Some(&first)).await.unwrap_err();
    assert_eq!(moved.failure, StoreFailure::Moved);
    let newer: SecretString = "dapi-newer".to_owned().into();
    let newer = SecretValue {
        host: "h",
        token: &newer,
    };
    let third = store.put("a", newer, Some(&second)).await.unwrap();
    assert_eq!(
        (third.0.as_str(), desk.decrypted("a.age").as_str()),
        ("3", "dapi-newer")
    );

    // Before the first value.
    fs::write(desk.path("b.json"), r#"{"version": 1}"#).unwrap();
    let found = store.metadata("b").await.unwrap().unwrap();
    assert_eq!(found.current, None);
    store
        .put("b", value(), Some(&found.expected))
        .await
        .unwrap();
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let desk = Desk::new();
    let store = desk.store(Format::Token);
    fs::write(desk.path("theirs.age"), "theirs").unwrap();
    let found = store.metadata("theirs").await.unwrap().unwrap();
    assert!(found.current.is_some() && found.metadata.is_none());
    for expected in [None, found.current.as_ref()] {
        let moved = store.put("theirs", value(), expected).await.unwrap_err();
        assert_eq!(moved.failure, StoreFailure::Moved);
    }
    fs::write(desk.path("garbage.json"), "{").unwrap();
    let error = store.metadata("garbage").await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Denied, "{error}");
    assert_eq!(fs::read(desk.path("theirs.age")).unwrap(), b"theirs");
}

#[tokio::test]
async fn no_link_leads_out_of_the_directory() {
    let desk = Desk::new();
    let store = desk.store(Format::Token);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.age"), "theirs").unwrap();
    symlink(outside.path(), desk.path("folder")).unwrap();
    symlink(outside.path().join("x.age"), desk.path("file.age")).unwrap();
    symlink(outside.path().join("new.json"), desk.path("dangling.json")).unwrap();
    for path in ["folder/x", "folder/new", "file", "dangling"] {
        for failed in [
            store.metadata(path).await.err(),
            store.put(path, value(), None).await.err(),
            store.delete(path).await.err(),
        ] {
            let error = failed.unwrap();
            assert_eq!(error.failure, StoreFailure::Denied, "{path}: {error}");
            assert!(error.explanation.detail.contains("is a link"), "{error}");
        }
    }
    let left: Vec<_> = fs::read_dir(outside.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(fs::read(outside.path().join("x.age")).unwrap(), b"theirs");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_said_so() {
    let desk = Desk::new();
    let store = AgeFile::new(Settings {
        directory: desk.path("not-there"),
        recipient: desk.identity.to_public(),
        format: Format::Token,
    });
    for failed in [
        store.check("a").await.err(),
        store.put("a", value(), None).await.err(),
        store.metadata("a").await.err(),
    ] {
        let error = failed.unwrap();
        assert_eq!(error.failure, StoreFailure::Denied, "{error}");
        assert!(error.explanation.detail.contains("not-there"), "{error}");
    }
    fs::write(desk.path("not-there"), "a file").unwrap();
    assert_eq!(
        store.check("a").await.unwrap_err().failure,
        StoreFailure::Denied
    );
}
