//! Certificate authorities that are trusted beside the system's own: a private endpoint's, an inspecting proxy's.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Their certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads a bundle of certificates in PEM.
    ///
    /// # Errors
    /// In words, if there is no certificate in it, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| "is not PEM")?;
        if certificates.is_empty() {
            return Err("has no certificate in it");
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|_| "has something in it that is not a certificate")?;
        }
        Ok(Self(certificates))
    }

    pub(super) fn certificates(&self) -> Result<Vec<reqwest::Certificate>, reqwest::Error> {
        let each = self.0.iter();
        each.map(|der| reqwest::Certificate::from_der(der))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "\
-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUeXMfwmvKCrII0yhKXvB3FxyJ66MwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTI4MjEzMzAzWhgPMjEy
NjExMDQyMTMzMDNaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAE1+c/ughULdbB5X5uzHvcw+rbhqPF8AOmr3HQ/VtI
FA2iKx7wE1T7uM8k0Sr6A6PU5wEo7U2o3Ceg5idqc3DCsKNTMFEwHQYDVR0OBBYE
FKLewdJUWGkmw2s1ovo+rRnha2LVMB8GA1UdIwQYMBaAFKLewdJUWGkmw2s1ovo+
rRnha2LVMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIhANLfbl6Y
ULDOFEykTL9GLckJaXr4rvDelKTOwaFbqgkGAh94s9vt6dqTd8EIU5zyCpjD0QFe
p2q92jLy/Eou0T9E
-----END CERTIFICATE-----
";

    #[test]
    fn certificates_and_nothing_else() {
        let one = Authorities::from_pem(PEM.as_bytes()).unwrap();
        assert_eq!(one.0.len(), 1);
        assert_eq!(one.certificates().unwrap().len(), 1);
        let two = Authorities::from_pem(format!("words\n{PEM}\n{PEM}").as_bytes()).unwrap();
        assert_eq!(two.0.len(), 2);
        let cut = PEM.replace("MIIB", "MIIE");
        for (pem, why) in [
            ("", "has no certificate in it"),
            ("words", "has no certificate in it"),
            (
                &PEM.replace("CERTIFICATE", "PRIVATE KEY"),
                "has no certificate in it",
            ),
            (&PEM.replace("MIIB", "MI!B"), "is not PEM"),
            (&cut, "has something in it that is not a certificate"),
        ] {
            assert_eq!(Authorities::from_pem(pem.as_bytes()), Err(why));
        }
    }
}
