//! How we sign in to a mail server (RFC 4954): with a password, or with a token.

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Auth;
use secrecy::{ExposeSecret, SecretString};
use switchboard_common::config::SignIn;
use switchboard_common::oauth::{TokenError, Tokens};
use switchboard_common::secrets::Secret;

use super::server::Unusable;
use crate::channels::Obstacle;

/// How somebody signs in with a password, the best first.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
/// The answer to which the client says nothing more, and is refused then
/// (<https://developers.google.com/workspace/gmail/imap/xoauth2-protocol#error_response_2>).
const GO_ON: u16 = 334;

/// What it takes to sign in.
#[derive(Debug)]
pub(in crate::channels) enum Access {
    /// Nothing.
    Open,
    /// What the configuration says.
    Given(SignIn),
    /// A password that can be read again.
    Password { user: String, password: Secret },
    /// Tokens.
    Token { user: String, tokens: Tokens },
}

/// What we sign in with this time.
pub(super) struct Pass {
    user: String,
    secret: SecretString,
    is_token: bool,
}

impl Access {
    pub(super) async fn pass(&self) -> Result<Option<Pass>, Unusable> {
        let (user, secret, is_token) = match self {
            Self::Open => return Ok(None),
            Self::Given(SignIn { user, password }) => (user, password.clone(), false),
            Self::Password { user, password } => (user, password.value(), false),
            Self::Token { user, tokens } => (user, tokens.access().await?, true),
        };
        Ok(Some(Pass { user: user.clone(), secret, is_token }))
    }

    /// What to sign in with after this was refused, if there is anything else.
    pub(super) async fn instead_of(&self, refused: &Pass) -> Result<Option<Pass>, Unusable> {
        let secret = match self {
            Self::Password { password, .. } if password.renew(&refused.secret) => password.value(),
            Self::Token { tokens, .. } => tokens.instead_of(&refused.secret).await?,
            Self::Open | Self::Given(_) | Self::Password { .. } => return Ok(None),
        };
        Ok(Some(Pass { user: refused.user.clone(), secret, is_token: refused.is_token }))
    }
}

impl Pass {
    pub(super) async fn sign_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Unusable> {
        let credentials = Credentials::new(self.user.clone(), self.secret.expose_secret().to_owned());
        let mechanisms: &[Mechanism] = if self.is_token { &[Mechanism::Xoauth2] } else { &MECHANISMS };
        if connection.server_info().get_auth_mechanism(mechanisms).is_none() {
            return Err(Unusable::ours(Obstacle::NoSignIn));
        }
        let signed_in = if self.is_token {
            by_token(connection, credentials).await
        } else {
            connection.auth(&MECHANISMS, &credentials).await.map(drop)
        };
        signed_in.map_err(|error| Unusable::new(Obstacle::SignIn, &error))
    }
}

/// lettre makes a failure of its own out of the challenge that says why a token is refused, and the refusal would never come.
async fn by_token(connection: &mut AsyncSmtpConnection, credentials: Credentials) -> Result<(), lettre::transport::smtp::Error> {
    let answer = connection.command(Auth::new(Mechanism::Xoauth2, credentials, None)?).await?;
    if answer.has_code(GO_ON) {
        connection.command("\r\n").await?;
    }
    Ok(())
}

impl From<TokenError> for Unusable {
    fn from(error: TokenError) -> Self {
        let obstacle = match error {
            TokenError::Refused(_) => Obstacle::SignIn,
            TokenError::Unreachable => Obstacle::Unreachable,
            TokenError::Broken(_) => Obstacle::Broken,
            TokenError::Secret(_) => Obstacle::Secret,
        };
        Self { obstacle, answer: error.to_string() }
    }
}
