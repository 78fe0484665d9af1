//! The secret stores that a test's world can deliver to.

use super::TestApp;
use age::x25519::Identity;
use simulator::World;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;

/// Who can read the files of this run's tests.
static IDENTITY: LazyLock<Identity> = LazyLock::new(Identity::generate);

/// One kind of store, as `[stores.main]`.
#[derive(Debug, Clone, Default)]
pub enum Store {
    /// Vault, by a fixed token.
    #[default]
    Vault,
    /// Vault, by a login.
    Approle,
    /// AWS Secrets Manager.
    Aws,
    /// Azure Key Vault.
    Azure,
    /// Files in a directory that ends with the test.
    AgeFile(Arc<TempDir>),
}

impl Store {
    /// Those of the simulator, whose calls can be struck by faults.
    pub fn simulated() -> [Self; 4] {
        [Self::Vault, Self::Approle, Self::Aws, Self::Azure]
    }

    /// What people call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Vault | Self::Approle => "Vault",
            Self::Aws => "AWS Secrets Manager",
            Self::Azure => "Azure Key Vault",
            Self::AgeFile(_) => "encrypted files",
        }
    }

    /// All kinds.
    pub fn all() -> [Self; 5] {
        let [vault, approle, aws, azure] = Self::simulated();
        [vault, approle, aws, azure, Self::AgeFile(folder())]
    }

    fn section(&self, world: &World) -> String {
        match self {
            Self::Vault => format!(
                "type = \"vault\"\naddress = \"{}\"\ntoken = \"{}\"\n",
                world.vault_address, world.vault_token
            ),
            Self::Approle => format!(
                "type = \"vault\"\naddress = \"{}\"\nauth = \"approle\"\nrole_id = \"{}\"\nsecret_id = \"{}\"\n",
                world.vault_address, world.vault_role_id, world.vault_secret_id
            ),
            Self::Aws => format!(
                "type = \"aws_secrets_manager\"\nregion = \"{}\"\nendpoint_url = \"{}\"\naccess_key_id = \"{}\"\n\
                 secret_access_key = \"{}\"\n",
                world.aws_region,
                world.aws_endpoint,
                world.aws_access_key_id,
                world.aws_secret_access_key
            ),
            Self::Azure => format!(
                "type = \"azure_key_vault\"\nvault_url = \"{}\"\nauthority_host = \"{}\"\ntenant_id = \"{}\"\n\
                 client_id = \"{}\"\nclient_secret = \"{}\"\n",
                world.azure.vault_url,
                world.azure.authority_host,
                world.azure.tenant_id,
                world.azure.client_id,
                world.azure.client_secret
            ),
            Self::AgeFile(folder) => format!(
                "type = \"age_file\"\ndirectory = \"{}\"\nrecipient = \"{}\"\n",
                folder.path().display(),
                IDENTITY.to_public()
            ),
        }
    }

    /// The configuration of a world, delivering to this store.
    pub fn in_configuration(&self, text: &str, world: &World) -> String {
        let (before, rest) = text.split_once("[stores.main]\n").expect("a store");
        let (_, after) = rest.split_once("\n[").expect("more sections");
        let section = self.section(world);
        let text = format!("{before}[stores.main]\n{section}\n[{after}");
        let trusted = text.contains("ca_file = ");
        if !matches!(self, Self::Azure) || trusted {
            return text;
        }
        let authority = format!("[outbound]\nca_file = {:?}\n", world.azure.ca_file);
        assert!(text.contains("[outbound]\n"), "{text}");
        text.replacen("[outbound]\n", &authority, 1)
    }

    /// What the service itself must never tell.
    pub fn own_secrets(&self, world: &World) -> Vec<String> {
        match self {
            Self::Vault => vec![world.vault_token.clone()],
            Self::Approle => vec![world.vault_secret_id.clone()],
            Self::Aws => vec![world.aws_secret_access_key.clone()],
            Self::Azure => vec![world.azure.client_secret.clone()],
            Self::AgeFile(_) => Vec::new(),
        }
    }
}

fn folder() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().expect("a directory"))
}

impl TestApp {
    /// The token in each secret, by path. A secret that is there but holds none has nothing.
    pub fn delivered(&self) -> BTreeMap<String, Option<String>> {
        if let Store::AgeFile(folder) = &self.store {
            let mut found = BTreeMap::new();
            decrypt(folder.path(), &mut found);
            return found;
        }
        let secrets = self.simulator.inventory().secrets.into_iter();
        secrets
            .map(|(path, secret)| {
                let current = secret.versions.last_key_value();
                let data = current.and_then(|(_, data)| data.as_ref());
                let token = data.and_then(|data| data.get("token")?.as_str());
                (path, token.map(str::to_owned))
            })
            .collect()
    }
}

/// As `age -d -i key` does it.
fn decrypt(folder: &Path, found: &mut BTreeMap<String, Option<String>>) {
    for entry in std::fs::read_dir(folder).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            decrypt(&path, found);
        } else if path.extension().is_some_and(|it| it == "age") {
            let sealed = std::fs::read(&path).expect("a file");
            let token = age::decrypt(&*IDENTITY, &sealed).ok();
            let token = token.and_then(|token| String::from_utf8(token).ok());
            found.insert(path.display().to_string(), token);
        }
    }
}
