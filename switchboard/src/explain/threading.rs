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
        LinkKind::Stranger => "a ticket that it points at",
        LinkKind::Number => "a ticket whose number was quoted",
        LinkKind::FollowUp => "what it goes on with",
        LinkKind::Related => "what it was split from",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(threading: &serde_json::Value) -> String {
        let explanation: Explanation = serde_json::from_value(json!({
            "sender": { "who": "unknown", "key": "email:a@b.c" },
            "considered": [{ "ticket_number": 4, "evidence": "the number #4 in the subject", "chosen": false, "why": "anybody can write a number" }],
            "decision": "", "routing": null, "flags": [], "threading": threading,
        }))
        .expect("an explanation");
        let mut page = Page::default();
        render(&mut page, &explanation);
        anstream::adapter::strip_str(&page.finish()).to_string().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_was_looked_for_considered_and_linked_is_shown() {
        let page = rendered(&json!({
            "looked": [{ "for": "window", "found": "no open ticket of the client on whatsapp within 24 h: the latest is #4, last written to 3 days before" }],
            "policies": ["ticket #1 is over; the account's policy is follow_up"],
            "links": [{ "ticket_number": 4, "kind": "number", "why": "the number #4 in the subject; anybody can write a number" }],
        }));
        for line in [
            "Which tickets it could have continued",
            "the latest is #4, last written to 3 days before",
            "not chosen  #4  the number #4 in the subject  anybody can write a number",
            "ticket #1 is over; the account's policy is follow_up",
            "linked with #4 as a ticket whose number was quoted: the number #4 in the subject; anybody can write a number",
        ] {
            assert!(page.contains(line), "{line}\nis not in\n{page}");
        }
    }

    #[test]
    fn who_or_what_blocked_a_message_is_shown() {
        let screening = |entry: Option<&str>, blocked| json!({ "saw": ["email:a@b.c"], "entries": 2, "entry": entry, "spam": "X-Spam-Flag: YES", "spam_policy": "block", "blocked": blocked });
        let by_list = rendered(&json!({ "screening": screening(Some("domain:b.c"), true) }));
        assert!(by_list.contains("the block list has domain:b.c, which stands for email:a@b.c"), "{by_list}");
        assert!(!by_list.contains("Which tickets"), "nothing was looked for:\n{by_list}");
        let as_spam = rendered(&json!({ "screening": screening(None, true) }));
        assert!(as_spam.contains("none of the 2 entries of the block list stands for email:a@b.c"), "{as_spam}");
        assert!(
            as_spam.contains("blocked  the mail server took it for spam (X-Spam-Flag: YES); the tenant's policy is block"),
            "{as_spam}"
        );
    }
}
