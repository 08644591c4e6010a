//! Hands over the mails, and waits after each until nothing is on its way any more.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use mail_parser::MessageParser;
use sqlx::PgConnection;
use switchboard_common::db::{dead_letters, trace};
use switchboard_common::domain::reply_marker::REPLY_MARKER;
use switchboard_common::ids::TicketId;
use switchboard_ingest_email::parse::{SmtpEnvelope, parse};
use switchboard_ingest_email::pipe::{ExitCode, pipe};

use super::verdict::{Expected, Found, Judged, judge};
use super::{Stage, show};

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
const PATIENCE: Duration = Duration::from_secs(60);

/// The tickets that were opened, by the mail that opened them.
type Tickets = HashMap<String, (TicketId, i64)>;

/// Feeds every mail and says where each ended.
pub async fn feed_all(stage: &Stage, expected: &[Expected]) -> anyhow::Result<Vec<Judged>> {
    let mut tickets = Tickets::new();
    let mut judged = Vec::with_capacity(expected.len());
    for (number, expected) in expected.iter().enumerate() {
        show::progress(number + 1, &expected.shows)?;
        let found = feed(stage, expected, &tickets).await.with_context(|| format!("the mail {}", expected.file))?;
        if let Found::Routed(trace) = &found {
            tickets.entry(expected.file.clone()).or_insert((trace.ticket_id, trace.ticket_number));
        }
        let numbers = tickets.iter().map(|(mail, (_, number))| (mail.clone(), *number)).collect();
        judged.push(judge(expected.clone(), found, &numbers));
        show::progressed(judged.last().is_some_and(|mail| mail.faults.is_empty()))?;
    }
    Ok(judged)
}

async fn feed(stage: &Stage, expected: &Expected, tickets: &Tickets) -> anyhow::Result<Found> {
    let Some((_, template)) = MAILS.iter().find(|(name, _)| *name == expected.file) else { bail!("there is no such file") };
    let mut connection = stage.pool.acquire().await?;
    let mail = fill_in(&mut connection, template, tickets).await?;
    let external_id = parse(&mail, &SmtpEnvelope::default()).external_id;
    let before = trace::load(&mut connection, &external_id).await?.map(|trace| trace.duplicates);
    let dead_before = dead_letters::list(&mut connection, i64::MAX).await?.len();
    let exit = pipe(&stage.pool, stage.broker.as_ref(), &stage.ambient, "support", &SmtpEnvelope::default(), mail.as_slice()).await;
    ensure!(exit.code == ExitCode::Ok, "the pipe did not take it: {exit}");
    tokio::time::timeout(PATIENCE, settled(stage, &mut connection)).await.with_context(|| format!("still on its way after {PATIENCE:?}"))??;
    let mut dead = dead_letters::list(&mut connection, i64::MAX).await?;
    Ok(match trace::load(&mut connection, &external_id).await? {
        Some(trace) if before.is_some_and(|before| trace.duplicates > before) => Found::Duplicate(Box::new(trace)),
        Some(trace) => Found::Routed(Box::new(trace)),
        None if dead.len() > dead_before => Found::Dead(dead.remove(0)),
        None => Found::Lost,
    })
}

async fn settled(stage: &Stage, connection: &mut PgConnection) -> sqlx::Result<()> {
    while !trace::is_settled(connection).await? {
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
    let (ticket, _) = tickets.get(mail).with_context(|| format!("{mail} opened no ticket"))?;
    let file = trace::latest_mail(connection, *ticket, address).await?.with_context(|| format!("{address} got no mail on it"))?;
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
