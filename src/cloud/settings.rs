//! An account, as it is configured: what is the same to ask of each, whatever its cloud.

#[cfg(feature = "azure")]
use super::azure;
use super::{Check, Provider, aws};
use crate::domain::cloud::Cloud;
use crate::domain::problem::Explanation;
use crate::outbound::Outbound;
use std::sync::Arc;
use std::time::Duration;

/// Which account, and how to reach it.
#[derive(Debug, Clone)]
pub enum Settings {
    /// A Databricks account on AWS.
    Aws(aws::Account),
    /// An Azure subscription.
    #[cfg(feature = "azure")]
    Azure(azure::Subscription),
}

/// When calls give up.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Those that make something.
    pub create: Duration,
    /// Every other.
    pub call: Duration,
}

impl Settings {
    /// Its cloud.
    pub fn cloud(&self) -> Cloud {
        match self {
            Self::Aws(_) => Cloud::Aws,
            #[cfg(feature = "azure")]
            Self::Azure(_) => Cloud::Azure,
        }
    }

    /// How many calls a second it allows.
    pub fn requests_per_second(&mut self) -> &mut u32 {
        match self {
            Self::Aws(account) => &mut account.requests_per_second,
            #[cfg(feature = "azure")]
            Self::Azure(subscription) => &mut subscription.requests_per_second,
        }
    }

    /// The setting that is the likely cause if the account does not answer as it should.
    pub fn suspect(&self, why: &Explanation) -> Option<&'static str> {
        match self {
            Self::Aws(_) => aws::suspect(why),
            #[cfg(feature = "azure")]
            Self::Azure(subscription) => azure::suspect(subscription, why),
        }
    }

    /// The member of a template that a check is about: empty if it is about all of it, none if about the account.
    pub fn checked(&self, check: &Check) -> Option<&'static str> {
        match self {
            Self::Aws(_) => aws::checked(check.name),
            #[cfg(feature = "azure")]
            Self::Azure(_) => Some(azure::checked(check.name)),
        }
    }

    /// The setting that tells it from others of its cloud, and its value.
    pub fn identity(&self) -> (&'static str, &str) {
        match self {
            Self::Aws(account) => ("account_id", &account.account_id),
            #[cfg(feature = "azure")]
            Self::Azure(subscription) => ("subscription_id", &subscription.subscription_id),
        }
    }
}

/// The provider behind the settings. Connects to nothing.
pub fn open(settings: &Settings, timeouts: Timeouts, outbound: &Outbound) -> Arc<dyn Provider> {
    match settings.clone() {
        Settings::Aws(account) => Arc::new(account.open(timeouts, outbound.clone())),
        #[cfg(feature = "azure")]
        Settings::Azure(subscription) => Arc::new(subscription.open(timeouts, outbound.clone())),
    }
}
