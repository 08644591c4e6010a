//! What an operator does to a ticket by hand, in one transaction with its version and events.

use sqlx::{Connection, PgConnection, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::routing::{self, Desk};
use switchboard_common::db::{self, outbox, tickets};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::ticket::TicketState;
use switchboard_common::ids::{TenantId, UserId};

use crate::desks;
use crate::draft::Draft;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such ticket.
    #[error("there is no ticket #{0}")]
    NoTicket(i64),
    /// There is no such tenant, or its desk is not complete.
    #[error("{0}")]
    Desk(String),
    /// There is no such person or group.
    #[error("there is no user or group with the handle {handle}; there are: {known}")]
    NoUser {
        /// The handle that was given.
        handle: String,
        /// The handles that there are.
        known: String,
    },
    /// The database refuses or cannot be reached.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It changed the ticket, to this version.
    Changed(i32),
    /// The ticket was that way already.
    Nothing,
}

/// Closes a ticket, in the name of the user with the handle `by` or of nobody in particular.
///
/// # Errors
/// When there is no such ticket or user, or the database is away.
pub async fn close_ticket(pool: &PgPool, ambient: &Ambient, tenant: TenantId, number: i64, by: Option<&str>) -> Result<Done, CommandError> {
    change(pool, ambient, tenant, number, by, |draft, desk, changes| {
        draft.move_to(TicketState::Closed, desk, ambient.now(), changes);
        Ok((EventKind::TicketClosed, Vec::new()))
    })
    .await
}

/// Gives a ticket to the person or group with the handle `to`, and to nobody else.
///
/// # Errors
/// When there is no such ticket or user, or the database is away.
pub async fn assign_ticket(
    pool: &PgPool,
    ambient: &Ambient,
    tenant: TenantId,
    number: i64,
    to: &str,
    by: Option<&str>,
) -> Result<Done, CommandError> {
    change(pool, ambient, tenant, number, by, |draft, desk, changes| {
        let user = user_by_handle(desk, to)?;
        if draft.state.assignees != [user] {
            draft.state.assignees = vec![user];
            changes.push(format!("assigned: {to}"));
        }
        Ok((EventKind::TicketAssigned, vec![user]))
    })
    .await
}

async fn change(
    pool: &PgPool,
    ambient: &Ambient,
    tenant: TenantId,
    number: i64,
    by: Option<&str>,
    change: impl FnOnce(&mut Draft, &Desk, &mut Vec<String>) -> Result<(EventKind, Vec<UserId>), CommandError> + Send,
) -> Result<Done, CommandError> {
    let mut session = db::Session::open(pool).await?;
    let mut transaction = session.begin().await?;
    let desk = load_desk(&mut transaction, tenant).await?;
    let actor = by.map(|handle| user_by_handle(&desk, handle)).transpose()?.map_or(Actor::System, Actor::User);
    let id = tickets::by_number(&mut transaction, tenant, number).await?.ok_or(CommandError::NoTicket(number))?;
    let (_, (version, state)) =
        tickets::lock(&mut transaction, vec![(tenant, id)]).await?.into_iter().next().ok_or(CommandError::NoTicket(number))?;
    let mut draft = Draft::existing(tenant, id, version, state);
    let mut changes = Vec::new();
    let (kind, assigned) = change(&mut draft, &desk, &mut changes)?;
    if changes.is_empty() {
        return Ok(Done::Nothing);
    }
    let now = ambient.now();
    let version = draft.commit(actor, changes, now);
    let (row, versions) = draft.rows();
    tickets::update(&mut transaction, &[row]).await?;
    tickets::add_versions(&mut transaction, versions).await?;
    let event = Event {
        id: ambient.new_id(),
        tenant_id: tenant,
        kind,
        ticket_id: id,
        version,
        message_id: None,
        delivery_id: None,
        assigned,
        actor,
        occurred_at: now,
        arrived_at: None,
        trace: None,
    };
    outbox::add(&mut transaction, &[event], now).await?;
    transaction.commit().await?;
    session.done();
    Ok(Done::Changed(version))
}

async fn load_desk(connection: &mut PgConnection, tenant: TenantId) -> Result<Desk, CommandError> {
    let revisions = routing::revisions(connection, &[tenant.0]).await?;
    let revision = revisions.get(&tenant).ok_or_else(|| CommandError::Desk(format!("there is no tenant {tenant}")))?;
    desks::load(connection, tenant, *revision).await.map_err(|failure| match failure {
        Failure::Reject(reason) => CommandError::Desk(reason),
        Failure::GiveBack(error) | Failure::Retry(error) => CommandError::Desk(format!("{error:#}")),
    })
}

fn user_by_handle(desk: &Desk, handle: &str) -> Result<UserId, CommandError> {
    let found = desk.users.iter().find(|(_, user)| user.handle == handle);
    found.map(|(id, _)| *id).ok_or_else(|| {
        let mut known: Vec<&str> = desk.users.values().map(|user| user.handle.as_str()).collect();
        known.sort_unstable();
        CommandError::NoUser { handle: handle.to_owned(), known: known.join(", ") }
    })
}
