//! A private authority, what it signed, and an authority that signed nothing: made anew for each run.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::process::Folder;

/// Files in PEM. Host names of the server's certificate: `localhost` and 127.0.0.1.
pub struct Certificates {
    /// The authority that signed the others.
    pub authority: PathBuf,
    /// An authority that signed none of them.
    pub other_authority: PathBuf,
    /// The client's certificate for the role [`Certificates::ROLE`].
    pub client: PathBuf,
    pub client_key: PathBuf,
    /// Certificate and key of the server, as text: a server wants files that belong to it.
    pub server: String,
    pub server_key: String,
    /// The same for another host: `elsewhere.example`.
    pub elsewhere: String,
    pub elsewhere_key: String,
    /// The authority as text.
    pub authority_text: String,
    _folder: Folder,
}

impl Certificates {
    /// The role that the client's certificate is for.
    pub const ROLE: &str = "certified";

    pub fn make() -> Result<Self, String> {
        Self::try_make().map_err(|error| error.to_string())
    }

    fn try_make() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = Folder::new(None)?;
        let authority = authority("Headwater lab")?;
        let other = self::authority("Another authority")?;
        let (client, client_key) = signed("Headwater client", Self::ROLE, &[], &authority)?;
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let (server, server_key) = signed("Headwater server", "localhost", &names, &authority)?;
        let (elsewhere, elsewhere_key) =
            signed("Headwater server", "elsewhere", &["elsewhere.example".to_owned()], &authority)?;
        Ok(Self {
            authority: folder.write("authority.pem", &authority.pem(), None)?,
            other_authority: folder.write("other-authority.pem", &other.pem(), None)?,
            client: folder.write("client.pem", &client, None)?,
            client_key: folder.write("client.key", &client_key, None)?,
            server,
            server_key,
            elsewhere,
            elsewhere_key,
            authority_text: authority.pem(),
            _folder: folder,
        })
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(organisation: &str, name: &str, hosts: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn authority(name: &str) -> Result<Authority, rcgen::Error> {
    let mut params = named("Headwater tests", name, &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// Certificate and key in PEM.
fn signed(
    organisation: &str,
    name: &str,
    hosts: &[String],
    authority: &Authority,
) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let certificate = named(organisation, name, hosts)?.signed_by(&key, authority)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
