//! `[outbound]`: the door to the outside.

use super::{Mistakes, Source};
use crate::outbound::Settings;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    dns_servers: Vec<String>,
    allow_plain_http: bool,
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
    })
}
