//! Processes whose wall clock is wrong, by libfaketime: the binary is the one that is shipped. Their monotonic clock is
//! left alone, as it is where an administrator sets the time.

use std::path::PathBuf;

/// Where packages put the library.
const PLACES: [&str; 3] = [
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
];

fn library() -> PathBuf {
    let multiarch = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let multiarch = multiarch.map(|it| it.path().join("faketime/libfaketimeMT.so.1"));
    let mut places = PLACES.into_iter().map(PathBuf::from).chain(multiarch);
    places.find(|it| it.exists()).unwrap_or_else(|| {
        panic!(
            "there is no libfaketime to set a process's clock with: run scripts/install-faketime.sh"
        )
    })
}

/// What a process needs in its environment to be so many seconds ahead of everybody.
pub fn ahead(seconds: i64) -> Vec<(&'static str, String)> {
    if seconds == 0 {
        return Vec::new();
    }
    vec![
        ("LD_PRELOAD", library().display().to_string()),
        ("FAKETIME", format!("{seconds:+}s")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ]
}
