//! What follows when a delivery has failed for good: the first of the ways that are left and can be gone now, said on the
//! notification; or, of an answer to a client that has none left, the event by which its author hears of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use data_encoding::BASE32_NOPAD;
use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::deliveries::DeliveryKey;
use switchboard_common::db::fallback::{self, Asked, Failed, Next, Notice, Way};
use switchboard_common::db::outbox;
use switchboard_common::db::reply_addresses::{self, ReplyRecipient};
use switchboard_common::domain::method::Method;
use switchboard_common::ids::TenantId;

use crate::failed::{FailedAnswer, failed_event};
use crate::render::Template;

/// A delivery that has failed for good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    pub key: DeliveryKey,
    /// Why.
    pub answer: &'a str,
    /// Another way may be tried: not when its reader is not to be told at all.
    pub otherwise: bool,
}

/// What is decided of a failed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// It is told by this way, and these are left then.
    Otherwise(Way, Vec<Way>),
    /// Another delivery of the same notification tells it.
    TheOther,
    /// Nobody can be told of it, or is to be.
    Nothing,
}

/// Does what follows from these failures. Returns whether something new is to be delivered.
pub(super) async fn follow(connection: &mut PgConnection, endings: &[Ending<'_>], ambient: &Ambient) -> sqlx::Result<bool> {
    let by_key: HashMap<DeliveryKey, Ending<'_>> = endings.iter().map(|ending| (ending.key, *ending)).collect();
    let failed = fallback::failed(connection, &endings.iter().map(|ending| ending.key).collect::<Vec<_>>()).await?;
    let ways: HashSet<Asked> = failed.iter().flat_map(|failed| failed.alternatives.iter().map(|way| asked(failed, way))).collect();
    let usable = fallback::usable(connection, &ways.into_iter().collect::<Vec<_>>()).await?;
    let (mut next, mut notices, mut events, mut served, mut lost) = (Vec::new(), Vec::new(), Vec::new(), HashSet::new(), HashSet::new());
    for failed in &failed {
        let Some(ending) = by_key.get(&(failed.tenant_id, failed.id)) else { continue };
        let others = failed.others || served.contains(&failed.notification_id);
        let decision = decide(failed, ending.otherwise, others, |way| usable.contains_key(&asked(failed, way)));
        notices.push(notice(failed, ending.answer, &decision));
        match decision {
            Decision::Otherwise(way, _) => {
                served.insert(failed.notification_id);
                let account = usable.get(&asked(failed, &way)).map_or("", String::as_str);
                next.push(Next {
                    failed: (failed.tenant_id, failed.id),
                    id: ambient.new_id(),
                    message_id: (way.method == Method::Email).then(|| new_message_id(ambient, account)),
                    because: format!("{} to {} failed: {}", failed.method, failed.address, ending.answer),
                    way,
                });
            }
            // Of an answer that failed by two ways at once its author hears once.
            Decision::Nothing
                if Template::parse(&failed.template).is_some_and(Template::is_answer) && lost.insert(failed.notification_id) =>
            {
                let answer = FailedAnswer { ticket_id: failed.ticket_id, version: failed.version, message_id: failed.message_id };
                events.push(failed_event(failed.tenant_id, failed.id, answer, ambient));
            }
            Decision::TheOther | Decision::Nothing => {}
        }
    }
    reply_addresses_of(connection, &failed, &next).await?;
    fallback::insert(connection, &next, ambient.now()).await?;
    fallback::notice(connection, &notices).await?;
    outbox::add(connection, &events, ambient.now()).await?;
    Ok(!next.is_empty())
}

fn asked(failed: &Failed, way: &Way) -> Asked {
    let user_id = if let ReplyRecipient::User(id) = failed.recipient { Some(id) } else { None };
    Asked { tenant_id: failed.tenant_id, way: way.clone(), user_id, optional: failed.optional }
}

/// Decides what follows. `others` says whether the same is told otherwise already.
fn decide(failed: &Failed, may_go_otherwise: bool, others: bool, is_usable: impl Fn(&Way) -> bool) -> Decision {
    if others {
        return Decision::TheOther;
    }
    if !may_go_otherwise {
        return Decision::Nothing;
    }
    let same = |way: &Way| way.method == failed.method && way.address == failed.address;
    let Some(first) = failed.alternatives.iter().position(|way| !same(way) && is_usable(way)) else { return Decision::Nothing };
    let left = failed.alternatives.iter().skip(first + 1).cloned().collect();
    failed.alternatives.get(first).map_or(Decision::Nothing, |way| Decision::Otherwise(way.clone(), left))
}

/// What is said of it on the notification.
fn notice(failed: &Failed, answer: &str, decision: &Decision) -> Notice {
    let begin = format!("It could not be told by {} to {} ({answer})", failed.method, failed.address);
    let (says, alternatives) = match decision {
        Decision::Otherwise(way, left) => (format!("{begin}; it goes by {} to {} instead.", way.method, way.address), left.clone()),
        Decision::TheOther => (format!("{begin}; it is told otherwise."), failed.alternatives.clone()),
        Decision::Nothing => (format!("{begin}, and there is no other way."), Vec::new()),
    };
    Notice { tenant_id: failed.tenant_id, id: failed.notification_id, says, alternatives }
}

/// An answer to a mail needs a reply address, which is there when the first way was a mail.
async fn reply_addresses_of(connection: &mut PgConnection, failed: &[Failed], next: &[Next]) -> sqlx::Result<()> {
    let mails: HashSet<DeliveryKey> = next.iter().filter(|next| next.way.method == Method::Email).map(|next| next.failed).collect();
    let mut wanted: BTreeMap<TenantId, Vec<_>> = BTreeMap::new();
    for failed in failed.iter().filter(|failed| mails.contains(&(failed.tenant_id, failed.id))) {
        wanted.entry(failed.tenant_id).or_default().push((failed.ticket_id, failed.recipient));
    }
    for (tenant, wanted) in wanted {
        reply_addresses::ensure(connection, tenant, &wanted).await?;
    }
    Ok(())
}

/// A Message-ID that nobody can guess, at the domain of the account.
pub(super) fn new_message_id(ambient: &Ambient, account: &str) -> String {
    let domain = account.rsplit_once('@').map_or(account, |(_, domain)| domain);
    format!("{}@{domain}", BASE32_NOPAD.encode(&ambient.bytes::<16>()).to_lowercase())
}

#[cfg(test)]
mod tests {
    use switchboard_common::ids::{AccountId, ClientId, DeliveryId, NotificationId, TicketId};
    use uuid::Uuid;

    use super::*;

    fn way(method: Method, address: &str) -> Way {
        Way { method, account_id: AccountId(Uuid::nil()), address: address.to_owned(), thread_key: None }
    }

    fn failed(alternatives: Vec<Way>) -> Failed {
        Failed {
            tenant_id: TenantId(Uuid::nil()),
            id: DeliveryId(Uuid::nil()),
            notification_id: NotificationId(Uuid::nil()),
            method: Method::Slack,
            address: "T1/U1".to_owned(),
            alternatives,
            optional: false,
            others: false,
            recipient: ReplyRecipient::Client(ClientId(Uuid::nil())),
            template: "message.added.client".to_owned(),
            ticket_id: TicketId(Uuid::nil()),
            version: 2,
            message_id: None,
        }
    }

    #[test]
    fn the_first_way_that_can_be_gone_is_taken_and_those_behind_it_are_left() {
        let ways =
            vec![way(Method::Slack, "T1/U1"), way(Method::Sms, "+1"), way(Method::Email, "a@b.c"), way(Method::Webhook, "https://x")];
        let decision = decide(&failed(ways.clone()), true, false, |way| way.method != Method::Sms);
        assert_eq!(decision, Decision::Otherwise(ways[2].clone(), vec![ways[3].clone()]));
        assert_eq!(
            notice(&failed(ways.clone()), "no", &decision).says,
            "It could not be told by slack to T1/U1 (no); it goes by email to a@b.c instead."
        );
        assert_eq!(decide(&failed(ways.clone()), true, true, |_| true), Decision::TheOther, "told otherwise already");
        assert_eq!(decide(&failed(ways.clone()), false, false, |_| true), Decision::Nothing, "not to be told at all");
        assert_eq!(decide(&failed(ways), true, false, |_| false), Decision::Nothing);
        assert_eq!(decide(&failed(vec![way(Method::Slack, "T1/U1")]), true, false, |_| true), Decision::Nothing, "the same again");
    }
}
