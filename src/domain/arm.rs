//! What Azure Resource Manager's things are named by: ids of resources, versions of keys, ranges of addresses.

use super::azure::{
    is_host, is_resource_group, is_secret_name, is_subnet, is_virtual_network, is_workspace,
};
use super::id::is_uuid;
use std::fmt;
use std::net::Ipv4Addr;

/// Whether `text` identifies one version of a key: `https://<vault>/keys/<name>/<version>`.
pub fn is_key(text: &str) -> bool {
    key(text).is_some()
}

/// Vault address, name and version of a key.
pub fn key(text: &str) -> Option<(&str, &str, &str)> {
    let rest = text.strip_prefix("https://")?;
    let (host, path) = rest.split_once('/')?;
    let mut parts = path.split('/');
    let (keys, name, version) = (parts.next()?, parts.next()?, parts.next()?);
    let named = keys == "keys" && is_secret_name(name) && is_secret_name(version);
    let vault = &text[.."https://".len() + host.len()];
    (named && parts.next().is_none() && host.contains('.') && is_host(host))
        .then_some((vault, name, version))
}

/// The id of a resource. Names compare without regard to case; this is the one spelling we write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceId {
    /// Its subscription (UUID).
    pub subscription: String,
    /// Its resource group.
    pub group: String,
    /// Its provider and type: `Microsoft.Network/virtualNetworks`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// A Databricks workspace.
pub const WORKSPACE: &str = "Microsoft.Databricks/workspaces";
/// A virtual network.
pub const VNET: &str = "Microsoft.Network/virtualNetworks";
/// A network security group.
pub const SECURITY_GROUP: &str = "Microsoft.Network/networkSecurityGroups";

impl ResourceId {
    /// An id in our spelling.
    pub fn new(subscription: &str, group: &str, kind: &'static str, name: &str) -> Self {
        Self {
            subscription: subscription.to_ascii_lowercase(),
            group: group.to_ascii_lowercase(),
            kind,
            name: name.to_ascii_lowercase(),
        }
    }

    /// Reads an id of that kind, in whatever spelling; `None` if it is not one.
    pub fn read(text: &str, kind: &'static str) -> Option<Self> {
        let parts: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        let [
            subscriptions,
            subscription,
            groups,
            group,
            providers,
            provider,
            kind_name,
            name,
        ] = parts.as_slice()
        else {
            return None;
        };
        let same = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        let is_name = match kind {
            WORKSPACE => is_workspace,
            VNET => is_virtual_network,
            _ => is_subnet,
        };
        let fits = same(subscriptions, "subscriptions")
            && same(groups, "resourceGroups")
            && same(providers, "providers")
            && same(&format!("{provider}/{kind_name}"), kind)
            && is_uuid(subscription)
            && is_resource_group(group)
            && is_name(name);
        fits.then(|| Self::new(subscription, group, kind, name))
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subscription,
            group,
            kind,
            name,
        } = self;
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}"
        )
    }
}

/// A range of private IPv4 addresses for one workspace, large enough for it (Databricks: /16 to /24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VnetRange {
    first: u32,
    bits: u32,
}

impl VnetRange {
    /// Reads `10.139.0.0/16`.
    pub fn read(text: &str) -> Option<Self> {
        let (address, digits) = text.split_once('/')?;
        let (address, bits) = (
            address.parse::<Ipv4Addr>().ok()?,
            digits.parse::<u32>().ok()?,
        );
        let first = u32::from(address);
        let range = Self { first, bits };
        // Nothing below the prefix, and one way to write each.
        let whole = (16..=24).contains(&bits) && first.trailing_zeros() >= 32 - bits;
        (whole && address.is_private() && range.to_string() == text).then_some(range)
    }

    /// Its first two quarters: the subnets of hosts and containers. At least /26, as Databricks demands.
    pub fn subnets(self) -> [String; 2] {
        let bits = self.bits + 2;
        [0, 1].map(|place| {
            let first = self.first + (place << (32 - bits));
            Self { first, bits }.to_string()
        })
    }
}

impl fmt::Display for VnetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "00000000-0000-4000-8000-00000000000A";

    #[test]
    fn keys() {
        assert!(is_key(
            "https://kv1.vault.azure.net/keys/cmk/0123456789abcdef"
        ));
        for bad in [
            "",
            "http://kv1.vault.azure.net/keys/cmk/01",
            "https://kv1.vault.azure.net/secrets/cmk/01",
            "https://kv1.vault.azure.net/keys/cmk",
            "https://kv1.vault.azure.net/keys/cmk/01/02",
            "https://kv1/keys/cmk/01",
        ] {
            assert!(!is_key(bad), "{bad}");
        }
    }

    #[test]
    fn ids_have_one_spelling() {
        let text = format!(
            "/SUBSCRIPTIONS/{SUBSCRIPTION}/resourcegroups/Net/providers/microsoft.network/virtualnetworks/V1"
        );
        let id = ResourceId::read(&text, VNET).unwrap();
        let written = id.to_string();
        assert_eq!(
            written,
            "/subscriptions/00000000-0000-4000-8000-00000000000a/resourceGroups/net/providers/\
             Microsoft.Network/virtualNetworks/v1"
        );
        assert_eq!(ResourceId::read(&written, VNET), Some(id));
        for bad in [
            "",
            "/",
            "v1",
            &format!("{text}/subnets/a"),
            &text.replace("resourcegroups", "groups"),
            &text.replace(SUBSCRIPTION, "s"),
            &text.replace("V1", "../x"),
        ] {
            assert_eq!(ResourceId::read(bad, VNET), None, "{bad}");
        }
        assert_eq!(ResourceId::read(&text, WORKSPACE), None);
    }

    #[test]
    fn ranges_are_cut_in_two() {
        let subnets = |text: &str| VnetRange::read(text).map(VnetRange::subnets);
        assert_eq!(
            subnets("10.179.0.0/16"),
            Some(["10.179.0.0/18".to_owned(), "10.179.64.0/18".to_owned()])
        );
        assert_eq!(
            subnets("192.168.7.0/24"),
            Some(["192.168.7.0/26".to_owned(), "192.168.7.64/26".to_owned()])
        );
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.0/8",
            "10.0.0.0/25",
            "10.0.0.1/16",
            "8.8.0.0/16",
            "10.0.0.0/016",
            "10.0.0.0/99",
        ] {
            assert_eq!(subnets(bad), None, "{bad}");
        }
    }
}
