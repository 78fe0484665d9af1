//! The commands of the binary: what they print and how they end.

use crate::support::database;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

fn brickyard(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brickyard"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("DATABASE_URL");
    command
}

fn run(arguments: &[&str]) -> Output {
    brickyard(arguments).output().expect("it runs")
}

fn config(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("it can be written");
    file
}

#[test]
fn a_wrong_configuration_is_told_whole_and_ends_with_2() {
    let file = config(
        "instance = \"X!\"\n[database]\nmax_connections = \"many\"\n[server]\nlisten = \"nope\"\n\
         [templates.abc]\naccount = \"none\"\nregionn = \"eu-west-1\"\n",
    );
    let path = file.path().display().to_string();
    for verb in ["check-config", "serve", "work", "all", "migrate"] {
        let output = run(&["--config", &path, verb]);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        let text = String::from_utf8_lossy(&output.stderr);
        for key in [
            "instance",
            "database.max_connections",
            "server.listen",
            "templates.abc.account",
            "templates.abc.regionn",
            "did you mean `region`?",
        ] {
            assert!(text.contains(key), "{verb} does not tell {key}: {text}");
        }
    }
}

#[test]
fn the_example_is_right_and_a_wrong_command_line_ends_with_2() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/brickyard.example.toml");
    let output = run(&["check-config", "--config", example]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(run(&["fly"]).status.code(), Some(2));
    assert_eq!(
        run(&["--config", "/nowhere.toml", "check-config"])
            .status
            .code(),
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_may_run_twice() {
    let url = database::fresh().await;
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/brickyard.example.toml"
    ))
    .expect("the example");
    let file = config(&text);
    for _ in 0..2 {
        let output = brickyard(&["--config", &file.path().display().to_string(), "migrate"])
            .env("BRICKYARD_DATABASE__URL", &url)
            .output()
            .expect("it runs");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    database::discard(&url).await;
}

#[test]
fn dev_is_ready_soon_tells_all_in_one_line_and_ends_with_ctrl_c() {
    let began = Instant::now();
    let mut child = brickyard(&["dev", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let line = lines.next().expect("a line").expect("text");
    // A figure, not a verdict: the machine is busy with other tests.
    println!("brickyard dev is ready after {:?}", began.elapsed());
    let facts: Value = serde_json::from_str(&line).expect("JSON");
    for pointer in [
        "/api",
        "/docs",
        "/openapi",
        "/database",
        "/team",
        "/template",
        "/tokens/viewer",
        "/tokens/requester",
        "/tokens/operator",
        "/tokens/auditor",
        "/tokens/admin",
        "/simulator/account_host",
        "/simulator/client_secret",
        "/simulator/vault_token",
    ] {
        assert!(
            facts.pointer(pointer).is_some_and(Value::is_string),
            "{pointer} in {facts}"
        );
    }
    let database = facts["database"].as_str().expect("an address").to_owned();
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(lines.next().is_none(), "one line, no more");
    // Its database ended with it.
    let port: u16 = database
        .rsplit(':')
        .next()
        .and_then(|p| p.split('/').next())
        .expect("a port")
        .parse()
        .expect("a port");
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", port)).is_err(),
        "Postgres still answers"
    );
}
