//! How a message's ticket was found, as people read it.

use switchboard_common::domain::evidence::{LinkKind, Screening, Threading};
use switchboard_common::domain::explanation::{Explanation, TicketConsidered};
use unicode_width::UnicodeWidthStr;

use crate::output::{ADDED, CHANGED, FAINT, Page, REMOVED, pad, paint};

/// What was screened, looked for, considered, and linked.
pub fn render(page: &mut Page, explanation: &Explanation) {
    let Threading { looked, policies, links, screening } = &explanation.threading;
    if let Some(screening) = screening {
        page.heading("Whether it was taken");
        screened(page, screening);
    }
    let stopped = screening.as_ref().is_some_and(|screening| screening.entry.is_some());
    if stopped {
        return;
    }
    page.heading("Which tickets it could have continued");
    let width = looked.iter().map(|looked| looked.kind.width()).max().unwrap_or_default();
    for looked in looked {
        page.line(1, &format!("{}  {}", paint(FAINT, &pad(&looked.kind, width)), looked.found));
    }
    considered(page, &explanation.considered);
    for policy in policies {
        page.line(1, policy);
    }
    for link in links {
        page.line(1, &format!("linked with #{} as {}: {}", link.ticket_number, in_words(link.kind), link.why));
    }
}

fn considered(page: &mut Page, considered: &[TicketConsidered]) {
    if considered.is_empty() {
        page.line(1, "none: it pointed at no ticket");
    }
    let width = considered.iter().map(|ticket| ticket.evidence.width()).max().unwrap_or_default();
    for TicketConsidered { ticket_number, evidence, chosen, why } in considered {
        let mark = if *chosen { paint(ADDED, "chosen    ") } else { paint(CHANGED, "not chosen") };
        page.line(1, &format!("{mark}  #{ticket_number}  {}  {why}", pad(evidence, width)));
    }
}

fn screened(page: &mut Page, screening: &Screening) {
    let saw = screening.saw.join(", ");
    let list = match (&screening.entry, screening.entries) {
        (Some(entry), _) => format!("{}  the block list has {entry}, which stands for {saw}", paint(REMOVED, "blocked")),
        (None, 0) => "the block list is empty".to_owned(),
        (None, 1) => format!("the one entry of the block list does not stand for {saw}"),
        (None, entries) => format!("none of the {entries} entries of the block list stands for {saw}"),
    };
    page.line(1, &list);
    if let Some(verdict) = &screening.spam {
        let policy = &screening.spam_policy;
        let became = if screening.blocked { paint(REMOVED, "blocked") } else { paint(ADDED, "taken  ") };
        page.line(1, &format!("{became}  the mail server took it for spam ({verdict}); the tenant's policy is {policy}"));
    }
}

fn in_words(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Stranger => "another's ticket",
        LinkKind::Number => "a ticket whose number was quoted",
        LinkKind::FollowUp => "what it goes on with",
        LinkKind::Related => "what it was split from",
    }
}
