//! Random conversations. Every one of them comes out the same in whatever order its messages come within a burst; between
//! bursts something else happens: a ticket is closed or given to somebody, or a mail of ours goes out.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::ChaCha20Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use switchboard_common::domain::inbound::Trust;

use crate::spec::script::{Doing, MONDAY, Message, Script, Step};

const CLIENTS: [&str; 4] = ["ada", "eve", "fay", "gus"];
const PEOPLE: [&str; 3] = ["bo", "cleo", "dan"];
const MAILBOXES: [&str; 3] = ["support", "help", "sales"];

/// A thread of mails, as its members know it.
struct Thread {
    client: &'static str,
    account: &'static str,
    subject: String,
    /// The Message-IDs so far.
    chain: Vec<String>,
    /// How long the chain was when the burst began: so much has surely come.
    settled: usize,
}

struct Generator {
    random: ChaCha20Rng,
    threads: Vec<Thread>,
    steps: Vec<Doing>,
    count: usize,
    /// The labels of this burst and of those before.
    came: Vec<String>,
    /// How many of them came in earlier bursts.
    settled: usize,
    /// The messages of the chat.
    chats: Vec<String>,
    /// Clients who were merged, and those who wrote first mails in earlier bursts.
    merged: Vec<&'static str>,
    writers: Vec<&'static str>,
}

/// The random conversation of a seed, with so many bursts of about so many messages. `ordered`: it is told in its order
/// alone, so that an account may ask for proof, where it matters whether the authenticated message came first.
pub fn script(seed: u64, bursts: usize, messages: usize, ordered: bool) -> Script {
    let random = ChaCha20Rng::seed_from_u64(seed);
    let mut generator = Generator {
        random,
        threads: Vec::new(),
        steps: Vec::new(),
        count: 0,
        came: Vec::new(),
        settled: 0,
        chats: Vec::new(),
        merged: Vec::new(),
        writers: Vec::new(),
    };
    let proof = ordered && generator.random.random_bool(0.3);
    for _ in 0..bursts {
        for _ in 0..messages {
            generator.message();
        }
        generator.between();
    }
    let mut desk = vec!["desk shop".to_owned(), "client fay: fay@example.net".to_owned(), "client gus: gus@example.net".to_owned()];
    desk.extend(proof.then(|| "policy help: threading = proof".to_owned()));
    let start: DateTime<Utc> = MONDAY.parse().expect("a time");
    let steps = generator.steps.into_iter().enumerate().map(|(index, doing)| {
        let at = start + TimeDelta::minutes(540 + i64::try_from(index).expect("small"));
        Step { line: index + 1, at, doing, expected: Vec::new() }
    });
    Script {
        title: format!("The random conversation of seed {seed}"),
        line: 0,
        desk: desk.into_iter().map(|line| (0, line)).collect(),
        steps: steps.collect(),
    }
}

impl Generator {
    fn label(&mut self, from: &str) -> String {
        self.count += 1;
        format!("{}{}", &from[..1], self.count)
    }

    fn message(&mut self) {
        match self.random.random_range(0..20) {
            0..6 => self.begin(),
            6..13 => self.go_on(),
            13 | 14 => self.stranger(),
            15 => self.by_token(),
            16 => self.past_the_token(),
            17 => self.program(),
            18 => self.chat(),
            _ => self.again(),
        }
    }

    fn push(&mut self, message: Message) {
        self.came.push(message.label.clone());
        self.steps.push(Doing::Message(Box::new(message)));
    }

    fn begin(&mut self) {
        let client = *CLIENTS.choose(&mut self.random).expect("some");
        let account = *MAILBOXES.choose(&mut self.random).expect("some");
        let label = self.label(client);
        let mut message = Message::new(client, account, &label);
        let subject = if self.random.random_bool(0.2) { "An offer?" } else { "The printer is on fire" };
        message.subject = Some(subject.to_owned());
        if account == "support" && self.random.random_bool(0.2) {
            // Both lead to the same category, so that it does not matter which comes first.
            message.accounts.push("help".to_owned());
        }
        if self.random.random_bool(0.1) {
            message.copied.push("dan".to_owned());
        }
        self.push(message);
        self.threads.push(Thread { client, account, subject: subject.to_owned(), chain: vec![label], settled: 0 });
    }

    /// A message that points at nothing.
    fn chat(&mut self) {
        let client = *["ada", "eve"].choose(&mut self.random).expect("some");
        let label = self.label("w");
        self.chats.push(label.clone());
        self.push(Message::new(client, "chat", &label));
    }

    /// Some thread.
    fn thread(&mut self) -> Option<usize> {
        (!self.threads.is_empty()).then(|| self.random.random_range(0..self.threads.len()))
    }

    /// Some thread that has surely begun.
    fn settled(&mut self) -> Option<usize> {
        let settled: Vec<usize> = (0..self.threads.len()).filter(|index| self.threads[*index].settled > 0).collect();
        settled.choose(&mut self.random).copied()
    }

    /// The client's next mail in the thread, which carries the whole chain.
    fn go_on(&mut self) {
        let Some(index) = self.thread() else { return self.begin() };
        let (client, account) = (self.threads[index].client, self.threads[index].account);
        let label = self.label(client);
        let mut message = Message::new(client, account, &label);
        message.references.clone_from(&self.threads[index].chain);
        // Whichever of them comes first opens the ticket, and leads to the same people.
        message.subject = Some(format!("Re: {}", self.threads[index].subject));
        message.trust = self.random.random_bool(0.2).then_some(Trust::Verified);
        self.push(message);
        self.threads[index].chain.push(label);
    }

