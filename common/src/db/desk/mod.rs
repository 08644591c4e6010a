//! A desk as `switchboard apply` sees it: everything by its name, so that what a file says and what
//! the database holds can be laid side by side.

mod clients;
mod mailboxes;
mod preferences;
mod read;
mod templates;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::mailboxes::Mailbox;
use crate::db::routing::ThreadingPolicy;
use crate::db::templates::Words;
use crate::domain::hours::Hours;
use crate::domain::inbound::Channel;
use crate::domain::method::Method;
use crate::domain::policy::{BlockEntry, Policies, SpamPolicy};
use crate::domain::preferences::Storm;
use crate::domain::rules::{self, Strategy};
use crate::domain::sender::Sender;
use crate::ids::{AccountId, CategoryId, ClientId, DepartmentId, RuleId, TenantId, UserId};

pub use clients::{ClientRecord, ContactOwner, contact_owners, put_client, withdraw_clients};
pub use mailboxes::put_mailbox;
pub use preferences::{client_ids, set_follows};
pub use read::{address_owners, find_tenant, load, lock_tenant};
pub use templates::put_templates;
pub use write::{
    archive_categories, archive_departments, archive_users, bump_revision, delete_rules, disable_accounts, free_names, put_account,
    put_block, put_category, put_customize, put_department, put_group, put_rule, put_user, release_users, seed, set_departments,
    set_members,
};

/// All that `apply` makes match a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desk {
    /// How the desk presents itself.
    pub customize: Customize,
    /// The departments, by name.
    pub departments: BTreeMap<String, Department>,
    /// The people, by handle.
    pub users: BTreeMap<String, User>,
    /// The groups, by handle.
    pub groups: BTreeMap<String, Group>,
    /// The categories, by name.
    pub categories: BTreeMap<String, Category>,
    /// The mail accounts, by name.
    pub accounts: BTreeMap<String, Account>,
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// The clients on record, by the name that the file has for each.
    pub clients: BTreeMap<String, ClientRecord>,
    /// Of whom nothing is taken.
    pub block: Block,
    /// What is chosen for all of its people: a document, as `Preferences::document` writes it.
    pub preferences: Option<Value>,
    /// What is chosen for all of its clients.
    pub clients_preferences: Option<Value>,
    /// Its own words, by template, channel and locale.
    pub templates: BTreeMap<String, OwnTemplate>,
}

/// What a tenant does not take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// Of whom it takes nothing.
    pub addresses: BTreeSet<BlockEntry>,
    /// What becomes of spam.
    pub spam: SpamPolicy,
}

/// A tenant's own words for a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTemplate {
    /// The template, such as `ticket.created.client`.
    pub template: String,
    /// The channel.
    pub channel: Method,
    /// The locale; empty for every one.
    pub locale: String,
    /// The words.
    pub words: Words,
}

impl OwnTemplate {
    /// What it is called in a desk.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {} {}", self.template, self.channel, self.locale).trim_end().to_owned()
    }
}

/// How the desk presents itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Customize {
    /// What the desk is called.
    pub brand: Option<String>,
    /// The name that mail is sent in.
    pub from_name: Option<String>,
    /// The URL of its logo.
    pub logo: Option<String>,
    /// Its colour, `#rrggbb`.
    pub color: Option<String>,
    /// What stands below every message.
    pub footer: Option<String>,
    /// The language, such as `pt-BR`.
    pub locale: Option<String>,
    /// The time zone, such as `Europe/Lisbon`.
    pub timezone: Option<String>,
    /// When it is at work.
    pub hours: Option<Hours>,
    /// What counts as a storm in it.
    pub storm: StormLimits,
}

/// What counts as a storm of a ticket and of the whole desk; what is not said is as usual
/// ([`Storms`](crate::db::audience::Storms)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StormLimits {
    /// So many notifications of one ticket.
    pub ticket: Option<Storm>,
    /// So many notifications of the whole desk.
    pub tenant: Option<Storm>,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// What it does.
    pub description: String,
    /// The name that mail about its tickets is sent in.
    pub from_name: Option<String>,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "user_type", rename_all = "snake_case")]
pub enum UserType {
    /// Everything.
    Administrator,
    /// Answer.
    Agent,
}

