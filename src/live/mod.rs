//! `check-config --live`: what the outside says of a configuration that is right in itself.
//!
//! The database, every issuer, every secret store and every account are asked, and the accounts for what the templates
//! refer to. It logs in and reads, and changes nothing, so that it may be run anywhere and at any time. What was not
//! answered is *unknown* and never shown as a pass; what cannot work is a *fail*. Every finding is told by its key.

mod database;

use crate::app::App;
use crate::cloud::{
    Check, CheckResult, CloudError, Failure, NETWORK_FREE, Own, Provider, SUBNETS_FREE, Settings,
    UpstreamWorkspace,
};
use crate::domain::problem::{Code, Explanation, FixBy};
use crate::domain::spec::Spec;
use crate::domain::template::Template;
use crate::secrets::{Checked, SecretStore};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a throttled call is tried, and the longest wait before the next time.
const TRIES: usize = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// What stands in for team and name of a workspace that nobody asks for.
const NOBODY: &str = "check-config";

/// What came out of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Holds.
    Pass,
    /// May hold, and is worth a look.
    Warn,
    /// Cannot be told from here.
    Unknown,
    /// Does not hold: the service could not work.
    Fail,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// One check of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Dotted key of the configuration.
    pub key: String,
    /// What came out.
    pub verdict: Verdict,
    /// A sentence; never a secret.
    pub message: String,
}

impl Finding {
    fn new(key: impl Into<String>, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            verdict,
            message: message.into(),
        }
    }

    fn explained(key: impl Into<String>, verdict: Verdict, explanation: &Explanation) -> Self {
        let hint = explanation.hint.as_deref();
        let detail = explanation.detail.trim_end_matches('.');
        let message = match hint.unwrap_or_else(|| explanation.code.hint()) {
            // What to do in an operation, which waits; here nobody does.
            _ if explanation.code.fix_by() == FixBy::Nobody => detail.to_owned(),
            hint => format!("{detail}. {hint}"),
        };
        Self::new(key, verdict, message)
    }
}

/// Asks everybody, all at the same time. By key.
pub async fn check(app: &App) -> Vec<Finding> {
    let (database, issuers, stores, accounts) = tokio::join!(
        database::check(app),
        issuers(app),
        stores(app),
        accounts(app)
    );
    let mut findings = [database, issuers, stores, accounts].concat();
    findings.sort_by(|a, b| a.key.cmp(&b.key));
    findings
}

/// Whether the service could not work.
pub fn cannot_work(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Fail)
}

/// The findings below each other, and how many there are of each kind.
pub fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.key.chars().count());
    let width = width.max().unwrap_or_default();
    let mut text = "asked outside".to_owned();
    for Finding {
        key,
        verdict,
        message,
    } in findings
    {
        text.push_str(&format!(
            "\n  {:7}  {key:width$}  {message}",
            verdict.as_str()
        ));
    }
    let count = |verdict| {
        let findings = findings.iter().filter(|finding| finding.verdict == verdict);
        format!("{} {}", findings.count(), verdict.as_str())
    };
    let counts = [
        Verdict::Pass,
        Verdict::Warn,
        Verdict::Unknown,
        Verdict::Fail,
    ];
    text.push_str(&format!("\n{}", counts.map(count).join(", ")));
    text
}

async fn issuers(app: &App) -> Vec<Finding> {
    let looks = app.verifier().look_for_keys().await;
    let finding = |(name, look): (String, Result<usize, String>)| {
        let fixed = app.config.issuers.iter();
        let fixed = fixed.filter(|issuer| issuer.jwks_url.is_some());
        let member = match fixed.map(|issuer| &issuer.name).any(|n| *n == name) {
            true => "jwks_url",
            false => "issuer",
        };
        let key = format!("issuers.{name}.{member}");
        match look {
            Ok(1) => Finding::new(key, Verdict::Pass, "1 signing key"),
            Ok(keys) => Finding::new(key, Verdict::Pass, format!("{keys} signing keys")),
            Err(why) => Finding::new(key, Verdict::Fail, why),
        }
    };
    looks.into_iter().map(finding).collect()
}

/// Each store at the paths the templates write to; one that no template names, at one of its own.
async fn stores(app: &App) -> Vec<Finding> {
    let stores = app.stores();
    let checks = stores.iter().map(async |(name, store)| {
        let mut findings = Vec::new();
        let mut paths: BTreeMap<String, String> = BTreeMap::new();
        for template in templates(app).filter(|template| template.secret_store == *name) {
            let path = nobodys(template).secret.path;
            let key = format!("templates.{}.secret_path", template.section());
            paths.entry(path).or_insert(key);
        }
        if paths.is_empty() {
            paths.insert(format!("databricks/{NOBODY}"), format!("stores.{name}"));
        }
        for (path, key) in paths {
            findings.push(store_at(name, store.as_ref(), &path, key).await);
        }
        findings
    });
    join_all(checks).await.concat()
}

