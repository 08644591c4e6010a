//! What a mail is written from: read when it is sent, by ids that were written when it was planned.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::reply_addresses::ReplyRecipient;
use super::tickets::MessageKind;
use crate::domain::method::Method;
use crate::domain::ticket::TicketSnapshot;
use crate::ids::{AccountId, ClientId, DeliveryId, DepartmentId, MediaId, MessageId, TenantId, TicketId, UserId};

/// A delivery with all that its mail says.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// By which way it goes.
    pub method: Method,
    /// How the desk presents itself.
    pub branding: Branding,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// The address that it is sent from.
    pub account_address: String,
    /// What the reader sees, such as `ticket.created.agent`.
    pub template: String,
    /// Why the reader is told.
    pub reason: String,
    /// Who reads it.
    pub recipient: ReplyRecipient,
    /// The reader's name.
    pub recipient_name: String,
    /// The language that the reader chose, if they did.
    pub locale: Option<String>,
    /// The reader's time zone.
    pub timezone: Tz,
    /// The reader may stop what is like it: it is not about what is theirs.
    pub is_optional: bool,
    /// The thread on its channel that it belongs to.
    pub thread_key: Option<String>,
    /// For WhatsApp: whether the reader wrote within the last 24 hours.
    pub window_open: bool,
    /// Where it goes.
    pub address: String,
    /// Whether the reader may still be told there: a user who has left may not, nor one whose address
    /// is no longer a verified one of theirs.
    pub permitted: bool,
    /// Its Message-ID.
    pub message_id: String,
    /// The row of the reader's reply address.
    pub reply_row: Option<i64>,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The ticket as it was after the event.
    pub ticket: TicketSnapshot,
    /// The name of the ticket's department.
    pub department: Option<String>,
    /// The name of the ticket's client.
    pub client_name: String,
    /// An address of the ticket's client.
    pub client_address: Option<String>,
    /// The name of whoever made that version of the ticket, if it was a person.
    pub actor_name: Option<String>,
    /// The message that the event is about, or that the reader has to know of.
    pub message: Option<LetterMessage>,
    /// For an event that tells of a failed answer: where it was to go, and why it did not.
    pub failure: Option<LetterFailure>,
}

/// How a desk presents itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branding {
    /// What it is called.
    pub brand: String,
    /// The name that mail is sent in: of the ticket's department, the account, or the tenant; the brand where none has one.
    pub from_name: Option<String>,
    /// The URL of its logo.
    pub logo: Option<String>,
    /// The colour of links and headings, `#rrggbb`.
    pub color: Option<String>,
    /// What stands below every message.
    pub footer: Option<String>,
    /// Its language.
    pub locale: Option<String>,
}

/// Several notifications, told at once.
#[derive(Debug, Clone)]
pub struct DigestLetter {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// By which way it goes.
    pub method: Method,
    /// How the desk presents itself.
    pub branding: Branding,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// The address that it is sent from.
    pub account_address: String,
    /// Who reads it.
    pub user_id: UserId,
    /// Their name.
    pub recipient_name: String,
    /// The language that they chose, if they did.
    pub locale: Option<String>,
    /// Their time zone.
    pub timezone: Tz,
    /// Where it goes.
    pub address: String,
    /// Whether they may still be told there.
    pub permitted: bool,
    /// Its Message-ID.
    pub message_id: String,
    /// What happened, in its order, as much as is shown, without what they may no longer read.
    pub items: Vec<DigestItem>,
    /// How many there are in all.
    pub total: i64,
}

/// One notification of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestItem {
    /// What is told, such as `ticket.created.agent`.
    pub template: String,
    /// The ticket's number.
    pub number: i64,
    /// The ticket's title.
    pub title: String,
    /// The name of whoever did it, if it was a person.
    pub actor_name: Option<String>,
    /// The beginning of the message that it is about.
    pub excerpt: Option<String>,
    /// Why it was collected: `digest`, `quiet_hours` or `storm`.
    pub cause: String,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A message as a mail shows it.
#[derive(Debug, Clone)]
pub struct LetterMessage {
    /// Its id.
    pub id: MessageId,
    /// What it is to those who read.
    pub kind: MessageKind,
    /// Who wrote it, as well as that is known.
    pub author: String,
    /// Its text.
    pub text: String,
    /// What an agent should know before reading.
    pub notice: Option<String>,
    /// Why it counts as sent by a program.
    pub automatic: Option<String>,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
}

/// A failed answer.
#[derive(Debug, Clone)]
pub struct LetterFailure {
    /// Where it was to go.
    pub address: String,
    /// What the other side said last, or why it was not asked.
    pub answer: String,
}

