//! Secrets: versions with staging labels, and tags beside them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{error, ok};
use crate::answer::{Answer, Outcome};

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

type Secrets = BTreeMap<String, Secret>;

/// A secret with its versions, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    arn: String,
    created: DateTime<Utc>,
    kms_key_id: Option<String>,
    description: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) versions: Vec<Version>,
    /// When it will be gone, if it was deleted.
    pub(crate) deleted: Option<DateTime<Utc>>,
}

/// One version.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) value: String,
    stages: BTreeSet<String>,
}

impl Version {
    pub(crate) fn is_current(&self) -> bool {
        self.stages.contains(CURRENT)
    }
}

impl Secret {
    fn holder(&self, stage: &str) -> Option<&Version> {
        let mut versions = self.versions.iter();
        versions.find(|version| version.stages.contains(stage))
    }

    /// Moves a label, and with `AWSCURRENT` the label of the one before.
    fn label(&mut self, stage: &str, to: &str) {
        let from = self.holder(stage).map(|version| version.id.clone());
        if from.as_deref() == Some(to) {
            return;
        }
        for version in &mut self.versions {
            version.stages.remove(stage);
            if version.id == to {
                version.stages.insert(stage.to_owned());
            }
        }
        if let Some(from) = from.filter(|_| stage == CURRENT) {
            self.label(PREVIOUS, &from);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Create {
    name: String,
    client_request_token: String,
    secret_string: String,
    #[serde(default)]
    description: String,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Put {
    secret_id: String,
    client_request_token: String,
    secret_string: String,
    version_stages: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Stage {
    secret_id: String,
    version_stage: String,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Id {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Tags {
    secret_id: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Delete {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

fn invalid(words: &str) -> Answer {
    error(400, "InvalidParameterException", words)
}

fn absent() -> Answer {
    let words = "Secrets Manager can't find the specified secret.";
    error(400, "ResourceNotFoundException", words)
}

/// A secret that is there and not marked for deletion.
fn live<'a>(secrets: &'a mut Secrets, name: &str) -> Result<&'a mut Secret, Answer> {
    let secret = secrets.get_mut(name).ok_or_else(absent)?;
    if secret.deleted.is_some() {
        let words =
            "You can't perform this operation on the secret because it was marked for deletion.";
        return Err(error(400, "InvalidRequestException", words));
    }
    Ok(secret)
}

fn check_token(token: &str) -> Result<(), Answer> {
    let good = (32..=64).contains(&token.len())
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    good.then_some(())
        .ok_or_else(|| invalid("ClientRequestToken must be 32-64 characters long.").by_mistake())
}

fn check_name(name: &str) -> Result<(), Answer> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b);
    let good = (1..=512).contains(&name.len()) && name.bytes().all(known);
    let words = "Invalid name. Must be a valid name containing alphanumeric characters, or any of \
                 the following: -/_+=.@!";
    good.then_some(())
        .ok_or_else(|| error(400, "ValidationException", words).by_mistake())
}

fn add_tags(to: &mut BTreeMap<String, String>, tags: Vec<Tag>) -> Result<(), Answer> {
    for Tag { key, value } in tags {
        let known = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
        let good = (1..=128).contains(&key.chars().count())
            && value.chars().count() <= 256
            && !key.starts_with("aws:")
            && key.chars().chain(value.chars()).all(known);
        if !good {
            return Err(invalid("The tag is not valid.").by_mistake());
        }
        to.insert(key, value);
    }
    if to.len() > 50 {
        return Err(error(400, "LimitExceededException", "More than 50 tags."));
    }
    Ok(())
}

fn named(name: &str, secret: &Secret, more: Value) -> Answer {
    let mut body = json!({"ARN": secret.arn, "Name": name});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    ok(&body)
}

pub(super) fn create(secrets: &mut Secrets, create: Create) -> Outcome {
    check_name(&create.name)?;
    check_token(&create.client_request_token)?;
    let (name, id) = (create.name, create.client_request_token);
    if let Some(secret) = secrets.get(&name) {
        if secret.deleted.is_some() {
            let words = "You can't create this secret because a secret with this name is already \
                         scheduled for deletion.";
            return Err(error(400, "InvalidRequestException", words));
        }
        let same = |version: &Version| version.id == id && version.value == create.secret_string;
        if secret.versions.iter().any(same) {
            return Ok(named(&name, secret, json!({"VersionId": id})));
        }
        let words = format!("The operation failed because the secret {name} already exists.");
        return Err(error(400, "ResourceExistsException", &words));
    }
    let mut secret = Secret {
        arn: format!("arn:aws:secretsmanager:us-west-2:111122223333:secret:{name}-a1b2c3"),
        created: Utc::now(),
        kms_key_id: create.kms_key_id,
        description: create.description,
        tags: BTreeMap::new(),
        versions: vec![Version {
            id: id.clone(),
            value: create.secret_string,
            stages: BTreeSet::from([CURRENT.to_owned()]),
        }],
        deleted: None,
    };
    add_tags(&mut secret.tags, create.tags)?;
    let made = named(&name, &secret, json!({"VersionId": id}));
    secrets.insert(name, secret);
    Ok(made)
}

pub(super) fn put(secrets: &mut Secrets, put: Put) -> Outcome {
    check_token(&put.client_request_token)?;
    let secret = live(secrets, &put.secret_id)?;
    let id = put.client_request_token;
    let there = secret.versions.iter().find(|version| version.id == id);
    match there.map(|version| version.value == put.secret_string) {
        Some(false) => {
            let words = "You can't modify the value of a version that exists already.";
            return Err(error(400, "ResourceExistsException", words));
        }
        Some(true) => {}
        None => {
            let first = secret.versions.is_empty();
            secret.versions.push(Version {
                id: id.clone(),
                value: put.secret_string,
                stages: BTreeSet::new(),
            });
            let mut stages = put.version_stages.unwrap_or(vec![CURRENT.to_owned()]);
            if first {
                stages.push(CURRENT.to_owned());
            }
            for stage in stages {
                secret.label(&stage, &id);
            }
        }
    }
    let mut versions = secret.versions.iter();
    let stages = versions
        .find(|version| version.id == id)
        .map(|version| &version.stages);
    let more = json!({"VersionId": id, "VersionStages": stages});
    Ok(named(&put.secret_id, secret, more))
}

pub(super) fn stage(secrets: &mut Secrets, update: Stage) -> Outcome {
    let secret = live(secrets, &update.secret_id)?;
    let stage = update.version_stage;
    let holder = secret.holder(&stage).map(|version| version.id.clone());
    let from = update.remove_from_version_id;
    if let Some(from) = &from
        && Some(from) != holder.as_ref()
    {
        let words = format!("Staging label {stage} is not attached to version {from}.");
        return Err(invalid(&words));
    }
    let Some(to) = update.move_to_version_id else {
        return Err(invalid("This world only moves labels.").by_mistake());
    };
    if !secret.versions.iter().any(|version| version.id == to) {
        let words = "Secrets Manager can't find the specified secret version.";
        return Err(error(400, "ResourceNotFoundException", words));
    }
    if let Some(holder) = holder
        && from.is_none()
        && holder != to
    {
        let words = format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
             {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        );
        return Err(invalid(&words));
    }
    secret.label(&stage, &to);
    Ok(named(&update.secret_id, secret, json!({})))
}

pub(super) fn describe(secrets: &Secrets, id: Id) -> Outcome {
    let secret = secrets.get(&id.secret_id).ok_or_else(absent)?;
    let labelled = secret.versions.iter().filter(|v| !v.stages.is_empty());
    let stages: BTreeMap<&str, &BTreeSet<String>> =
        labelled.map(|v| (v.id.as_str(), &v.stages)).collect();
    let tags: Vec<Value> = secret
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    let mut more = json!({
        "Description": secret.description,
        "CreatedDate": secret.created.timestamp(),
        "Tags": tags,
        "VersionIdsToStages": stages,
    });
    if let Some(key) = &secret.kms_key_id {
        more["KmsKeyId"] = key.as_str().into();
    }
    if let Some(at) = secret.deleted {
        more["DeletedDate"] = at.timestamp().into();
    }
    Ok(named(&id.secret_id, secret, more))
}

pub(super) fn tag(secrets: &mut Secrets, tags: Tags) -> Outcome {
    let secret = live(secrets, &tags.secret_id)?;
    let mut after = secret.tags.clone();
    add_tags(&mut after, tags.tags)?;
    secret.tags = after;
    Ok(ok(&json!({})))
}

pub(super) fn delete(secrets: &mut Secrets, delete: Delete) -> Outcome {
    let (name, force) = (delete.secret_id, delete.force_delete_without_recovery);
    let days = delete.recovery_window_in_days;
    if days.is_some_and(|days| force || !(7..=30).contains(&days)) {
        let words = "RecoveryWindowInDays must be between 7 and 30, and not be given together with \
                     ForceDeleteWithoutRecovery.";
        return Err(invalid(words).by_mistake());
    }
    let at = Utc::now() + TimeDelta::days(if force { 0 } else { days.unwrap_or(30) });
    let body = json!({"Name": name, "DeletionDate": at.timestamp()});
    match secrets.get_mut(&name) {
        None if !force => return Err(absent()),
        Some(secret) if !force && secret.deleted.is_some() => {
            let words =
                "You tried to perform the operation on a secret that's currently marked deleted.";
            return Err(error(400, "InvalidRequestException", words));
        }
        Some(secret) if !force => secret.deleted = Some(at),
        _ => {
            secrets.remove(&name);
        }
    }
    Ok(ok(&body))
}

pub(super) fn restore(secrets: &mut Secrets, id: Id) -> Outcome {
    let secret = secrets.get_mut(&id.secret_id).ok_or_else(absent)?;
    secret.deleted = None;
    Ok(named(&id.secret_id, secret, json!({})))
}
