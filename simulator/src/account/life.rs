//! The life of a workspace: born PROVISIONING, running some simulated minutes later, gone some seconds
//! after its deletion.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::azure::Resource;
use crate::workspace::tokens::Pat;

/// Where a workspace is in its life.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    Provisioning {
        until: Duration,
        fails: Option<String>,
    },
    Running,
    Failed(String),
    Cancelling {
        until: Duration,
    },
    Gone,
}

/// One workspace.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) deployment_name: String,
    pub(crate) created: i64,
    pub(crate) asked_at: Duration,
    pub(crate) phase: Phase,
    pub(crate) ran_since: Option<Duration>,
    pub(crate) dns_delay: Duration,
    pub(crate) listed_from: Duration,
    pub(crate) tags_from: Duration,
    /// How long its network stays attached after it is gone.
    pub(crate) network_lingers: Duration,
    /// The fields that were given, answered as they were.
    pub(crate) given: Map<String, Value>,
    pub(crate) assignments: BTreeMap<i64, &'static str>,
    /// Who holds CAN_USE on tokens: application ids and group names.
    pub(crate) token_users: Vec<(String, String)>,
    pub(crate) tokens: Vec<Pat>,
    /// What Azure knows of it; nothing, if it is not there.
    pub(crate) azure: Option<Box<Resource>>,
}

impl Workspace {
    pub(crate) fn catch_up(&mut self, now: Duration) {
        match &self.phase {
            Phase::Provisioning { until, fails } if now >= *until => match fails {
                Some(words) => self.phase = Phase::Failed(words.clone()),
                None => {
                    self.ran_since.get_or_insert(*until);
                    self.phase = Phase::Running;
                }
            },
            Phase::Cancelling { until } if now >= *until => {
                let azure = self.azure.as_mut();
                self.phase = azure.map_or(Phase::Gone, |azure| azure.end());
            }
            _ => {}
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.phase == Phase::Gone
    }

    /// Whether its host serves requests: from its first RUNNING until its deletion.
    pub(crate) fn is_reachable(&self) -> bool {
        self.ran_since.is_some() && !matches!(self.phase, Phase::Cancelling { .. } | Phase::Gone)
    }

    /// Whether its name resolves.
    pub(crate) fn resolves(&self, now: Duration) -> bool {
        self.is_reachable()
            && self
                .ran_since
                .is_some_and(|since| now >= since + self.dns_delay)
    }

    pub(crate) fn status(&self) -> (&'static str, String) {
        match &self.phase {
            Phase::Provisioning { .. } => (
                "PROVISIONING",
                "Workspace resources are being set up.".into(),
            ),
            Phase::Running => ("RUNNING", "Workspace is running.".into()),
            Phase::Failed(words) => ("FAILED", words.clone()),
            _ => ("CANCELLING", "Workspace is being removed.".into()),
        }
    }

    pub(crate) fn show(&self, now: Duration) -> Value {
        if let Some(azure) = &self.azure {
            return azure.show(self, now);
        }
        let (status, message) = self.status();
        let mut body = self.given.clone();
        if now < self.tags_from {
            body.remove("custom_tags");
        }
        let own = json!({
            "workspace_id": self.id,
            "workspace_name": self.name,
            "deployment_name": self.deployment_name,
            "creation_time": self.created,
            "workspace_status": status,
            "workspace_status_message": message,
            "cloud": "aws",
        });
        if let Value::Object(own) = own {
            body.extend(own);
        }
        Value::Object(body)
    }

    /// Whether it holds this object: a workspace that is going does so until it is gone.
    pub(crate) fn uses(&self, field: &str, id: &str) -> bool {
        self.given.get(field).is_some_and(|value| value == id)
    }

    /// Whether a name, an id or a path mentions this workspace: by its id, its deployment name, its
    /// name, or the marker at the end of its name.
    pub(crate) fn is_meant_by(&self, text: &str) -> bool {
        let marker = self.name.rsplit('-').next().filter(|end| end.len() == 8);
        text.parse() == Ok(self.id)
            || text == self.deployment_name
            || text.contains(&self.name)
            || marker.is_some_and(|end| text.contains(end))
            || text
                .split('/')
                .any(|part| part.len() >= 6 && self.name.starts_with(part))
            || self.uses("credentials_id", text)
            || self.uses("storage_configuration_id", text)
            || self.uses("network_id", text)
    }

    /// Whether a path has a part that begins its name: two workspaces may share that.
    pub(crate) fn may_be_meant_by(&self, text: &str) -> bool {
        text.split('/')
            .any(|part| part.len() >= 6 && self.name.starts_with(part))
    }

    /// Takes a principal out of the workspace: its tokens die with it.
    pub(crate) fn forget(&mut self, principal: i64) {
        self.assignments.remove(&principal);
        self.tokens.retain(|token| token.owner != principal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(name: &str) -> Workspace {
        Workspace {
            id: 8_305_471_331_990_263,
            name: name.into(),
            deployment_name: "dbc-1a2b3c4d-5e6f".into(),
            created: 0,
            asked_at: Duration::ZERO,
            phase: Phase::Provisioning {
                until: Duration::from_secs(300),
                fails: None,
            },
            ran_since: None,
            dns_delay: Duration::from_secs(10),
            listed_from: Duration::ZERO,
            tags_from: Duration::ZERO,
            network_lingers: Duration::ZERO,
            given: Map::new(),
            assignments: BTreeMap::new(),
            token_users: Vec::new(),
            tokens: Vec::new(),
            azure: None,
        }
    }

    #[test]
    fn it_is_known_by_what_belongs_to_it() {
        let workspace = workspace("team-a-sales-7zk3m9qp");
        for text in [
            "8305471331990263",
            "dbc-1a2b3c4d-5e6f",
            "brickyard-ws_01abcdefghjkmnpqrs7zk3m9qp-service-principal-1",
            "team-a-sales-7zk3m9qp",
        ] {
            assert!(workspace.is_meant_by(text), "{text}");
        }
        assert!(!workspace.is_meant_by("team-a-other-00000000"));
        assert!(workspace.may_be_meant_by("brickyard/team-a-sales"));
    }

    #[test]
    fn it_runs_then_resolves_then_goes() {
        let mut workspace = workspace("w");
        let at = Duration::from_secs;
        workspace.catch_up(at(299));
        assert!(!workspace.is_reachable());
        workspace.catch_up(at(305));
        assert!(workspace.is_reachable() && !workspace.resolves(at(305)));
        assert!(workspace.resolves(at(310)), "the delay counts from RUNNING");
        workspace.phase = Phase::Cancelling { until: at(400) };
        assert!(!workspace.resolves(at(320)));
        workspace.catch_up(at(400));
        assert!(workspace.is_gone());
    }
}
