//! Words by which whoever gets short messages says that they want no more of them, or want them again: STOP and START.
//!
//! They are heeded by whoever wrote them, whatever ticket they are on, and once: what comes again says nothing new. A word that
//! says nothing else joins a ticket that is open, and opens none.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use switchboard_common::db::suppressions::{self, Lifting, Suppression};
use switchboard_common::domain::identity::ExternalKind;
use switchboard_common::domain::inbound::{Channel, InboundMessage, Trust};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::suppression::{Keyword, Reason, Scope};
use switchboard_common::ids::{InboundId, TenantId};

/// What somebody asked for by a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub tenant_id: TenantId,
    /// The number that wrote.
    pub number: String,
    pub keyword: Keyword,
    /// The message, in words.
    pub evidence: String,
    pub said_at: DateTime<Utc>,
}

/// The word that a message consists of, and the number that wrote it. Nobody speaks for a number that they are not.
fn word(message: &InboundMessage) -> Option<(Keyword, &str)> {
    let heard = message.channel == Channel::Sms && message.trust != Trust::Failed && message.attachments.is_empty();
    let number = message.identities.iter().find(|key| key.kind() == ExternalKind::Phone)?;
    Keyword::of(&message.text).filter(|_| heard).map(|keyword| (keyword, number.value()))
}

/// What a message asks for.
pub(super) fn wish(inbound_id: InboundId, message: &InboundMessage) -> Option<Wish> {
    let (keyword, number) = word(message)?;
    Some(Wish {
        tenant_id: message.tenant_id,
        number: number.to_owned(),
        keyword,
        evidence: format!("wrote \"{}\" (message {inbound_id})", message.text.trim()),
        said_at: message.received_at,
    })
}

/// Whether nobody has to read a message, since the word in it says nothing else.
pub(super) fn is_bare(message: &InboundMessage) -> bool {
    word(message).is_some() && Keyword::is_all_that_is_said(&message.text)
}

/// What becomes of the word, in a sentence for the log.
pub(super) fn heeded(message: &InboundMessage) -> Option<String> {
    let (keyword, number) = word(message)?;
    let what = match keyword {
        Keyword::Stop => "nothing goes there by short message any more",
        Keyword::Start => "short messages go there again, if it was STOP that kept them away",
    };
    Some(format!("{number} wrote \"{}\", and {what}", message.text.trim()))
}

/// What an agent should know of it. YES is an answer to something, nearly always.
pub(super) fn notice(message: &InboundMessage) -> Option<String> {
    let (keyword, number) = word(message)?;
    let text = message.text.trim();
    match keyword {
        Keyword::Stop => Some(format!("By \"{text}\" the sender stops short messages: nothing goes to {number} by them any more.")),
        Keyword::Start if is_bare(message) => {
            Some(format!("By \"{text}\" the sender takes a STOP back: short messages go to {number} again."))
        }
        Keyword::Start => None,
    }
}

/// Heeds what was asked for, of each number what it said last.
pub(super) async fn write(connection: &mut PgConnection, wishes: &[Wish]) -> sqlx::Result<()> {
    let mut last: BTreeMap<(TenantId, &str), &Wish> = BTreeMap::new();
    for wish in wishes {
        let said = last.entry((wish.tenant_id, &wish.number)).or_insert(wish);
        if wish.said_at >= said.said_at {
            *said = wish;
        }
    }
    for ((tenant, number), wish) in last {
        let (method, address) = (Method::Sms, number.to_owned());
        match wish.keyword {
            Keyword::Stop => {
                let (scope, reason, evidence) = (Scope::All, Reason::Stop, wish.evidence.clone());
                let stop = Suppression { tenant, method, address, scope, reason, evidence, delivery: None };
                suppressions::add(connection, &[stop], wish.said_at).await?;
            }
            Keyword::Start => {
                let start = Lifting { tenant, method, address, reason: Some(Reason::Stop), stood_at: wish.said_at };
                suppressions::remove(connection, &[start]).await?;
            }
        }
    }
    Ok(())
}
