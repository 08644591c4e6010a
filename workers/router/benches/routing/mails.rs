//! The mails of the benchmark: of several desks, and mixed as a day at a desk mixes them.

use rand::rngs::ChaCha20Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use serde_json::json;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::ids::{AccountId, MediaId, TenantId};

/// Of a hundred mails so many come from somebody new.
const NEW_CLIENTS: usize = 20;
/// Of a hundred mails so many open a ticket for a client who is known.
const KNOWN_CLIENTS: usize = 30;
/// The words that texts are made of.
const WORDS: [&str; 24] = [
    "the",
    "printer",
    "on",
    "third",
    "floor",
    "does",
    "not",
    "answer",
    "since",
    "yesterday",
    "we",
    "restarted",
    "it",
    "twice",
    "invoice",
    "4711",
    "was",
    "paid",
    "already",
    "please",
    "look",
    "into",
    "this",
    "soon",
];

/// What the table says of the mix.
pub fn shares() -> String {
    let replies = 100 - NEW_CLIENTS - KNOWN_CLIENTS;
    format!(
        "{NEW_CLIENTS} % from new clients, {KNOWN_CLIENTS} % new tickets of known clients, {replies} % replies, half of them to a mail of ours; \
         texts of 0.2 to 3 kB, half with HTML"
    )
}

/// A desk that mails are sent to.
#[derive(Debug, Clone, Copy)]
pub struct Desk {
    pub tenant: TenantId,
    pub account: AccountId,
    /// Bytes for mails to point at, as if each were its own.
    pub raw: MediaId,
}

/// The mails of a run.
pub struct Mails {
    /// Routed before the clock runs: the tickets that replies go to, and the clients that are known.
    pub before: Vec<InboundMessage>,
    /// The tickets of these `before` had a mail of ours: external id, and the mail's Message-ID.
    pub ours: Vec<(String, String)>,
    /// The measured ones. No two of them are about the same ticket, so that they may be written in any order.
    pub measured: Vec<InboundMessage>,
}

/// Makes `count` mails to measure, and what has to be there before them.
pub fn make(desks: &[Desk], count: usize, seed: u64) -> Mails {
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let (new, known) = (count * NEW_CLIENTS / 100, count * KNOWN_CLIENTS / 100);
    let mut mails = Mails { before: Vec::new(), ours: Vec::new(), measured: Vec::new() };
    for n in 0..count {
        let desk = desks[n % desks.len()];
        let id = format!("m{n}@mail.example.org");
        let mut mail = |client: String, id: &str, references: &[String]| mail(&mut random, desk, &client, id, references);
        if n < new {
            mails.measured.push(mail(format!("new{n}"), &id, &[]));
            continue;
        }
        let parent = format!("p{n}@mail.example.org");
        let opening = mail(format!("client{n}"), &parent, &[]);
        if n < new + known {
            mails.measured.push(mail(format!("client{n}"), &id, &[]));
        } else if n % 2 == 0 {
            mails.measured.push(mail(format!("client{n}"), &id, &[parent]));
        } else {
            let answer = format!("answer{n}@desk.example");
            mails.measured.push(mail(format!("client{n}"), &id, &[parent, answer.clone()]));
            mails.ours.push((opening.external_id.clone(), answer));
        }
        mails.before.push(opening);
    }
    mails.measured.shuffle(&mut random);
    mails
}

fn mail(random: &mut ChaCha20Rng, desk: Desk, client: &str, id: &str, references: &[String]) -> InboundMessage {
    let reply = words(random);
    let quoted = if references.is_empty() { String::new() } else { format!("> {}", words(random).trim_end().replace('\n', "\n> ")) };
    let text = format!("{reply}\n{quoted}");
    let html = random.random_bool(0.5).then(|| format!("<div>{}</div>", text.replace('\n', "</p>\n<p class=\"line\">")));
    let mail = json!({
        "tenant_id": desk.tenant, "account_id": desk.account, "channel": "email", "external_id": format!("{id}#{:032x}", random.random::<u128>()),
        "from": { "name": client, "email": format!("{client}@mail.example.org") }, "recipients": ["support@desk.example"],
        "subject": (0..6).filter_map(|_| WORDS.choose(random).copied()).collect::<Vec<_>>().join(" "),
        "message_id": id, "references": references, "text": text, "reply": if references.is_empty() { &text } else { &reply }, "safe_html": html,
        "trust": "unverified", "automatic": null, "sent_at": "2026-03-02T09:00:00Z", "received_at": "2026-03-02T09:00:01Z", "raw": desk.raw,
        "attachments": [], "flags": [],
    });
    serde_json::from_value(mail).expect("a message")
}

/// A text of 0.2 to 3 kB, more often short than long.
fn words(random: &mut ChaCha20Rng) -> String {
    let length = 100 + random.random_range(0..1400) * random.random_range(0..100) / 100;
    let mut text = String::new();
    while text.len() < length {
        text.extend(WORDS.choose(random).copied());
        text.push(if random.random_bool(0.1) { '\n' } else { ' ' });
    }
    text
}
