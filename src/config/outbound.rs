//! `[outbound]`: the door to the outside.

use super::{Mistakes, Source};
use crate::outbound::{Authorities, Settings};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    dns_servers: Vec<String>,
    allow_plain_http: bool,
    ca_file: Option<PathBuf>,
}

pub(super) fn read(source: &Source, mistakes: &mut Mistakes) -> Option<Settings> {
    let raw: Raw = source.section("outbound", mistakes)?;
    let mut dns_servers = Vec::new();
    for text in &raw.dns_servers {
        let address = text
            .parse::<SocketAddr>()
            .or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
        match address {
            Ok(address) if dns_servers.contains(&address) => {
                mistakes.add("outbound.dns_servers", format!("`{text}` stands twice"));
            }
            Ok(address) => dns_servers.push(address),
            Err(_) => mistakes.add(
                "outbound.dns_servers",
                format!("`{text}` is not an IP address, with or without a port"),
            ),
        }
    }
    Some(Settings {
        dns_servers,
        allow_plain_http: raw.allow_plain_http,
        authorities: raw.ca_file.map_or_else(Authorities::default, |path| {
            authorities(&path).unwrap_or_else(|why| {
                mistakes.add("outbound.ca_file", format!("{}: {why}", path.display()));
                Authorities::default()
            })
        }),
    })
}

fn authorities(path: &Path) -> Result<Authorities, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    Authorities::from_pem(&pem).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let source = Source::new(text, std::iter::empty(), &["outbound"], &mut Vec::new());
        let source = source.unwrap_or_else(|why| panic!("{why}"));
        let mut mistakes = Mistakes::default();
        read(&source, &mut mistakes).expect("a section");
        let told = mistakes.finish(None).into_iter();
        told.map(|m| format!("{}: {}", m.key, m.message)).collect()
    }

    #[test]
    fn authorities_must_be_there_and_be_certificates() {
        let absent = told("[outbound]\nca_file = \"/does/not/exist\"");
        assert_eq!(absent.len(), 1);
        assert!(absent[0].starts_with("outbound.ca_file: /does/not/exist: "));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "no certificate").unwrap();
        let empty = told(&format!("[outbound]\nca_file = \"{}\"", path.display()));
        let expected = format!(
            "outbound.ca_file: {}: has no certificate in it",
            path.display()
        );
        assert_eq!(empty, [expected]);
    }
}
