//! Writes down how deliveries ended: all that ended since the last time, in one transaction.

use std::collections::BTreeMap;

use switchboard_common::db::deliveries::{self, DeliveryStatus};
use switchboard_common::db::suppressions::{self, Suppression};
use switchboard_common::db::{self, limits, notifications};
use switchboard_common::domain::suppression::{Reason, Scope};
use switchboard_common::supervise::Backoff;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::carry::Ended;
use super::fallback;
use super::{Pending, Shared};
use crate::channels::Gone;

/// At most so many are written at once.
const MOST: usize = 512;

/// Records what comes until nobody can send any more.
pub(super) async fn record_all(shared: &Shared, mut ended: mpsc::UnboundedReceiver<(Ended, Pending)>) {
    let mut group = Vec::new();
    while ended.recv_many(&mut group, MOST).await > 0 {
        let (endings, pending): (Vec<Ended>, Vec<Pending>) = group.drain(..).unzip();
        shared.record(&endings).await;
        drop(pending);
    }
}

impl Shared {
    /// Records outcomes, for as long as their leases hold: without them the deliveries would be sent again.
    async fn record(&self, group: &[Ended]) {
        let backoff = Backoff::new();
        let never = CancellationToken::new();
        let until = group.iter().map(|ended| ended.leased.until).max();
        loop {
            match self.try_record(group).await {
                Ok(()) => return,
                Err(error) if db::is_fault_of_the_work(&error) => break,
                Err(error) if until.is_some_and(|until| self.ambient.now() < until) => {
                    tracing::debug!("How {} deliveries ended is not recorded yet: {error}", group.len());
                    backoff.wait(&self.ambient, &never).await;
                }
                Err(error) => {
                    tracing::error!("How {} deliveries ended cannot be recorded: {error}", group.len());
                    return;
                }
            }
        }
        // One of them is at fault: it must not take the others with it.
        for ended in group {
            if let Err(error) = self.try_record(std::slice::from_ref(ended)).await {
                tracing::error!(delivery.id = %ended.leased.id, "How a delivery ended cannot be recorded: {error}");
            }
        }
    }

    async fn try_record(&self, group: &[Ended]) -> sqlx::Result<()> {
        let now = self.ambient.now();
        let mut session = db::Session::open(&self.pool).await?;
        let mut transaction = db::begin_planning_anew(&mut session).await?;
        let rows: Vec<_> = group.iter().map(|ended| (&ended.leased, &ended.report)).collect();
        let recorded = deliveries::record(&mut transaction, &rows, now).await?;
        let (kept, lost): (Vec<&Ended>, Vec<&Ended>) = group.iter().partition(|ended| recorded.contains(&ended.leased.key()));
        let failed: Vec<_> = kept.iter().filter(|ended| ended.report.status == DeliveryStatus::Failed).copied().collect();
        if !failed.is_empty() {
            let endings: Vec<_> = failed
                .iter()
                .map(|ended| fallback::Ending { key: ended.leased.key(), answer: &ended.report.answer, otherwise: ended.may_go_otherwise })
                .collect();
            if fallback::follow(&mut transaction, &endings, &self.ambient).await? {
                notifications::hint(&mut transaction).await?;
            }
        }
        let gone: Vec<&Ended> = kept.iter().filter(|ended| ended.gone.is_some()).copied().collect();
        if !gone.is_empty() {
            let addresses =
                deliveries::addresses(&mut transaction, &gone.iter().map(|ended| ended.leased.key()).collect::<Vec<_>>()).await?;
            let new: Vec<_> = gone.iter().filter_map(|ended| suppression(ended, addresses.get(&ended.leased.key())?)).collect();
            suppressions::add(&mut transaction, &new, now).await?;
        }
        let mut pauses = BTreeMap::new();
        for ended in group {
            if let Some(pause) = &ended.pause {
                pauses.insert(ended.leased.account(), pause.clone());
            }
        }
        limits::pause(&mut transaction, &pauses, now).await?;
        transaction.commit().await?;
        session.done();
        for ended in lost {
            tracing::warn!(delivery.id = %ended.leased.id, "The lease on a delivery ran out before its outcome was recorded");
        }
        Ok(())
    }
}

fn suppression(ended: &Ended, address: &str) -> Option<Suppression> {
    let reason = match ended.gone? {
        Gone::Bounce => Reason::Bounce,
        Gone::Stop => Reason::Stop,
    };
    Some(Suppression {
        tenant: ended.leased.tenant_id,
        method: ended.leased.method,
        address: address.to_owned(),
        scope: Scope::All,
        reason,
        evidence: ended.report.answer.clone(),
        delivery: Some(ended.leased.id),
    })
}
