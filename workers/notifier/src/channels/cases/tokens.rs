use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use switchboard_common::ambient::Ambient;
use switchboard_common::domain::sender::OAuth;
use switchboard_common::oauth::{TokenError, Tokens};
use switchboard_test_servers::platforms::oauth::{self, CLIENT_ID, CLIENT_SECRET, Endpoint, REFRESH_TOKEN, error};
use switchboard_test_servers::platforms::{Platform, Reply};

use super::{SecretFile, ambient};
use crate::channels::http;

/// A token endpoint, and the account that asks it.
pub(super) struct Grants {
    pub(super) endpoint: Platform<Endpoint>,
    pub(super) settings: OAuth,
    pub(super) refresh_token: SecretFile,
    _client_secret: SecretFile,
}

impl Grants {
    pub(super) async fn new() -> Self {
        let endpoint = oauth::start().await;
        let (refresh_token, client_secret) = (SecretFile::new(REFRESH_TOKEN), SecretFile::new(CLIENT_SECRET));
        let settings = OAuth {
            token_url: format!("{}/token", endpoint.url()),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(client_secret.reference()),
            refresh_token: refresh_token.reference(),
            scope: Some("https://mail.google.com/".to_owned()),
        };
        Self { endpoint, settings, refresh_token, _client_secret: client_secret }
    }

    fn tokens(&self, ambient: &Ambient) -> Tokens {
        let client = http::client(None).and_then(|builder| Ok(builder.build()?)).expect("a client");
        Tokens::new(self.settings.clone(), client, ambient.clone())
    }
}

async fn access(tokens: &Tokens) -> Result<String, TokenError> {
    tokens.access().await.map(|token| token.expose_secret().to_owned())
}

#[tokio::test]
async fn a_token_is_fetched_once_and_anew_ahead_of_its_end() {
    let (grants, ambient) = (Grants::new().await, ambient());
    let tokens = grants.tokens(&ambient);
    let asking: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let tokens = tokens.clone();
                async move { access(&tokens).await }
            })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.expect("no panic").as_deref(), Ok("ya29.token-1"));
    }
    assert_eq!(grants.endpoint.calls().len(), 1, "eight ask, one fetches");
    assert_eq!(grants.endpoint.calls()[0].form()["scope"], "https://mail.google.com/");
    ambient.clock.advance(Duration::from_secs(3600 - 301));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-1"));
    ambient.clock.advance(Duration::from_secs(1));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-2"), "five minutes before it ends");
}

#[tokio::test]
async fn while_no_new_token_can_be_had_the_old_one_is_used_to_its_end() {
    let (grants, ambient) = (Grants::new().await, ambient());
    let tokens = grants.tokens(&ambient);
    access(&tokens).await.expect("a token");
    ambient.clock.advance(Duration::from_secs(3400));
    grants.endpoint.answer_next("/token", Reply::status(500));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-1"));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-1"), "and the endpoint is left alone for a while");
    assert_eq!(grants.endpoint.calls().len(), 2);
    ambient.clock.advance(Duration::from_secs(200));
    grants.endpoint.answer_next("/token", Reply::status(500));
    assert_eq!(access(&tokens).await, Err(TokenError::Broken(500)));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-2"));
}

#[tokio::test]
async fn a_token_that_was_refused_is_replaced_once_for_all() {
    let (grants, ambient) = (Grants::new().await, ambient());
    let tokens = grants.tokens(&ambient);
    let first = tokens.access().await.expect("a token");
    let (one, two) = tokio::join!(tokens.instead_of(&first), tokens.instead_of(&first));
    assert_eq!(one.expect("a token").expose_secret(), "ya29.token-2");
    assert_eq!(two.expect("a token").expose_secret(), "ya29.token-2");
    assert_eq!(grants.endpoint.calls().len(), 2);
}

#[tokio::test]
async fn a_new_refresh_token_counts_until_it_is_refused_and_then_the_accounts_own() {
    let (grants, ambient) = (Grants::new().await, ambient());
    let tokens = grants.tokens(&ambient);
    grants.endpoint.state().rotates = true;
    for number in 1..=3 {
        assert_eq!(access(&tokens).await, Ok(format!("ya29.token-{number}")));
        ambient.clock.advance(Duration::from_hours(1));
    }
    grants.endpoint.state().refresh_token = "1//by-hand".to_owned();
    assert_eq!(access(&tokens).await, Err(TokenError::Refused("invalid_grant".to_owned())));
    grants.refresh_token.change("1//by-hand");
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-4"), "consent was given anew, and nothing was started anew");
}

#[tokio::test]
async fn why_there_is_no_token_is_said_without_a_secret() {
    let (grants, ambient) = (Grants::new().await, ambient());
    let tokens = grants.tokens(&ambient);
    for (reply, expected) in [
        (error("invalid_client"), TokenError::Refused("invalid_client".to_owned())),
        (error("invalid_grant"), TokenError::Refused("invalid_grant".to_owned())),
        (Reply::status(200), TokenError::Broken(200)),
        (Reply::status(404), TokenError::Broken(404)),
    ] {
        grants.endpoint.answer_next("/token", reply);
        assert_eq!(access(&tokens).await, Err(expected));
    }
    grants.endpoint.lose_next("/token");
    assert_eq!(access(&tokens).await, Err(TokenError::Unreachable));
    assert!(!format!("{tokens:?}").contains("right"), "{tokens:?}");
    let _ = Arc::new(grants);
}

#[tokio::test]
async fn a_token_without_an_end_is_used_until_it_is_refused_and_a_short_one_for_half_of_its_time() {
    let (grants, ambient) = (Grants::new().await, ambient());
    grants.endpoint.state().expires_in = None;
    let tokens = grants.tokens(&ambient);
    access(&tokens).await.expect("a token");
    ambient.clock.advance(Duration::from_hours(1000));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-1"));
    grants.endpoint.state().expires_in = Some(60);
    let tokens = grants.tokens(&ambient);
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-2"));
    ambient.clock.advance(Duration::from_secs(29));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-2"));
    ambient.clock.advance(Duration::from_secs(1));
    assert_eq!(access(&tokens).await.as_deref(), Ok("ya29.token-3"));
}
