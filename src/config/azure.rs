//! What accounts and stores say alike of their identity in Azure. Each section has these keys among its own:
//! `environment`, `authority_host`, `tenant_id`, `client_id`, and one proof out of `client_secret` (or its file),
//! `federated_token_file` and `managed_identity`. Without any proof, the variables count that Kubernetes on Azure gives
//! to a pod: `AZURE_FEDERATED_TOKEN_FILE`, `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_AUTHORITY_HOST`.

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use crate::azure::{Proof, Settings};
use crate::domain::azure::{Environment, EnvironmentName, is_tenant};
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

/// An exchange gives up after this.
const TIMEOUT: Duration = Duration::from_secs(10);
const ONE: &str =
    "give exactly one of `client_secret`, `federated_token_file` and `managed_identity`";

/// The keys, as they were given.
#[derive(Default)]
pub(super) struct AzureIdentity {
    pub(super) environment: EnvironmentName,
    pub(super) authority_host: Option<String>,
    pub(super) tenant_id: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretString>,
    pub(super) client_secret_file: Option<PathBuf>,
    pub(super) federated_token_file: Option<PathBuf>,
    pub(super) managed_identity: bool,
}

impl AzureIdentity {
    fn has_secret(&self) -> bool {
        self.client_secret.is_some() || self.client_secret_file.is_some()
    }

    /// Takes from the platform what the section leaves out, if it leaves out the proof.
    fn completed(mut self, source: &Source) -> Self {
        if self.has_secret() || self.federated_token_file.is_some() || self.managed_identity {
            return self;
        }
        let Some(file) = source.of_the_platform("AZURE_FEDERATED_TOKEN_FILE") else {
            return self;
        };
        self.federated_token_file = Some(file.into());
        for (key, variable) in [
            (&mut self.tenant_id, "AZURE_TENANT_ID"),
            (&mut self.client_id, "AZURE_CLIENT_ID"),
            (&mut self.authority_host, "AZURE_AUTHORITY_HOST"),
        ] {
            if key.is_none() {
                *key = source.of_the_platform(variable);
            }
        }
        self
    }
}

/// Which of Azure's clouds, and the identity there. `key` is the section's.
pub(super) fn identity(
    given: AzureIdentity,
    key: &str,
    source: &Source,
    mistakes: &mut Mistakes,
) -> (Environment, Settings) {
    let given = given.completed(source);
    let environment = given.environment.environment();
    if let Some(host) = &given.authority_host {
        let key = format!("{key}.authority_host");
        if host.starts_with("http://") {
            mistakes.add(key, format!("`{host}` must begin with https://"));
        } else {
            mistakes.url(key, host, PlainHttp(false));
        }
    }
    let authority = given.authority_host.as_deref();
    let authority = authority.unwrap_or(environment.authority_host);
    let settings = Settings {
        authority_host: authority.trim_end_matches('/').to_owned(),
        tenant_id: tenant(&given, key, mistakes),
        client_id: client(&given, key, mistakes),
        proof: proof(given, key, mistakes),
        timeout: TIMEOUT,
    };
    (environment, settings)
}

fn tenant(given: &AzureIdentity, key: &str, mistakes: &mut Mistakes) -> String {
    let key = format!("{key}.tenant_id");
    if given.managed_identity {
        if given.tenant_id.is_some() {
            mistakes.add(&key, "has no effect with `managed_identity`");
        }
        return String::new();
    }
    let tenant = mistakes.required(&key, given.tenant_id.clone());
    if !tenant.is_empty() && !is_tenant(&tenant) {
        mistakes.add(&key, format!("`{tenant}` is neither a UUID nor a domain"));
    }
    tenant
}

/// A managed identity without one is the machine's own.
fn client(given: &AzureIdentity, key: &str, mistakes: &mut Mistakes) -> Option<String> {
    if given.managed_identity && given.client_id.is_none() {
        return None;
    }
    Some(mistakes.uuid(format!("{key}.client_id"), given.client_id.clone()))
}

