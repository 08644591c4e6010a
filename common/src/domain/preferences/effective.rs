//! What comes of the layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::times::{QuietHours, Rhythm};
use super::units::Every;
use super::{Preferences, Quiet, Route, Storm, Topic};
use crate::domain::method::Method;

/// Whose layer it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerName {
    /// What holds where nobody said anything.
    BuiltIn,
    /// The language and the time zone that the desk itself has.
    Customize,
    /// The tenant's: for its users, or for its clients.
    Tenant,
    /// A group's, by its handle.
    Group(String),
    /// The person's own.
    Person,
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::Customize => f.write_str("customize"),
            Self::Tenant => f.write_str("tenant"),
            Self::Group(handle) => write!(f, "group {handle}"),
            Self::Person => f.write_str("own"),
        }
    }
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Whose.
    pub name: LayerName,
    /// What it says.
    pub says: Preferences,
}

/// A setting, and which layer decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen<T> {
    /// The setting.
    pub value: T,
    /// Whose it is.
    pub by: LayerName,
}

impl<T> Chosen<T> {
    fn built_in(value: T) -> Self {
        Self { value, by: LayerName::BuiltIn }
    }

    fn take(&mut self, said: Option<T>, by: &LayerName) {
        if let Some(value) = said {
            *self = Self { value, by: by.clone() };
        }
    }
}

/// All settings of one person, as the layers leave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The language; none where nobody chose one.
    pub locale: Option<Chosen<String>>,
    /// The time zone; none where nobody chose one, which is UTC.
    pub timezone: Option<Chosen<Tz>>,
    /// By what they are told. Empty for a client who chose nothing: by what they last wrote.
    pub channels: Chosen<Vec<Method>>,
    /// How they are told of single topics.
    pub events: BTreeMap<Topic, Chosen<Route>>,
    /// When they are not to be disturbed.
    pub quiet_hours: Chosen<Option<QuietHours>>,
    /// How often a digest comes.
    pub digest: Chosen<Rhythm>,
    /// By what else.
    pub fallback: Chosen<Vec<Method>>,
    /// Whether they are told of what they did themselves.
    pub own_actions: Chosen<bool>,
    /// Of which tickets they are told nothing.
    pub muted_tickets: Chosen<BTreeSet<i64>>,
    /// What counts as a storm.
    pub storm: Chosen<Storm>,
}

impl Effective {
    /// A user's settings: what is built in, and these layers, the later over the earlier.
    #[must_use]
    pub fn of_user(layers: &[Layer]) -> Self {
        Self::built_in(vec![Method::Email], vec![Method::Email]).under(layers)
    }

    /// A client's settings.
    #[must_use]
    pub fn of_client(layers: &[Layer]) -> Self {
        Self::built_in(Vec::new(), Vec::new()).under(layers)
    }

    fn built_in(channels: Vec<Method>, fallback: Vec<Method>) -> Self {
        Self {
            locale: None,
            timezone: None,
            channels: Chosen::built_in(channels),
            events: BTreeMap::new(),
            quiet_hours: Chosen::built_in(None),
            digest: Chosen::built_in(Rhythm::hourly()),
            fallback: Chosen::built_in(fallback),
            own_actions: Chosen::built_in(false),
            muted_tickets: Chosen::built_in(BTreeSet::new()),
            storm: Chosen::built_in(Storm { most: 20, within: Every::minutes(10) }),
        }
    }

    fn under(mut self, layers: &[Layer]) -> Self {
        for Layer { name, says } in layers {
            if let Some(locale) = &says.locale {
                self.locale = Some(Chosen { value: locale.clone(), by: name.clone() });
            }
            if let Some(timezone) = says.timezone {
                self.timezone = Some(Chosen { value: timezone, by: name.clone() });
            }
            self.channels.take(says.channels.clone(), name);
            for (topic, route) in says.events.iter().flatten() {
                self.events.insert(*topic, Chosen { value: route.clone(), by: name.clone() });
            }
            let quiet = says.quiet_hours.as_ref().map(|quiet| match quiet {
                Quiet::None(_) => None,
                Quiet::Hours(hours) => Some(hours.clone()),
            });
            self.quiet_hours.take(quiet, name);
            self.digest.take(says.digest.clone(), name);
            self.fallback.take(says.fallback.clone(), name);
            self.own_actions.take(says.own_actions, name);
            self.muted_tickets.take(says.muted_tickets.clone(), name);
            self.storm.take(says.storm, name);
        }
        self
    }

    /// How they are told of a topic: as they say of it, or else by their channels.
    #[must_use]
    pub fn route(&self, topic: Topic) -> Chosen<Route> {
        self.events
            .get(&topic)
            .cloned()
            .unwrap_or_else(|| Chosen { value: Route::Methods(self.channels.value.clone()), by: self.channels.by.clone() })
    }

    /// The time zone: theirs, or UTC.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.timezone.as_ref().map_or(Tz::UTC, |zone| zone.value)
    }

    /// When the quiet hours end that `now` lies in; none when it lies in none.
    #[must_use]
    pub fn quiet_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.quiet_hours.value.as_ref()?.end(now, self.zone())
    }

    /// When the next digest comes: by their rhythm, or if that is in quiet hours at the end of those.
    #[must_use]
    pub fn next_digest(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let next = self.digest.value.next(now, self.zone());
        self.quiet_until(next).unwrap_or(next)
    }
}

#[cfg(test)]
mod tests;