async fn store_at(name: &str, store: &dyn SecretStore, path: &str, key: String) -> Finding {
    match store.check(path).await {
        Ok(Checked::Writable) => {
            let message = format!("stores.{name} lets us write such as {path}");
            Finding::new(key, Verdict::Pass, message)
        }
        Ok(Checked::Answers) => {
            let message = format!(
                "stores.{name} lets us in; whether {path} may be written shows when the first token is delivered"
            );
            Finding::new(key, Verdict::Unknown, message)
        }
        Err(error) if error.explanation.code == Code::SecretStoreDenied => {
            Finding::new(key, Verdict::Fail, error.explanation.detail)
        }
        // Whatever the path: it is the store.
        Err(error) => Finding::new(
            format!("stores.{name}"),
            Verdict::Fail,
            error.explanation.detail,
        ),
    }
}

async fn accounts(app: &App) -> Vec<Finding> {
    let providers = app.providers();
    let checks = providers.iter().map(async |(name, provider)| {
        let provider = provider.as_ref();
        let settings = &app.config.accounts[name];
        let templates = templates(app).filter(|template| template.account == *name);
        match patiently(|| provider.list_workspaces()).await {
            Ok(all) => {
                let message = format!("{}; {}", settings.cloud().traits().admits, some(all.len()));
                let key = format!("accounts.{name}");
                let mut findings = vec![Finding::new(key, Verdict::Pass, message)];
                for found in templates {
                    findings.extend(template(found, settings, provider, &all).await);
                }
                findings
            }
            Err(error) => {
                let mut findings = vec![no_account(name, settings, &error)];
                let message = format!("not asked for, since accounts.{name} cannot be asked");
                findings.extend(templates.map(|template| {
                    let key = format!("templates.{}", template.section());
                    Finding::new(key, Verdict::Unknown, message.clone())
                }));
                findings
            }
        }
    });
    join_all(checks).await.concat()
}

/// The account cannot be asked: which of its settings is the likely cause.
fn no_account(name: &str, settings: &Settings, error: &CloudError) -> Finding {
    let mut key = format!("accounts.{name}");
    if let Some(setting) = settings.suspect(&error.explanation) {
        key = format!("{key}.{setting}");
    }
    let verdict = match error.failure {
        Failure::Throttled(_) => Verdict::Unknown,
        _ => Verdict::Fail,
    };
    Finding::explained(key, verdict, &error.explanation)
}

/// What the account says of one template.
async fn template(
    template: &Template,
    settings: &Settings,
    provider: &dyn Provider,
    all: &[UpstreamWorkspace],
) -> Vec<Finding> {
    let key = format!("templates.{}", template.section());
    let spec = nobodys(template);
    let mut findings = vec![region(format!("{key}.region"), &spec, all)];
    match patiently(|| provider.preflight(&spec, Own::default())).await {
        Ok(checks) => {
            // What is about the account was told of it.
            let found = |check| Some(of_check(&key, settings.checked(check)?, check));
            findings.extend(checks.iter().filter_map(found));
        }
        Err(error) => {
            findings.push(Finding::explained(
                key,
                Verdict::Unknown,
                &error.explanation,
            ));
        }
    }
    findings
}

fn region(key: String, spec: &Spec, all: &[UpstreamWorkspace]) -> Finding {
    let region = spec.region.as_str();
    match all.iter().filter(|found| found.region == region).count() {
        0 if spec.cloud.traits().regions.contains(&region) => {
            let message = format!("no workspace of the account is in {region} yet");
            Finding::new(key, Verdict::Unknown, message)
        }
        0 => {
            let message = format!(
                "{region} is not known to have Databricks, and no workspace of the account is there"
            );
            Finding::new(key, Verdict::Warn, message)
        }
        n => Finding::new(key, Verdict::Pass, format!("{} in {region}", some(n))),
    }
}

fn some(workspaces: usize) -> String {
    match workspaces {
        1 => "1 workspace".to_owned(),
        n => format!("{n} workspaces"),
    }
}

/// A check of a create's preflight, by the member of the template it is about.
fn of_check(key: &str, member: &str, check: &Check) -> Finding {
    // A workspace of this very template may have it: no mistake, but there is no room for another.
    let taken = [NETWORK_FREE, SUBNETS_FREE].contains(&check.name);
    let key = match member {
        "" => key.to_owned(),
        member => format!("{key}.{member}"),
    };
    match &check.result {
        CheckResult::Pass => Finding::new(key, Verdict::Pass, check.message.clone()),
        CheckResult::Unknown => Finding::new(key, Verdict::Unknown, check.message.clone()),
        CheckResult::Fail(explanation) if taken => {
            Finding::explained(key, Verdict::Warn, explanation)
        }
        CheckResult::Fail(explanation) => Finding::explained(key, Verdict::Fail, explanation),
    }
}

fn templates(app: &App) -> impl Iterator<Item = &Template> {
    app.config.templates.all()
}

/// The spec of a workspace that nobody asks for.
fn nobodys(template: &Template) -> Spec {
    template.outline(NOBODY, NOBODY, NOBODY)
}

/// A call that is throttled is sent again when its time has come.
async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, CloudError>
where
    F: Future<Output = Result<T, CloudError>>,
{
    let mut tries = 1;
    loop {
        match call().await {
            Err(error) if tries < TRIES => match error.failure {
                Failure::Throttled(after) => {
                    let wait = after.unwrap_or(Duration::from_secs(1));
                    tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
                    tries += 1;
                }
                _ => return Err(error),
            },
            answer => return answer,
        }
    }
}
