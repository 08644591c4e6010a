//! What is to become of a random conversation: a plain reference, in memory, written from the rules of
//! docs/channels.md and not from the router's code.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use switchboard_common::domain::inbound::Trust;

use crate::spec::script::{Doing, Message, Script};

/// The references of a mail that are looked at: the first, and so many of the nearest.
const NEAREST: usize = 20;

/// What became of a conversation, in names that do not depend on the order in which tickets were numbered: a ticket
/// or a client is called by the first, in the alphabet, of the messages that are theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Each message: its ticket, its author and, where the order is given, its outcome.
    pub messages: BTreeMap<String, String>,
    /// Each ticket: its client, its assignees and, where the order is given, its state.
    pub tickets: BTreeMap<String, String>,
    /// How often a message came after the first time.
    pub again: usize,
    /// How many events were told of.
    pub events: usize,
}

#[derive(Debug)]
struct Ticket {
    client: usize,
    people: BTreeSet<&'static str>,
    assignees: Vec<&'static str>,
    state: &'static str,
    chat: bool,
    messages: Vec<String>,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Author {
    Client(usize),
    Person(String),
    Nobody,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Joined,
    Answered,
    Noted,
}

#[derive(Debug, Default)]
struct Reference {
    proof: BTreeSet<String>,
    tickets: Vec<Ticket>,
    /// Clients by who writes, and whether by a chat: nothing says that these are one.
    clients: HashMap<(String, bool), usize>,
    /// Clients that count as another.
    merged: HashMap<usize, usize>,
    authored: Vec<(String, usize, Author, &'static str)>,
    /// The ticket of the message that bears a Message-ID.
    borne: HashMap<String, usize>,
    /// The tickets whose messages referred to a Message-ID, in the order of their coming.
    awaited: HashMap<String, Vec<usize>>,
    ours: HashMap<String, usize>,
    again: usize,
    events: usize,
}

/// The account of a chat.
const CHAT: &str = "chat";

/// The people of the desk `shop`.
const PEOPLE: [&str; 3] = ["bo", "cleo", "dan"];
const SECOND_LINE: [&str; 2] = ["bo", "cleo"];

/// Plays a script. `ordered`: outcomes and states are told too, which depend on the order.
pub fn expect(script: &Script, ordered: bool) -> Outcome {
    let mut reference = Reference::default();
    for (_, line) in &script.desk {
        if let Some(account) = line.strip_prefix("policy ").and_then(|line| line.strip_suffix(": threading = proof")) {
            reference.proof.insert(account.to_owned());
        }
    }
    for step in &script.steps {
        reference.step(&step.doing);
    }
    reference.outcome(ordered)
}

impl Reference {
    fn step(&mut self, doing: &Doing) {
        match doing {
            Doing::Message(message) => {
                self.again += message.accounts.len() - 1;
                self.message(message);
            }
            Doing::Again { .. } => self.again += 1,
            Doing::Sent { id, ticket } => {
                let ticket = self.named(ticket);
                self.ours.insert(id.clone(), ticket);
            }
            Doing::Close { ticket, .. } => {
                let ticket = self.named(ticket);
                if self.tickets[ticket].state != "closed" {
                    self.tickets[ticket].state = "closed";
                    self.events += 1;
                }
            }
            Doing::Assign { ticket, to } => {
                let ticket = self.named(ticket);
                let to = PEOPLE.into_iter().find(|person| person == to).expect("a person of the desk");
                let before = std::mem::replace(&mut self.tickets[ticket].assignees, vec![to]);
                self.events += usize::from(before != [to]);
            }
            Doing::Merge { client, into } => {
                self.merged.insert(self.called(client), self.called(into));
            }
            Doing::Unmerge { client } => {
                let client = self.called(client);
                self.merged.remove(&client).expect("they were merged");
            }
            Doing::Decide { .. } | Doing::Away { .. } => unreachable!("none is made up: {doing}"),
        }
    }

    fn named(&self, label: &str) -> usize {
        self.authored.iter().find(|(name, ..)| name == label).map(|(_, ticket, ..)| *ticket).expect("a message that came")
    }