/// Reads the letter of a delivery.
///
/// # Errors
/// When the database refuses or cannot be reached, when there is no such delivery, or when what the
/// ticket was can no longer be read.
pub async fn load(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId) -> sqlx::Result<Letter> {
    let head = head(connection, tenant, id).await?;
    let ticket = head.ticket.0;
    let (client_name, client_address) = client(connection, tenant, head.ticket_id, ticket.client_id).await?;
    let department = match ticket.department_id {
        Some(id) => department(connection, tenant, id).await?,
        None => None,
    };
    let failure = match head.about.filter(|_| head.kind == "delivery.failed") {
        Some(about) => failure(connection, tenant, about).await?,
        None => None,
    };
    // Whoever a ticket is given to has to read what it is about.
    let shown = match head.about {
        None if head.kind == "ticket.assigned" => latest_message(connection, tenant, head.ticket_id, ticket.message_count).await?,
        about => about,
    };
    let message = match shown {
        Some(shown) => Some(message(connection, tenant, shown).await?),
        None => None,
    };
    let recipient =
        head.user_id.map(ReplyRecipient::User).or(head.client_id.map(ReplyRecipient::Client)).ok_or(sqlx::Error::RowNotFound)?;
    Ok(Letter {
        tenant_id: tenant,
        method: Method::named(&head.channel).unwrap_or(Method::Email),
        branding: Branding { brand: head.brand, ..Branding::default() },
        account_id: head.account_id,
        account_address: head.account_address,
        template: head.template,
        reason: head.reason,
        recipient,
        recipient_name: head.recipient_name,
        locale: None,
        timezone: Tz::UTC,
        is_optional: false,
        thread_key: head.thread_key,
        window_open: true,
        address: head.address,
        permitted: head.permitted,
        message_id: head.message_id,
        reply_row: head.reply_row,
        ticket_id: head.ticket_id,
        ticket,
        department,
        client_name,
        client_address,
        actor_name: head.actor_name,
        message,
        failure,
    })
}

/// What one query tells of a letter.
struct Head {
    brand: String,
    channel: String,
    account_id: AccountId,
    thread_key: Option<String>,
    account_address: String,
    template: String,
    reason: String,
    user_id: Option<UserId>,
    client_id: Option<ClientId>,
    recipient_name: String,
    address: String,
    message_id: String,
    ticket_id: TicketId,
    permitted: bool,
    reply_row: Option<i64>,
    ticket: Json<TicketSnapshot>,
    kind: String,
    about: Option<MessageId>,
    actor_name: Option<String>,
}

async fn head(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId) -> sqlx::Result<Head> {
    sqlx::query_as!(
        Head,
        r#"select coalesce(a.from_name, z.data->>'brand', o.name) as "brand!", d.channel, d.account_id as "account_id: AccountId",
                  d.thread_key, a.address as account_address, n.template, n.reason,
                  n.user_id as "user_id: UserId", n.client_id as "client_id: ClientId",
                  coalesce(u.name, c.name) as "recipient_name!", d.address, coalesce(d.message_id, '') as "message_id!", d.ticket_id as "ticket_id!: TicketId",
                  (n.user_id is null or u.archived_at is null and exists (
                      select from user_contacts k
                      where k.tenant_id = u.tenant_id and k.user_id = u.id and k.type = 'email' and k.value = d.address
                        and k.verified_at is not null)) as "permitted!",
                  (select r.id from reply_addresses r
                   where r.tenant_id = d.tenant_id and r.ticket_id = d.ticket_id and r.user_id is not distinct from n.user_id
                     and r.client_id is not distinct from n.client_id) as reply_row,
                  v.state as "ticket: Json<TicketSnapshot>", p.kind, p.message_id as "about: MessageId",
                  coalesce(au.name, ac.name) as actor_name
           from deliveries d
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           join event_plans p on p.tenant_id = n.tenant_id and p.event_id = n.event_id
           join ticket_versions v on v.tenant_id = p.tenant_id and v.ticket_id = p.ticket_id and v.version = p.version
           join channel_accounts a on a.tenant_id = d.tenant_id and a.id = d.account_id
           join tenants o on o.id = d.tenant_id
           left join customize z on z.tenant_id = d.tenant_id
           left join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
           left join clients c on c.tenant_id = n.tenant_id and c.id = n.client_id
           left join users au on au.tenant_id = v.tenant_id and au.id = v.actor_user_id
           left join clients ac on ac.tenant_id = v.tenant_id and ac.id = v.actor_client_id
           where d.tenant_id = $1 and d.id = $2"#,
        tenant.0,
        id.0,
    )
    .fetch_one(connection)
    .await
}

async fn department(connection: &mut PgConnection, tenant: TenantId, id: DepartmentId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select name from departments where tenant_id = $1 and id = $2", tenant.0, id.0).fetch_optional(connection).await
}

async fn client(
    connection: &mut PgConnection,
    tenant: TenantId,
    ticket: TicketId,
    client: ClientId,
) -> sqlx::Result<(String, Option<String>)> {
    let row = sqlx::query!(
        "select c.name,
                coalesce(
                    (select m.sender_address from messages m
                     where m.tenant_id = $1 and m.ticket_id = $2 and m.sender_address is not null
                       and (m.author_client_id = c.id or client_root($1, m.author_client_id) = client_root($1, c.id))
                     order by m.position desc limit 1),
                    (select e.value from client_external_ids e
                     where e.tenant_id = $1 and e.client_id = c.id and e.type = 'email' order by e.created_at, e.id limit 1)) as address
         from clients c where c.tenant_id = $1 and c.id = $3",
        tenant.0,
        ticket.0,
        client.0,
    )
    .fetch_one(connection)
    .await?;
    Ok((row.name, row.address))
}

