//! Everything of a kind in the account: id and name, which is all by which our own things are told from others'.

use super::failure::{Act, explain};
use crate::cloud::{ListedObject, ObjectKind, Result};
use crate::databricks::{Client, Error};

/// All of them, whoever made them.
pub(super) async fn objects(client: &Client, kind: ObjectKind) -> Result<Vec<ListedObject>> {
    let listed = |(id, name)| ListedObject { id, name };
    let all = match kind {
        ObjectKind::Credentials => named(client.list_credentials().await, |it| {
            (it.credentials_id, it.credentials_name)
        }),
        ObjectKind::Storage => named(client.list_storage().await, |it| {
            (it.storage_configuration_id, it.storage_configuration_name)
        }),
        ObjectKind::Network => named(client.list_networks().await, |it| {
            (it.network_id, it.network_name)
        }),
        ObjectKind::ServicePrincipal => named(client.list_service_principals().await, |it| {
            (it.id, it.display_name)
        }),
    };
    let doing = match kind {
        ObjectKind::Credentials => "listing credentials",
        ObjectKind::Storage => "listing storage",
        ObjectKind::Network => "listing networks",
        ObjectKind::ServicePrincipal => "listing service principals",
    };
    let all = all.map_err(|error| explain(error, Act::Read, doing))?;
    Ok(all.into_iter().map(listed).collect())
}

type Named = (String, String);

fn named<T>(
    all: std::result::Result<Vec<T>, Error>,
    named: impl Fn(T) -> Named,
) -> std::result::Result<Vec<Named>, Error> {
    Ok(all?.into_iter().map(named).collect())
}
