//! What has to change for a desk to be what the file says. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use switchboard_common::db::desk::{Account, Block, Category, Contact, Customize, Department, Desk, Group, Rule, Stored, User, UserType};
use switchboard_common::db::mailboxes::{Mailbox, MailboxSince, MailboxTls};
use switchboard_common::db::routing::ThreadingPolicy;
use switchboard_common::domain::preferences::Storm;
use switchboard_common::domain::rules::Strategy;
use switchboard_common::domain::sender::Sender;

use super::sender;

use super::preferences;

/// The parts of a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Tenant,
    Basics,
    Customize,
    Department,
    User,
    Group,
    Category,
    Account,
    Rule,
    RuleOrder,
    Client,
    Block,
    Preferences,
    Template,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Basics => "statuses and priorities",
            Self::Customize => "customize",
            Self::Department => "department",
            Self::User => "user",
            Self::Group => "group",
            Self::Category => "category",
            Self::Account => "account",
            Self::Rule => "rule",
            Self::RuleOrder => "order of the rules",
            Self::Client => "client",
            Self::Block => "block",
            Self::Preferences => "preferences",
            Self::Template => "template",
        }
    }

    /// What becomes of one that is no longer in the file.
    pub(super) fn removal(self) -> &'static str {
        match self {
            Self::Account => "disabled; its tickets stay",
            Self::Rule | Self::Preferences => "deleted",
            Self::Template => "as built in",
            Self::Customize | Self::Block => "cleared",
            Self::Client => "withdrawn; the client and their tickets stay",
            _ => "archived; its tickets stay",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Of which part.
    pub kind: Kind,
    /// Its name; empty for a part that there is only one of.
    pub name: String,
    /// What has to be done.
    pub what: What,
}

