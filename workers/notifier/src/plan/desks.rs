//! The people of the tenants with what they chose, kept until the tenant's revision changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::audience::{self, Directory};
use switchboard_common::db::preferences::{self, TenantLayers};
use switchboard_common::db::routing;
use switchboard_common::domain::preferences::Effective;
use switchboard_common::ids::{TenantId, UserId};
use uuid::Uuid;

/// A tenant's people and accounts, and what they chose.
#[derive(Debug)]
pub(super) struct Desk {
    revision: i64,
    pub directory: Directory,
    pub users: Arc<HashMap<UserId, Effective>>,
    /// For its clients: those of each are read when they are in question.
    pub layers: TenantLayers,
}

/// The desks of the tenants.
#[derive(Debug, Default)]
pub(super) struct Desks {
    kept: Mutex<HashMap<TenantId, Arc<Desk>>>,
}

impl Desks {
    /// The desks of these tenants, as they are now. What is not there has none.
    pub async fn current(&self, connection: &mut PgConnection, tenants: &[Uuid]) -> Result<HashMap<TenantId, Arc<Desk>>, Failure> {
        let revisions = routing::revisions(connection, tenants).await?;
        let mut desks: HashMap<TenantId, Arc<Desk>> = {
            let kept = self.lock();
            let is_current = |tenant: &TenantId, revision: i64| kept.get(tenant).filter(|desk| desk.revision == revision).cloned();
            revisions.iter().filter_map(|(tenant, revision)| Some((*tenant, is_current(tenant, *revision)?))).collect()
        };
        let stale: Vec<Uuid> = revisions.keys().filter(|tenant| !desks.contains_key(tenant)).map(|tenant| tenant.0).collect();
        if stale.is_empty() {
            return Ok(desks);
        }
        let mut directories = audience::load(connection, &stale).await?;
        for (tenant, layers) in preferences::load(connection, &stale, &[]).await? {
            let directory = directories.remove(&tenant).unwrap_or_default();
            let people = directory.people.iter().filter(|(_, person)| !person.is_group);
            let users = people.map(|(id, _)| (*id, layers.of_user(*id))).collect();
            let revision = revisions.get(&tenant).copied().unwrap_or_default();
            let desk = Arc::new(Desk { revision, directory, users: Arc::new(users), layers });
            self.lock().insert(tenant, Arc::clone(&desk));
            desks.insert(tenant, desk);
        }
        Ok(desks)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Arc<Desk>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
