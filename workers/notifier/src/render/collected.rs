//! A digest as the templates see it: what happened, ticket by ticket.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use switchboard_common::db::letters::DigestItem;

use super::brand::Appearance;
use super::helpers::truncate;
use super::language::Language;
use super::phrases::{Catalogue, Speechless};
use super::view::{Frame, title};
use super::{DigestDraft, RenderError, Template, clean};

/// So many letters of a message are shown.
const EXCERPT: usize = 160;
/// So many letters of the tickets' titles stand in the subject.
const TITLES: usize = 100;
/// The causes why something is collected, in the order in which they are told.
const CAUSES: [&str; 3] = ["digest", "quiet_hours", "storm"];

#[derive(Debug, Serialize)]
pub(super) struct Collected {
    #[serde(flatten)]
    pub frame: Frame,
    /// How many there are in all.
    pub count: i64,
    /// How many of them are not shown.
    pub more: i64,
    /// The titles of the tickets, as a subject has room for.
    titles: String,
    /// How many tickets those that are shown are about.
    ticket_count: usize,
    /// They are about more than one.
    is_several: bool,
    pub tickets: Vec<Ticket>,
    /// Why they were collected, a sentence each.
    causes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Ticket {
    number: i64,
    title: String,
    count: usize,
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    event: String,
    what: String,
    at: DateTime<Utc>,
    excerpt: Option<String>,
}

impl Collected {
    pub fn new(draft: &DigestDraft<'_>, language: &Language<'_>) -> Result<Self, RenderError> {
        let letter = draft.letter;
        let phrases = language.catalogue;
        let mut tickets: Vec<Ticket> = Vec::new();
        for item in &letter.items {
            let shown = Item::new(item, phrases)?;
            match tickets.iter_mut().find(|ticket| ticket.number == item.number) {
                Some(ticket) => {
                    ticket.items.push(shown);
                    ticket.count += 1;
                }
                None => tickets.push(Ticket { number: item.number, title: title(&item.title, phrases), count: 1, items: vec![shown] }),
            }
        }
        let shown = i64::try_from(letter.items.len()).unwrap_or(i64::MAX);
        let causes: BTreeSet<&str> = letter.items.iter().map(|item| item.cause.as_str()).collect();
        let causes = CAUSES.iter().filter(|cause| causes.contains(*cause));
        let titles: Vec<String> = tickets.iter().map(|ticket| format!("#{} {}", ticket.number, ticket.title)).collect();
        Ok(Self {
            frame: Frame::new(
                Template::Digest,
                Appearance::new(&letter.branding),
                &letter.recipient_name,
                language,
                letter.timezone,
                draft.unsubscribe,
            ),
            count: letter.total.max(shown),
            more: (letter.total - shown).max(0),
            titles: truncate(&titles.join(", "), TITLES),
            ticket_count: tickets.len(),
            is_several: tickets.len() > 1,
            tickets,
            causes: causes.map(|cause| phrases.say(&format!("digest.because_{cause}"), |_| None)).collect::<Result<_, _>>()?,
        })
    }
}

impl Item {
    fn new(item: &DigestItem, phrases: &Catalogue) -> Result<Self, RenderError> {
        let actor = item.actor_name.as_deref().map(clean::header);
        let section = Template::parse(&item.template).filter(|template| *template != Template::Digest).map_or("other", Template::section);
        let value = |name: &str| actor.clone().filter(|_| name == "actor");
        // Not everything that happens is somebody's doing.
        let by = actor.as_ref().map(|_| phrases.say(&format!("item.{section}_by"), value));
        let what = match by {
            Some(Ok(what)) => what,
            Some(Err(Speechless::NoPhrase(_))) | None => phrases.say(&format!("item.{section}"), value)?,
            Some(Err(speechless)) => return Err(speechless.into()),
        };
        let excerpt = item.excerpt.as_deref().map(|text| truncate(&clean::line(text), EXCERPT)).filter(|text| !text.is_empty());
        let event = Template::parse(&item.template).map_or_else(|| clean::header(&item.template), |template| template.event().to_owned());
        Ok(Self { event, what, at: item.at, excerpt })
    }
}
