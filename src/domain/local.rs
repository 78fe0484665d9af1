//! What of a workspace lives only here, and how it may be changed: no vendor is asked.

use super::pairs::{MAX_PAIRS, Pairs};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use std::collections::BTreeMap;

/// Shortest and longest lifetime: a minute and ten years.
pub const TTL_SECONDS: std::ops::RangeInclusive<u32> = 60..=315_360_000;

/// What lives only here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The principal it belongs to.
    pub owner: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// While true, it is not deleted.
    pub deletion_protection: bool,
    /// Lifetime, counted from ready; `None`: for ever.
    pub ttl_seconds: Option<u32>,
    /// End of its life, once that is known.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a caller wants changed. `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The new owner.
    pub owner: Option<String>,
    /// What to do with the labels.
    pub labels: Option<Pairs>,
    /// Whether it is protected.
    pub deletion_protection: Option<bool>,
    /// The new lifetime, counted from now if it is ready; `Some(None)`: for ever.
    pub ttl_seconds: Option<Option<u32>>,
    /// The new end of its life; `Some(None)`: for ever.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// What a change depends on.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// Now.
    pub now: DateTime<Utc>,
    /// Whether its life has begun.
    pub ready: bool,
    /// Longest lifetime its template allows.
    pub max_ttl_seconds: Option<u32>,
}

/// A member of the request that cannot be, by its pointer, and why.
pub type Refused = (&'static str, String);

impl Local {
    /// What comes of a change.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn changed(&self, change: &Change, at: Circumstances) -> Result<Self, Vec<Refused>> {
        let mut refused = Vec::new();
        let mut new = self.clone();
        if let Some(owner) = &change.owner {
            new.owner.clone_from(owner);
        }
        if let Some(labels) = &change.labels {
            new.labels = labels.onto(&new.labels);
        }
        if new.labels.len() > MAX_PAIRS {
            let why = format!("{} labels are more than {MAX_PAIRS}", new.labels.len());
            refused.push(("/labels", why));
        }
        if let Some(protected) = change.deletion_protection {
            new.deletion_protection = protected;
        }
        new.live(change, at, &mut refused);
        // Whoever takes the protection away gets the whole grace to think again.
        let unprotected = self.deletion_protection && !new.deletion_protection;
        if unprotected && at.ready && new.expires_at.is_some_and(|expires| expires < at.now) {
            new.expires_at = Some(at.now.trunc_subsecs(3));
        }
        if refused.is_empty() {
            Ok(new)
        } else {
            Err(refused)
        }
    }

    fn live(&mut self, change: &Change, at: Circumstances, refused: &mut Vec<Refused>) {
        let most = at.max_ttl_seconds;
        let for_ever = |pointer| -> Option<Refused> {
            let why = format!(
                "the template allows at most {} seconds, so it must end",
                most?
            );
            Some((pointer, why))
        };
        match (change.ttl_seconds, change.expires_at) {
            (None, None) => {}
            (Some(_), Some(_)) => {
                refused.push(("/expires_at", "cannot be sent with `ttl_seconds`".into()));
            }
            (Some(None), None) => {
                refused.extend(for_ever("/ttl_seconds"));
                (self.ttl_seconds, self.expires_at) = (None, None);
            }
            (None, Some(None)) => {
                refused.extend(for_ever("/expires_at"));
                (self.ttl_seconds, self.expires_at) = (None, None);
            }
            (Some(Some(ttl)), None) => {
                refused.extend(too_long(ttl, most));
                self.ttl_seconds = Some(ttl);
                let end = at.now + Duration::seconds(ttl.into());
                self.expires_at = at.ready.then(|| end.trunc_subsecs(3));
            }
            (None, Some(Some(end))) => {
                let longest = Duration::seconds(most.unwrap_or(*TTL_SECONDS.end()).into());
                if end <= at.now {
                    refused.push(("/expires_at", "must be in the future".into()));
                } else if end > at.now + longest {
                    let why = format!("is more than {} seconds from now", longest.num_seconds());
                    refused.push(("/expires_at", why));
                }
                self.expires_at = Some(end.trunc_subsecs(3));
            }
        }
    }
}

