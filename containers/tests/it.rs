//! The program against an engine that is absent, silent, or played by this file over a socket of its own. The real one it
//! meets when the service's tests run on it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

fn program(socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postgres-container"));
    command
        .args(["postgres:1.2", "-c", "fsync=off"])
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .env_remove("TESTCONTAINERS_COMMAND")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// An engine that plays its part, and tells each request it got.
struct Engine {
    directory: TempDir,
    heard: Receiver<String>,
    /// The published port of its container.
    _port: TcpListener,
}

impl Engine {
    /// With the image, or where it cannot be pulled.
    fn play(has_image: bool) -> Engine {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = port.local_addr().unwrap().port();
        let listener = UnixListener::bind(directory.path().join("socket")).unwrap();
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let tell = tell.clone();
                std::thread::spawn(move || answer(stream.unwrap(), has_image, number, &tell));
            }
        });
        Engine {
            directory,
            heard,
            _port: port,
        }
    }

    fn start(&self) -> Child {
        program(&self.directory.path().join("socket"))
            .spawn()
            .unwrap()
    }

    /// The next request that begins like this, with its body.
    fn hears(&self, what: &str) -> String {
        loop {
            let request = self.heard.recv_timeout(PATIENCE).expect(what);
            if request.starts_with(what) {
                return request;
            }
        }
    }
}

const CREATED: &[u8] = br#"{"Id": "c0ffee", "Warnings": []}"#;

/// Answers one request and closes.
fn answer(mut stream: UnixStream, has_image: bool, port: u16, tell: &Sender<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    reader.read_line(&mut head).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    // "POST /v1.53/containers/create?platform= HTTP/1.1" is "POST containers/create".
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path = path.split('?').next().unwrap().trim_start_matches('/');
    let path = match path.split_once('/') {
        Some((version, rest)) if version.starts_with("v1") => rest,
        _ => path,
    };
    let what = format!("{method} {path}");
    let (status, answer) = match what.as_str() {
        "GET _ping" => ("200 OK", b"OK".to_vec()),
        "POST containers/create" if has_image => ("201 Created", CREATED.to_vec()),
        "POST containers/create" => ("404 Not Found", br#"{"message": "no image"}"#.to_vec()),
        "POST images/create" => ("500 Oops", br#"{"message": "no registry"}"#.to_vec()),
        "GET containers/c0ffee/logs" => {
            let line = "LOG:  database system is ready to accept connections\n";
            let mut frame = vec![2, 0, 0, 0, 0, 0, 0, line.len() as u8];
            frame.extend(line.as_bytes());
            ("200 OK", frame)
        }
        "GET containers/c0ffee/json" => {
            let bound = format!(r#"[{{"HostIp": "127.0.0.1", "HostPort": "{port}"}}]"#);
            let ports = format!(r#"{{"Ports": {{"5432/tcp": {bound}}}}}"#);
            let container = format!(r#"{{"Id": "c0ffee", "NetworkSettings": {ports}}}"#);
            ("200 OK", container.into_bytes())
        }
        "POST containers/c0ffee/start" | "DELETE containers/c0ffee" => ("204 No Content", vec![]),
        _ => panic!("the engine knows nothing of {what}"),
    };
    let kind = "Content-Type: application/json\r\nConnection: close";
    let head = format!("HTTP/1.1 {status}\r\n{kind}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&answer).unwrap();
    // Who asked may have ended since.
    let _ = tell.send(format!("{what}\n{}", String::from_utf8(body).unwrap()));
}

/// Its one line.
fn line(child: &mut Child) -> String {
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    line
}

/// It failed, and said so in one line.
fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let words = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(words.matches('\n').count(), 1, "{words}");
    words.trim_end().to_owned()
}

#[test]
fn a_container_is_for_this_machine_and_goes_with_our_input() {
    let engine = Engine::play(true);
    let mut child = engine.start();
    assert!(line(&mut child).starts_with("c0ffee postgres://postgres@127.0.0.1:"));
    let wanted = engine.hears("POST containers/create");
    for part in [
        r#""Image":"postgres:1.2""#,
        r#""Cmd":["-c","fsync=off"]"#,
        r#""PortBindings":{"5432/tcp":[{"HostIp":"127.0.0.1"}]}"#,
        r#""PublishAllPorts":false"#,
        r#""AutoRemove":true"#,
    ] {
        assert!(wanted.contains(part), "{part} in {wanted}");
    }
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    engine.hears("DELETE containers/c0ffee");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_signal_removes_it_too() {
    for signal in ["-INT", "-TERM"] {
        let engine = Engine::play(true);
        let mut child = engine.start();
        line(&mut child);
        let pid = child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        engine.hears("DELETE containers/c0ffee");
        assert!(child.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn an_image_that_cannot_be_pulled_is_one_line() {
    let engine = Engine::play(false);
    let words = failure(&engine.start().wait_with_output().unwrap());
    assert!(words.contains("'postgres:1.2'"), "{words}");
    assert!(words.ends_with("no registry"), "{words}");
}

#[test]
fn no_engine_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let output = program(&directory.path().join("nothing")).output().unwrap();
    let words = failure(&output);
    assert!(words.starts_with("no Docker engine answers: "), "{words}");
}

#[test]
fn an_engine_that_says_nothing_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let began = Instant::now();
    let output = program(&socket).output().unwrap();
    assert_eq!(
        failure(&output),
        "no Docker engine answers: nothing within 10 s"
    );
    assert!(began.elapsed() < PATIENCE);
}
