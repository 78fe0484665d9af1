//! The rules: what is wrong with members, and what comes of them. Those that every cloud has stand here, and each cloud has
//! a file with its own. This room refuses to know where a member was said: in a template or in a request.

mod aws;
mod azure;

use super::{KEEP_FAILED_SECONDS, Settable, Settled, TOKEN_LIFETIME_SECONDS, Wrong};
use crate::domain::cloud::{Cloud, ComputeMode};
use crate::domain::id::is_uuid;
use std::ops::RangeInclusive;

#[derive(Default)]
struct Wrongs(Vec<Wrong>);

impl Wrongs {
    fn add(&mut self, member: impl Into<String>, why: impl Into<String>) {
        self.or(member, &[], why);
    }

    fn or(
        &mut self,
        member: impl Into<String>,
        or: &'static [&'static str],
        why: impl Into<String>,
    ) {
        self.0.push(Wrong {
            member: member.into(),
            or,
            why: why.into(),
        });
    }

    fn shape(&mut self, member: &str, text: &str, is: bool, what: &str) {
        if !is {
            self.add(member, format!("`{text}` is not {what}"));
        }
    }

    fn uuid(&mut self, member: &str, text: &str) -> String {
        self.shape(member, text, is_uuid(text), "a UUID");
        text.to_owned()
    }

    fn range(&mut self, member: &str, value: Option<u32>, limits: RangeInclusive<u32>) -> u32 {
        let value = value.unwrap_or_default();
        if !limits.contains(&value) {
            let (from, to) = limits.into_inner();
            self.add(member, format!("{value} is not between {from} and {to}"));
        }
        value
    }
}

/// Why a workspace of that cloud and mode has no such member; `None` if it may have it.
pub fn needless(member: &str, cloud: Cloud, compute_mode: ComputeMode) -> Option<String> {
    match Cloud::of_member(member) {
        Some(other) if other != cloud => Some(format!(
            "belongs to {}, and the account is on {}",
            other.as_str(),
            cloud.as_str()
        )),
        Some(_) if compute_mode == ComputeMode::Serverless => {
            let none =
                "a serverless workspace has none: its compute and storage are Databricks' own";
            (!cloud.traits().serverless.contains(&member)).then(|| none.to_owned())
        }
        _ => None,
    }
}

impl Settable {
    /// Everything that is wrong, and what comes of the rest.
    pub fn settle(&self, cloud: Cloud, compute_mode: ComputeMode) -> (Settled, Vec<Wrong>) {
        let mut wrongs = Wrongs::default();
        let wrong = &mut wrongs;
        let traits = cloud.traits();
        match self.region.as_deref().map(str::trim) {
            None | Some("") => wrong.add("region", "is required"),
            Some(text) => {
                let what = format!("a region such as {}", traits.a_region);
                wrong.shape("region", text, (traits.is_region)(text), &what);
            }
        }
        if let Some(tier) = self.tier.as_deref().filter(|it| !traits.tiers.contains(it)) {
            let why = format!("`{tier}` is none of {}", traits.tiers.join(", "));
            wrong.add("tier", why);
        }
        for member in self.given().keys() {
            if let Some(why) = needless(member, cloud, compute_mode) {
                wrong.add(member, why);
            }
        }
        let has = |member: &str| {
            traits.members.contains(&member) && needless(member, cloud, compute_mode).is_none()
        };
        let settled = Settled {
            region: self.region.clone().unwrap_or_default(),
            tier: self.tier.clone(),
            credentials: has("credentials_id")
                .then(|| self.credentials(wrong))
                .flatten(),
            storage: has("bucket_name").then(|| self.storage(wrong)).flatten(),
            network: if has("vpc_id") {
                self.vpc(wrong)
            } else if has("vnet_id") {
                self.vnet(wrong)
            } else {
                None
            },
            resource_group: has("resource_group").then(|| self.resource_group(wrong)),
            token_lifetime_seconds: wrong.range(
                "token_lifetime_seconds",
                self.token_lifetime_seconds,
                TOKEN_LIFETIME_SECONDS,
            ),
            keep_failed_seconds: wrong.range(
                "keep_failed_seconds",
                self.keep_failed_seconds,
                KEEP_FAILED_SECONDS,
            ),
        };
        (settled, wrongs.0)
    }
}
