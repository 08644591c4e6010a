//! Reads letters, many at once.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::beside::hidden;
use super::{Bar, Branding, Letter, LetterFailure, LetterMessage, Loaded};
use crate::db::deliveries::DeliveryKey;
use crate::db::reply_addresses::ReplyRecipient;
use crate::db::tickets::MessageKind;
use crate::domain::method::Method;
use crate::domain::ticket::TicketSnapshot;
use crate::ids::{AccountId, ClientId, DeliveryId, MessageId, TenantId, TicketId, UserId};

/// What one row tells of a letter.
#[expect(clippy::struct_excessive_bools, reason = "the columns of a row, each a question of its own")]
struct Head {
    tenant_id: TenantId,
    id: DeliveryId,
    revision: i64,
    brand: String,
    from_name: Option<String>,
    data: Option<serde_json::Value>,
    channel: String,
    account_id: AccountId,
    account_address: String,
    thread_key: Option<String>,
    template: String,
    reason: String,
    optional: bool,
    urgent: bool,
    user_id: Option<UserId>,
    client_id: Option<ClientId>,
    recipient_name: String,
    address: String,
    message_id: String,
    ticket_id: TicketId,
    ticket: String,
    department: Option<String>,
    client_name: String,
    client_address: Option<String>,
    kind: String,
    shown: Option<MessageId>,
    actor_name: Option<String>,
    reply_row: Option<i64>,
    window_open: bool,
    archived: bool,
    theirs: bool,
    suppressed: Option<String>,
}

/// Reads the letters of these deliveries, and of those with a failed answer what became of it. What is the matter with one of them is
/// said of it alone: it is not there, or what the ticket was cannot be read.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(
    connection: &mut PgConnection,
    wanted: &[DeliveryKey],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<DeliveryKey, Result<Loaded, sqlx::Error>>> {
    let heads = heads(connection, wanted, now).await?;
    let shown: BTreeSet<_> = heads.iter().filter_map(|head| Some((head.tenant_id, head.shown?))).collect();
    let messages = messages(connection, &shown).await?;
    let told: BTreeSet<_> =
        heads.iter().filter(|head| head.kind == "delivery.failed").filter_map(|head| Some((head.tenant_id, head.shown?))).collect();
    let failures = failures(connection, &told).await?;
    let asked: Vec<_> = heads.iter().filter_map(|head| Some((head.tenant_id, head.user_id?, head.ticket_id))).collect();
    let hidden = hidden(connection, &asked).await?;
    let letters = heads.into_iter().map(|head| {
        let about = head.shown.map(|id| (head.tenant_id, id));
        let is_hidden = head.user_id.is_some_and(|user| hidden.contains(&(head.tenant_id, user, head.ticket_id)));
        let message = about.and_then(|about| messages.get(&about).cloned());
        let failure = about.filter(|_| head.kind == "delivery.failed").and_then(|about| failures.get(&about).cloned());
        ((head.tenant_id, head.id), head.loaded(message, failure, is_hidden))
    });
    Ok(letters.collect())
}

impl Head {
    fn loaded(self, message: Option<LetterMessage>, failure: Option<LetterFailure>, is_hidden: bool) -> Result<Loaded, sqlx::Error> {
        let bar = if self.archived {
            Some(Bar::Archived)
        } else if is_hidden {
            Some(Bar::NotPermitted)
        } else if !self.theirs {
            Some(Bar::NotTheirs)
        } else {
            self.suppressed.map(Bar::Suppressed)
        };
        let ticket: TicketSnapshot = serde_json::from_str(&self.ticket).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let recipient =
            self.user_id.map(ReplyRecipient::User).or(self.client_id.map(ReplyRecipient::Client)).ok_or(sqlx::Error::RowNotFound)?;
        let letter = Letter {
            tenant_id: self.tenant_id,
            method: Method::named(&self.channel).unwrap_or(Method::Email),
            branding: branding(self.brand, self.from_name, self.data.as_ref()),
            account_id: self.account_id,
            account_address: self.account_address,
            template: self.template,
            reason: self.reason,
            recipient,
            recipient_name: self.recipient_name,
            locale: None,
            timezone: Tz::UTC,
            is_optional: self.optional,
            thread_key: self.thread_key,
            window_open: self.window_open,
            address: self.address,
            permitted: bar.is_none(),
            message_id: self.message_id,
            reply_row: self.reply_row,
            ticket_id: self.ticket_id,
            ticket,
            department: self.department,
            client_name: self.client_name,
            client_address: self.client_address,
            actor_name: self.actor_name,
            message,
            failure,
        };
        Ok(Loaded { letter, bar, urgent: self.urgent, revision: self.revision })
    }
}

