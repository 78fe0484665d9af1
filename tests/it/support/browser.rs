//! A headless Chromium, spoken to in WebDriver (W3C) through chromedriver: the few verbs that the tests need. Each verb
//! that looks for something waits until it is there.

use super::PATIENCE;
use super::process::free_port;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Keeps Chromium from whatever is not our page, and lets it run as root and without a GPU.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1600",
];

/// How WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with an empty profile; it ends with the value.
pub struct Browser {
    driver: Child,
    /// Address of the session; of the driver, until there is one.
    session: String,
    client: reqwest::Client,
    /// Removed when Chromium has ended.
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts it.
    pub async fn start() -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: run scripts/install-chromium.sh");
        let profile = tempfile::tempdir().expect("a directory");
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{port}"),
            client: reqwest::Client::new(),
            profile,
        };
        let until = Instant::now() + PATIENCE;
        while browser.ask("GET", "/status", None).await.is_err() {
            assert!(Instant::now() < until, "chromedriver does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let profile = browser.profile.path().display();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={profile}"));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.must("POST", "/session", Some(wanted)).await;
        let id = session["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    /// One command; the error is WebDriver's own.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
        let verb = method.parse::<reqwest::Method>().expect("a method");
        let mut request = self.client.request(verb, format!("{}{path}", self.session));
        if method == "POST" {
            request = request.json(&body.unwrap_or_else(|| json!({})));
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let good = answer.status().is_success();
        let mut body: Value = answer.json().await.map_err(|error| error.to_string())?;
        match good {
            true => Ok(body["value"].take()),
            false => Err(body["value"]["message"].to_string()),
        }
    }

    async fn must(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.ask(method, path, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Goes to an address and waits until it has loaded.
    pub async fn open(&self, url: &str) {
        self.must("POST", "/url", Some(json!({"url": url}))).await;
    }

    /// Whether there is such an element now.
    pub async fn has(&self, xpath: &str) -> bool {
        self.look(xpath).await.is_ok()
    }

    async fn look(&self, xpath: &str) -> Result<String, String> {
        let wanted = json!({"using": "xpath", "value": xpath});
        let found = self.ask("POST", "/element", Some(wanted)).await?;
        let id = found[ELEMENT].as_str().ok_or("no element")?;
        Ok(format!("/element/{id}"))
    }

    /// Repeats until it works: what a page shows, moves or covers changes while it is looked at.
    async fn until_it_works(&self, xpath: &str, verb: &str, body: Option<Value>) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let done = match self.look(xpath).await {
                Ok(element) => {
                    let method = if body.is_some() { "POST" } else { "GET" };
                    let path = format!("{element}{verb}");
                    self.ask(method, &path, body.clone()).await
                }
                Err(error) => Err(error),
            };
            match done {
                Ok(value) => return value,
                Err(error) if Instant::now() >= until => panic!("{verb} {xpath}: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Clicks on an element.
    pub async fn click(&self, xpath: &str) {
        self.until_it_works(xpath, "/click", Some(json!({}))).await;
    }

    /// Types into a field, in place of what stood there.
    pub async fn fill(&self, xpath: &str, text: &str) {
        self.until_it_works(xpath, "/clear", Some(json!({}))).await;
        self.until_it_works(xpath, "/value", Some(json!({"text": text})))
            .await;
    }

    /// The visible text of an element.
    pub async fn text(&self, xpath: &str) -> String {
        let text = self.until_it_works(xpath, "/text", None).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What stands in a field.
    pub async fn value(&self, xpath: &str) -> String {
        let value = self.until_it_works(xpath, "/property/value", None).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The windows, oldest first.
    pub async fn windows(&self) -> Vec<String> {
        let handles = self.must("GET", "/window/handles", None).await;
        serde_json::from_value(handles).expect("handles")
    }

    /// Turns to a window.
    pub async fn turn_to(&self, window: &str) {
        self.must("POST", "/window", Some(json!({"handle": window})))
            .await;
    }

    /// Scrolls to an element.
    async fn show(&self, xpath: &str) {
        let script = "document.evaluate(arguments[0], document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null)\
                      .singleNodeValue.scrollIntoView({block: 'center', behavior: 'instant'})";
        let script = json!({"script": script, "args": [xpath]});
        self.must("POST", "/execute/sync", Some(script)).await;
    }

    /// Takes a picture of an element and what is around it, into `target/`, for people to look at.
    pub async fn picture(&self, name: &str, xpath: &str) {
        self.show(xpath).await;
        let png = self.must("GET", "/screenshot", None).await;
        let png = STANDARD.decode(png.as_str().expect("a picture"));
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
        std::fs::create_dir_all(&directory).expect("a directory");
        let file = directory.join(format!("{name}.png"));
        std::fs::write(file, png.expect("base64")).expect("it can be written");
    }

    /// Also in a test that failed, where nothing can be awaited any more.
    fn end_session(&self) -> std::io::Result<()> {
        let (address, path) = self.session["http://".len()..]
            .split_once('/')
            .ok_or(std::io::ErrorKind::NotFound)?;
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "DELETE /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    }

    /// What the console of the page has said since it was asked last: errors, breaches of the page's policy, whatever
    /// could not be loaded. Chromium's own advice on how to write pages is left out.
    pub async fn console(&self) -> Vec<Value> {
        let log = self
            .must("POST", "/se/log", Some(json!({"type": "browser"})))
            .await;
        let mut said: Vec<Value> = serde_json::from_value(log).expect("a list");
        said.retain(|line| line["source"] != "recommendation");
        said
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends Chromium when it is told to, not when it is killed.
        let _ = self.end_session();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
