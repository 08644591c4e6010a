//! What is built in, as phrases: a file for each language, `templates/phrases/en.toml` and others.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Offset, Utc};
use chrono_tz::{OffsetName, Tz};
use intl_pluralrules::{PluralCategory, PluralRuleType, PluralRules};
use serde::Deserialize;
use unic_langid::LanguageIdentifier;

/// The language that has every phrase, and that is left when there is no other.
pub(super) const ENGLISH: &str = "en";

/// A language's phrases.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// The language, such as `pt-BR`.
    pub tag: &'static str,
    calendar: Calendar,
    phrases: HashMap<String, Phrase>,
}

/// How a date is written.
#[derive(Debug, Deserialize)]
struct Calendar {
    months: [String; 12],
    first_day: String,
    date: String,
}

/// A phrase, in a form for each plural category; one without a count has the form `other` alone.
#[derive(Debug)]
struct Phrase {
    forms: Vec<(PluralCategory, Vec<Piece>)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Said(String),
    Placeholder(String),
}

/// Why there is no phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Speechless {
    #[error("there is no phrase {0}")]
    NoPhrase(String),
    #[error("the phrase {0} takes {{{1}}}, and there is none")]
    NoValue(String, String),
}

static CATALOGUES: LazyLock<[Catalogue; 5]> = LazyLock::new(|| {
    [
        Catalogue::embedded(ENGLISH, include_str!("../../templates/phrases/en.toml")),
        Catalogue::embedded("de", include_str!("../../templates/phrases/de.toml")),
        Catalogue::embedded("fr", include_str!("../../templates/phrases/fr.toml")),
        Catalogue::embedded("es", include_str!("../../templates/phrases/es.toml")),
        Catalogue::embedded("pt-BR", include_str!("../../templates/phrases/pt-BR.toml")),
    ]
});

/// All languages that are built in.
pub(super) fn all() -> &'static [Catalogue] {
    &*CATALOGUES
}

/// The language before the country: `pt` of `pt-BR`.
pub(super) fn base(locale: &str) -> &str {
    locale.split_once('-').map_or(locale, |(base, _)| base)
}

/// The phrases of a locale: its own, or else those of its language, whatever the country.
pub(super) fn find(locale: &str) -> Option<&'static Catalogue> {
    let exact = all().iter().find(|catalogue| catalogue.tag == locale);
    exact.or_else(|| all().iter().find(|catalogue| base(catalogue.tag) == base(locale)))
}

/// English.
pub(super) fn english() -> &'static Catalogue {
    &CATALOGUES[0]
}

impl Catalogue {
    fn embedded(tag: &'static str, source: &str) -> Self {
        match Self::read(tag, source) {
            Ok(catalogue) => catalogue,
            Err(error) => unreachable!("the embedded phrases of {tag} are tested and cannot be read: {error}"),
        }
    }

    fn read(tag: &'static str, source: &str) -> Result<Self, String> {
        let mut file: toml::Table = source.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let language = file.remove("language").ok_or("there is no [language]")?;
        let calendar = Calendar::deserialize(language).map_err(|error| error.to_string())?;
        let mut phrases = HashMap::new();
        for (section, entries) in file {
            for (key, value) in entries.as_table().ok_or_else(|| format!("{section} is no table"))? {
                let name = format!("{section}.{key}");
                let phrase = Phrase::read(value).ok_or_else(|| format!("{name} is no phrase"))?;
                phrases.insert(name, phrase);
            }
        }
        Ok(Self { tag, calendar, phrases })
    }

