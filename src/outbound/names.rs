//! The resolver behind the door.

use super::{SendError, not_loopback};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The resolver, which `reqwest` uses too. Nothing is remembered, least of all that a name does not exist.
#[derive(Clone)]
pub(super) struct Names {
    resolver: TokioResolver,
    loopback_only: bool,
}

impl Names {
    pub(super) fn new(servers: &[SocketAddr]) -> Result<Self, SendError> {
        let set_up = |error| SendError::NotSent(format!("resolver set-up: {error}"));
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().map_err(set_up)?
        } else {
            let servers = servers.iter().map(|server| {
                let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                for connection in &mut connections {
                    connection.port = server.port();
                }
                NameServerConfig::new(server.ip(), true, connections.into())
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            let provider = TokioRuntimeProvider::default();
            let mut builder = TokioResolver::builder_with_config(config, provider);
            builder.options_mut().use_hosts_file = ResolveHosts::Never;
            builder
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.positive_max_ttl = Some(Duration::ZERO);
        options.negative_max_ttl = Some(Duration::ZERO);
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = Duration::from_secs(2);
        options.attempts = 2;
        Ok(Self {
            resolver: builder.build().map_err(set_up)?,
            loopback_only: false,
        })
    }

    /// The same resolver, refusing every name that leads elsewhere than to this machine.
    pub(super) fn loopback_only(mut self) -> Self {
        self.loopback_only = true;
        self
    }

    pub(super) async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        match self.resolver.lookup_ip(host).await {
            Ok(found) => Ok(found.iter().collect()),
            Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(format!("dns: {error}")),
        }
    }
}

impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let names = self.clone();
        Box::pin(async move {
            let found = names.lookup(name.as_str()).await?;
            if found.is_empty() {
                return Err("dns: the name does not exist".into());
            }
            if names.loopback_only && !found.iter().all(IpAddr::is_loopback) {
                return Err(not_loopback().into());
            }
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as reqwest::dns::Addrs)
        })
    }
}
