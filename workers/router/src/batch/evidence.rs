//! What points at tickets, of each kind from the strongest to the weakest, and what there was nothing of.

use switchboard_common::db::message_ids::{KnownId, MessageIdOrigin};
use switchboard_common::db::routing::Desk;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::ids::{TenantId, TicketId};
use uuid::Uuid;

use super::case::Case;
use super::gather::{Known, nearest_references, thread_of};
use crate::thread::words::Words;
use crate::thread::{Candidate, Evidence, subject, window};

/// The tickets that a message could mean, each once, by the strongest evidence; and what was looked for.
pub(super) struct Found<'k> {
    pub candidates: Vec<Candidate<'k>>,
    /// The kind of evidence, and what came of it.
    pub looked: Vec<(&'static str, Words)>,
}

/// What a message refers to by Message-IDs, the nearest first.
struct References<'k> {
    all: usize,
    known: Vec<(TicketId, &'k KnownId, String)>,
}

pub(super) fn find<'k>(known: &'k Known<'_>, desk: &Desk, case: &Case<'_>) -> Found<'k> {
    let mut search =
        Search { known, desk, case, tenant: case.message.tenant_id, found: Found { candidates: Vec::new(), looked: Vec::new() } };
    search.own_mail();
    search.reply_addresses();
    let references = search.references();
    search.referenced(&references, true);
    search.thread();
    search.referenced(&references, false);
    search.borne();
    search.window();
    search.numbers();
    search.found
}

struct Search<'s, 'k, 'm> {
    known: &'k Known<'m>,
    desk: &'s Desk,
    case: &'s Case<'s>,
    tenant: TenantId,
    found: Found<'k>,
}

impl<'k> Search<'_, 'k, '_> {
    fn says(&mut self, kind: &'static str, found: Words) {
        self.found.looked.push((kind, found));
    }

    fn points(&mut self, ticket_id: TicketId, evidence: Evidence) {
        let seen = self.found.candidates.iter().any(|candidate| candidate.ticket_id == ticket_id);
        if let Some(draft) = self.known.tickets.get(&(self.tenant, ticket_id)).filter(|_| !seen) {
            self.found.candidates.push(Candidate { ticket_id, ticket: &draft.state, evidence });
        }
    }