/// What has to be done to a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is not there.
    Add {
        /// Its fields, those that say something.
        fields: Vec<(&'static str, String)>,
        /// It was there before, and is taken up again.
        again: bool,
    },
    /// Some of its fields differ: name, old and new value.
    Change(Vec<(&'static str, String, String)>),
    /// The file does not speak of it: what becomes of it.
    Remove(&'static str),
}

/// All differences between what is stored and what is wanted.
pub fn diff(stored: &Stored, wanted: &Desk) -> Vec<Change> {
    let (old, ids) = (&stored.desk, &stored.ids);
    let mut changes = Vec::new();
    compare(&mut changes, Kind::Customize, &single(&old.customize), &single(&wanted.customize), |_| false);
    compare(&mut changes, Kind::Department, &old.departments, &wanted.departments, |name| ids.departments.contains_key(name));
    compare(&mut changes, Kind::User, &old.users, &wanted.users, |handle| ids.users.contains_key(handle));
    compare(&mut changes, Kind::Group, &old.groups, &wanted.groups, |handle| ids.users.contains_key(handle));
    compare(&mut changes, Kind::Category, &old.categories, &wanted.categories, |name| ids.categories.contains_key(name));
    compare(&mut changes, Kind::Account, &old.accounts, &wanted.accounts, |name| ids.accounts.contains_key(name));
    compare(&mut changes, Kind::Rule, &by_name(&old.rules), &by_name(&wanted.rules), |_| false);
    changes.extend(order(&old.rules, &wanted.rules));
    compare(&mut changes, Kind::Client, &old.clients, &wanted.clients, |key| ids.clients.contains_key(key));
    compare(&mut changes, Kind::Block, &single(&old.block), &single(&wanted.block), |_| false);
    changes.extend(preferences::diff(old, wanted));
    compare(&mut changes, Kind::Template, &old.templates, &wanted.templates, |_| false);
    changes
}

/// Something that is there once or not at all, as if it had a name.
fn single<T: Default + PartialEq + Clone>(part: &T) -> BTreeMap<String, T> {
    if *part == T::default() { BTreeMap::new() } else { BTreeMap::from([(String::new(), part.clone())]) }
}

fn by_name(rules: &[Rule]) -> BTreeMap<String, Rule> {
    rules.iter().map(|rule| (rule.name.clone(), rule.clone())).collect()
}

fn compare<T: Described>(
    changes: &mut Vec<Change>,
    kind: Kind,
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    was_there: impl Fn(&str) -> bool,
) {
    for (name, wanted) in new {
        let what = match old.get(name) {
            None => {
                let fields = wanted.fields().into_iter().filter(|(_, value)| value != NONE).collect();
                What::Add { fields, again: was_there(name) }
            }
            Some(stored) => {
                let fields = differing(&stored.fields(), &wanted.fields());
                if fields.is_empty() {
                    continue;
                }
                What::Change(fields)
            }
        };
        changes.push(Change { kind, name: name.clone(), what });
    }
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    changes.extend(removed.map(|name| Change { kind, name: name.clone(), what: What::Remove(kind.removal()) }));
}

/// The fields that differ: those of the new one in its order, and then those that only the old one has.
fn differing(old: &[(&'static str, String)], new: &[(&'static str, String)]) -> Vec<(&'static str, String, String)> {
    let value = |fields: &[(&'static str, String)], name| {
        fields.iter().find(|(field, _)| *field == name).map_or_else(|| NONE.to_owned(), |(_, value)| value.clone())
    };
    let gone = old.iter().map(|(field, _)| *field).filter(|name| !new.iter().any(|(field, _)| field == name));
    let names = new.iter().map(|(field, _)| *field).chain(gone);
    names.map(|name| (name, value(old, name), value(new, name))).filter(|(_, old, new)| old != new).collect()
}

/// The order of those rules that were there and stay, if it differs.
fn order(old: &[Rule], new: &[Rule]) -> Option<Change> {
    let names = |rules: &[Rule], others: &[Rule]| -> Vec<String> {
        rules.iter().map(|rule| rule.name.clone()).filter(|name| others.iter().any(|other| other.name == *name)).collect()
    };
    let (before, after) = (names(old, new), names(new, old));
    let what = || What::Change(vec![("", before.join(", "), after.join(", "))]);
    (before != after).then(|| Change { kind: Kind::RuleOrder, name: String::new(), what: what() })
}

/// What stands where there is nothing.
pub(super) const NONE: &str = "none";

/// What is compared and shown of a part, each field once.
pub(super) trait Described {
    fn fields(&self) -> Vec<(&'static str, String)>;
}

fn maybe(text: Option<&String>) -> String {
    text.map_or_else(|| NONE.to_owned(), Clone::clone)
}

pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    let texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
    if texts.is_empty() { NONE.to_owned() } else { texts.join(", ") }
}

impl Described for Customize {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("brand", maybe(self.brand.as_ref())),
            ("from_name", maybe(self.from_name.as_ref())),
            ("logo", maybe(self.logo.as_ref())),
            ("color", maybe(self.color.as_ref())),
            ("footer", maybe(self.footer.as_ref().map(|footer| footer.replace('\n', " / ")).as_ref())),
            ("locale", maybe(self.locale.as_ref())),
            ("timezone", maybe(self.timezone.as_ref())),
            ("hours", maybe(self.hours.as_ref().map(ToString::to_string).as_ref())),
            ("storm.ticket", maybe(self.storm.ticket.map(storm).as_ref())),
            ("storm.tenant", maybe(self.storm.tenant.map(storm).as_ref())),
        ]
    }
}

fn storm(storm: Storm) -> String {
    format!("{} within {}", storm.most, storm.within)
}

impl Described for Department {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("description", maybe(Some(&self.description).filter(|text| !text.is_empty()))), ("from_name", maybe(self.from_name.as_ref()))]
    }
}

impl Described for User {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let kind = match self.kind {
            UserType::Administrator => "administrator",
            UserType::Agent => "agent",
        };
        vec![
            ("name", self.name.clone()),
            ("email", maybe(self.email.as_ref())),
            ("phone", maybe(self.phone.as_ref())),
            ("type", kind.to_owned()),
            ("departments", list(&self.departments)),
            ("contacts", contacts(self)),
            ("sees", self.sees.as_str().to_owned()),
            ("follows", list(&self.follows)),
        ]
    }
}

