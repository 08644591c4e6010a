//! Closes digests that are due: each becomes a delivery, which goes the way of all others.

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::due_digests::{self, Closing};
use switchboard_common::domain::method::Method;

use super::fallback::new_message_id;

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
