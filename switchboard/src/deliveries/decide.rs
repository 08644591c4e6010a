//! What a person decides about a delivery that may or may not have arrived.

use anyhow::bail;
use sqlx::{Connection, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::view::{self, DeliveryView};
use switchboard_common::db::{fallback, held, notifications, outbox};
use switchboard_common::ids::{DeliveryId, TenantId};
use switchboard_notifier::render::Template;
use switchboard_notifier::{FailedAnswer, failed_event};

use super::show::became;

/// Sends it again.
pub async fn resend(connection: &mut PgConnection, ambient: &Ambient, tenant: TenantId, id: DeliveryId) -> anyhow::Result<String> {
    let delivery = load(connection, tenant, id).await?;
    let mut transaction = connection.begin().await?;
    if !held::resend(&mut transaction, tenant, id, ambient.now()).await? {
        bail!("{}", refusal(&delivery, "sent again"));
    }
    notifications::hint(&mut transaction).await?;
    transaction.commit().await?;
    Ok(format!("{id} is sent again to {} by {}: should the first have arrived, it arrives twice\n", delivery.to, delivery.channel))
}

/// Gives it up. The author of an answer is told that it may not have arrived.
pub async fn drop(connection: &mut PgConnection, ambient: &Ambient, tenant: TenantId, id: DeliveryId) -> anyhow::Result<String> {
    let delivery = load(connection, tenant, id).await?;
    let mut transaction = connection.begin().await?;
    let notice = format!("It is not known whether the message by {} was taken, and an operator gave it up.", delivery.channel);
    if !held::drop(&mut transaction, tenant, id, &notice).await? {
        bail!("{}", refusal(&delivery, "given up"));
    }
    let is_answer = Template::parse(&delivery.template).is_some_and(Template::is_answer);
    if is_answer {
        let failed = fallback::failed(&mut transaction, &[(tenant, id)]).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
        let answer = FailedAnswer { ticket_id: failed.ticket_id, version: failed.version, message_id: failed.message_id };
        let event = failed_event(tenant, id, answer, ambient);
        outbox::add(&mut transaction, &[event], ambient.now()).await?;
    }
    // What waited for it goes on.
    notifications::hint(&mut transaction).await?;
    transaction.commit().await?;
    let told = if is_answer { "; the author of the answer is told" } else { "" };
    Ok(format!("{id} to {} by {} is given up{told}\n", delivery.to, delivery.channel))
}

async fn load(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId) -> anyhow::Result<DeliveryView> {
    Ok(view::load_deliveries(connection, &[(tenant, id)]).await?.pop().ok_or(sqlx::Error::RowNotFound)?)
}

/// Why nothing is decided about a delivery.
fn refusal(delivery: &DeliveryView, what: &str) -> String {
    let id = delivery.id;
    let why = match delivery.status.as_str() {
        "sent" | "delivered" | "read" => "it was taken",
        "queued" => "it is tried again by itself",
        "sending" => "it is being sent at this moment",
        "failed" => "it failed, which has been told to whom it concerns: write again",
        _ => "somebody else has just decided",
    };
    let now = anstream::adapter::strip_str(&became(delivery)).to_string();
    format!("delivery {id} cannot be {what}, since {why} ({now}): only what is held is decided by a person")
}
