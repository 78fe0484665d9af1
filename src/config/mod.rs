//! The configuration: one TOML file, overridden by the environment, turned into plain data that is known to be right.
//!
//! A variable `BRICKYARD_DATABASE__URL` overrides `url` in `[database]`; an empty variable counts as absent. A secret
//! `x` may be given as `x_file`, the name of a file that holds it. Each section is read into a raw struct (its first
//! type error is reported), then checked (all its rule errors are); all sections are reported together, every mistake
//! by its key, so that a file is mended in one go.
//!
//! This room refuses to connect to anything, to know what the settings are for, and to repeat a secret in a message.
//! Nobody else reads the environment.

#[cfg(feature = "azure")]
mod azure;
mod clouds;
mod database;
mod fingerprints;
mod issuers;
mod log;
mod mistakes;
mod outbound;
mod secrets;
mod server;
mod shape;
mod source;
mod sweep;
mod templates;
mod traces;
mod worker;

#[cfg(test)]
mod tests;

pub use database::DatabaseSettings;
pub use mistakes::{ConfigErrors, Mistake};
pub use server::ServerSettings;
pub use sweep::SweepSettings;
pub use worker::WorkerSettings;

use crate::domain::name::is_name;
use crate::domain::template::{Template, Templates};
use crate::{auth, telemetry};
use fingerprints::Fingerprints;
use mistakes::Mistakes;
use shape::PlainHttp;
use source::Source;
use std::collections::BTreeMap;
use std::path::Path;
use templates::References;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// What tells our things from another installation's in the same account; begins every marker.
    pub instance: String,
    /// The API.
    pub server: ServerSettings,
    /// Postgres.
    pub database: DatabaseSettings,
    /// Logs.
    pub log: telemetry::Settings,
    /// Where traces go, if anywhere.
    pub traces: Option<telemetry::traces::Settings>,
    /// The door to the outside.
    pub outbound: crate::outbound::Settings,
    /// Whose tokens are trusted.
    pub issuers: auth::Settings,
    /// Accounts by name.
    pub accounts: BTreeMap<String, crate::cloud::Settings>,
    /// Secret stores by name.
    pub stores: BTreeMap<String, crate::secrets::Settings>,
    /// Templates.
    pub templates: Templates,
    /// Workers.
    pub worker: WorkerSettings,
    /// The sweep.
    pub sweep: SweepSettings,
    /// What is right but worth a word.
    pub warnings: Vec<Mistake>,
    given: Fingerprints,
}

impl Config {
    /// The sections that another configuration gives in other words, but for those that are taken up while the service
    /// runs.
    pub fn differs(&self, other: &Self) -> Vec<&'static str> {
        let mut sections: Vec<_> = ROOT.into_iter().filter(|s| !TAKEN_UP.contains(s)).collect();
        sections.retain(|section| !self.given.same(&other.given, section));
        sections
    }

    /// Logs what is right but worth a word.
    pub fn tell_warnings(&self) {
        for Mistake { key, message } in &self.warnings {
            tracing::warn!(key, "{message}");
        }
    }
}

/// Sections that are taken up while the service runs.
const TAKEN_UP: [&str; 2] = ["issuers", "templates"];

/// The root's keys.
const ROOT: [&str; 12] = [
    "instance",
    "server",
    "database",
    "log",
    "outbound",
    "issuers",
    "accounts",
    "stores",
    "sweep",
    "templates",
    "traces",
    "worker",
];

/// Longest `instance`: it stands in names that have limits of their own.
const MAX_INSTANCE: usize = 12;

