//! SIGHUP to a real process: templates and issuers are taken up, a bad file changes nothing, and nobody who is asking
//! at that moment is disturbed.

use crate::support::process::{Process, free_port};
use crate::support::{Builder, PATIENCE, TestApp};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A real API process in the world of a test, with its log.
struct Api {
    app: TestApp,
    process: Process,
    url: String,
    log: tempfile::NamedTempFile,
    client: reqwest::Client,
}

impl Api {
    async fn start() -> Self {
        let builder = Builder {
            workers: 0,
            ..Builder::default()
        };
        let app = builder.start().await;
        let listen = format!("127.0.0.1:{}", free_port());
        let log = tempfile::NamedTempFile::new().expect("a file");
        let env = [("BRICKYARD_SERVER__LISTEN", listen.as_str())];
        let written = log.reopen().expect("the file");
        let process = Process::start(&app, "serve", &env, Stdio::from(written));
        let api = Self {
            app,
            process,
            url: format!("http://{listen}"),
            log,
            client: reqwest::Client::new(),
        };
        let until = Instant::now() + PATIENCE;
        while api
            .client
            .get(format!("{}/readyz", api.url))
            .send()
            .await
            .is_err()
        {
            assert!(Instant::now() < until, "it does not serve: {}", api.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        api
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).expect("the log")
    }

    fn read_config(&self) -> String {
        std::fs::read_to_string(self.process.config()).expect("the file")
    }

    /// Changes the file, sends the signal, and waits until the log says so; what was logged since.
    async fn reload(&self, text: &str) -> String {
        let before = self.log().len();
        std::fs::write(self.process.config(), text).expect("it can be written");
        self.process.signal("HUP");
        self.told_since(before).await
    }

    async fn told_since(&self, before: usize) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = self.log().split_off(before);
            let ends = ["was read again", "is not taken up"];
            if log.ends_with('\n') && ends.iter().any(|end| log.contains(end)) {
                return log;
            }
            assert!(Instant::now() < until, "nothing is told: {log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn status(&self, group: &str) -> u16 {
        let token = self.app.token_of("somebody@example.com", group);
        let asked = self.client.get(format!("{}/workspaces", self.url));
        let answer = asked.bearer_auth(token).send().await;
        answer.expect("an answer").status().as_u16()
    }

    /// Waits until a member of a group is answered so.
    async fn becomes(&self, group: &str, status: u16) {
        let until = Instant::now() + PATIENCE;
        while self.status(group).await != status {
            assert!(
                Instant::now() < until,
                "{group}: not {status}: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn order(&self, template: &str, name: &str) -> (u16, Value) {
        let token = self.app.token("requester");
        let body = json!({"name": name, "template": template});
        let sent = self.client.post(format!("{}/workspaces", self.url));
        let answer = sent.bearer_auth(token).json(&body).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    async fn end(mut self) {
        assert!(self.process.runs(), "it has gone: {}", self.log());
        self.process.kill();
        self.app.abandon("nobody works here").await;
    }
}

/// The configuration with one more template, `second`.
fn with_second(text: &str) -> String {
    let begin = text.find("[templates.sandbox]").expect("a template");
    let rest = &text[begin..];
    let end = rest[1..].find("\n[").expect("another section") + 2;
    let second = rest[..end].replace("[templates.sandbox]", "[templates.second]");
    format!("{text}\n{second}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_issuers_are_taken_up() {
    let api = Api::start().await;
    let text = api.read_config();
    assert_eq!(api.status("viewers").await, 200);
    assert_eq!(api.status("readers").await, 403);
    let (status, problem) = api.order("second", "too-early").await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/template"))
    );

    let next = with_second(&text).replace("\"viewers\"", "\"readers\"");
    let told = api.reload(&next).await;
    assert!(
        told.contains("\"generation\":2") && told.contains("issuers templates"),
        "{told}"
    );
    assert!(
        !told.contains("next start"),
        "nothing else has changed: {told}"
    );
    api.becomes("readers", 200).await;
    assert_eq!(api.status("viewers").await, 403);
    let (status, accepted) = api.order("second", "in-time").await;
    assert_eq!(status, 202, "{accepted}");

    // A list of denied subjects counts from now on.
    let denied = next.replace(
        "[issuers.corp]",
        "[issuers.corp]\ndenied_subjects = [\"somebody@example.com\"]",
    );
    let told = api.reload(&denied).await;
    assert!(told.contains("\"generation\":3"), "{told}");
    api.becomes("readers", 401).await;
    // What is read again and says the same is nothing new.
    let told = api.reload(&denied).await;
    assert!(told.contains("\"generation\":3"), "{told}");
    api.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_keeps_the_old_and_is_told_whole() {
    let api = Api::start().await;
    let text = api.read_config();
    let canary = "canary-never-logged";
    let bad = with_second(&text)
        .replace("\"viewers\"", "\"readers\"")
        .replace("region = \"us-west-2\"", "region = \"nowhere\"")
        .replace(
            "[stores.main]",
            &format!("[stores.main]\nmont = \"{canary}\""),
        );
    let told = api.reload(&bad).await;
    for key in [
        "templates.sandbox.region",
        "templates.second.region",
        "stores.main.mont",
        "\"generation\":1",
    ] {
        assert!(told.contains(key), "{key} is not told: {told}");
    }
    assert!(!told.contains(canary), "{told}");
    let not_toml = api.reload("instance = \"unfinished").await;
    assert!(not_toml.contains("line 1"), "{not_toml}");
    // The file is gone; the defaults do not take its place.
    let before = api.log().len();
    std::fs::remove_file(api.process.config()).expect("it is there");
    api.process.signal("HUP");
    let gone = api.told_since(before).await;
    assert!(gone.contains("is not taken up"), "{gone}");

    assert_eq!(api.status("viewers").await, 200);
    assert_eq!(api.status("readers").await, 403);
    assert_eq!(api.order("second", "never-known").await.0, 422);
    assert_eq!(api.order("sandbox", "still-known").await.0, 202);
    api.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_start_is_named_and_not_half_taken_up() {
    let api = Api::start().await;
    let text = api.read_config();
    // Of an account that this process does not have nothing could be made.
    let begin = text.find("[accounts.main]").expect("an account");
    let end = begin + text[begin..].find("[stores.main]").expect("a store");
    let id = &api.app.simulator.world().account_id;
    let other = text[begin..end]
        .replace("accounts.main", "accounts.other")
        .replace(id, "00000000-0000-4000-8000-00000000000f");
    let elsewhere = format!("{}\n{other}", with_second(&text));
    let second = elsewhere.find("[templates.second]").expect("it");
    let (head, tail) = elsewhere.split_at(second);
    let elsewhere = format!(
        "{head}{}",
        tail.replacen("account = \"main\"", "account = \"other\"", 1)
    );
    let told = api.reload(&elsewhere).await;
    assert!(
        told.contains("templates.second.account") && told.contains("is not taken up"),
        "{told}"
    );
    assert_eq!(api.order("second", "never-known").await.0, 422);

    let tuned = with_second(&text)
        .replace("poll_seconds = 1", "poll_seconds = 2")
        .replace("requests_per_second = 100", "requests_per_second = 50");
    let told = api.reload(&tuned).await;
    let named = |section: &str| {
        told.lines()
            .any(|line| line.contains("next start") && line.contains(&format!("\"{section}\"")))
    };
    assert!(named("worker") && named("accounts"), "{told}");
    assert!(
        !named("server") && !named("stores") && !named("templates"),
        "{told}"
    );
    assert!(told.contains("\"generation\":2"), "{told}");
    assert_eq!(api.order("second", "known-now").await.0, 202);
    api.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_is_asking_is_disturbed() {
    let api = Api::start().await;
    let texts = [with_second(&api.read_config()), api.read_config()];
    let over = AtomicBool::new(false);
    let reloads = async {
        for text in texts.iter().cycle().take(20) {
            api.reload(text).await;
        }
        over.store(true, Ordering::SeqCst);
    };
    // Viewers stay viewers whatever is read: whoever asks in between is known.
    let asking = join_all((0..8).map(async |_| {
        let mut asked = 0;
        while !over.load(Ordering::SeqCst) {
            assert_eq!(api.status("viewers").await, 200, "request {asked}");
            asked += 1;
        }
        asked
    }));
    let ((), asked) = tokio::join!(reloads, asking);
    let asked: usize = asked.into_iter().sum();
    assert!(asked > 20, "{asked} requests");
    println!("{asked} requests over 20 reloads");
    api.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_survives_it() {
    let builder = Builder {
        workers: 0,
        ..Builder::default()
    };
    let app = builder.start().await;
    let log = tempfile::NamedTempFile::new().expect("a file");
    let written = log.reopen().expect("the file");
    let mut worker = Process::start(&app, "work", &[], Stdio::from(written));
    let operation = app.create("before-the-signal").await;
    // It works, so it listens to signals.
    assert_eq!(app.done(&operation).await["status"], "succeeded");
    worker.signal("HUP");
    app.ready("after-the-signal").await;
    assert!(worker.runs());
    let log = std::fs::read_to_string(log.path()).expect("the log");
    assert!(log.contains("nothing is read again"), "{log}");
    worker.kill();
    app.finish().await;
}