/// The contacts beside those of `email` and `phone`; these only where they are not verified yet.
fn contacts(user: &User) -> String {
    let own = [("email", &user.email), ("phone", &user.phone)];
    let own: Vec<Contact> =
        own.iter().filter_map(|(channel, value)| Some(Contact { channel: (*channel).to_owned(), value: (*value).clone()? })).collect();
    let shown = |contact: &Contact| format!("{}:{}", contact.channel, contact.value);
    let more = user.contacts.iter().filter(|contact| !own.contains(contact)).map(shown);
    let lacking =
        own.iter().filter(|contact| !user.contacts.contains(*contact)).map(|contact| format!("{} (not verified)", shown(contact)));
    list(&more.chain(lacking).collect::<Vec<_>>())
}

impl Described for Group {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("name", self.name.clone()), ("members", list(&self.members)), ("follows", list(&self.follows))]
    }
}

impl Described for Category {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let by = (self.by != Strategy::Everyone).then(|| self.by.as_str().to_owned());
        vec![("department", maybe(self.department.as_ref())), ("assignee", maybe(self.assignee.as_ref())), ("by", maybe(by.as_ref()))]
    }
}

impl Described for Account {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let threading = match self.threading {
            ThreadingPolicy::Participants => "participants",
            ThreadingPolicy::Proof => "proof",
        };
        let mut fields = vec![
            ("channel", self.channel.as_str().to_owned()),
            ("address", self.address.clone()),
            ("from_name", maybe(self.from_name.as_ref())),
            ("default_category", maybe(self.category.as_ref())),
            ("threading", threading.to_owned()),
            ("closed", self.policies.closed.as_str().to_owned()),
            ("new_subject", self.policies.new_subject.as_str().to_owned()),
            ("window", maybe(self.policies.window.map(span).as_ref())),
            ("window_from", self.policies.window_from.as_str().to_owned()),
            ("acknowledge", self.acknowledge.to_string()),
            ("loop_cap", self.loop_cap.to_string()),
        ];
        fields.extend(mailbox(self.imap.as_ref()));
        fields.extend(sending(self.sender.as_ref()));
        fields
    }
}

/// A time as the desk file writes it.
fn span(time: TimeDelta) -> String {
    match time.num_seconds() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// The fields of a mailbox, the same ones when there is none.
fn mailbox(mailbox: Option<&Mailbox>) -> Vec<(&'static str, String)> {
    let tls = |mailbox: &Mailbox| match mailbox.tls {
        MailboxTls::Tls => "tls",
        MailboxTls::Starttls => "starttls",
        MailboxTls::None => "none",
    };
    let since = |mailbox: &Mailbox| match mailbox.since {
        MailboxSince::Everything => "everything",
        MailboxSince::Now => "now",
    };
    let field = |value: &dyn Fn(&Mailbox) -> String| maybe(mailbox.map(value).as_ref());
    vec![
        ("imap.host", field(&|mailbox| format!("{}:{}", mailbox.host, mailbox.port))),
        ("imap.tls", field(&|mailbox| tls(mailbox).to_owned())),
        ("imap.user", field(&|mailbox| mailbox.username.clone())),
        ("imap.password", field(&|mailbox| mailbox.password.clone())),
        ("imap.folders", field(&|mailbox| list(&mailbox.folders))),
        ("imap.poll", field(&|mailbox| format!("{}s", mailbox.poll_seconds))),
        ("imap.since", field(&|mailbox| since(mailbox).to_owned())),
    ]
}

/// The fields of a sender; none where there is none.
fn sending(sender: Option<&Sender>) -> Vec<(&'static str, String)> {
    let fields = sender.map(sender::fields).unwrap_or_default();
    let fields = fields.into_iter().map(|(name, value)| (name, maybe(value.as_ref())));
    fields.collect()
}

impl Described for Block {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        vec![("addresses", list(&addresses)), ("spam", self.spam.as_str().to_owned())]
    }
}

impl Described for Rule {
    fn fields(&self) -> Vec<(&'static str, String)> {
        match &self.rule {
            Ok(rule) => {
                let when: Vec<String> = rule.when.iter().map(ToString::to_string).collect();
                vec![("when", when.join(" and ")), ("then", rule.then.to_string())]
            }
            Err(why) => vec![("when", format!("(it cannot be read: {why})")), ("then", NONE.to_owned())],
        }
    }
}