/// How a desk presents itself, by what its tenant says.
pub(in crate::db) fn branding(brand: String, from_name: Option<String>, data: Option<&serde_json::Value>) -> Branding {
    let says = |key: &str| data.and_then(|data| data.get(key)?.as_str().map(str::to_owned));
    Branding {
        brand,
        from_name: from_name.or_else(|| says("from_name")),
        logo: says("logo"),
        color: says("color"),
        footer: says("footer"),
        locale: says("locale"),
    }
}

/// What an event is about, or of whoever a ticket is given to what they have to read: the latest message between client and desk.
async fn heads(connection: &mut PgConnection, wanted: &[DeliveryKey], now: DateTime<Utc>) -> sqlx::Result<Vec<Head>> {
    sqlx::query_as!(
        Head,
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", o.revision,
                  coalesce(z.data->>'brand', a.from_name, o.name) as "brand!", coalesce(dep.from_name, a.from_name) as from_name, z.data as "data?",
                  d.channel, d.account_id as "account_id: AccountId", a.address as account_address,
                  coalesce(d.thread_key, case when d.channel = 'slack' then (
                      select e.thread_key from deliveries e
                      where e.tenant_id = d.tenant_id and e.ticket_id = d.ticket_id and e.recipient_id = d.recipient_id and e.channel = d.channel
                        and e.address = d.address and e.thread_key is not null
                      order by e.ticket_version, e.planned_at, e.id limit 1) end) as thread_key,
                  n.template, n.reason, n.optional, d.urgent, n.user_id as "user_id: UserId", n.client_id as "client_id: ClientId",
                  coalesce(u.name, c.name) as "recipient_name!", d.address, coalesce(d.message_id, '') as "message_id!",
                  d.ticket_id as "ticket_id!: TicketId", v.state::text as "ticket!", dep.name as "department?",
                  tc.name as client_name,
                  coalesce(
                      (select m.sender_address from messages m
                       where m.tenant_id = d.tenant_id and m.ticket_id = d.ticket_id and m.sender_address is not null
                         and (m.author_client_id = tc.id or client_root(d.tenant_id, m.author_client_id) = client_root(d.tenant_id, tc.id))
                       order by m.position desc limit 1),
                      (select e.value from client_external_ids e
                       where e.tenant_id = d.tenant_id and e.client_id = tc.id and e.type = 'email' order by e.created_at, e.id limit 1))
                      as client_address,
                  p.kind,
                  coalesce(p.message_id, case when p.kind = 'ticket.assigned' then (
                      select m.id from messages m
                      where m.tenant_id = d.tenant_id and m.ticket_id = d.ticket_id and m.kind = 'public'
                        and m.position <= (v.state->>'message_count')::int
                      order by m.position desc limit 1) end) as "shown: MessageId",
                  coalesce(au.name, ac.name) as actor_name,
                  (select r.id from reply_addresses r
                   where r.tenant_id = d.tenant_id and r.ticket_id = d.ticket_id and r.user_id is not distinct from n.user_id
                     and r.client_id is not distinct from n.client_id) as reply_row,
                  (d.channel <> 'whatsapp' or exists (
                      select from messages m
                      join inbound_messages i on i.tenant_id = m.tenant_id and i.id = m.inbound_id and i.account_id = d.account_id
                      where m.tenant_id = d.tenant_id and m.channel = 'whatsapp' and m.sender_address = d.address
                        and m.received_at > $3::timestamptz - interval '24 hours')) as "window_open!",
                  u.archived_at is not null as "archived!",
                  (n.user_id is null or exists (
                      select from user_contacts k
                      where k.tenant_id = d.tenant_id and k.user_id = n.user_id and k.value = d.address and k.verified_at is not null
                        and k.type = case d.channel when 'sms' then 'phone' else d.channel end)) as "theirs!",
                  (select s.reason from suppressions s
                   where s.tenant_id = d.tenant_id and s.channel = d.channel
                     and s.address = case d.channel when 'email' then lower(d.address) else d.address end and (s.scope = 'all' or n.optional)
                   order by s.scope, s.created_at limit 1) as suppressed
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           join event_plans p on p.tenant_id = n.tenant_id and p.event_id = n.event_id
           join ticket_versions v on v.tenant_id = p.tenant_id and v.ticket_id = p.ticket_id and v.version = p.version
           join channel_accounts a on a.tenant_id = d.tenant_id and a.id = d.account_id
           join tenants o on o.id = d.tenant_id
           join clients tc on tc.tenant_id = d.tenant_id and tc.id = (v.state->>'client_id')::uuid
           left join departments dep on dep.tenant_id = d.tenant_id and dep.id = (v.state->>'department_id')::uuid
           left join customize z on z.tenant_id = d.tenant_id
           left join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
           left join clients c on c.tenant_id = n.tenant_id and c.id = n.client_id
           left join users au on au.tenant_id = v.tenant_id and au.id = v.actor_user_id
           left join clients ac on ac.tenant_id = v.tenant_id and ac.id = v.actor_client_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
        now,
    )
    .fetch_all(connection)
    .await
}