    fn called(&self, name: &str) -> usize {
        self.clients[&(name.to_owned(), false)]
    }

    fn root(&self, client: usize) -> usize {
        self.merged.get(&client).map_or(client, |into| self.root(*into))
    }

    fn message(&mut self, message: &Message) {
        let person = PEOPLE.into_iter().find(|person| *person == message.from);
        let client = self.clients.get(&writer(message)).copied();
        let references: Vec<&String> = nearest(&message.references);
        let entered = self.candidates(message, &references).into_iter().find_map(|(ticket, way)| {
            let entry = self.judge(message, ticket, &way, person, client)?;
            Some((ticket, entry))
        });
        let (ticket, author, outcome) = match entered {
            Some((ticket, entry)) => self.enter(message, ticket, &entry, person, client),
            None => self.open(message),
        };
        self.events += 1;
        // Whoever is not who they say waits for no message.
        for reference in references.into_iter().filter(|_| message.trust != Some(Trust::Failed)) {
            let awaiting = self.awaited.entry(reference.clone()).or_default();
            if !awaiting.contains(&ticket) {
                awaiting.push(ticket);
            }
        }
        let own = message.bears_id_of.as_ref().unwrap_or(&message.label);
        self.borne.entry(own.clone()).or_insert(ticket);
        if matches!(author, Author::Client(_)) && message.automatic.is_none() || outcome == "opened" {
            // Whom the client copies is in cc, and so are those who answer for another account that the mail names.
            let copied = PEOPLE.into_iter().filter(|person| message.copied.iter().any(|copied| copied == person));
            let of_accounts = message.accounts.iter().skip(1).map(|account| of_account(account));
            let people: Vec<&str> = copied.chain(of_accounts).filter(|person| !self.tickets[ticket].assignees.contains(person)).collect();
            self.tickets[ticket].people.extend(people);
        }
        self.tickets[ticket].messages.push(message.label.clone());
        self.authored.push((message.label.clone(), ticket, author, outcome));
    }

    /// The tickets that a message points at, by the strongest that does.
    fn candidates(&self, message: &Message, references: &[&String]) -> Vec<(usize, Way)> {
        let own = message.bears_id_of.as_ref().unwrap_or(&message.label);
        let mut found: Vec<(usize, Way)> = Vec::new();
        found.extend(message.tokens.iter().map(|(whose, ticket)| (self.named(ticket), Way::Token(whose.clone()))));
        found.extend(references.iter().filter_map(|id| Some((*self.ours.get(*id)?, Way::Ours))));
        for id in references.iter().filter(|id| !self.ours.contains_key(**id)) {
            match self.borne.get(*id) {
                Some(ticket) => found.push((*ticket, Way::Other)),
                None => found.extend(self.awaited.get(*id).into_iter().flatten().map(|ticket| (*ticket, Way::Other))),
            }
        }
        if message.accounts[0] == CHAT {
            let theirs = |ticket: &Ticket| ticket.chat && Some(ticket.client) == self.clients.get(&writer(message)).copied();
            let open = self.tickets.iter().position(|ticket| theirs(ticket) && ticket.state != "closed");
            found.extend(open.map(|ticket| (ticket, Way::Window)));
        }
        if !self.borne.contains_key(own) {
            found.extend(self.awaited.get(own).into_iter().flatten().map(|ticket| (*ticket, Way::Other)));
        }
        found
    }

    /// As what a message enters a ticket, if it may.
    fn judge(&self, message: &Message, ticket: usize, way: &Way, person: Option<&str>, client: Option<usize>) -> Option<Entry> {
        let failed = message.trust == Some(Trust::Failed);
        if let Way::Token(whose) = way
            && PEOPLE.contains(&whose.as_str())
        {
            let theirs = person == Some(whose.as_str()) && !failed && message.automatic.is_none() && !message.quotes_desk;
            return Some(if theirs { Entry::Answered } else { Entry::Noted });
        }
        if *way == Way::Window {
            return Some(Entry::Joined);
        }
        let ticket = &self.tickets[ticket];
        let unproven = *way == Way::Other && message.trust != Some(Trust::Verified) && self.proof.contains(&message.accounts[0]);
        if failed || unproven {
            return None;
        }
        if client.is_some_and(|client| self.root(client) == self.root(ticket.client)) {
            return Some(Entry::Joined);
        }
        let works = |person: &str| {
            let mut people = ticket.assignees.iter().chain(&ticket.people).copied();
            people.any(|one| one == person || one == "2nd-line" && SECOND_LINE.contains(&person))
        };
        let bounced = *way != Way::Other && message.automatic.is_some();
        (person.is_some_and(works) || bounced).then_some(Entry::Noted)
    }

