//! A token endpoint that grants access tokens for a refresh token (<https://www.rfc-editor.org/rfc/rfc6749#section-6>).

use serde_json::json;

use super::server::{Behaviour, Call, Platform, Reply};

/// The refresh token that is accepted at first.
pub const REFRESH_TOKEN: &str = "1//refresh-right";
/// The client's id.
pub const CLIENT_ID: &str = "desk.apps.example";
/// The client's secret.
pub const CLIENT_SECRET: &str = "client-right";

/// A token endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// The refresh token that is accepted.
    pub refresh_token: String,
    /// For how long a token is good, in seconds.
    pub expires_in: Option<u64>,
    /// A new refresh token comes with each access token, and the old one is worth nothing from then on.
    pub rotates: bool,
    /// How many tokens were granted.
    pub granted: usize,
}

/// Starts one, whose tokens are good for an hour.
pub async fn start() -> Platform<Endpoint> {
    let endpoint = Endpoint { refresh_token: REFRESH_TOKEN.to_owned(), expires_in: Some(3600), rotates: false, granted: 0 };
    Platform::start(endpoint).await
}

/// An error: 401 where the client is not known, else 400 (<https://www.rfc-editor.org/rfc/rfc6749#section-5.2>).
#[must_use]
pub fn error(name: &str) -> Reply {
    Reply::json(if name == "invalid_client" { 401 } else { 400 }, &json!({ "error": name, "error_description": "of user@example.org" }))
}

impl Endpoint {
    /// The token that was granted last.
    #[must_use]
    pub fn token(&self) -> String {
        format!("ya29.token-{}", self.granted)
    }
}

impl Behaviour for Endpoint {
    fn answer(&mut self, call: &Call) -> Reply {
        let form = call.form();
        let is = |name: &str, expected: &str| form.get(name).is_some_and(|value| value == expected);
        if !call.is_of("application/x-www-form-urlencoded") {
            return error("invalid_request");
        }
        if !is("client_id", CLIENT_ID) || !is("client_secret", CLIENT_SECRET) {
            return error("invalid_client");
        }
        if !is("grant_type", "refresh_token") {
            return error("unsupported_grant_type");
        }
        if !is("refresh_token", &self.refresh_token) {
            return error("invalid_grant");
        }
        self.granted += 1;
        let mut answer = json!({ "access_token": self.token(), "token_type": "Bearer" });
        if let Some(seconds) = self.expires_in {
            answer["expires_in"] = seconds.into();
        }
        if self.rotates {
            self.refresh_token = format!("1//refresh-{}", self.granted);
            answer["refresh_token"] = self.refresh_token.as_str().into();
        }
        Reply::json(200, &answer)
    }
}
