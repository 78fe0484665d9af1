//! The throwaway Postgres. There is no client here: a start-up message is enough.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use simulator::postgres::Postgres;
use tokio::net::TcpStream;

/// The server answers a start-up message: with `R`, authentication.
async fn answers(postgres: &Postgres) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (address, _) = postgres.url().rsplit_once('/').unwrap();
    let (_, address) = address.rsplit_once('@').unwrap();
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut message = 196_608_u32.to_be_bytes().to_vec();
    message.extend(b"user\0postgres\0database\0postgres\0\0");
    let mut whole = (message.len() as u32 + 4).to_be_bytes().to_vec();
    whole.extend(message);
    stream.write_all(&whole).await.unwrap();
    stream.read_u8().await.ok() == Some(b'R')
}

fn lives(pid: u32) -> bool {
    Command::new("ps")
        .args(["-o", "pid=", "-p", &pid.to_string()])
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[tokio::test]
async fn it_starts_breaks_restarts_and_leaves_nothing() {
    let mut postgres = Postgres::start().await.unwrap();
    assert!(answers(&postgres).await);
    let first = postgres.pid().unwrap();
    postgres.stop_immediate().await.unwrap();
    assert!(!lives(first));
    assert!(!answers(&postgres).await);
    let url = postgres.url().to_owned();
    postgres.restart().await.unwrap();
    assert_eq!(postgres.url(), url);
    assert!(answers(&postgres).await);
    let pid = postgres.pid().unwrap();
    postgres.stop().await;
    assert!(!lives(pid));
    let mine = format!("brickyard-postgres-{}-", std::process::id());
    let left = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    assert_eq!(
        left.filter(|e| e.file_name().to_string_lossy().starts_with(&mine))
            .count(),
        0
    );
}

/// Servers and clients of other tests take whatever the system hands out; its port is not among that.
#[tokio::test]
async fn its_port_is_free_again_when_it_restarts() {
    // In a directory of ours: another test counts those that a server makes for itself.
    let directory = reachable("port ");
    let mut postgres = Postgres::start_in(directory.path()).await.unwrap();
    let port: u16 = {
        let (address, _) = postgres.url().rsplit_once('/').unwrap();
        address.rsplit_once(':').unwrap().1.parse().unwrap()
    };
    postgres.stop_immediate().await.unwrap();
    let others: Vec<_> = (0..500)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    for other in &others {
        let handed_out = other.local_addr().unwrap().port();
        assert!(
            handed_out > port,
            "{handed_out} is handed out, {port} is not"
        );
    }
    postgres.restart().await.unwrap();
    assert!(answers(&postgres).await);
    postgres.stop().await;
}

/// A directory that user `postgres` can reach.
fn reachable(prefix: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    directory
}

#[tokio::test]
async fn it_keeps_data_in_a_directory_with_spaces() {
    let directory = reachable("with spaces ");
    for _ in 0..2 {
        let postgres = Postgres::start_in(directory.path()).await.unwrap();
        assert!(answers(&postgres).await);
        postgres.stop().await;
    }
    assert!(directory.path().join("data/PG_VERSION").exists());
}

/// The program starts a server and is killed: so is the server.
#[tokio::test]
async fn it_dies_with_its_parent() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_simulator"));
    let mut child = program
        .arg("--postgres")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    let pid = line.split(' ').next().unwrap().parse().unwrap();
    assert!(lives(pid));
    child.kill().unwrap();
    child.wait().unwrap();
    let start = Instant::now();
    while lives(pid) {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{pid} outlives its parent"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for entry in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let mine = format!("brickyard-postgres-{}-", child.id());
        if entry.file_name().to_string_lossy().starts_with(&mine) {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}
