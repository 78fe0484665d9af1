//! Configuration objects of the account: found by listing and comparing names, made from what the spec says.

use crate::cloud::failure::{Act, explain, removed};
use crate::cloud::{CloudError, ConfigurationObject, Failure, ListedObject, ObjectKind, Result};
use crate::databricks::account::networks::NetworkRequest;
use crate::databricks::account::service_principals::ServicePrincipal;
use crate::databricks::{Client, Error};
use crate::domain::problem::Code;
use crate::domain::spec::{CredentialsSource, NetworkSource, Spec, StorageSource};

/// Everything of a kind, whoever made it.
async fn all(client: &Client, kind: ObjectKind) -> Result<Vec<ConfigurationObject>> {
    let (all, doing) = match kind {
        ObjectKind::Credentials => (
            client.list_credentials().await.map(into),
            "listing credentials",
        ),
        ObjectKind::Storage => (client.list_storage().await.map(into), "listing storage"),
        ObjectKind::Network => (client.list_networks().await.map(into), "listing networks"),
    };
    all.map_err(|error| explain(error, Act::Read, doing))
}

/// The one of that name.
pub(super) async fn find(
    client: &Client,
    kind: ObjectKind,
    name: &str,
) -> Result<Option<ConfigurationObject>> {
    let all = all(client, kind).await?;
    Ok(all.into_iter().find(|it| it.name == name))
}

/// Makes one.
pub(super) async fn create(
    client: &Client,
    kind: ObjectKind,
    name: &str,
    spec: &Spec,
) -> Result<ConfigurationObject> {
    let made: std::result::Result<ConfigurationObject, Error> =
        match (kind, &spec.credentials, &spec.storage, &spec.network) {
            (ObjectKind::Credentials, Some(CredentialsSource::Made { role_arn }), ..) => {
                let made = client.create_credentials(name, role_arn).await;
                made.map(Into::into)
            }
            (ObjectKind::Storage, _, Some(StorageSource::Made { bucket_name }), _) => {
                let made = client.create_storage(name, bucket_name).await;
                made.map(Into::into)
            }
            (ObjectKind::Network, .., Some(NetworkSource::Made(vpc))) => {
                let request = NetworkRequest {
                    network_name: name,
                    vpc_id: &vpc.vpc_id,
                    subnet_ids: &vpc.subnet_ids,
                    security_group_ids: &vpc.security_group_ids,
                };
                client.create_network(request).await.map(Into::into)
            }
            _ => {
                let detail = format!("the spec does not say what to make a {} of", kind.as_str());
                return Err(CloudError::new(
                    Failure::Refused,
                    Code::Internal,
                    detail,
                    None,
                ));
            }
        };
    let doing = match kind {
        ObjectKind::Credentials => "creating the credentials configuration",
        ObjectKind::Storage => "creating the storage configuration",
        ObjectKind::Network => "creating the network configuration",
    };
    made.map_err(|error| explain(error, Act::Create, doing))
}

/// Removes one.
pub(super) async fn delete(client: &Client, kind: ObjectKind, id: &str) -> Result<()> {
    match kind {
        ObjectKind::Credentials => removed(
            client.delete_credentials(id).await,
            "deleting the credentials configuration",
        ),
        ObjectKind::Storage => removed(
            client.delete_storage(id).await,
            "deleting the storage configuration",
        ),
        ObjectKind::Network => removed(
            client.delete_network(id).await,
            "deleting the network configuration",
        ),
    }
}

fn into<T: Into<ConfigurationObject>>(all: Vec<T>) -> Vec<ConfigurationObject> {
    all.into_iter().map(Into::into).collect()
}

/// All of them by name, whoever made them: id and name are all by which our own are told from others'.
pub(super) async fn list(client: &Client, kind: ObjectKind) -> Result<Vec<ListedObject>> {
    let all = all(client, kind).await?.into_iter();
    Ok(all
        .map(|ConfigurationObject { id, name, .. }| ListedObject { id, name })
        .collect())
}

/// Every service principal.
pub(super) async fn principals(client: &Client) -> Result<Vec<ListedObject>> {
    let all = client.list_service_principals().await;
    let all = all.map_err(|error| explain(error, Act::Read, "listing service principals"))?;
    let listed = |it: ServicePrincipal| ListedObject {
        id: it.id,
        name: it.display_name,
    };
    Ok(all.into_iter().map(listed).collect())
}