async fn messages(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(TenantId, MessageId)>,
) -> sqlx::Result<HashMap<(TenantId, MessageId), LetterMessage>> {
    let rows = sqlx::query!(
        r#"select m.tenant_id as "tenant_id: TenantId", m.id as "id: MessageId", m.kind as "kind: MessageKind",
                  coalesce(u.name, m.sender_name, c.name, m.sender_address, 'Switchboard') as "author!",
                  m.text, m.notice, m.automatic, m.received_at
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join messages m on m.tenant_id = w.tenant_id and m.id = w.id
           left join users u on u.tenant_id = m.tenant_id and u.id = m.author_user_id
           left join clients c on c.tenant_id = m.tenant_id and c.id = m.author_client_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let read = LetterMessage {
                id: row.id,
                kind: row.kind,
                author: row.author,
                text: row.text,
                notice: row.notice,
                automatic: row.automatic,
                received_at: row.received_at,
            };
            ((row.tenant_id, read.id), read)
        })
        .collect())
}

/// The failed deliveries of messages to their clients. What was refused before the first attempt says why
/// in its notification. Where the text arrived by another way, what is said names the files that did not.
async fn failures(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(TenantId, MessageId)>,
) -> sqlx::Result<HashMap<(TenantId, MessageId), LetterFailure>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select distinct on (p.tenant_id, p.message_id) p.tenant_id as "tenant_id: TenantId", p.message_id as "message_id!: MessageId",
                  coalesce(nullif(d.address, ''), o.address, '') as "address!",
                  exists (select from deliveries o
                          where o.tenant_id = d.tenant_id and o.notification_id = d.notification_id and o.status <> 'failed') as "only_files!",
                  n.notice, n.reason,
                  (select a.answer from delivery_attempts a
                   where a.tenant_id = d.tenant_id and a.delivery_id = d.id order by a.attempt desc limit 1) as answer
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, message_id)
           join messages m on m.tenant_id = w.tenant_id and m.id = w.message_id
           join event_plans p on p.tenant_id = m.tenant_id and p.ticket_id = m.ticket_id and p.message_id = m.id and p.kind = 'message.added'
           join notifications n on n.tenant_id = p.tenant_id and n.event_id = p.event_id and n.client_id is not null
           join deliveries d on d.tenant_id = n.tenant_id and d.notification_id = n.id and d.status = 'failed'
           left join lateral (select o.address from deliveries o
                              where o.tenant_id = n.tenant_id and o.notification_id = n.id and o.address <> '' order by o.id limit 1) o on true
           order by p.tenant_id, p.message_id, d.updated_at desc, d.id desc"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let answer = if row.only_files {
                row.notice.unwrap_or_else(|| files_of(&row.reason).to_owned())
            } else {
                row.answer.unwrap_or(row.reason)
            };
            ((row.tenant_id, row.message_id), LetterFailure { address: row.address, answer })
        })
        .collect())
}

/// The names in a notification's reason that says which files did not go: `an agent's answer; a.pdf, b.mov did not go: …`.
fn files_of(reason: &str) -> &str {
    let files = reason.split_once("; ").and_then(|(_, left)| left.rsplit_once(" did not go: "));
    files.map_or(reason, |(names, _)| names)
}

#[cfg(test)]
mod tests {
    use super::files_of;

    #[test]
    fn what_did_not_go_is_named_by_its_files() {
        let reason = "an agent's answer; plan; b.pdf, film.mov did not go: sms does not take it, and no mail reaches them";
        assert_eq!(files_of(reason), "plan; b.pdf, film.mov");
        assert_eq!(files_of("no way to them is known"), "no way to them is known");
    }
}
