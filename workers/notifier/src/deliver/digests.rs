//! Closes digests that are due: each becomes a delivery, which goes the way of all others. One that fails for good goes the first way
//! that is left to its reader, as one message; where none is left, that is said in the log and on all that it was to tell.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::deliveries::DeliveryKey;
use switchboard_common::db::due_digests::{self, Closing};
use switchboard_common::db::fallback::{self, Asked, FailedDigest, Next, Way};
use switchboard_common::domain::method::Method;

use super::fallback::Ending;
use crate::message_id::new_message_id;

/// At most so many are closed at once.
const MOST: i64 = 256;

/// Closes what is due.
pub(super) async fn close_due(connection: &mut PgConnection, ambient: &Ambient) -> sqlx::Result<()> {
    let now = ambient.now();
    let due = due_digests::due(connection, now, MOST).await?;
    let closings: Vec<Closing> = due
        .iter()
        .map(|due| Closing {
            tenant_id: due.tenant_id,
            id: due.id,
            delivery_id: ambient.new_id(),
            message_id: (Method::named(&due.channel) == Some(Method::Email)).then(|| new_message_id(ambient, &due.account_address)),
        })
        .collect();
    due_digests::close(connection, &closings, now).await
}

/// Does what follows from the failures of digests. Returns whether something new is to be delivered.
pub(super) async fn follow(
    connection: &mut PgConnection,
    endings: &HashMap<DeliveryKey, Ending<'_>>,
    ambient: &Ambient,
) -> sqlx::Result<bool> {
    let failed = fallback::failed_digests(connection, &endings.keys().copied().collect::<Vec<_>>()).await?;
    if failed.is_empty() {
        return Ok(false);
    }
    let ways: HashSet<Asked> = failed.iter().flat_map(|failed| failed.alternatives.iter().map(|way| asked(failed, way))).collect();
    let usable = fallback::usable(connection, &ways.into_iter().collect::<Vec<_>>()).await?;
    let (mut next, mut notices) = (Vec::new(), Vec::new());
    for failed in failed.iter().filter(|failed| !failed.others) {
        let key = (failed.tenant_id, failed.id);
        let Some(ending) = endings.get(&key) else { continue };
        let begin = format!("The digest could not be told by {} to {} ({})", failed.method, failed.address, ending.answer);
        let way = failed.alternatives.iter().filter(|_| ending.otherwise).find_map(|way| Some((way, usable.get(&asked(failed, way))?)));
        let says = if let Some((way, account)) = way {
            next.push(Next {
                failed: key,
                id: ambient.new_id(),
                message_id: (way.method == Method::Email).then(|| new_message_id(ambient, account)),
                because: format!("{} to {} failed: {}", failed.method, failed.address, ending.answer),
                way: way.clone(),
            });
            format!("{begin}; it goes by {} to {} instead.", way.method, way.address)
        } else {
            tracing::warn!(delivery.id = %failed.id, "A digest by {} is not told: it failed for good, and no other way is left", failed.method);
            format!("{begin}, and there is no other way.")
        };
        notices.push((failed.tenant_id, failed.digest_id, says));
    }
    fallback::insert(connection, &next, ambient.now()).await?;
    fallback::notice_digests(connection, &notices).await?;
    Ok(!next.is_empty())
}

fn asked(failed: &FailedDigest, way: &Way) -> Asked {
    Asked { tenant_id: failed.tenant_id, way: way.clone(), user_id: Some(failed.user_id), optional: failed.optional }
}
