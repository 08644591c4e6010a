//! A ticket, as one of its versions keeps it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::inbound::Channel;
use crate::ids::{AccountId, CategoryId, ClientId, DepartmentId, PriorityId, StatusId, UserId};

/// What a status means, whatever the tenant calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "ticket_state", rename_all = "snake_case")]
pub enum TicketState {
    /// Taken note of; nobody's turn in particular.
    Open,
    /// The client's turn.
    WaitingForUser,
    /// The desk's turn.
    WaitingForAgent,
    /// Done.
    Closed,
    /// Given up on.
    Unresolved,
}

impl TicketState {
    /// Whether the ticket is over: closed, or given up on.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Unresolved)
    }
}

impl std::fmt::Display for TicketState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::WaitingForUser => "waiting for user",
            Self::WaitingForAgent => "waiting for agent",
            Self::Closed => "closed",
            Self::Unresolved => "unresolved",
        })
    }
}

/// The whole state of a ticket at one version: what `ticket_versions.state` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketSnapshot {
    /// The number that people call it by, counted per tenant.
    pub number: i64,
    /// The subject of its first message.
    pub title: String,
    /// Who asked.
    pub client_id: ClientId,
    /// The account that it came in by and is answered from.
    pub account_id: AccountId,
    /// Whose work it is.
    pub department_id: Option<DepartmentId>,
    /// What it is about.
    pub category_id: Option<CategoryId>,
    /// The tenant's status.
    pub status_id: StatusId,
    /// What that status means.
    pub state: TicketState,
    /// The tenant's priority.
    pub priority_id: PriorityId,
    /// People and groups that it is assigned to.
    pub assignees: Vec<UserId>,
    /// People and groups that are told as well.
    pub cc: Vec<UserId>,
    /// The tags that it bears.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The tenant's own fields.
    pub custom_fields: BTreeMap<String, serde_json::Value>,
    /// How many messages it has.
    pub message_count: i32,
    /// The channels that the client has written on. Empty in versions from before this was kept.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub channels: BTreeSet<Channel>,
    /// When the last message came, from whomever.
    #[serde(default)]
    pub last_message_at: Option<DateTime<Utc>>,
    /// When it was closed, if it is.
    pub closed_at: Option<DateTime<Utc>>,
}
