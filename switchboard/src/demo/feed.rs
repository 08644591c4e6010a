//! Hands over the mails, and waits after each until nothing is on its way any more.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail};
use mail_parser::MessageParser;
use sqlx::PgConnection;
use switchboard_common::db::dead_letters;
use switchboard_common::db::view::{self, MessageExplained};
use switchboard_common::domain::reply_marker::REPLY_MARKER;
use switchboard_common::ids::TenantId;
use switchboard_mail_reader::{SmtpEnvelope, read};

use super::show;
use super::stage::Stage;
use super::verdict::{Expected, Found, Judged, judge};

/// The mails, by the names of their files.
const MAILS: [(&str, &[u8]); 14] = [
    ("01-new", include_bytes!("mails/01-new.eml")),
    ("02-follow-up", include_bytes!("mails/02-follow-up.eml")),
    ("03-attachment", include_bytes!("mails/03-attachment.eml")),
    ("04-german", include_bytes!("mails/04-german.eml")),
    ("05-japanese", include_bytes!("mails/05-japanese.eml")),
    ("06-html", include_bytes!("mails/06-html.eml")),
    ("07-answer-by-agent", include_bytes!("mails/07-answer-by-agent.eml")),
    ("08-thanks", include_bytes!("mails/08-thanks.eml")),
    ("09-vacation", include_bytes!("mails/09-vacation.eml")),
    ("10-stranger-with-number", include_bytes!("mails/10-stranger-with-number.eml")),
    ("11-stranger-with-message-id", include_bytes!("mails/11-stranger-with-message-id.eml")),
    ("12-forged-agent", include_bytes!("mails/12-forged-agent.eml")),
    ("13-bounce", include_bytes!("mails/13-bounce.eml")),
    ("14-no-sender", include_bytes!("mails/14-no-sender.eml")),
];

/// How long one mail may take. On a machine that does nothing else it is a few hundredths of a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// The numbers of the tickets that the mails are on, by mail.
pub type Tickets = HashMap<String, i64>;

/// Feeds every mail and says where each ended.
pub async fn feed_all(stage: &Stage, expected: &[Expected]) -> anyhow::Result<Vec<Judged>> {
    let mut tickets = Tickets::new();
    let mut judged = Vec::with_capacity(expected.len());
    for (number, expected) in expected.iter().enumerate() {
        show::progress(number + 1, &expected.shows)?;
        let found = feed(stage, expected, &tickets).await.with_context(|| format!("the mail {}", expected.file))?;
        if let Found::Routed(routed) = &found {
            tickets.entry(expected.file.clone()).or_insert(routed.1.line.number);
        }
        judged.push(judge(expected.clone(), found, &tickets));
        show::progressed(judged.last().is_some_and(|mail| mail.faults.is_empty()))?;
    }
    Ok(judged)
}

async fn feed(stage: &Stage, expected: &Expected, tickets: &Tickets) -> anyhow::Result<Found> {
    let Some((_, template)) = MAILS.iter().find(|(name, _)| *name == expected.file) else { bail!("there is no such file") };
    let mut connection = stage.connect().await?;
    let mail = fill_in(&mut connection, template, tickets).await?;
    let parsed = read(&mail, &SmtpEnvelope::default());
    let key = (parsed.message_id.as_deref(), parsed.external_id.as_str());
    let before = explained(&mut connection, key).await?.map(|(_, message)| message.duplicates);
    let dead_before = dead_letters::list(&mut connection, i64::MAX).await?.len();
    stage.pipe(&mail)?;
    tokio::time::timeout(PATIENCE, settled(stage, &mut connection))
        .await
        .with_context(|| format!("still on its way after {PATIENCE:?}"))??;
    let Some((tenant, message)) = explained(&mut connection, key).await? else {
        let mut dead = dead_letters::list(&mut connection, i64::MAX).await?;
        return Ok(if dead.len() > dead_before { Found::Dead(dead.remove(0)) } else { Found::Lost });
    };
    if before.is_some_and(|before| message.duplicates > before) {
        return Ok(Found::Duplicate(Box::new(message)));
    }
    let ids = view::find_ticket(&mut connection, Some(tenant), message.ticket.context("it is on no ticket")?).await?;
    let (_, ticket) = *ids.first().context("its ticket is gone")?;
    let ticket = view::show_ticket(&mut connection, tenant, ticket).await?;
    Ok(Found::Routed(Box::new((message, ticket))))
}

/// What the log says of the mail with this Message-ID and this dedupe key.
async fn explained(connection: &mut PgConnection, key: (Option<&str>, &str)) -> sqlx::Result<Option<(TenantId, MessageExplained)>> {
    let (Some(message_id), external_id) = key else { return Ok(None) };
    for (tenant, id) in view::find_messages(connection, message_id).await? {
        let message = view::explain(connection, tenant, id).await?;
        if message.message.external_id == external_id {
            return Ok(Some((tenant, message)));
        }
    }
    Ok(None)
}

async fn settled(stage: &Stage, connection: &mut PgConnection) -> sqlx::Result<()> {
    while !view::is_settled(connection).await? {
        stage.ambient.clock.sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Fills in `{{reply_to ADDRESS MAIL}}`, `{{subject …}}` and `{{message_id …}}` from the latest mail that
/// the address got on the ticket that the mail opened, and `{{marker}}`.
async fn fill_in(connection: &mut PgConnection, template: &[u8], tickets: &Tickets) -> anyhow::Result<Vec<u8>> {
    // The mails with places to fill in are UTF-8; the others may be anything.
    let Ok(mut rest) = std::str::from_utf8(template) else { return Ok(template.to_vec()) };
    let mut filled = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once("{{") {
        let (place, after) = after.split_once("}}").context("a place without an end")?;
        filled.push_str(before);
        filled.push_str(&value(connection, place, tickets).await?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled.into_bytes())
}

async fn value(connection: &mut PgConnection, place: &str, tickets: &Tickets) -> anyhow::Result<String> {
    if place == "marker" {
        return Ok(REPLY_MARKER.to_owned());
    }
    let [what, address, mail] = place.split(' ').collect::<Vec<_>>()[..] else { bail!("{place} cannot be filled in") };
    let number = tickets.get(mail).with_context(|| format!("{mail} opened no ticket"))?;
    let ids = view::find_ticket(connection, None, *number).await?;
    let (tenant, ticket) = *ids.first().with_context(|| format!("there is no ticket #{number}"))?;
    let sent = view::deliveries(connection, tenant, ticket).await?;
    let latest = sent.into_iter().rfind(|delivery| delivery.address == address && delivery.status == "sent");
    let file = latest.and_then(|delivery| delivery.last_answer).with_context(|| format!("{address} got no mail on it"))?;
    let bytes = std::fs::read(&file).with_context(|| format!("read {file}"))?;
    let message = MessageParser::new().parse(&bytes).with_context(|| format!("{file} is not a mail"))?;
    let value = match what {
        "reply_to" => message.reply_to().and_then(|list| list.first()?.address()).map(str::to_owned),
        "subject" => message.subject().map(str::to_owned),
        "message_id" => message.message_id().map(|id| format!("<{id}>")),
        _ => None,
    };
    value.with_context(|| format!("{file} has no {what}"))
}
