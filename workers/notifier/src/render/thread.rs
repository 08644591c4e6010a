//! Where a mail stands in its reader's mail program: In-Reply-To and References (RFC 5322, 3.6.4).

use switchboard_common::db::letters::Earlier;

/// The most ids in References: the first, which opened the thread, and the latest.
const LATEST: usize = 20;
/// The longest Message-ID that is passed on. A line of a mail has at most 998 characters.
const LONGEST_ID: usize = 900;

/// The ids of the headers, without angle brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Thread {
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
}

/// For a client: an answer to the latest mail that they wrote, in the thread of all that went between
/// them and the desk.
pub(super) fn of_client(earlier: &[Earlier]) -> Thread {
    let earlier: Vec<&Earlier> = earlier.iter().filter(|mail| is_safe(&mail.message_id)).collect();
    let parent = earlier.iter().rev().find(|mail| mail.is_theirs).or(earlier.last());
    let first = earlier.first();
    let latest = &earlier[earlier.len().saturating_sub(LATEST).max(1).min(earlier.len())..];
    Thread {
        in_reply_to: parent.map(|mail| mail.message_id.clone()),
        references: first.into_iter().chain(latest).map(|mail| mail.message_id.clone()).collect(),
    }
}

/// For a user: flat under the first mail that they got about the ticket.
pub(super) fn of_user(earlier: &[Earlier]) -> Thread {
    let first = earlier.iter().find(|mail| is_safe(&mail.message_id)).map(|mail| mail.message_id.clone());
    Thread { references: first.clone().into_iter().collect(), in_reply_to: first }
}

/// Whether an id, which a stranger may have chosen, can stand in a header.
fn is_safe(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, is_theirs: bool) -> Earlier {
        Earlier { message_id: id.to_owned(), is_theirs }
    }

    #[test]
    fn an_answer_replies_to_the_clients_latest_mail_within_the_whole_thread() {
        let thread = of_client(&[mail("c1", true), mail("ack", false), mail("c2", true), mail("a1", false)]);
        assert_eq!(thread.in_reply_to.as_deref(), Some("c2"));
        assert_eq!(thread.references, ["c1", "ack", "c2", "a1"]);
    }

    #[test]
    fn a_client_who_never_wrote_is_threaded_under_what_they_got() {
        let thread = of_client(&[mail("a1", false), mail("a2", false)]);
        assert_eq!(thread.in_reply_to.as_deref(), Some("a2"));
        assert_eq!(thread.references, ["a1", "a2"]);
        assert_eq!(of_client(&[]), Thread::default());
        assert_eq!(of_client(&[mail("c1", true)]).references, ["c1"]);
    }

    #[test]
    fn a_long_thread_keeps_its_first_and_its_latest_mails() {
        let earlier: Vec<Earlier> = (0..50).map(|n| mail(&format!("m{n}"), n % 2 == 0)).collect();
        let references = of_client(&earlier).references;
        assert_eq!(references.len(), 1 + LATEST);
        assert_eq!((references[0].as_str(), references[1].as_str(), references[20].as_str()), ("m0", "m30", "m49"));
    }

    #[test]
    fn an_agents_mails_hang_under_the_first() {
        let thread = of_user(&[mail("n1", false), mail("n2", false)]);
        assert_eq!(thread, Thread { in_reply_to: Some("n1".to_owned()), references: vec!["n1".to_owned()] });
        assert_eq!(of_user(&[]), Thread::default());
    }

    #[test]
    fn an_id_that_could_break_the_header_is_left_out() {
        let thread =
            of_client(&[mail("c1", true), mail("evil>\r\nBcc: x@example.org", true), mail("a b", true), mail(&"x".repeat(901), true)]);
        assert_eq!(thread.references, ["c1"]);
        assert_eq!(thread.in_reply_to.as_deref(), Some("c1"));
    }
}
