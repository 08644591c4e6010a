//! What follows when a delivery has failed for good: the first of the ways that are left and can be gone now, said on the
//! notification; or, of an answer to a client that has none left, the event by which its author hears of it. The author hears as well
//! of files that go by none of the ways on which the answer goes. What follows of a digest, [`digests`] says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::deliveries::DeliveryKey;
use switchboard_common::db::fallback::{self, Asked, Failed, Next, Notice, Way};
use switchboard_common::db::letters;
use switchboard_common::db::outbox;
use switchboard_common::db::plans::FileFacts;
use switchboard_common::db::reply_addresses::{self, ReplyRecipient};
use switchboard_common::domain::method::Method;
use switchboard_common::ids::{MessageId, NotificationId, TenantId};

use super::digests;
use crate::failed::{FailedAnswer, failed_event};
use crate::message_id::new_message_id;
use crate::plan::left_behind;
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
    let failed = fallback::failed(connection, &by_key.keys().copied().collect::<Vec<_>>()).await?;
    let ways: HashSet<Asked> = failed.iter().flat_map(|failed| failed.alternatives.iter().map(|way| asked(failed, way))).collect();
    let usable = fallback::usable(connection, &ways.into_iter().collect::<Vec<_>>()).await?;
    let files = files_of(connection, &failed).await?;
    let (mut next, mut notices, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let (mut served, mut heard): (HashMap<NotificationId, Method>, HashSet<NotificationId>) = (HashMap::new(), HashSet::new());
    for failed in &failed {
        let Some(ending) = by_key.get(&(failed.tenant_id, failed.id)) else { continue };
        let others: Vec<Method> = failed.others.iter().chain(served.get(&failed.notification_id)).copied().collect();
        let files = failed.message_id.and_then(|id| files.get(&(failed.tenant_id, id))).map(Vec::as_slice).unwrap_or_default();
        let decision = decide(failed, ending.otherwise, &others, files, |way| usable.contains_key(&asked(failed, way)));
        let stranded = stranded(files, &decision, &others);
        notices.push(notice(failed, ending.answer, &decision, &stranded));
        let is_lost = matches!(decision, Decision::Nothing) || !stranded.is_empty();
        if let Decision::Otherwise(way, _) = decision {
            served.insert(failed.notification_id, way.method);
            let account = usable.get(&asked(failed, &way)).map_or("", String::as_str);
            next.push(Next {
                failed: (failed.tenant_id, failed.id),
                id: ambient.new_id(),
                message_id: (way.method == Method::Email).then(|| new_message_id(ambient, account)),
                because: format!("{} to {} failed: {}", failed.method, failed.address, ending.answer),
                way,
            });
        }
        if is_lost && is_answer(failed) && heard.insert(failed.notification_id) {
            let answer = FailedAnswer { ticket_id: failed.ticket_id, version: failed.version, message_id: failed.message_id };
            events.push(failed_event(failed.tenant_id, failed.id, answer, ambient));
        }
    }
    reply_addresses_of(connection, &failed, &next).await?;
    fallback::insert(connection, &next, ambient.now()).await?;
    fallback::notice(connection, &notices).await?;
    outbox::add(connection, &events, ambient.now()).await?;
    Ok(digests::follow(connection, &by_key, ambient).await? || !next.is_empty())
}

fn is_answer(failed: &Failed) -> bool {
    Template::parse(&failed.template).is_some_and(Template::is_answer)
}

/// The files of the answers among what failed. What else is told leaves files behind without a word.
async fn files_of(connection: &mut PgConnection, failed: &[Failed]) -> sqlx::Result<HashMap<(TenantId, MessageId), Vec<FileFacts>>> {
    let answers: BTreeSet<_> =
        failed.iter().filter(|failed| is_answer(failed)).filter_map(|failed| Some((failed.tenant_id, failed.message_id?))).collect();
    if answers.is_empty() {
        return Ok(HashMap::new());
    }
    let found = letters::attachments(connection, &answers).await?;
    let facts = |file: letters::LetterAttachment| FileFacts { name: file.name, content_type: file.content_type, size: file.size };
    Ok(found.into_iter().map(|(key, files)| (key, files.into_iter().map(facts).collect())).collect())
}

fn asked(failed: &Failed, way: &Way) -> Asked {
    let user_id = if let ReplyRecipient::User(id) = failed.recipient { Some(id) } else { None };
    Asked { tenant_id: failed.tenant_id, way: way.clone(), user_id, optional: failed.optional }
}

