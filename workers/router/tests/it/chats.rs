//! Messages of other channels, and accounts for them.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use switchboard_common::domain::explanation::Explanation;
use switchboard_common::domain::identity::ExternalId;
use switchboard_common::domain::inbound::{Channel, Trust};
use switchboard_common::ids::{AccountId, TenantId};

use crate::desk::{Desk, Ended, Mail};

impl Desk {
    /// The desk of another tenant on the same database.
    pub async fn of(&self, tenant: TenantId) -> Self {
        let account = sqlx::query_scalar("select id from channel_accounts where tenant_id = $1")
            .bind(tenant.0)
            .fetch_one(&self.pool)
            .await
            .expect("an account");
        Self::with(self.pool.clone(), self.ambient.clone(), tenant, AccountId(account))
    }

    /// An account of another channel.
    pub async fn chat_account(&self, channel: Channel, address: &str) -> AccountId {
        let id: AccountId = self.ambient.new_id();
        sqlx::query(
            "insert into channel_accounts (tenant_id, id, name, channel, address, default_category_id)
             select $1, $2, $3, $3, $4, id from categories where tenant_id = $1 and name = 'Incident'",
        )
        .bind(self.tenant.0)
        .bind(id.0)
        .bind(channel.as_str())
        .bind(address)
        .execute(&self.pool)
        .await
        .expect("an account");
        self.change_desk("select 1").await;
        id
    }

    /// Another mail account, whose tickets go to sales.
    pub async fn sales_account(&self) -> AccountId {
        let id: AccountId = self.ambient.new_id();
        sqlx::query(
            "insert into channel_accounts (tenant_id, id, name, channel, address, default_category_id)
             select $1, $2, 'sales', 'email', 'sales@desk.example', id from categories where tenant_id = $1 and name = 'Quote'",
        )
        .bind(self.tenant.0)
        .bind(id.0)
        .execute(&self.pool)
        .await
        .expect("an account");
        self.change_desk("select 1").await;
        id
    }

    /// Goes on with the time.
    pub fn later(&self, minutes: i64) {
        self.ambient.clock.advance(TimeDelta::minutes(minutes).to_std().expect("a time to come"));
    }

    /// What became of a message that may be on no ticket.
    pub async fn concluded(&self, external_id: &str) -> (String, Explanation) {
        let (outcome, explanation): (String, serde_json::Value) =
            sqlx::query_as("select outcome::text, explanation from inbound_messages where external_id = $1 order by id limit 1")
                .bind(external_id)
                .fetch_one(&self.pool)
                .await
                .expect("a logged message");
        (outcome, serde_json::from_value(explanation).expect("an explanation"))
    }

    /// The links of all tickets: from, to, kind and why.
    pub async fn links(&self) -> Vec<(i64, i64, String, String)> {
        sqlx::query_as(
            "select a.ticket_number, b.ticket_number, l.kind, l.reason from ticket_links l
             join tickets a on a.tenant_id = l.tenant_id and a.id = l.ticket_id
             join tickets b on b.tenant_id = l.tenant_id and b.id = l.linked_id
             order by 1, 2",
        )
        .fetch_all(&self.pool)
        .await
        .expect("links")
    }

    /// Closes a ticket, as an operator does.
    pub async fn close(&self, number: i64) {
        switchboard_router::command::close_ticket(&self.pool, &self.ambient, self.tenant, number, None).await.expect("closed");
    }
}

impl Mail {
    /// The same by a chat, where the sender has been authenticated.
    pub fn by(mut self, channel: Channel, account: AccountId) -> Self {
        let address = self.0.from.as_ref().expect("a sender").email.clone();
        self.0.channel = channel;
        self.0.account_id = account;
        self.0.identities = vec![ExternalId::from(&address)];
        self.0.recipients = Vec::new();
        self.0.subject = String::new();
        self.0.trust = Trust::Verified;
        self.0.fields = BTreeMap::new();
        self
    }

    pub fn thread(mut self, key: &str) -> Self {
        self.0.thread_key = Some(key.to_owned());
        self
    }

    pub fn account(mut self, account: AccountId) -> Self {
        self.0.account_id = account;
        self
    }

    pub fn spam(mut self, verdict: &str) -> Self {
        self.0.spam = Some(verdict.to_owned());
        self
    }
}

impl Ended {
    /// What was found of a kind of evidence.
    pub fn looked(&self, kind: &str) -> String {
        looked(&self.explanation, kind)
    }
}

/// What was found of a kind of evidence.
pub fn looked(explanation: &Explanation, kind: &str) -> String {
    let found: Vec<&str> =
        explanation.threading.looked.iter().filter(|looked| looked.kind == kind).map(|looked| looked.found.as_str()).collect();
    found.join(" | ")
}