fn proof(given: AzureIdentity, key: &str, mistakes: &mut Mistakes) -> Proof {
    let secret = given.has_secret();
    match (secret, given.federated_token_file, given.managed_identity) {
        (true, None, false) => Proof::ClientSecret(mistakes.secret(
            &format!("{key}.client_secret"),
            given.client_secret,
            given.client_secret_file.as_deref(),
        )),
        (false, Some(token_file), false) => Proof::Federated { token_file },
        (false, None, true) => Proof::Managed,
        (false, None, false) => {
            let words = "is required (or `client_secret_file`, `federated_token_file` or `managed_identity = true`)";
            mistakes.add(format!("{key}.client_secret"), words);
            Proof::Managed
        }
        (_, _, managed) => {
            let which = if managed {
                "managed_identity"
            } else {
                "federated_token_file"
            };
            mistakes.add(format!("{key}.{which}"), ONE);
            Proof::Managed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::azure::CHINA;
    use secrecy::ExposeSecret;

    const ID: &str = "2f1f4d1c-7f4e-4b63-9d0c-0a8b7c1d2e3f";

    fn read(
        given: AzureIdentity,
        variables: &[(&str, &str)],
    ) -> (Environment, Settings, Vec<String>) {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let source = Source::new("", variables, &[], &mut Vec::new());
        let source = source.unwrap_or_else(|why| panic!("{why}"));
        let mut mistakes = Mistakes::default();
        let (environment, settings) = identity(given, "stores.kv", &source, &mut mistakes);
        let told = mistakes.finish(None).into_iter();
        let told = told.map(|m| format!("{}: {}", m.key, m.message)).collect();
        (environment, settings, told)
    }

    fn application() -> AzureIdentity {
        AzureIdentity {
            tenant_id: Some(ID.to_owned()),
            client_id: Some(ID.to_owned()),
            ..AzureIdentity::default()
        }
    }

    const POD: &[(&str, &str)] = &[
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
        ("AZURE_TENANT_ID", "contoso.com"),
        ("AZURE_CLIENT_ID", ID),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"),
    ];

    #[test]
    fn each_proof_is_read() {
        let secret = AzureIdentity {
            client_secret: Some("s".into()),
            environment: EnvironmentName::China,
            ..application()
        };
        // What the platform says does not count then.
        let (environment, settings, told) = read(secret, POD);
        assert_eq!((environment, told), (CHINA, vec![]));
        assert_eq!(settings.authority_host, CHINA.authority_host);
        assert!(matches!(settings.proof, Proof::ClientSecret(s) if s.expose_secret() == "s"));

        let federated = AzureIdentity {
            federated_token_file: Some("/t".into()),
            ..application()
        };
        let (_, settings, told) = read(federated, &[]);
        assert_eq!(told, [] as [String; 0]);
        assert!(matches!(settings.proof, Proof::Federated { .. }));

        let managed = AzureIdentity {
            managed_identity: true,
            ..AzureIdentity::default()
        };
        let (_, settings, told) = read(managed, &[]);
        assert_eq!((told, settings.client_id), (vec![], None));
        assert!(matches!(settings.proof, Proof::Managed));
    }

    #[test]
    fn a_pods_identity_is_the_default() {
        let (_, settings, told) = read(AzureIdentity::default(), POD);
        assert_eq!(told, [] as [String; 0]);
        assert_eq!(settings.tenant_id, "contoso.com");
        assert_eq!(settings.authority_host, "https://login.microsoftonline.us");
        assert!(
            matches!(settings.proof, Proof::Federated { token_file } if token_file.ends_with("token"))
        );
    }

    #[test]
    fn all_mistakes_at_once() {
        let (_, _, told) = read(AzureIdentity::default(), &[]);
        assert_eq!(told.len(), 3, "{told:?}");
        let wrong = AzureIdentity {
            authority_host: Some("http://login".to_owned()),
            tenant_id: Some("my tenant".to_owned()),
            client_id: Some("x".to_owned()),
            client_secret: Some("s".into()),
            federated_token_file: Some("/t".into()),
            ..AzureIdentity::default()
        };
        let (_, _, told) = read(wrong, &[]);
        let expected = [
            "stores.kv.authority_host: `http://login` must begin with https://",
            "stores.kv.client_id: `x` is not a UUID",
            &format!("stores.kv.federated_token_file: {ONE}"),
            "stores.kv.tenant_id: `my tenant` is neither a UUID nor a domain",
        ];
        assert_eq!(told, expected);
        let managed = AzureIdentity {
            managed_identity: true,
            client_secret_file: Some("/s".into()),
            ..application()
        };
        let (_, _, told) = read(managed, &[]);
        let expected = [
            &format!("stores.kv.managed_identity: {ONE}"),
            "stores.kv.tenant_id: has no effect with `managed_identity`",
        ];
        assert_eq!(told, expected);
    }
}