/// The latest message between client and desk among the first `count` on a ticket.
async fn latest_message(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId, count: i32) -> sqlx::Result<Option<MessageId>> {
    sqlx::query_scalar!(
        r#"select id as "id: MessageId" from messages
           where tenant_id = $1 and ticket_id = $2 and kind = 'public' and position <= $3 order by position desc limit 1"#,
        tenant.0,
        ticket.0,
        count,
    )
    .fetch_optional(connection)
    .await
}

async fn message(connection: &mut PgConnection, tenant: TenantId, id: MessageId) -> sqlx::Result<LetterMessage> {
    sqlx::query_as!(
        LetterMessage,
        r#"select m.id as "id: MessageId", m.kind as "kind: MessageKind",
                  coalesce(u.name, m.sender_name, c.name, m.sender_address, 'Switchboard') as "author!",
                  m.text, m.notice, m.automatic, m.received_at
           from messages m
           left join users u on u.tenant_id = m.tenant_id and u.id = m.author_user_id
           left join clients c on c.tenant_id = m.tenant_id and c.id = m.author_client_id
           where m.tenant_id = $1 and m.id = $2"#,
        tenant.0,
        id.0,
    )
    .fetch_one(connection)
    .await
}

/// The failed delivery of a message to its client. What was refused before the first attempt says why
/// in its notification.
async fn failure(connection: &mut PgConnection, tenant: TenantId, message: MessageId) -> sqlx::Result<Option<LetterFailure>> {
    sqlx::query_as!(
        LetterFailure,
        r#"select d.address,
                  coalesce((select a.answer from delivery_attempts a
                            where a.tenant_id = d.tenant_id and a.delivery_id = d.id order by a.attempt desc limit 1),
                           n.reason) as "answer!"
           from event_plans p
           join notifications n on n.tenant_id = p.tenant_id and n.event_id = p.event_id and n.client_id is not null
           join deliveries d on d.tenant_id = n.tenant_id and d.notification_id = n.id and d.status = 'failed'
           where p.tenant_id = $1 and p.message_id = $2 and p.kind = 'message.added'"#,
        tenant.0,
        message.0,
    )
    .fetch_optional(connection)
    .await
}

/// A mail that the reader of a letter has, on the same ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its Message-ID.
    pub message_id: String,
    /// Whether the reader wrote it, rather than got it.
    pub is_theirs: bool,
}

/// The mails that the reader of a letter wrote or got before it on the same ticket, the oldest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn earlier(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId) -> sqlx::Result<Vec<Earlier>> {
    sqlx::query_as!(
        Earlier,
        r#"with this as (
               select d.*, n.client_id, (v.state->>'message_count')::int as message_count
               from deliveries d
               join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
               join ticket_versions v on v.tenant_id = d.tenant_id and v.ticket_id = d.ticket_id and v.version = d.ticket_version
               where d.tenant_id = $1 and d.id = $2
           )
           select message_id as "message_id!", is_theirs as "is_theirs!" from (
               select i.message_id, true as is_theirs, m.position, m.received_at as at
               from this
               join messages m on m.tenant_id = this.tenant_id and m.ticket_id = this.ticket_id and m.position <= this.message_count
                and (m.author_client_id = this.client_id
                     or client_root(m.tenant_id, m.author_client_id) = client_root(this.tenant_id, this.client_id))
               join message_ids i on i.tenant_id = m.tenant_id and i.ticket_id = m.ticket_id and i.inbound_id = m.inbound_id
                and i.origin = 'seen'
               union all
               select d.message_id, false, (v.state->>'message_count')::int, d.planned_at
               from this
               join deliveries d on d.tenant_id = this.tenant_id and d.ticket_id = this.ticket_id and d.recipient_id = this.recipient_id
                and d.channel = this.channel and d.status <> 'failed'
                and (d.ticket_version, d.planned_at, d.id) < (this.ticket_version, this.planned_at, this.id)
               join ticket_versions v on v.tenant_id = d.tenant_id and v.ticket_id = d.ticket_id and v.version = d.ticket_version
           ) as earlier
           order by position, is_theirs desc, at, message_id"#,
        tenant.0,
        id.0,
    )
    .fetch_all(connection)
    .await
}

/// An attachment of a message, by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterAttachment {
    /// Where its bytes lie.
    pub media_id: MediaId,
    /// The file name.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: i64,
}

/// The attachments of a message, in order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn attachments(connection: &mut PgConnection, tenant: TenantId, message: MessageId) -> sqlx::Result<Vec<LetterAttachment>> {
    sqlx::query_as!(
        LetterAttachment,
        r#"select media_id as "media_id: MediaId", name, content_type, size from attachments
           where tenant_id = $1 and message_id = $2 order by position"#,
        tenant.0,
        message.0,
    )
    .fetch_all(connection)
    .await
}