/// Whether a lifetime is more than a template allows.
pub fn too_long(ttl_seconds: u32, max_ttl_seconds: Option<u32>) -> Option<Refused> {
    let most = max_ttl_seconds.filter(|most| ttl_seconds > *most)?;
    Some((
        "/ttl_seconds",
        format!("the template allows at most {most} seconds"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Local {
        Local {
            owner: "oidc:corp:ada".into(),
            labels: [("a".to_owned(), "1".to_owned())].into(),
            deletion_protection: false,
            ttl_seconds: Some(600),
            expires_at: Some(now() + Duration::seconds(300)),
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_338_012, 0).unwrap()
    }

    fn ready() -> Circumstances {
        Circumstances {
            now: now(),
            ready: true,
            max_ttl_seconds: Some(3600),
        }
    }

    #[test]
    fn nothing_asked_nothing_changed() {
        assert_eq!(local().changed(&Change::default(), ready()), Ok(local()));
    }

    #[test]
    fn labels_merge_or_are_replaced() {
        let merge = Pairs::Merge(
            [
                ("a".into(), None),
                ("b".into(), Some("2".into())),
                ("c".into(), None),
            ]
            .into(),
        );
        for (labels, expected) in [(merge, "b"), (Pairs::Replace(BTreeMap::new()), "")] {
            let change = Change {
                labels: Some(labels),
                ..Change::default()
            };
            let new = local().changed(&change, ready()).unwrap();
            assert_eq!(new.labels.into_keys().collect::<String>(), expected);
        }
        let many = Pairs::Merge(
            (0..20)
                .map(|n| (n.to_string(), Some(String::new())))
                .collect(),
        );
        let change = Change {
            labels: Some(many),
            ..Change::default()
        };
        assert_eq!(
            local().changed(&change, ready()).unwrap_err()[0].0,
            "/labels"
        );
    }

    #[test]
    fn a_lifetime_counts_from_now_once_it_has_begun() {
        let change = Change {
            ttl_seconds: Some(Some(3600)),
            ..Change::default()
        };
        let new = local().changed(&change, ready()).unwrap();
        assert_eq!(new.expires_at, Some(now() + Duration::seconds(3600)));
        let building = Circumstances {
            ready: false,
            ..ready()
        };
        let new = local().changed(&change, building).unwrap();
        assert_eq!((new.ttl_seconds, new.expires_at), (Some(3600), None));
    }

    #[test]
    fn all_refusals_at_once() {
        let change = Change {
            labels: Some(Pairs::Replace(
                (0..21).map(|n| (n.to_string(), String::new())).collect(),
            )),
            ttl_seconds: Some(Some(3601)),
            ..Change::default()
        };
        let refused = local().changed(&change, ready()).unwrap_err();
        let pointers: Vec<&str> = refused.iter().map(|(pointer, _)| *pointer).collect();
        assert_eq!(pointers, ["/labels", "/ttl_seconds"]);
        for expires_at in [None, Some(now()), Some(now() + Duration::seconds(3601))] {
            let change = Change {
                expires_at: Some(expires_at),
                ..Change::default()
            };
            assert!(local().changed(&change, ready()).is_err(), "{expires_at:?}");
        }
        let both = Change {
            ttl_seconds: Some(None),
            expires_at: Some(None),
            ..Change::default()
        };
        assert!(local().changed(&both, ready()).is_err());
    }

    #[test]
    fn without_protection_the_grace_begins_anew() {
        let kept = Local {
            deletion_protection: true,
            expires_at: Some(now() - Duration::days(100)),
            ..local()
        };
        let change = Change {
            deletion_protection: Some(false),
            ..Change::default()
        };
        let new = kept.changed(&change, ready()).unwrap();
        assert_eq!(new.expires_at, Some(now()));
    }
}
