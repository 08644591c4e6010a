//! Channels that answer what a test tells them to, and keep what they got.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::sender::{Rate, WhenUnsure};
use switchboard_common::ids::{AccountId, TenantId};
use switchboard_notifier::channels::email::Transport;
use switchboard_notifier::channels::{Line, NoLine, Outlet, Parcel, Receipt, Refusal};
use switchboard_notifier::deliver::{Deliverer, Lines};

use crate::desk::{Desk, LEASE};

/// The channel of one account.
#[derive(Debug)]
pub struct Fake {
    method: Method,
    answers: Mutex<VecDeque<Result<Receipt, Refusal>>>,
    got: Mutex<Vec<Parcel>>,
}

impl Fake {
    /// What it answers to the next ones; it takes all others.
    pub fn answer(&self, answers: impl IntoIterator<Item = Result<Receipt, Refusal>>) {
        self.answers.lock().expect("not poisoned").extend(answers);
    }

    /// What it got so far.
    pub fn got(&self) -> Vec<Parcel> {
        self.got.lock().expect("not poisoned").clone()
    }

    pub fn count(&self) -> usize {
        self.got().len()
    }
}

#[async_trait]
impl Outlet for Fake {
    fn method(&self) -> Method {
        self.method
    }

    async fn send(&self, parcel: &Parcel, _limit: Duration) -> Result<Receipt, Refusal> {
        self.got.lock().expect("not poisoned").push(parcel.clone());
        let answer = self.answers.lock().expect("not poisoned").pop_front();
        answer.unwrap_or_else(|| Ok(Receipt { answer: "taken".to_owned(), ..Receipt::default() }))
    }

    fn at_once(&self) -> usize {
        4
    }
}

/// The channels of a desk's accounts; mail goes by the transport.
#[derive(Debug, Clone)]
pub struct Fakes {
    mail: Transport,
    lines: BTreeMap<(TenantId, AccountId), Line>,
}

impl Fakes {
    pub fn new(mail: &Transport) -> Self {
        Self { mail: mail.clone(), lines: BTreeMap::new() }
    }

    /// A new account of a desk, with the channel that stands in for it.
    pub async fn account(&mut self, desk: &Desk, method: Method, address: &str, rate: Option<Rate>) -> (AccountId, Arc<Fake>) {
        let id: AccountId = desk.ambient.new_id();
        desk.sql(
            "insert into channel_accounts (tenant_id, id, name, channel, address, sender) values ($1, $2, $5, $4, $3, '{}')",
            &[&desk.tenant.0, &id.0],
            &[address, method.as_str(), &format!("a{}", id.0.simple())],
        )
        .await;
        let fake = Arc::new(Fake { method, answers: Mutex::default(), got: Mutex::default() });
        let when_unsure = if method.knows_doubles() { WhenUnsure::Retry } else { WhenUnsure::Hold };
        let outlet: Arc<dyn Outlet> = fake.clone();
        self.lines.insert((desk.tenant, id), Line { outlet, rate, when_unsure, is_shared: false });
        (id, fake)
    }

    /// A process that sends by them.
    pub fn deliverer(&self, desk: &Desk) -> Deliverer {
        Deliverer::by(desk.pool.clone(), desk.ambient.clone(), Arc::new(self.clone()), LEASE, Some("https://desk.example".to_owned()))
    }

    pub async fn drain(&self, desk: &Desk) -> usize {
        self.deliverer(desk).drain().await.expect("the database is there")
    }
}

#[async_trait]
impl Lines for Fakes {
    async fn lines(
        &self,
        _connection: &mut PgConnection,
        accounts: &[(TenantId, AccountId)],
    ) -> sqlx::Result<BTreeMap<(TenantId, AccountId), Result<Line, NoLine>>> {
        let mail = Line { outlet: Arc::new(self.mail.clone()), rate: None, when_unsure: WhenUnsure::Retry, is_shared: true };
        Ok(accounts.iter().map(|key| (*key, Ok(self.lines.get(key).cloned().unwrap_or_else(|| mail.clone())))).collect())
    }

    async fn tidy_up(&self) {}

    async fn close(&self) {}
}
