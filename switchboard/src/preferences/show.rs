//! What holds for somebody, and which layer decided it.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value as Json, json};
use sqlx::PgConnection;
use switchboard_common::db::preferences::{self, Owner};
use switchboard_common::domain::preferences::{Chosen, Effective, Route, Topic, Whose};

use super::who::Meant;
use super::words;
use crate::output::{CHANGED, FAINT, Page, REMOVED, pad, paint};

/// How somebody is told of things.
#[derive(Debug, Serialize)]
pub struct View {
    /// Who.
    pub who: String,
    /// The settings, by the keys of the schema: those of topics as `events.ticket.created`.
    pub settings: BTreeMap<String, Setting>,
    /// When the quiet hours end in which they are now.
    pub quiet_until: Option<DateTime<Utc>>,
    /// When their next digest comes, if there is something for it; clients have none.
    pub next_digest: Option<DateTime<Utc>>,
    /// What they chose themselves, as it is stored.
    pub own: Option<Json>,
    /// What is wrong with documents that count as if they were not there.
    pub not_understood: Vec<String>,
    #[serde(skip)]
    zone: chrono_tz::Tz,
}

/// A setting.
#[derive(Debug, Serialize)]
pub struct Setting {
    /// What holds.
    pub value: Json,
    /// In plain words.
    pub words: String,
    /// The layer that decided it.
    pub by: String,
}

/// Reads how somebody is told of things.
pub async fn view(connection: &mut PgConnection, meant: &Meant, now: DateTime<Utc>) -> anyhow::Result<View> {
    let clients = if let Owner::Client(id) = meant.owner { vec![(meant.tenant, id)] } else { Vec::new() };
    let mut layers = preferences::load(connection, &[meant.tenant.0], &clients).await?;
    let layers = layers.remove(&meant.tenant).context("the tenant is gone")?;
    let effective = match meant.owner {
        Owner::Tenant => Effective::of_user(&layers.tenant()),
        Owner::Clients => Effective::of_client(&layers.clients()),
        Owner::User(id) => layers.of_user(id),
        Owner::Client(id) => layers.of_client(id),
    };
    let names: BTreeMap<Owner, String> = switchboard_common::db::users::names(connection, Some(meant.tenant))
        .await?
        .into_iter()
        .map(|user| (Owner::User(user.id), user.handle))
        .collect();
    let broken = layers.broken.iter().filter(|broken| layers.concerns(meant.owner, broken.owner));
    let name = |owner: Owner| match owner {
        Owner::Tenant => "the tenant's".to_owned(),
        Owner::Clients => "the tenant's for its clients".to_owned(),
        Owner::User(_) => names.get(&owner).cloned().unwrap_or_default(),
        Owner::Client(_) => "their own".to_owned(),
    };
    let not_understood = broken.flat_map(|broken| broken.faults.iter().map(move |fault| format!("{}: {fault}", name(broken.owner))));
    let whose = meant.owner.whose();
    Ok(View {
        who: meant.name.clone(),
        quiet_until: effective.quiet_until(now),
        next_digest: (whose == Whose::User).then(|| effective.next_digest(now)),
        own: preferences::document(connection, meant.tenant, meant.owner).await?,
        not_understood: not_understood.collect(),
        zone: effective.zone(),
        settings: settings(&effective, whose),
    })
}

fn setting<T: Serialize>(chosen: &Chosen<T>, words: String) -> Setting {
    Setting { value: json!(chosen.value), words, by: chosen.by.to_string() }
}

fn settings(effective: &Effective, whose: Whose) -> BTreeMap<String, Setting> {
    let nobody = |words: &str| Setting { value: Json::Null, words: words.to_owned(), by: "built-in".to_owned() };
    let (channels, quiet) = (&effective.channels, &effective.quiet_hours);
    let is_open = whose == Whose::Client && channels.value.is_empty();
    let by_channels = if is_open { "where they last wrote".to_owned() } else { words::methods(&channels.value) };
    let locale = effective.locale.as_ref();
    let timezone = effective.timezone.as_ref();
    let mut settings = BTreeMap::from([
        ("locale", locale.map_or_else(|| nobody("en"), |locale| setting(locale, locale.value.clone()))),
        ("timezone", timezone.map_or_else(|| nobody("UTC"), |zone| setting(zone, zone.value.to_string()))),
        ("channels", setting(channels, by_channels)),
        ("quiet_hours", setting(quiet, words::quiet(quiet.value.as_ref()))),
        ("fallback", setting(&effective.fallback, words::fallback(&effective.fallback.value))),
    ]);
    if whose == Whose::User {
        let own = if effective.own_actions.value { "told" } else { "not told" };
        settings.extend([
            ("digest", setting(&effective.digest, words::rhythm(&effective.digest.value))),
            ("own_actions", setting(&effective.own_actions, own.to_owned())),
            ("muted_tickets", setting(&effective.muted_tickets, words::muted(&effective.muted_tickets.value))),
            ("storm", setting(&effective.storm, words::storm(effective.storm.value))),
        ]);
    }
    let mut settings: BTreeMap<String, Setting> = settings.into_iter().map(|(key, setting)| (key.to_owned(), setting)).collect();
    for topic in Topic::ALL.into_iter().filter(|topic| whose == Whose::User || topic.is_for_clients()) {
        let route = effective.route(topic);
        let is_open = is_open && route.value == Route::Methods(Vec::new()) && route.by == channels.by;
        let words = if is_open { "at once, where they last wrote".to_owned() } else { words::route(&route.value) };
        settings.insert(format!("events.{topic}"), setting(&route, words));
    }
    settings
}

/// The settings as people read them.
pub fn render(view: &View) -> String {
    const ORDER: [(&str, &str); 9] = [
        ("locale", "language"),
        ("timezone", "time zone"),
        ("channels", "told by"),
        ("fallback", "or else by"),
        ("quiet_hours", "quiet hours"),
        ("digest", "digest"),
        ("own_actions", "own actions"),
        ("muted_tickets", "muted"),
        ("storm", "storm"),
    ];
    let mut page = Page::default();
    page.heading(&format!("Preferences of {}", view.who));
    for (key, name) in ORDER {
        if let Some(setting) = view.settings.get(key) {
            page.field(name, by(setting));
        }
    }
    page.heading("Told of");
    for (topic, setting) in Topic::ALL.into_iter().filter_map(|topic| Some((topic, view.settings.get(&format!("events.{topic}"))?))) {
        page.line(1, &format!("{} {}", pad(words::topic(topic), 30), by(setting)));
    }
    page.heading("Now");
    let time = |at: DateTime<Utc>| at.with_timezone(&view.zone).format("%a %Y-%m-%d %H:%M %Z").to_string();
    page.field("quiet", view.quiet_until.map_or_else(|| "no".to_owned(), |until| paint(CHANGED, &format!("until {}", time(until)))));
    page.field("next digest", view.next_digest.map(time).unwrap_or_default());
    if !view.not_understood.is_empty() {
        page.heading("Not understood, and as if it were not there");
    }
    for fault in &view.not_understood {
        page.line(1, &paint(REMOVED, fault));
    }
    page.finish()
}

fn by(setting: &Setting) -> String {
    format!("{}  {}", setting.words, paint(FAINT, &format!("({})", setting.by)))
}