    /// Somebody else answers, perhaps before what they answer comes, and goes on in a thread of their own.
    fn stranger(&mut self) {
        // Who counts as the ticket's client may go on in it, and would open it, if that came first, as their own.
        let index = if self.merged.is_empty() { self.thread() } else { self.settled() };
        let Some(index) = index else { return self.begin() };
        let others: Vec<&'static str> = CLIENTS.into_iter().filter(|client| *client != self.threads[index].client).collect();
        let client = *others.choose(&mut self.random).expect("some");
        let account = self.threads[index].account;
        let label = self.label(client);
        let mut message = Message::new(client, account, &label);
        // Who answers twice what has not come goes on in their own ticket, and else opens another.
        let root = &self.threads[index].chain[0];
        let again = self.threads.iter().any(|thread| thread.client == client && thread.settled == 0 && thread.chain[0] == *root);
        let known = if self.merged.is_empty() && !again { self.threads[index].chain.len() } else { self.threads[index].settled };
        if known == 0 {
            return self.begin();
        }
        message.references = self.threads[index].chain[..known].to_vec();
        let chain = message.references.iter().cloned().chain([label]).collect();
        let subject = self.threads[index].subject.clone();
        message.subject = Some(format!("Re: {subject}"));
        self.push(message);
        self.threads.push(Thread { client, account, subject, chain, settled: 0 });
    }

    /// An agent or the client by a signed reply address, or somebody else by it.
    fn by_token(&mut self) {
        let Some(index) = self.settled() else { return self.begin() };
        let whose = if self.random.random_bool(0.6) { *PEOPLE.choose(&mut self.random).expect("some") } else { self.threads[index].client };
        let from = match self.random.random_range(0..4) {
            0 => *CLIENTS.choose(&mut self.random).expect("some"),
            _ => whose,
        };
        let label = self.label(from);
        let mut message = Message::new(from, self.threads[index].account, &label);
        message.tokens = vec![(whose.to_owned(), self.threads[index].chain[0].clone())];
        message.quotes_desk = self.random.random_bool(0.1);
        message.automatic = self.random.random_bool(0.1).then(|| "Auto-Submitted: auto-replied".to_owned());
        self.push(message);
    }

    /// An agent answers what has come, without their reply address.
    fn past_the_token(&mut self) {
        let Some(index) = self.settled() else { return self.begin() };
        let from = *PEOPLE.choose(&mut self.random).expect("some");
        let label = self.label(from);
        let mut message = Message::new(from, self.threads[index].account, &label);
        message.references = self.threads[index].chain[..self.threads[index].settled].to_vec();
        self.push(message);
    }

    /// A program, or a mail whose authentication failed.
    fn program(&mut self) {
        let Some(index) = self.thread() else { return self.begin() };
        let client = self.threads[index].client;
        let label = self.label(client);
        let mut message = Message::new(client, self.threads[index].account, &label);
        message.references.clone_from(&self.threads[index].chain);
        message.subject = Some(format!("Re: {}", self.threads[index].subject));
        if self.random.random_bool(0.5) {
            message.automatic = Some("Precedence: bulk".to_owned());
        } else {
            message.trust = Some(Trust::Failed);
        }
        self.push(message);
    }

    fn again(&mut self) {
        let Some(label) = self.came.choose(&mut self.random).cloned() else { return self.begin() };
        // Of a mail of this burst it would matter which of the two comes first.
        let settled = self.came[..self.settled].contains(&label);
        let account = (settled && self.random.random_bool(0.5)).then(|| "help".to_owned());
        self.steps.push(Doing::Again { label, account });
    }

    /// What happens after a burst.
    fn between(&mut self) {
        self.settled = self.came.len();
        for thread in &mut self.threads {
            thread.settled = thread.chain.len();
        }
        for thread in &self.threads {
            if !self.writers.contains(&thread.client) {
                self.writers.push(thread.client);
            }
        }
        self.merge();
        let closed = self.chats.choose(&mut self.random).cloned().filter(|_| self.random.random_bool(0.5));
        self.steps.extend(closed.map(|ticket| Doing::Close { by: None, ticket }));
        let Some(index) = self.thread() else { return };
        let ticket = self.threads[index].chain[0].clone();
        let doing = match self.random.random_range(0..4) {
            0 => Doing::Close { by: None, ticket },
            1 => Doing::Assign { ticket, to: (*PEOPLE.choose(&mut self.random).expect("some")).to_owned() },
            _ => {
                self.count += 1;
                let id = format!("ours{}", self.count);
                // Whoever goes on has got our mail.
                self.threads[index].chain.push(id.clone());
                self.threads[index].settled += 1;
                Doing::Sent { id, ticket }
            }
        };
        self.steps.push(doing);
    }

    /// Two clients turn out to be one, or not to be.
    fn merge(&mut self) {
        let free: Vec<&'static str> = self.writers.iter().copied().filter(|client| !self.merged.contains(client)).collect();
        if self.random.random_bool(0.4) && free.len() > 1 {
            let pair: Vec<&'static str> = free.sample(&mut self.random, 2).copied().collect();
            self.merged.push(pair[0]);
            self.steps.push(Doing::Merge { client: pair[0].to_owned(), into: pair[1].to_owned() });
        } else if self.random.random_bool(0.4)
            && let Some(client) = self.merged.pop()
        {
            self.steps.push(Doing::Unmerge { client: client.to_owned() });
        }
    }
}