/// Reads and checks the configuration. Without `path` there is only the environment.
///
/// # Errors
/// Every mistake at once.
pub fn load(
    path: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigErrors> {
    let name = path.map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    let text = match path.map(std::fs::read_to_string).transpose() {
        Ok(text) => text.unwrap_or_default(),
        Err(error) => return Err(unreadable(name, error.to_string())),
    };
    parse(&name, &text, env)
}

/// The variables of this process, without those that are not Unicode.
#[expect(clippy::disallowed_methods, reason = "this room reads the environment")]
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn unreadable(source: String, message: String) -> ConfigErrors {
    ConfigErrors {
        mistakes: vec![Mistake::new(&source, message)],
        source,
        warnings: Vec::new(),
    }
}

/// Checks a configuration given as text; `name` stands for it in mistakes.
///
/// # Errors
/// Every mistake at once.
pub fn parse(
    name: &str,
    text: &str,
    env: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigErrors> {
    let mut warnings = Vec::new();
    let source = match Source::new(text, env, &ROOT, &mut warnings) {
        Ok(source) => source,
        Err(message) => return Err(unreadable(name.to_owned(), message)),
    };
    let mut mistakes = Mistakes::default();
    match read(&source, &mut mistakes, &mut warnings) {
        Some(config) if mistakes.is_empty() => Ok(Config { warnings, ..config }),
        _ => Err(ConfigErrors {
            source: name.to_owned(),
            mistakes: mistakes.finish(Some(&source)),
            warnings,
        }),
    }
}

/// All sections, then the checks between them. `None` only with a mistake.
fn read(source: &Source, mistakes: &mut Mistakes, warnings: &mut Vec<Mistake>) -> Option<Config> {
    source.check_root(&ROOT, mistakes);
    let instance = instance(source, mistakes);
    let outbound = outbound::read(source, mistakes);
    let plain = PlainHttp(outbound.as_ref().is_some_and(|o| o.allow_plain_http));
    let server = server::read(source, mistakes);
    let database = database::read(source, mistakes);
    let log = log::read(source, mistakes);
    let traces = traces::read(source, plain, mistakes);
    let issuers = issuers::read(source, plain, mistakes);
    let accounts = clouds::read(source, plain, mistakes);
    let stores = secrets::read(source, plain, mistakes);
    let worker = worker::read(source, mistakes);
    let sweep = sweep::read(source, mistakes);
    // Names again, for a template may refer to something that is wrong in itself; shape mistakes are told above.
    let mut told = Mistakes::default();
    let names = source.names("accounts", &mut told).into_iter();
    let references = References {
        accounts: &names
            .map(|name| (name.clone(), clouds::cloud(source, &name).ok()))
            .collect(),
        store_names: &source.names("stores", &mut told),
    };
    let templates = templates::read(source, &references, mistakes, warnings);
    for section in ["issuers", "templates"] {
        if source.names(section, &mut told).is_empty() {
            warnings.push(Mistake::new(
                section,
                "there is none: nobody can ask for a workspace",
            ));
        }
    }
    Some(Config {
        instance,
        server: server?,
        database: database?,
        log: log?,
        traces: traces?,
        outbound: outbound?,
        issuers,
        accounts,
        stores,
        templates,
        worker: worker?,
        sweep: sweep?,
        warnings: Vec::new(),
        given: source.fingerprints(),
    })
}

fn instance(source: &Source, mistakes: &mut Mistakes) -> String {
    let Some(given) = source.root_text("instance", mistakes) else {
        return String::new();
    };
    let text = mistakes.required("instance", given);
    if !text.is_empty() && (!is_name(&text) || text.len() > MAX_INSTANCE) {
        mistakes.add(
            "instance",
            format!("`{text}` is not 3 to 12 of a-z, 0-9 and `-`, beginning with a letter"),
        );
    }
    text
}

/// What `check-config` says of a good configuration.
pub fn summary(config: &Config) -> String {
    let names = |names: Vec<String>| match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let templates = config.templates.all();
    let mut text = format!("instance   {}\n", config.instance);
    for (section, list) in [
        (
            "issuers",
            config.issuers.iter().map(|i| i.name.clone()).collect(),
        ),
        ("accounts", config.accounts.keys().cloned().collect()),
        ("stores", config.stores.keys().cloned().collect()),
        ("templates", templates.map(Template::reference).collect()),
    ] {
        text.push_str(&format!("{section:9}  {}\n", names(list)));
    }
    text.push_str(&format!("listen     {}", config.server.listen));
    text.push_str(&warnings(&config.warnings));
    text
}

/// Warnings as a block that begins with a line break; nothing if there are none.
pub fn warnings(warnings: &[Mistake]) -> String {
    let mut text = String::new();
    if !warnings.is_empty() {
        text.push_str("\nwarnings");
        // Writing to a string does not fail.
        let _ = mistakes::block(&mut text, warnings);
    }
    text
}

/// Every key there is, tables by their pattern: `accounts.*.client_id`.
pub fn known_keys() -> Vec<String> {
    let sections: [(&str, &[&str]); 16] = [
        ("server", source::fields::<server::Raw>()),
        ("database", source::fields::<database::Raw>()),
        ("log", source::fields::<log::Raw>()),
        ("traces", source::fields::<traces::Raw>()),
        ("outbound", source::fields::<outbound::Raw>()),
        ("issuers.*", source::fields::<issuers::Raw>()),
        ("issuers.*.rules", source::fields::<issuers::RawRule>()),
        ("accounts.*", source::fields::<clouds::aws::Raw>()),
        ("accounts.*", source::fields::<clouds::azure::Raw>()),
        ("stores.*", source::fields::<secrets::vault::Raw>()),
        ("stores.*", source::fields::<secrets::aws::Raw>()),
        (
            "stores.*",
            source::fields::<secrets::azure_key_vault::Raw>(),
        ),
        ("stores.*", source::fields::<secrets::age_file::Raw>()),
        ("templates.*", source::fields::<templates::Raw>()),
        ("worker", source::fields::<WorkerSettings>()),
        ("sweep", source::fields::<SweepSettings>()),
    ];
    let mut keys = vec!["instance".to_owned()];
    for (section, fields) in sections {
        keys.extend(fields.iter().map(|field| format!("{section}.{field}")));
    }
    keys
}
