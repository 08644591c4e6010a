//! Reads the files of `tests/conversations`. A line that cannot be read is an error that names it.
//!
//! ```text
//! # A topic: everything up to the first `##` explains.
//!
//! ## What the conversation shows, as a sentence
//! desk shop                                  a desk of desks.txt; more lines change it, in the same words
//! policy support: closed = follow_up
//!
//! 09:00  ada → support (a1) "The printer is on fire"
//!     opens #1 of ada, waiting for agent
//! Tue 10:00  #1 is closed by bo
//! ```
//!
//! Each step begins in the first column with its moment; what is to come of it is indented below.

use switchboard_common::domain::inbound::Trust;

use super::script::{Doing, Message, Script, Step, read_moment};

/// Reads a file.
pub fn read(text: &str) -> Result<Vec<Script>, String> {
    let mut scripts: Vec<Script> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end())) {
        let place = |what: String| format!("line {number}: {what}: {line:?}");
        if let Some(title) = line.strip_prefix("## ") {
            scripts.push(Script { title: title.to_owned(), line: number, ..Script::default() });
            continue;
        }
        let Some(script) = scripts.last_mut().filter(|_| !line.trim().is_empty() && !line.starts_with("# ")) else { continue };
        let words: Vec<&str> = line.split_whitespace().collect();
        if line.starts_with(' ') {
            let step = script.steps.last_mut().ok_or_else(|| place("an expectation before the first step".to_owned()))?;
            step.expected.push((number, line.trim().to_owned()));
        } else if let Some((at, taken)) = read_moment(&words) {
            if script.steps.last().is_some_and(|step| step.at > at) {
                return Err(place("time goes backwards".to_owned()));
            }
            let doing = doing(&words[taken..].join(" ")).map_err(place)?;
            script.steps.push(Step { line: number, at, doing, expected: Vec::new() });
        } else if script.steps.is_empty() {
            script.desk.push((number, line.to_owned()));
        } else {
            return Err(place("expected a moment such as `09:00`, `Tue 09:00` or `2026-12-24 09:00`".to_owned()));
        }
    }
    match scripts.iter().find(|script| script.steps.iter().all(|step| step.expected.is_empty())) {
        Some(empty) => Err(format!("line {}: nothing is expected of {:?}", empty.line, empty.title)),
        None => Ok(scripts),
    }
}

/// Reads what happens in a step.
pub fn doing(text: &str) -> Result<Doing, String> {
    if text.contains(" → ") {
        return message(text).map(|message| Doing::Message(Box::new(message)));
    }
    let words: Vec<&str> = text.split(' ').collect();
    let owned = |text: &str| text.to_owned();
    Ok(match *words.as_slice() {
        [label, "comes", "again"] => Doing::Again { label: owned(label), account: None },
        [label, "comes", "again", "to", account] => Doing::Again { label: owned(label), account: Some(owned(account)) },
        ["we", "send", id, "about", ticket] => Doing::Sent { id: owned(id), ticket: number(ticket)? },
        [ticket, "is", "closed"] => Doing::Close { by: None, ticket: number(ticket)? },
        [ticket, "is", "closed", "by", by] => Doing::Close { by: Some(owned(by)), ticket: number(ticket)? },
        [ticket, "is", "given", "to", to] => Doing::Assign { ticket: number(ticket)?, to: owned(to) },
        [client, "is", "merged", "into", into] => Doing::Merge { client: owned(client), into: owned(into) },
        [client, "is", "unmerged"] => Doing::Unmerge { client: owned(client) },
        [client, "is", "decided", "to", "be", choice] => {
            Doing::Decide { client: owned(client), choice: (choice != "new").then(|| owned(choice)) }
        }
        [handle, "is", "away", "until", ref moment @ ..] => {
            let (until, _) = read_moment(moment).ok_or("expected a moment after `until`")?;
            Doing::Away { handle: owned(handle), until: Some(until) }
        }
        [handle, "is", "back"] => Doing::Away { handle: owned(handle), until: None },
        _ => return Err("nothing that is known to happen".to_owned()),
    })
}

fn number(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('#').filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| format!("expected a ticket such as #1, and not {text}"))
}