    /// A phrase with its placeholders filled in.
    ///
    /// # Errors
    /// When there is no such phrase, or no value for one of its placeholders.
    pub fn say(&self, key: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, Speechless> {
        let phrase = self.phrases.get(key).ok_or_else(|| Speechless::NoPhrase(key.to_owned()))?;
        let category = value("count").and_then(|count| category(self.tag, &count)).unwrap_or(PluralCategory::OTHER);
        let mut said = String::new();
        for piece in phrase.form(category) {
            match piece {
                Piece::Said(text) => said.push_str(text),
                Piece::Placeholder(name) => {
                    said.push_str(&value(name).ok_or_else(|| Speechless::NoValue(key.to_owned(), name.clone()))?);
                }
            }
        }
        Ok(said)
    }

    /// A point in time in a zone, as people of the language write it.
    pub fn date(&self, at: DateTime<Utc>, zone: Tz) -> String {
        let local = at.with_timezone(&zone);
        let day = if local.day() == 1 { self.calendar.first_day.clone() } else { local.day().to_string() };
        let month = usize::try_from(local.month0()).ok().and_then(|month| self.calendar.months.get(month));
        // Zones without a name of their own are called by their offset, such as -03.
        let zone = match local.offset().abbreviation() {
            Some(name) if name.bytes().all(|byte| byte.is_ascii_alphabetic()) => name.to_owned(),
            _ => format!("UTC{}", local.offset().fix()),
        };
        self.calendar
            .date
            .replace("{day}", &day)
            .replace("{month}", month.map_or("", String::as_str))
            .replace("{year}", &local.year().to_string())
            .replace("{time}", &local.format("%H:%M").to_string())
            .replace("{zone}", &zone)
    }

    /// A reason as the database holds it, in this language where it is one that is known.
    pub fn reason(&self, reason: &str) -> String {
        if self.tag == ENGLISH {
            return reason.to_owned();
        }
        for (key, phrase) in english().reasons() {
            let Some(found) = phrase.recognise(reason) else { continue };
            let value = |name: &str| {
                let (_, value) = found.iter().find(|(known, _)| *known == name)?;
                Some(if name == "role" { self.reason(value) } else { value.clone() })
            };
            return self.say(key, value).unwrap_or_else(|_| reason.to_owned());
        }
        reason.to_owned()
    }

    /// The phrases of reasons, what others stand within first.
    fn reasons(&self) -> impl Iterator<Item = (&str, &Phrase)> {
        let mut reasons: Vec<_> = self.phrases.iter().filter(|(key, _)| key.starts_with("reasons.")).collect();
        reasons.sort_by_key(|(key, _)| (*key != "reasons.through_group", *key));
        reasons.into_iter().map(|(key, phrase)| (key.as_str(), phrase))
    }

    /// The keys of all phrases, with the placeholders of each form.
    #[cfg(test)]
    fn shape(&self) -> std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> {
        let placeholders = |phrase: &'static Phrase| {
            let pieces = phrase.forms.iter().flat_map(|(_, pieces)| pieces);
            pieces.filter_map(|piece| if let Piece::Placeholder(name) = piece { Some(name.as_str()) } else { None }).collect()
        };
        let phrases = &find(self.tag).expect("itself").phrases;
        phrases.iter().map(|(key, phrase)| (key.as_str(), placeholders(phrase))).collect()
    }
}

impl Phrase {
    fn read(value: &toml::Value) -> Option<Self> {
        match value {
            toml::Value::String(text) => Some(Self { forms: vec![(PluralCategory::OTHER, pieces(text))] }),
            toml::Value::Table(forms) => {
                let forms = forms.iter().map(|(name, text)| Some((named(name)?, pieces(text.as_str()?))));
                Some(Self { forms: forms.collect::<Option<_>>()? })
            }
            _ => None,
        }
    }

    fn form(&self, category: PluralCategory) -> &[Piece] {
        let of = |category| self.forms.iter().find(|(known, _)| *known == category);
        of(category).or_else(|| of(PluralCategory::OTHER)).map_or(&[], |(_, pieces)| pieces)
    }

    /// What stands in the place of each placeholder of a text that was made of this phrase.
    fn recognise<'p>(&'p self, text: &str) -> Option<Vec<(&'p str, String)>> {
        let mut found = Vec::new();
        let mut rest = text;
        let mut pieces = self.form(PluralCategory::OTHER).iter().peekable();
        while let Some(piece) = pieces.next() {
            match (piece, pieces.peek()) {
                (Piece::Said(said), _) => rest = rest.strip_prefix(said.as_str())?,
                (Piece::Placeholder(name), Some(Piece::Said(next))) => {
                    let (value, _) = rest.split_once(next.as_str())?;
                    found.push((name.as_str(), value.to_owned()));
                    rest = &rest[value.len()..];
                }
                (Piece::Placeholder(name), _) => {
                    found.push((name.as_str(), rest.to_owned()));
                    rest = "";
                }
            }
        }
        rest.is_empty().then_some(found)
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        pieces.extend((!before.is_empty()).then(|| Piece::Said(before.to_owned())));
        pieces.push(Piece::Placeholder(name.to_owned()));
        rest = behind;
    }
    pieces.extend((!rest.is_empty()).then(|| Piece::Said(rest.to_owned())));
    pieces
}

/// The plural category of a name.
fn named(name: &str) -> Option<PluralCategory> {
    CATEGORIES.into_iter().find(|(_, known)| *known == name).map(|(category, _)| category)
}

const CATEGORIES: [(PluralCategory, &str); 6] = [
    (PluralCategory::ZERO, "zero"),
    (PluralCategory::ONE, "one"),
    (PluralCategory::TWO, "two"),
    (PluralCategory::FEW, "few"),
    (PluralCategory::MANY, "many"),
    (PluralCategory::OTHER, "other"),
];

/// The name of the plural category of a number in a language (CLDR), `other` where the language has no rule.
pub(super) fn plural(locale: &str, number: &str) -> &'static str {
    let category = category(locale, number).unwrap_or(PluralCategory::OTHER);
    CATEGORIES.into_iter().find(|(known, _)| *known == category).map_or("other", |(_, name)| name)
}

