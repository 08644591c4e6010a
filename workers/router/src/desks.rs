//! The desks of the tenants, kept until their revision changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::routing::{self, Desk};
use switchboard_common::domain::ticket::TicketState;
use switchboard_common::ids::TenantId;
use uuid::Uuid;

const STATES: [TicketState; 5] =
    [TicketState::Open, TicketState::WaitingForUser, TicketState::WaitingForAgent, TicketState::Closed, TicketState::Unresolved];

#[derive(Debug, Default)]
pub(crate) struct Desks {
    kept: Mutex<HashMap<TenantId, Arc<Desk>>>,
}

impl Desks {
    /// The desks of these tenants, as they are now.
    pub(crate) async fn current(&self, connection: &mut PgConnection, tenants: &[Uuid]) -> Result<HashMap<TenantId, Arc<Desk>>, Failure> {
        let mut desks = HashMap::new();
        for (tenant, revision) in routing::revisions(connection, tenants).await? {
            let kept = self.lock().get(&tenant).filter(|desk| desk.revision == revision).cloned();
            let desk = match kept {
                Some(desk) => desk,
                None => Arc::new(load(connection, tenant, revision).await?),
            };
            self.lock().insert(tenant, Arc::clone(&desk));
            desks.insert(tenant, desk);
        }
        Ok(desks)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Arc<Desk>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a desk and sees that a ticket can be opened on it.
pub(crate) async fn load(connection: &mut PgConnection, tenant: TenantId, revision: i64) -> Result<Desk, Failure> {
    let incomplete = |what: &str| Failure::Reject(format!("tenant {tenant} has no {what}: `switchboard apply` gives every tenant one"));
    let desk = match routing::load(connection, tenant, revision).await {
        Err(sqlx::Error::RowNotFound) => return Err(incomplete("default priority")),
        loaded => loaded?,
    };
    match STATES.iter().find(|state| !desk.statuses.contains_key(state)) {
        Some(missing) => Err(incomplete(&format!("default status for the state \"{missing}\""))),
        None => Ok(desk),
    }
}
