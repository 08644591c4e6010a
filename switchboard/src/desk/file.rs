//! Reads a desk file: what each tenant should be. Every fault of a shape is noted here; whether the
//! names that it speaks of exist is looked at in [`super::check`].

use std::collections::{BTreeMap, BTreeSet};

use switchboard_common::db::desk::{Category, Contact, Customize, Department, Desk, Group, Sees, User, UserType};
use switchboard_common::domain::preferences::Whose;
use toml::Table;

use super::fields::{Faults, Fields};
use super::rule::{hours, rule, strategy};
use super::{accounts, preferences, storm, values};

/// The desks of a file, by the tenant's name.
pub type Desks = BTreeMap<String, Desk>;

/// Reads the text of a file. What is returned beside faults is of use for finding more of them only.
pub fn read(text: &str, faults: &mut Faults) -> Desks {
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            faults.push(format!("not TOML: {}", error.to_string().trim_end()));
            return Desks::new();
        }
    };
    let mut file = Fields::new("the file".to_owned(), table, faults);
    let tables = file.tables("tenant");
    if tables.is_empty() {
        file.fault("there is no [[tenant]]");
    }
    file.finish();
    let tenants = List { owner: "", kind: "tenant", key: "name", check: values::tenant_name };
    tenants.read(tables, faults, tenant).into_iter().collect()
}

fn tenant(name: &str, fields: &mut Fields<'_>) -> Desk {
    let owner = format!("tenant {name}: ");
    let [departments, users, groups, categories, account_tables, rules] =
        ["departments", "users", "groups", "categories", "accounts", "rules"].map(|kind| fields.tables(kind));
    let client_tables = fields.tables("clients");
    let template_tables = fields.tables("templates");
    let [customize, hours_table, storm, block] = ["customize", "hours", "storm", "block"].map(|key| fields.table(key));
    let users_preferences = preferences::read("preferences", Whose::User, fields);
    let clients_preferences = preferences::read("clients_preferences", Whose::Client, fields);
    let faults = fields.faults();
    let list = |kind, key, check| List { owner: &owner, kind, key, check };
    let customize = customize.map(|table| customize_of(&owner, table, faults)).unwrap_or_default();
    let hours = hours_table.map(|table| hours(&owner, table, faults));
    let storm = storm.map(|table| storm::limits(&format!("{owner}storm"), table, faults)).unwrap_or_default();
    Desk {
        customize: Customize { hours, storm, ..customize },
        departments: list("department", "name", values::name).read(departments, faults, department).into_iter().collect(),
        users: list("user", "handle", values::handle).read(users, faults, user).into_iter().collect(),
        groups: list("group", "handle", values::handle).read(groups, faults, group).into_iter().collect(),
        categories: list("category", "name", values::name).read(categories, faults, category).into_iter().collect(),
        accounts: list("account", "name", values::handle).read(account_tables, faults, accounts::account).into_iter().collect(),
        clients: super::clients::read(client_tables, &owner, faults),
        block: block.map(|table| accounts::block(&format!("{owner}block"), table, faults)).unwrap_or_default(),
        templates: super::templates::read(template_tables, &owner, faults),
        rules: list("rule", "name", values::name).read(rules, faults, rule).into_iter().map(|(_, rule)| rule).collect(),
        preferences: users_preferences,
        clients_preferences,
    }
}

fn customize_of(owner: &str, table: Table, faults: &mut Faults) -> Customize {
    let mut fields = Fields::new(format!("{owner}customize"), table, faults);
    let customize = Customize {
        brand: fields.parsed("brand", values::name),
        from_name: fields.parsed("from_name", values::name),
        logo: fields.parsed("logo", values::logo),
        color: fields.parsed("color", values::color),
        footer: fields.long_text("footer"),
        locale: fields.parsed("locale", values::locale),
        timezone: fields.parsed("timezone", values::timezone),
        ..Customize::default()
    };
    fields.finish();
    customize
}

fn department(_: &str, fields: &mut Fields<'_>) -> Department {
    Department { description: fields.text("description").unwrap_or_default(), from_name: fields.parsed("from_name", values::name) }
}

fn user(_: &str, fields: &mut Fields<'_>) -> User {
    let name = fields.required("name", values::name).unwrap_or_default();
    let email = fields.required("email", values::email);
    let phone = fields.parsed("phone", values::phone);
    let own = |channel: &str, value: &Option<String>| value.clone().map(|value| Contact { channel: channel.to_owned(), value });
    let mut contacts: BTreeSet<Contact> = own("email", &email).into_iter().chain(own("phone", &phone)).collect();
    contacts.extend(fields.all_parsed("contacts", values::contact));
    User {
        name,
        email,
        phone,
        kind: fields.choice("type", &[("administrator", UserType::Administrator), ("agent", UserType::Agent)], UserType::Agent),
        departments: fields.texts("departments").into_iter().collect(),
        contacts,
        sees: fields.choice("sees", &Sees::ALL.map(|sees| (sees.as_str(), sees)), Sees::default()),
        follows: fields.texts("follows").into_iter().collect(),
        preferences: preferences::read("preferences", Whose::User, fields),
    }
}

fn group(_: &str, fields: &mut Fields<'_>) -> Group {
    Group {
        name: fields.required("name", values::name).unwrap_or_default(),
        members: fields.texts("members").into_iter().collect(),
        follows: fields.texts("follows").into_iter().collect(),
        preferences: preferences::read("preferences", Whose::User, fields),
    }
}

fn category(_: &str, fields: &mut Fields<'_>) -> Category {
    Category { department: fields.text("department"), assignee: fields.text("assignee"), by: strategy(fields) }
}

/// A list of tables of one kind, each with a name of its own.
pub(super) struct List<'a> {
    /// What stands before the kind in the name of a place.
    pub owner: &'a str,
    pub kind: &'static str,
    /// The key of the name.
    pub key: &'static str,
    pub check: fn(&str) -> Result<String, String>,
}

impl List<'_> {
    /// Reads them in their order. One whose name is wrong is kept under it, so that those who speak
    /// of it are not told that it does not exist.
    pub fn read<T>(&self, tables: Vec<Table>, faults: &mut Faults, read: impl Fn(&str, &mut Fields<'_>) -> T) -> Vec<(String, T)> {
        let mut named: Vec<(String, T)> = Vec::new();
        for (number, table) in (1..).zip(tables) {
            let name =
                table.get(self.key).and_then(|name| name.as_str()).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
            let shown = name.clone().unwrap_or_else(|| number.to_string());
            let mut fields = Fields::new(format!("{}{} {shown}", self.owner, self.kind), table, faults);
            fields.required(self.key, self.check);
            let value = read(&shown, &mut fields);
            if named.iter().any(|(known, _)| Some(known) == name.as_ref()) {
                fields.fault("stands there twice");
            }
            fields.finish();
            named.extend(name.map(|name| (name, value)));
        }
        named
    }
}
