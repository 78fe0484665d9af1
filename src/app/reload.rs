//! What changes while the service runs: templates and issuers. Everything else counts from the next start.
//!
//! A configuration is read whole or not at all: one mistake anywhere, and what runs goes on as it is. A request meets
//! the templates and the issuers of before or of after, never a mixture within either.

use super::App;
use crate::auth::{self, Verifier};
use crate::config::{Config, ConfigErrors, Mistake};
use crate::domain::template;
use crate::http::Templates;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What requests are held against.
#[derive(Debug)]
pub(super) struct Current {
    /// Counts from 1, at the start.
    generation: u64,
    pub(super) issuers: auth::Settings,
    templates: Arc<template::Templates>,
}

impl Current {
    /// What the process starts with.
    pub(super) fn first(config: &Config) -> Arc<Self> {
        Arc::new(Self::of(config, 1))
    }

    fn of(config: &Config, generation: u64) -> Self {
        Self {
            generation,
            issuers: config.issuers.clone(),
            templates: Arc::new(config.templates.clone()),
        }
    }
}

impl App {
    /// Takes up the templates and issuers of a configuration that was read again, or keeps what it has and logs every
    /// mistake.
    pub fn reload(&self, read: Result<Config, ConfigErrors>) {
        let kept = self.current.borrow().generation;
        let config = match read.and_then(|config| self.fits(config)) {
            Ok(config) => config,
            Err(errors) => {
                for Mistake { key, message } in &errors.mistakes {
                    tracing::error!(key, "{message}");
                }
                let (source, mistakes) = (errors.source, errors.mistakes.len());
                tracing::error!(
                    generation = kept,
                    source,
                    mistakes,
                    "the configuration is not taken up; what runs stays as it is"
                );
                return;
            }
        };
        config.tell_warnings();
        for section in self.config.differs(&config) {
            tracing::warn!(section, "changed, but counts only from the next start");
        }
        let mut taken_up = Vec::new();
        self.current.send_if_modified(|current| {
            if current.issuers != config.issuers {
                taken_up.push("issuers");
            }
            if *current.templates != config.templates {
                taken_up.push("templates");
            }
            if !taken_up.is_empty() {
                *current = Arc::new(Current::of(&config, current.generation + 1));
            }
            !taken_up.is_empty()
        });
        tracing::info!(
            generation = self.current.borrow().generation,
            changed = taken_up.join(" "),
            "the configuration was read again"
        );
    }

    /// Accounts and stores are those of the start: a template of others would be accepted and could not be made.
    fn fits(&self, config: Config) -> Result<Config, ConfigErrors> {
        let mut mistakes = Vec::new();
        for template in config.templates.all() {
            let account = self.config.accounts.get(&template.account);
            let mut unknown = |member: &str, section: &str, of: &str| {
                mistakes.push(Mistake {
                    key: format!("templates.{}.{member}", template.section()),
                    message: format!("[{section}.{of}] counts only from the next start"),
                });
            };
            if account.is_none_or(|account| account.cloud() != template.cloud) {
                unknown("account", "accounts", &template.account);
            }
            if !self.config.stores.contains_key(&template.secret_store) {
                unknown("secret_store", "stores", &template.secret_store);
            }
        }
        if mistakes.is_empty() {
            return Ok(config);
        }
        Err(ConfigErrors {
            source: "against what runs".to_owned(),
            mistakes,
            warnings: Vec::new(),
        })
    }

    /// A verifier of the current issuers and the current templates, and a task that keeps both so while it runs.
    pub(super) fn follow(&self) -> (Arc<Verifier>, Templates, JoinHandle<()>) {
        let mut current = self.current.subscribe();
        let now = Arc::clone(&current.borrow_and_update());
        let verifier = Arc::new(self.verifier());
        let (sender, templates) = watch::channel(Arc::clone(&now.templates));
        let following = Arc::clone(&verifier);
        let task = tokio::spawn(async move {
            loop {
                // Behind the back of what follows: an issuer that hangs delays nothing.
                let warm = Arc::clone(&following);
                tokio::spawn(async move { warm.keys_available().await });
                if current.changed().await.is_err() {
                    return;
                }
                let now = Arc::clone(&current.borrow_and_update());
                following.replace(now.issuers.clone());
                sender.send_replace(Arc::clone(&now.templates));
            }
        });
        (verifier, templates, task)
    }
}