fn category(locale: &str, number: &str) -> Option<PluralCategory> {
    let language = |text: &str| LanguageIdentifier::from_str(text).ok();
    let rules = |text: &str| PluralRules::create(language(text)?, PluralRuleType::CARDINAL).ok();
    rules(locale).or_else(|| rules(base(locale)))?.select(number).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_language_has_every_phrase_with_the_same_placeholders() {
        for catalogue in all() {
            assert_eq!(catalogue.shape(), english().shape(), "{}", catalogue.tag);
            for (key, phrase) in &catalogue.phrases {
                for (category, form) in &phrase.forms {
                    let text = format!("{form:?}");
                    assert!(!text.contains(['<', '>', '&', '\n']), "{} {key} {category:?}: {text}", catalogue.tag);
                }
            }
        }
    }

    #[test]
    fn a_phrase_with_a_count_has_a_form_for_each_category_of_its_language() {
        for catalogue in all() {
            let categories: BTreeSet<&str> = (0..200).map(|number| plural(catalogue.tag, &number.to_string())).collect();
            let counted: Vec<_> = catalogue.phrases.iter().filter(|(_, phrase)| phrase.forms.len() > 1).collect();
            assert!(counted.len() >= 4, "{}", catalogue.tag);
            for (key, phrase) in counted {
                let forms: BTreeSet<&str> = CATEGORIES
                    .iter()
                    .filter(|(category, _)| phrase.forms.iter().any(|(known, _)| known == category))
                    .map(|(_, n)| *n)
                    .collect();
                assert_eq!(forms, categories, "{} {key}", catalogue.tag);
            }
        }
    }

    #[test]
    fn numbers_count_as_their_language_counts_them() {
        let table = [
            ("en", "0", "other"),
            ("en", "1", "one"),
            ("de", "1", "one"),
            ("fr", "0", "one"),
            ("fr", "2", "other"),
            ("es", "0", "other"),
            ("pt-BR", "0", "one"),
            ("pl", "3", "few"),
            ("pl", "5", "many"),
            ("ar", "2", "two"),
            ("de-AT", "1", "one"),
            ("xx", "1", "other"),
        ];
        for (locale, number, expected) in table {
            assert_eq!(plural(locale, number), expected, "{number} in {locale}");
        }
    }

    #[test]
    fn dates_are_in_the_readers_zone_and_language_also_when_the_clocks_change() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let date = |tag, time, zone: Tz| find(tag).expect("a language").date(at(time), zone);
        let new_york = chrono_tz::America::New_York;
        assert_eq!(date("en", "2026-03-08T06:59:00Z", new_york), "8 March 2026, 01:59 EST");
        assert_eq!(date("en", "2026-03-08T07:00:00Z", new_york), "8 March 2026, 03:00 EDT");
        assert_eq!(date("en", "2026-11-01T05:30:00Z", new_york), "1 November 2026, 01:30 EDT");
        assert_eq!(date("en", "2026-11-01T06:30:00Z", new_york), "1 November 2026, 01:30 EST");
        assert_eq!(date("de", "2026-03-29T00:59:00Z", chrono_tz::Europe::Berlin), "29. März 2026, 01:59 Uhr (CET)");
        assert_eq!(date("de", "2026-03-29T01:00:00Z", chrono_tz::Europe::Berlin), "29. März 2026, 03:00 Uhr (CEST)");
        assert_eq!(date("fr", "2026-07-31T22:05:00Z", chrono_tz::Europe::Paris), "1er août 2026 à 00:05 (CEST)");
        assert_eq!(date("es", "2026-12-24T12:00:00Z", chrono_tz::America::Mexico_City), "24 de diciembre de 2026, 06:00 (CST)");
        assert_eq!(date("pt-BR", "2027-01-01T02:30:00Z", chrono_tz::America::Sao_Paulo), "31 de dezembro de 2026, 23:30 (UTC-03:00)");
        assert_eq!(date("pt-BR", "2026-12-01T03:00:00Z", chrono_tz::America::Sao_Paulo), "1º de dezembro de 2026, 00:00 (UTC-03:00)");
        assert_eq!(date("en", "2026-06-01T00:00:00Z", chrono_tz::Asia::Kathmandu), "1 June 2026, 05:45 UTC+05:45");
        assert_eq!(date("en", "2026-06-01T00:00:00Z", Tz::UTC), "1 June 2026, 00:00 UTC");
    }

    #[test]
    fn a_phrase_without_a_value_is_an_error_and_no_empty_text() {
        let none = |_: &str| None;
        assert_eq!(
            english().say("ticket_created.headline", none),
            Err(Speechless::NoValue("ticket_created.headline".into(), "number".into()))
        );
        assert_eq!(english().say("ticket_eaten.headline", none), Err(Speechless::NoPhrase("ticket_eaten.headline".into())));
        assert_eq!(english().say("digest.more", |_| Some("1".to_owned())).as_deref(), Ok("and 1 more"));
    }

    #[test]
    fn reasons_are_told_in_the_readers_language_and_unknown_ones_as_they_are() {
        let german = find("de").expect("German");
        assert_eq!(german.reason("assigned"), "Ihnen zugewiesen");
        assert_eq!(german.reason("in cc through group second-line"), "in Kopie, über die Gruppe second-line");
        assert_eq!(german.reason("member of department Sales"), "Mitglied der Abteilung Sales");
        assert_eq!(german.reason("member of department A through group b"), "Mitglied der Abteilung A, über die Gruppe b");
        assert_eq!(german.reason("for another reason"), "for another reason");
        assert_eq!(english().reason("assigned through group a"), "assigned through group a");
    }
}
