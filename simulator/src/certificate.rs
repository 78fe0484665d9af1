//! The certificate of the names that are served over TLS, made at every start, and the authority that signed it.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Whom it names.
const NAMES: [&str; 4] = [
    "*.azure.brickyard.test",
    "*.vault.azure.brickyard.test",
    "localhost",
    "127.0.0.1",
];

/// A server's side of TLS, and what its clients have to trust.
pub(crate) struct Certified {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

/// A new authority and a certificate by it. The keys are not kept.
pub(crate) fn make() -> io::Result<Certified> {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "The simulator's authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let authority = CertifiedIssuer::self_signed(authority, key).map_err(io::Error::other)?;

    let names = NAMES.map(str::to_owned);
    let mut server = CertificateParams::new(names).map_err(io::Error::other)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "The simulator");
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = server
        .signed_by(&key, &authority)
        .map_err(io::Error::other)?;

    // The provider is named: the process may have none, or another one.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .map_err(io::Error::other)?;
    let mut config = config;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certified {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        ca_pem: authority.pem(),
    })
}