    fn enter(
        &mut self,
        message: &Message,
        ticket: usize,
        entry: &Entry,
        person: Option<&str>,
        client: Option<usize>,
    ) -> (usize, Author, &'static str) {
        let person = person.map_or(Author::Nobody, |person| Author::Person(person.to_owned()));
        match entry {
            Entry::Joined => {
                if message.automatic.is_none() {
                    self.tickets[ticket].state = "waiting for agent";
                }
                (ticket, client.map_or(Author::Nobody, Author::Client), "joined")
            }
            Entry::Answered => {
                self.tickets[ticket].state = "waiting for user";
                (ticket, person, "answered")
            }
            Entry::Noted => (ticket, person, "noted"),
        }
    }

    fn open(&mut self, message: &Message) -> (usize, Author, &'static str) {
        let next = self.clients.len();
        let client = *self.clients.entry(writer(message)).or_insert(next);
        let words = message.subject.as_deref().unwrap_or_default().to_lowercase();
        let offer = words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "offer" || word == "quote");
        let assignees = vec![if offer { "dan" } else { of_account(&message.accounts[0]) }];
        self.tickets.push(Ticket {
            client,
            people: BTreeSet::new(),
            assignees,
            state: "waiting for agent",
            chat: message.accounts[0] == CHAT,
            messages: Vec::new(),
        });
        (self.tickets.len() - 1, Author::Client(client), "opened")
    }

    fn outcome(&self, ordered: bool) -> Outcome {
        let first = |client: usize| {
            let theirs = self.authored.iter().filter(|(_, _, author, _)| *author == Author::Client(client));
            theirs.map(|(label, ..)| label.as_str()).min().unwrap_or_default()
        };
        let name = |ticket: usize| self.tickets[ticket].messages.iter().min().expect("a message");
        let messages = self.authored.iter().map(|(label, ticket, author, outcome)| {
            let author = match author {
                Author::Client(client) => format!("the client of {}", first(*client)),
                Author::Person(person) => person.clone(),
                Author::Nobody => "nobody".to_owned(),
            };
            let outcome = if ordered { format!(", {outcome}") } else { String::new() };
            (label.clone(), format!("on the ticket of {} by {author}{outcome}", name(*ticket)))
        });
        let tickets = self.tickets.iter().enumerate().map(|(index, ticket)| {
            let state = if ordered { format!(", {}", ticket.state) } else { String::new() };
            (
                name(index).clone(),
                format!("of the client of {}, assigned to {}{state}", first(ticket.client), ticket.assignees.join(" and ")),
            )
        });
        Outcome { messages: messages.collect(), tickets: tickets.collect(), again: self.again, events: self.events }
    }
}

/// Who writes, and whether by a chat.
fn writer(message: &Message) -> (String, bool) {
    (message.from.clone(), message.accounts[0] == CHAT)
}

/// Who answers what comes to an account, where no rule says otherwise.
fn of_account(account: &str) -> &'static str {
    if account == "sales" { "dan" } else { "2nd-line" }
}

/// What points at a ticket.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// The signed reply address of somebody.
    Token(String),
    Ours,
    Other,
    /// The client's open ticket of that chat. None is older than a day here.
    Window,
}

/// The references that are looked at, the nearest first.
fn nearest(references: &[String]) -> Vec<&String> {
    let (first, rest) = references.split_at(references.len().min(1));
    rest.iter().rev().take(NEAREST).chain(first).collect()
}
