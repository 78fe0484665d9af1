//! The vendor's objects as our nouns.

use crate::cloud::{
    CloudError, ConfigurationObject, Failure, MintedToken, Result, ServicePrincipal,
};
use crate::databricks::account::credentials::Credentials;
use crate::databricks::account::networks::Network;
use crate::databricks::account::service_principals::ServicePrincipal as Principal;
use crate::databricks::account::storage::StorageConfiguration;
use crate::databricks::workspace::Minted;
use crate::domain::problem::Code;
use crate::domain::spec::Vpc;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

/// A PAT that can be used.
pub(super) fn minted(minted: Minted) -> Result<MintedToken> {
    let id = minted.token_info.token_id;
    let value = minted.token_value.expose_secret();
    let digest: String = Sha256::digest(value)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let is_digest = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    // Observed, not documented: the id is the value's SHA-256. A value that is not the one of this id is of no use.
    if value.is_empty() || (is_digest && !id.eq_ignore_ascii_case(&digest)) {
        let detail = "minting a token: its value is missing or does not belong to its id";
        return Err(CloudError::new(
            Failure::Unknown,
            Code::UpstreamUnparseable,
            detail,
            None,
        ));
    }
    Ok(MintedToken {
        id,
        value: minted.token_value,
        expires_at_ms: minted.token_info.expiry_time,
    })
}

impl From<Credentials> for ConfigurationObject {
    fn from(found: Credentials) -> Self {
        let content = found.role_arn().to_owned();
        Self {
            id: found.credentials_id,
            name: found.credentials_name,
            content,
        }
    }
}

impl From<StorageConfiguration> for ConfigurationObject {
    fn from(found: StorageConfiguration) -> Self {
        Self {
            id: found.storage_configuration_id,
            name: found.storage_configuration_name,
            content: found.root_bucket_info.bucket_name,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::databricks::workspace::TokenInfo;

    fn mint(id: &str, value: &str) -> Result<MintedToken> {
        let token_info = TokenInfo {
            token_id: id.to_owned(),
            comment: String::new(),
            expiry_time: None,
        };
        minted(Minted {
            token_value: value.into(),
            token_info,
        })
    }

    #[test]
    fn a_value_must_belong_to_its_id() {
        let digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"; // "foo"
        assert!(mint(digest, "foo").is_ok());
        assert!(mint(&digest.to_uppercase(), "foo").is_ok());
        assert!(mint("an-id-of-another-form", "foo").is_ok());
        for (id, value) in [(digest, "bar"), (digest, ""), ("other", "")] {
            assert_eq!(mint(id, value).err().unwrap().failure, Failure::Unknown);
        }
    }
}
