//! The URL of the mail server that takes outgoing mail.

use std::net::{Ipv4Addr, Ipv6Addr};

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

/// How the way to a mail server is encrypted. Certificates are verified whenever there is TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// TLS before anything is said (RFC 8314, 3.3).
    Implicit,
    /// STARTTLS (RFC 3207); a server that does not offer it gets no mail.
    Required,
    /// STARTTLS where the server offers it. Whoever sits in between can take the offer away.
    Opportunistic,
    /// None.
    Plain,
}

/// Who signs in to a mail server.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// A mail server, as its URL names it.
#[derive(Debug, Clone)]
pub struct SmtpUrl {
    /// A name or an address.
    pub host: String,
    /// The port; by default that of the encryption.
    pub port: u16,
    /// How the way there is encrypted.
    pub encryption: Encryption,
    /// Who signs in, if anybody does.
    pub sign_in: Option<SignIn>,
    /// The name that the server is greeted with, if it is to be another than this machine's.
    pub hello: Option<String>,
}

impl SmtpUrl {
    /// What [`Self::parse`] takes.
    pub const EXPECTED: &str = "a URL like smtps://user:password@host:465 or smtp://host:587?tls=required";

    /// Reads `smtps://…`, or `smtp://…` with `?tls=required`, `?tls=opportunistic` or `?tls=none`. Without
    /// one, it is `required`, and `none` for this machine itself, where nobody listens in between and
    /// certificates are seldom good.
    ///
    /// # Errors
    /// When it is none of these, or would send a password where others may read it. The error does not
    /// repeat the URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("not a URL ({error})"))?;
        let (host, is_local) = host(&url)?;
        let encryption = encryption(&url, is_local)?;
        let sign_in = sign_in(&url)?;
        if sign_in.is_some() && !is_local && matches!(encryption, Encryption::Plain | Encryption::Opportunistic) {
            return Err("it would send a password over a connection that may not be encrypted; use smtps:// or ?tls=required".to_owned());
        }
        let port = url.port().unwrap_or(match encryption {
            Encryption::Implicit => 465,
            Encryption::Required | Encryption::Opportunistic => 587,
            Encryption::Plain => 25,
        });
        let hello = Some(url.path().trim_matches('/')).filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(Self { host, port, encryption, sign_in, hello })
    }
}

/// The host, and whether it is this machine.
fn host(url: &Url) -> Result<(String, bool), String> {
    // The library reads addresses in URLs of the web only.
    let host = match url.host() {
        Some(Host::Domain(name)) if !name.is_empty() => Host::parse(name).map_err(|error| format!("the host: {error}"))?,
        Some(Host::Domain(_)) | None => return Err("no host".to_owned()),
        Some(Host::Ipv4(address)) => Host::Ipv4(address),
        Some(Host::Ipv6(address)) => Host::Ipv6(address),
    };
    Ok(match host {
        Host::Domain(name) => {
            let is_local = name.eq_ignore_ascii_case("localhost");
            (name, is_local)
        }
        Host::Ipv4(address) => (address.to_string(), Ipv4Addr::is_loopback(&address)),
        Host::Ipv6(address) => (address.to_string(), Ipv6Addr::is_loopback(&address)),
    })
}

fn encryption(url: &Url, is_local: bool) -> Result<Encryption, String> {
    let mut tls = None;
    for (name, value) in url.query_pairs() {
        if name != "tls" {
            return Err("it has a parameter other than tls".to_owned());
        }
        tls = Some(value.into_owned());
    }
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None) => Ok(Encryption::Implicit),
        ("smtps", Some(_)) => Err("smtps always has TLS, and takes no tls=".to_owned()),
        ("smtp", None) => Ok(if is_local { Encryption::Plain } else { Encryption::Required }),
        ("smtp", Some("required")) => Ok(Encryption::Required),
        ("smtp", Some("opportunistic")) => Ok(Encryption::Opportunistic),
        ("smtp", Some("none")) => Ok(Encryption::Plain),
        ("smtp", Some(_)) => Err("tls is none of required, opportunistic and none".to_owned()),
        (scheme, _) => Err(format!("the scheme is {scheme}, not smtp or smtps")),
    }
}

fn sign_in(url: &Url) -> Result<Option<SignIn>, String> {
    let decode =
        |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| "user or password is not UTF-8".to_owned());
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (_, None) => Err("a user without a password".to_owned()),
        ("", Some(_)) => Err("a password without a user".to_owned()),
        (user, Some(password)) => Ok(Some(SignIn { user: decode(user)?, password: decode(password)?.into() })),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_url_says_how_the_server_is_reached_and_encryption_is_required_unless_said_otherwise() {
        let table = [
            ("smtp://mail.example.org", "mail.example.org", 587, Encryption::Required),
            ("smtp://mail.example.org:2525?tls=required", "mail.example.org", 2525, Encryption::Required),
            ("smtp://mail.example.org?tls=opportunistic", "mail.example.org", 587, Encryption::Opportunistic),
            ("smtp://mail.example.org?tls=none", "mail.example.org", 25, Encryption::Plain),
            ("smtps://mail.example.org", "mail.example.org", 465, Encryption::Implicit),
            ("smtp://localhost", "localhost", 25, Encryption::Plain),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, Encryption::Plain),
            ("smtp://[::1]?tls=required", "::1", 587, Encryption::Required),
            ("smtp://192.0.2.1", "192.0.2.1", 587, Encryption::Required),
            ("smtp://127.0.0.1.example.org", "127.0.0.1.example.org", 587, Encryption::Required),
        ];
        for (text, host, port, encryption) in table {
            let url = SmtpUrl::parse(text).expect("valid");
            assert_eq!((url.host.as_str(), url.port, url.encryption), (host, port, encryption), "{text}");
        }
        let url = SmtpUrl::parse("smtps://us%40er:p%2Bw@mail.example.org/desk.example.org").expect("valid");
        let sign_in = url.sign_in.expect("somebody");
        assert_eq!((sign_in.user.as_str(), sign_in.password.expose_secret()), ("us@er", "p+w"));
        assert_eq!(url.hello.as_deref(), Some("desk.example.org"));
    }

    #[test]
    fn a_password_never_goes_where_others_may_read_it() {
        for text in ["smtp://u:secret@mail.example.org?tls=none", "smtp://u:secret@192.0.2.1?tls=opportunistic"] {
            let error = SmtpUrl::parse(text).expect_err("refused");
            assert!(error.contains("may not be encrypted; use smtps:// or ?tls=required"), "{error}");
        }
        for text in ["smtp://u:secret@localhost", "smtp://u:secret@mail.example.org", "smtp://u:secret@[::1]?tls=opportunistic"] {
            SmtpUrl::parse(text).expect("on this machine, or encrypted");
        }
    }

    #[test]
    fn a_wrong_url_is_named_without_its_password() {
        for text in [
            "mail.example.org",
            "http://u:secret@mail.example.org",
            "smtp://u:secret@h?tls=maybe",
            "smtps://u:secret@h?tls=required",
            "smtps://u:secret@h?token=secret",
            "smtps://secret@h",
            "smtp://",
        ] {
            let error = SmtpUrl::parse(text).expect_err("refused");
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }
}
