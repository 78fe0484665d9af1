//! Clients that two generators make from the committed document, each driven through the happy path by a program that
//! uses nothing else (`tests/clients/`). What a generator leaves out of its client is a fault of our document.

use crate::support::TestApp;
use crate::support::conformity::DOCUMENT;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::process::Command;

/// Where `scripts/install-clients.sh` puts the generators, with Python, Node and the TypeScript compiler.
fn tools() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/clients");
    assert!(
        tools.join("whole").exists(),
        "the generators of clients are missing: run scripts/install-clients.sh"
    );
    tools
}

/// A new directory below `target/` with the committed document and these files of `tests/clients/`.
fn workbench(name: &str, files: &[&str]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = root.join("openapi/openapi.json");
    std::fs::copy(document, directory.join("openapi.json")).expect("the document");
    for file in files {
        let from = root.join("tests/clients").join(file);
        std::fs::copy(from, directory.join(file)).expect("a file");
    }
    directory
}

/// Runs one of the tools there.
async fn run(directory: &Path, program: &str, arguments: &[&str], env: &[(&str, &str)]) -> Output {
    let bin = tools().join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        [bin.clone(), tools().join("node_modules/.bin")]
            .into_iter()
            .chain(std::env::split_paths(&path)),
    )
    .expect("a path");
    Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// What it said; fails unless it ended well.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{said}", output.status);
    said
}

/// A generator that ended well and had nothing to complain about.
fn without_warning(output: &Output) {
    let said = said(output).to_lowercase();
    for word in ["warn", "error", "skip", "unsupported"] {
        assert!(!said.contains(word), "{said}");
    }
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str)> {
    let items = DOCUMENT["paths"].as_object().expect("paths").values();
    items
        .flat_map(|item| item.as_object().expect("methods").values())
        .map(|operation| {
            let text = |value: &'static Value| value.as_str().expect("text");
            (text(&operation["tags"][0]), text(&operation["operationId"]))
        })
}

fn schemas() -> impl Iterator<Item = &'static String> {
    let schemas = DOCUMENT["components"]["schemas"].as_object();
    schemas.expect("schemas").keys()
}

fn snake_case(camel_case: &str) -> String {
    let mut text = String::new();
    for letter in camel_case.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Runs a program as a requester and looks at what it leaves: one workspace, deleted.
async fn walk(directory: &Path, program: &str, arguments: &[&str]) {
    let app = TestApp::start().await;
    let token = app.token("requester");
    let env = [
        ("BRICKYARD_URL", app.url.as_str()),
        ("BRICKYARD_TOKEN", token.as_str()),
    ];
    let said = said(&run(directory, program, arguments, &env).await);
    let list = app.get("/workspaces?phase=deleted").await.body;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list:#}");
    assert_eq!(list["items"][0]["id"], said.trim(), "{list:#}");
    let operations = app.get("/operations").await.body;
    let kinds: Vec<&Value> = operations["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|operation| &operation["kind"])
        .collect();
    assert_eq!(kinds, ["delete", "create"], "{operations:#}");
    app.finish().await;
}

#[tokio::test]
async fn the_python_client_walks_the_happy_path() {
    let directory = workbench("python", &["happy_path.py", "openapi-python-client.yaml"]);
    let arguments = [
        "generate",
        "--fail-on-warning",
        "--meta=none",
        "--config=openapi-python-client.yaml",
        "--output-path=brickyard_client",
        "--path=openapi.json",
    ];
    without_warning(&run(&directory, "openapi-python-client", &arguments, &[]).await);

    let client = directory.join("brickyard_client");
    for (tag, id) in operations() {
        let file = client.join(format!("api/{tag}/{}.py", snake_case(id)));
        assert!(file.exists(), "no operation {id}");
    }
    let models = std::fs::read_to_string(client.join("models/__init__.py")).expect("models");
    for name in schemas() {
        assert!(models.contains(&format!("\"{name}\",")), "no model {name}");
    }
    walk(&directory, "python", &["happy_path.py", "python-client"]).await;
}

#[tokio::test]
async fn the_typescript_client_walks_the_happy_path() {
    let files = [
        "happy_path.ts",
        "openapi-ts.config.js",
        "package.json",
        "tsconfig.json",
    ];
    let directory = workbench("typescript", &files);
    let modules = tools().join("node_modules");
    std::os::unix::fs::symlink(modules, directory.join("node_modules")).expect("a link");
    without_warning(&run(&directory, "openapi-ts", &["--no-log-file"], &[]).await);

    let read = |file| {
        std::fs::read_to_string(directory.join("brickyard-client").join(file)).expect("a file")
    };
    let (functions, types) = (read("sdk.gen.ts"), read("types.gen.ts"));
    for (_, id) in operations() {
        let function = format!("export const {id} = ");
        assert!(functions.contains(&function), "no operation {id}");
    }
    for name in schemas() {
        let declared = format!("export type {name} = ");
        assert!(types.contains(&declared), "no type {name}");
    }
    said(&run(&directory, "tsc", &["--pretty", "false"], &[]).await);
    let program = ["built/happy_path.js", "typescript-client"];
    walk(&directory, "node", &program).await;
}
