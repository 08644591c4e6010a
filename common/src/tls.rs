//! TLS as a client: the system's certificate authorities, and one more if it is configured.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

/// The configuration of a client that trusts the system's authorities, and those of a PEM file
/// beside them. The certificates are read now: a new client sees new ones.
///
/// # Errors
/// When the file cannot be read or holds no certificate, and when the system has no authorities and
/// there is no file either.
pub fn client(ca_file: Option<&Path>) -> anyhow::Result<Arc<ClientConfig>> {
    // Given by name: there is no provider for the whole process, and none is needed.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra = ca_file.map(authorities).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).context("no certificate authority to trust")?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("no version of TLS to speak")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn authorities(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let found = read().with_context(|| format!("{} cannot be read as certificates in PEM", path.display()))?;
    anyhow::ensure!(!found.is_empty(), "{} holds no certificate in PEM", path.display());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use switchboard_test_servers::certificates::Certificates;

    use super::*;

    #[test]
    fn a_file_that_holds_no_certificate_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let certificates = Certificates::write(folder.path());
        client(Some(&certificates.authority)).expect("an authority");
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "nothing").expect("written");
        for (path, expected) in [(&empty, "holds no certificate"), (&folder.path().join("absent.pem"), "cannot be read")] {
            let error = client(Some(path)).expect_err("no certificate").to_string();
            assert!(error.contains(&path.display().to_string()) && error.contains(expected), "{error}");
        }
    }
}