/// Decides what follows. `others` are the ways on which the same is told already. One that takes all the files goes before.
fn decide(failed: &Failed, may_go_otherwise: bool, others: &[Method], files: &[FileFacts], is_usable: impl Fn(&Way) -> bool) -> Decision {
    if !others.is_empty() {
        return Decision::TheOther;
    }
    if !may_go_otherwise {
        return Decision::Nothing;
    }
    let same = |way: &Way| way.method == failed.method && way.address == failed.address;
    let usable: Vec<&Way> = failed.alternatives.iter().filter(|way| !same(way) && is_usable(way)).collect();
    let takes_all = usable.iter().find(|way| left_behind(files, way.method, false).is_empty());
    let Some(taken) = takes_all.or_else(|| usable.first()).copied() else { return Decision::Nothing };
    // Those that cannot be used now are not asked again, but for those behind it.
    let at = failed.alternatives.iter().position(|way| way == taken).unwrap_or_default();
    let left = failed.alternatives.iter().enumerate().filter(|(place, way)| *place > at || *place < at && usable.contains(way));
    Decision::Otherwise(taken.clone(), left.map(|(_, way)| way.clone()).collect())
}

/// The names of the files that go by none of the ways on which it is told.
fn stranded<'f>(files: &'f [FileFacts], decision: &Decision, others: &[Method]) -> Vec<&'f str> {
    let methods = match decision {
        Decision::Otherwise(way, _) => std::slice::from_ref(&way.method),
        Decision::TheOther => others,
        Decision::Nothing => return Vec::new(),
    };
    let goes = |file: &FileFacts| methods.iter().any(|method| left_behind(std::slice::from_ref(file), *method, false).is_empty());
    files.iter().filter(|file| !goes(file)).map(|file| file.name.as_str()).collect()
}

/// What is said of it on the notification.
fn notice(failed: &Failed, answer: &str, decision: &Decision, stranded: &[&str]) -> Notice {
    let begin = format!("It could not be told by {} to {} ({answer})", failed.method, failed.address);
    let without = if stranded.is_empty() { String::new() } else { format!(", without {}", stranded.join(", ")) };
    let (says, alternatives) = match decision {
        Decision::Otherwise(way, left) => {
            (format!("{begin}; it goes by {} to {} instead{without}.", way.method, way.address), left.clone())
        }
        Decision::TheOther => (format!("{begin}; it is told otherwise{without}."), failed.alternatives.clone()),
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
            others: Vec::new(),
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
        let decision = decide(&failed(ways.clone()), true, &[], &[], |way| way.method != Method::Sms);
        assert_eq!(decision, Decision::Otherwise(ways[2].clone(), vec![ways[3].clone()]));
        assert_eq!(
            notice(&failed(ways.clone()), "no", &decision, &[]).says,
            "It could not be told by slack to T1/U1 (no); it goes by email to a@b.c instead."
        );
        assert_eq!(decide(&failed(ways.clone()), true, &[Method::Sms], &[], |_| true), Decision::TheOther, "told otherwise already");
        assert_eq!(decide(&failed(ways.clone()), false, &[], &[], |_| true), Decision::Nothing, "not to be told at all");
        assert_eq!(decide(&failed(ways), true, &[], &[], |_| false), Decision::Nothing);
        assert_eq!(decide(&failed(vec![way(Method::Slack, "T1/U1")]), true, &[], &[], |_| true), Decision::Nothing, "the same again");
    }

    #[test]
    fn an_answer_with_files_takes_a_way_that_takes_them_and_else_says_which_did_not_go() {
        let ways = vec![way(Method::Sms, "+1"), way(Method::Email, "a@b.c")];
        let files = [FileFacts { name: "manual.pdf".to_owned(), content_type: "application/pdf".to_owned(), size: 1 }];
        let decision = decide(&failed(ways.clone()), true, &[], &files, |_| true);
        assert_eq!(decision, Decision::Otherwise(ways[1].clone(), vec![ways[0].clone()]), "and the other is left");
        assert_eq!(stranded(&files, &decision, &[]), [""; 0]);
        let decision = decide(&failed(ways.clone()), true, &[], &files, |way| way.method == Method::Sms);
        let without = stranded(&files, &decision, &[]);
        assert_eq!(
            notice(&failed(ways), "no", &decision, &without).says,
            "It could not be told by slack to T1/U1 (no); it goes by sms to +1 instead, without manual.pdf."
        );
        assert_eq!(stranded(&files, &Decision::TheOther, &[Method::Sms]), ["manual.pdf"]);
        assert_eq!(stranded(&files, &Decision::TheOther, &[Method::Sms, Method::Email]), [""; 0]);
    }
}