/// Which tickets a person may read. What is assigned to them or has them in cc they may always read, and an administrator
/// everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sees {
    /// Every ticket.
    #[default]
    All,
    /// Those of their departments.
    Departments,
    /// Those that are given to them.
    Assigned,
}

impl Sees {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::Departments, Self::Assigned];

    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Departments => "departments",
            Self::Assigned => "assigned",
        }
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The full name.
    pub name: String,
    /// The mail address.
    pub email: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// What they may do.
    pub kind: UserType,
    /// The names of their departments.
    pub departments: BTreeSet<String>,
    /// Their verified contacts, those of `email` and `phone` among them.
    pub contacts: BTreeSet<Contact>,
    /// Which tickets they may read.
    pub sees: Sees,
    /// The names of departments that they follow.
    pub follows: BTreeSet<String>,
    /// What they chose. In a file none means that it says nothing about that.
    pub preferences: Option<Value>,
}

/// A way to reach a person, and to know them by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// `email`, `phone`, `slack`, `whatsapp` or `webhook`.
    pub channel: String,
    /// The address there.
    pub value: String,
}

/// A group of people and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The handles of its members.
    pub members: BTreeSet<String>,
    /// The names of departments that its people follow.
    pub follows: BTreeSet<String>,
    /// What is chosen for its people.
    pub preferences: Option<Value>,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The name of the department that it leads to.
    pub department: Option<String>,
    /// The handle of the person or group that it leads to.
    pub assignee: Option<String>,
    /// How the group shares its tickets.
    pub by: Strategy,
}

/// An account of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where its messages come in.
    pub channel: Channel,
    /// The address that clients write to: a mail address, a number, a workspace.
    pub address: String,
    /// The name that its mail is sent in.
    pub from_name: Option<String>,
    /// The name of the category of what no rule decides.
    pub category: Option<String>,
    /// Who may join a ticket by quoting a Message-ID.
    pub threading: ThreadingPolicy,
    /// What becomes of what points at a ticket, or at none.
    pub policies: Policies,
    /// Whether clients are told that their mail came.
    pub acknowledge: bool,
    /// At most so many mails an hour to one address in answer to mail from one address.
    pub loop_cap: i32,
    /// The mailbox that its mail is fetched from; without one it comes by the pipe alone.
    pub imap: Option<Mailbox>,
    /// How it sends; a mail account without one uses the mail server that is configured for all.
    pub sender: Option<Sender>,
}

/// A routing rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// The rule, or why what the database holds cannot be read as one.
    pub rule: Result<rules::Rule, String>,
}

/// A desk as the database holds it.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// What is in use.
    pub desk: Desk,
    /// The ids of all that has ever been, also of what is archived.
    pub ids: Ids,
    /// The names of all people and groups by their handle, also of those archived.
    pub names: BTreeMap<String, String>,
    /// The handles that are groups, also of those archived.
    pub groups: BTreeSet<String>,
    /// The channels of all accounts by their names, also of those disabled.
    pub channels: BTreeMap<String, String>,
}

/// Ids by name.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    /// Of the departments.
    pub departments: BTreeMap<String, DepartmentId>,
    /// Of people and groups, by handle.
    pub users: BTreeMap<String, UserId>,
    /// Of the categories.
    pub categories: BTreeMap<String, CategoryId>,
    /// Of the accounts.
    pub accounts: BTreeMap<String, AccountId>,
    /// Of the rules.
    pub rules: BTreeMap<String, RuleId>,
    /// Of the clients on record.
    pub clients: BTreeMap<String, ClientId>,
}

impl Ids {
    /// The ids of these departments, those that are known.
    #[must_use]
    pub fn departments(&self, names: &BTreeSet<String>) -> Vec<Uuid> {
        names.iter().filter_map(|name| self.departments.get(name)).map(|id| id.0).collect()
    }
}

/// An account in use, whoever's it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressOwner {
    /// Whose.
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub tenant: String,
    /// The account's name.
    pub account: String,
    /// The account's channel.
    pub channel: String,
    /// The account's address.
    pub address: String,
}

/// The document that the database keeps of [`Customize`], beside what others keep in it.
type CustomizeData = Json<BTreeMap<String, serde_json::Value>>;
