//! The vendor's objects as our nouns.

use crate::cloud::{ConfigurationObject, Progress, ServicePrincipal};
use crate::databricks::account::credentials::Credentials;
use crate::databricks::account::networks::Network;
use crate::databricks::account::service_principals::ServicePrincipal as Principal;
use crate::databricks::account::storage::StorageConfiguration;
use crate::domain::spec::Vpc;

impl From<Credentials> for ConfigurationObject {
    fn from(found: Credentials) -> Self {
        let content = found.role_arn().to_owned();
        Self {
            id: found.credentials_id,
            name: found.credentials_name,
            content,
            progress: Progress::There,
        }
    }
}

impl From<StorageConfiguration> for ConfigurationObject {
    fn from(found: StorageConfiguration) -> Self {
        Self {
            id: found.storage_configuration_id,
            name: found.storage_configuration_name,
            content: found.root_bucket_info.bucket_name,
            progress: Progress::There,
        }
    }
}

impl From<Network> for ConfigurationObject {
    fn from(found: Network) -> Self {
        let vpc = Vpc {
            vpc_id: found.vpc_id,
            subnet_ids: found.subnet_ids,
            security_group_ids: found.security_group_ids,
        };
        Self {
            id: found.network_id,
            name: found.network_name,
            content: vpc.to_string(),
            progress: Progress::There,
        }
    }
}

impl From<Principal> for ServicePrincipal {
    fn from(found: Principal) -> Self {
        Self {
            id: found.id,
            application_id: found.application_id,
        }
    }
}