    fn own_id(&self) -> Option<&'k KnownId> {
        let id = self.case.message.message_id.as_ref()?;
        self.known.message_ids.get(&(self.tenant, id.clone()))
    }

    fn own_mail(&mut self) {
        let own = self.own_id().filter(|own| own.origin == MessageIdOrigin::Ours).and_then(|own| own.ticket_id);
        if let Some(ticket) = own {
            self.says("own mail", Words::of("its Message-ID is that of a mail that we sent about ticket ").ticket(ticket));
            self.points(ticket, Evidence::OwnMail);
        }
    }

    fn reply_addresses(&mut self) {
        let replies = self
            .case
            .message
            .recipients
            .iter()
            .filter_map(|recipient| self.known.reply_addresses.get(&(self.tenant, self.desk.signing_keys.row(recipient)?)));
        let replies: Vec<_> = replies.copied().collect();
        if replies.is_empty() {
            self.says("reply address", Words::of("no reply address of ours among the recipients"));
        }
        for reply in replies {
            let evidence = Evidence::ReplyAddress(reply.recipient);
            self.says("reply address", Words::of(format!("{evidence} of ticket ")).ticket(reply.ticket_id));
            self.points(reply.ticket_id, evidence);
        }
    }

    fn references(&self) -> References<'k> {
        let mut references = References { all: 0, known: Vec::new() };
        for id in nearest_references(self.case.message) {
            references.all += 1;
            let key = (self.tenant, id.to_owned());
            let known = self.known.message_ids.get(&key);
            if let Some((known, ticket)) = known.and_then(|known| Some((known, known.ticket_id?))) {
                // What has not come may be waited for by several tickets, of which one is the writer's.
                let more = self.known.awaiting.get(&key).filter(|_| known.origin == MessageIdOrigin::Referenced);
                let more = more.into_iter().flatten().copied().filter(|more| *more != ticket);
                references.known.extend(std::iter::once(ticket).chain(more).map(|ticket| (ticket, known, id.to_owned())));
            }
        }
        references
    }

    /// Those of our mails, or the others.
    fn referenced(&mut self, references: &References<'k>, ours: bool) {
        let kind = if ours { "our Message-ID" } else { "other Message-ID" };
        let of_kind = references.known.iter().filter(|(_, known, _)| (known.origin == MessageIdOrigin::Ours) == ours);
        let of_kind: Vec<_> = of_kind.collect();
        if of_kind.is_empty() {
            let of_ours = references.known.iter().filter(|(_, known, _)| !ours && known.origin == MessageIdOrigin::Ours).count();
            self.says(kind, Words::of(none_of(references.all - of_ours, of_ours, ours)));
        }
        for (ticket, _, id) in of_kind {
            let evidence = if ours { Evidence::OurMessageId(id.clone()) } else { Evidence::MessageId(id.clone()) };
            self.says(kind, Words::of(format!("{evidence} of ticket ")).ticket(*ticket));
            self.points(*ticket, evidence);
        }
    }

    fn thread(&mut self) {
        let Some(thread) = thread_of(self.case.message) else {
            // A mail cannot have one.
            if self.case.message.channel != Channel::Email {
                self.says("thread", Words::of("it came in no thread of the chat"));
            }
            return;
        };
        match self.known.threads.get(&thread).and_then(|known| known.ticket_id) {
            Some(ticket) => {
                self.says("thread", Words::of(format!("the thread {} is that of ticket ", thread.2)).ticket(ticket));
                self.points(ticket, Evidence::Thread(thread.2));
            }
            None => self.says("thread", Words::of(format!("the thread {} has no ticket yet", thread.2))),
        }
    }

    /// What the message's own Message-ID is known for.
    fn borne(&mut self) {
        let own = self.own_id();
        if own.is_some_and(|own| own.origin == MessageIdOrigin::Ours) {
            self.says("awaited", Words::of("its Message-ID is one of ours"));
            return self.says("same Message-ID", Words::of("a mail of ours bears it"));
        }
        let Some((own, ticket)) = own.and_then(|own| Some((own, own.ticket_id?))) else {
            let lacking = if self.case.message.message_id.is_some() { "nothing referred to it" } else { "it has no Message-ID" };
            self.says("awaited", Words::of(lacking));
            return self.says("same Message-ID", Words::of("no other message bears its Message-ID"));
        };
        if own.origin == MessageIdOrigin::Seen {
            self.says("awaited", Words::of("its Message-ID was not waited for any more"));
            self.says("same Message-ID", Words::of("another message bears it, on ticket ").ticket(ticket));
            return self.points(ticket, Evidence::SameMessageId);
        }
        let key = (self.tenant, self.case.message.message_id.clone().unwrap_or_default());
        let more = self.known.awaiting.get(&key).into_iter().flatten().copied().filter(|more| *more != ticket);
        for ticket in std::iter::once(ticket).chain(more) {
            self.says("awaited", Words::of("an earlier message of ticket ").ticket(ticket).and(" referred to it"));
            self.points(ticket, Evidence::Awaited);
        }
        self.says("same Message-ID", Words::of("no other message bears its Message-ID"));
    }

    fn window(&mut self) {
        let writer = self.case.writer();
        let window = match window::applies(self.case.account, self.case.message.channel, writer) {
            Ok(window) => window,
            Err(why) => return self.says("window", Words::of(why)),
        };
        let of_tenant =
            self.known.tickets.range((self.tenant, TicketId(Uuid::nil()))..).take_while(|((tenant, _), _)| *tenant == self.tenant);
        let tickets = of_tenant.map(|((_, id), draft)| (*id, &draft.state));
        let (found, words) = window::find(window, writer, tickets, self.case.message.received_at);
        self.says("window", words);
        if let Some((ticket, since)) = found {
            self.points(ticket, Evidence::Window(since));
        }
    }

    fn numbers(&mut self) {
        let numbers = subject::numbers(&self.case.message.subject);
        if numbers.is_empty() {
            self.says("number", Words::of("no ticket number in the subject"));
        }
        for number in numbers {
            match self.known.numbers.get(&(self.tenant, number)) {
                Some(ticket) => {
                    self.says("number", Words::of(format!("the subject quotes the number of ticket #{number}")));
                    self.points(*ticket, Evidence::Number(number));
                }
                None => self.says("number", Words::of(format!("the subject quotes the number #{number}, which no ticket has"))),
            }
        }
    }
}

/// `of_ours`: how many more there are, which are of mails of ours.
fn none_of(references: usize, of_ours: usize, ours: bool) -> String {
    match (references, ours) {
        (0, _) if of_ours > 0 => "it refers to no message but ours".to_owned(),
        (0, _) => "it refers to no message".to_owned(),
        (1, true) => "1 reference, not to a mail of ours".to_owned(),
        (1, false) => "1 reference, not known".to_owned(),
        (2, true) => "2 references, neither to a mail of ours".to_owned(),
        (2, false) => "2 references, neither known".to_owned(),
        (all, true) => format!("{all} references, none to a mail of ours"),
        (all, false) => format!("{all} references, none known"),
    }
}