fn message(text: &str) -> Result<Message, String> {
    let (from, rest) = text.split_once(" → ").ok_or("expected `who → account`")?;
    let (accounts, rest) = rest.split_once(" (").ok_or("expected `→ account (label)`")?;
    let (label, rest) = rest.split_once(')').ok_or("expected `)` after the label")?;
    let mut message = Message::new(from, "", label);
    message.accounts = accounts.split(" and ").map(str::to_owned).collect();
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('"') {
        Some(quoted) => {
            let (subject, rest) = quoted.split_once('"').ok_or("the subject has no end")?;
            message.subject = Some(subject.to_owned());
            rest
        }
        None => rest,
    };
    for part in clauses(rest) {
        clause(&mut message, part.trim())?;
    }
    Ok(message)
}

/// What stands between commas, those within quotation marks aside.
fn clauses(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.filter(|part| !part.trim().is_empty()).collect()
}

fn clause(message: &mut Message, text: &str) -> Result<(), String> {
    let quoted = |text: &str| text.strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let list = |separator: &str| rest.split(separator).map(str::to_owned).collect();
    match (word, rest) {
        ("text", rest) => message.text = Some(quoted(rest).ok_or("expected a text in quotation marks")?),
        ("answering", _) => message.references = list(" "),
        ("to", rest) => {
            let (whose, ticket) = rest.split_once("'s token on ").ok_or("expected `to NAME's token on #1`")?;
            message.tokens.push((whose.to_owned(), number(ticket)?));
        }
        ("copying", _) => message.copied = list(" and "),
        ("verified", "") => message.trust = Some(Trust::Verified),
        ("unverified", "") => message.trust = Some(Trust::Unverified),
        ("failed", "") => message.trust = Some(Trust::Failed),
        ("automatic", rest) => message.automatic = Some(quoted(rest).ok_or("expected the sign in quotation marks")?),
        ("spam", rest) => message.spam = Some(quoted(rest).ok_or("expected the verdict in quotation marks")?),
        ("in", rest) => message.thread_key = Some(rest.strip_prefix("thread ").ok_or("expected `in thread KEY`")?.to_owned()),
        ("known", rest) => message.also.push(rest.strip_prefix("as ").ok_or("expected `known as KEY`")?.to_owned()),
        ("claiming", rest) => message.claims.push(rest.to_owned()),
        ("field", rest) => {
            let (name, value) = rest.split_once(" = ").ok_or("expected `field NAME = VALUE`")?;
            message.fields.push((name.to_owned(), value.to_owned()));
        }
        ("with", "our notification in it") => message.quotes_desk = true,
        ("with", rest) => {
            let label = rest.strip_prefix("the Message-ID of ").ok_or("expected `with the Message-ID of LABEL`")?;
            message.bears_id_of = Some(label.to_owned());
        }
        ("without", "Message-ID") => message.no_message_id = true,
        _ => return Err(format!("nothing that is known of a message: {text:?}")),
    }
    Ok(())
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let head = "# Topic\n\n## It shows\ndesk shop\n\n09:00  ada → support (a1)\n    opens #1\n";
    assert_eq!(read(head).expect("readable").len(), 1);
    for (line, expected) in [
        ("08:00  ada → support (a2)", "line 8: time goes backwards"),
        ("09:00  ada → support", "line 8: expected `→ account (label)`"),
        ("09:00  ada → support (a2) \"x", "line 8: the subject has no end"),
        ("09:00  ada → support (a2), loudly", "line 8: nothing that is known of a message: \"loudly\""),
        ("09:00  ada sings", "line 8: nothing that is known to happen"),
        ("09:00  one is closed", "line 8: expected a ticket such as #1"),
        ("policy support: closed = new", "line 8: expected a moment"),
        ("## Nothing follows", "line 8: nothing is expected of \"Nothing follows\""),
    ] {
        let error = read(&format!("{head}{line}\n")).expect_err(line);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_step_is_written_as_it_is_read() {
    for text in [
        "ada → support and sales (a1) \"A, b\", text \"c, d\", answering a0 ours1, to bo's token on #1, copying dan and x@y.example",
        "ada → chat (w1), failed, automatic \"List-Id\", spam \"X-Spam-Flag: YES\", in thread C1/2.3, with the Message-ID of a1",
        "ada → form (f1), known as phone:+15550100, claiming email:eve@example.com, field plan = gold, with our notification in it",
        "a1 comes again to sales",
        "#1 is closed by bo",
        "bo is away until Tue 09:00",
        "ada is merged into eve",
        "ada is unmerged",
        "ada is decided to be eve",
    ] {
        assert_eq!(doing(text).expect("readable").to_string(), text);
    }
}
