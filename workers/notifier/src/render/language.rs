//! In which language somebody is written to, and which of a tenant's own words hold for it.

use switchboard_common::db::templates::{Overrides, Words};
use switchboard_common::domain::method::Method;

use super::Template;
use super::phrases::{self, Catalogue};

/// The languages in which something may be said to a reader, the first that is there wins: the reader's, the tenant's, English.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language<'a> {
    /// What each would like.
    wanted: [Option<&'a str>; 3],
    /// What is built in for it.
    pub catalogue: &'static Catalogue,
}

/// A part of a tenant's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Own<'a> {
    pub source: &'a str,
    /// The locale that it is written for, if it is for one.
    pub locale: Option<&'a str>,
}

impl<'a> Language<'a> {
    pub fn new(reader: Option<&'a str>, tenant: Option<&'a str>) -> Self {
        let wanted = [reader, tenant, Some(phrases::ENGLISH)];
        let catalogue = wanted.into_iter().flatten().find_map(phrases::find);
        Self { wanted, catalogue: catalogue.unwrap_or_else(phrases::english) }
    }

    /// All locales that would do, the best first, each followed by its language without the country.
    pub fn wanted(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.wanted.into_iter().flatten().flat_map(|locale| [locale, phrases::base(locale)])
    }

    /// A tenant's words for a part of a template. What is written for a locale holds for it and, without its country, for all of its
    /// language; it comes before what is written for every locale, and that before what is built in.
    pub fn own<'o>(
        &self,
        overrides: &'o Overrides,
        template: Template,
        method: Method,
        part: impl Fn(&'o Words) -> Option<&'o String>,
    ) -> Option<Own<'o>> {
        if overrides.words.is_empty() {
            return None;
        }
        let said = |locale: &str| {
            let (key, words) = overrides.words.get_key_value(&(template.as_str().to_owned(), method, locale.to_owned()))?;
            let source = part(words)?;
            Some(Own { source, locale: Some(key.2.as_str()).filter(|locale| !locale.is_empty()) })
        };
        for locale in self.wanted.into_iter().flatten() {
            let found = said(locale).or_else(|| said(phrases::base(locale)));
            if found.is_some() {
                return found;
            }
            if phrases::find(locale).is_some() {
                break;
            }
        }
        said("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(locales: &[&str]) -> Overrides {
        let words = |locale: &str| Words { text: Some(format!("text {locale}")), ..Words::default() };
        let key = |locale: &str| (Template::TicketCreatedClient.as_str().to_owned(), Method::Email, locale.to_owned());
        Overrides { words: locales.iter().map(|locale| (key(locale), words(locale))).collect() }
    }

    #[test]
    fn a_language_falls_back_to_its_base_then_the_tenants_then_english() {
        let tag = |reader, tenant| Language::new(reader, tenant).catalogue.tag;
        let table = [
            (Some("pt-BR"), None, "pt-BR"),
            (Some("pt"), None, "pt-BR"),
            (Some("pt-PT"), Some("fr"), "pt-BR"),
            (Some("de-AT"), Some("fr"), "de"),
            (Some("ja"), Some("fr-CA"), "fr"),
            (Some("ja"), Some("ko"), "en"),
            (None, Some("es"), "es"),
            (None, None, "en"),
            (Some(""), None, "en"),
        ];
        for (reader, tenant, expected) in table {
            assert_eq!(tag(reader, tenant), expected, "{reader:?} at {tenant:?}");
        }
    }

    #[test]
    fn what_a_tenant_says_for_a_language_wins_over_what_it_says_for_all_and_that_over_what_is_built_in() {
        let told = |own: &[&str], reader, tenant| {
            let overrides = overrides(own);
            let own =
                Language::new(reader, tenant).own(&overrides, Template::TicketCreatedClient, Method::Email, |words| words.text.as_ref());
            own.map(|own| own.source.to_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told(&["pt-BR", "pt", "", "en"], Some("pt-BR"), None), some("text pt-BR"));
        assert_eq!(told(&["pt", "", "en"], Some("pt-BR"), None), some("text pt"));
        assert_eq!(told(&["", "en"], Some("pt-BR"), None), some("text "));
        assert_eq!(told(&["en"], Some("pt-BR"), None), None, "built in, rather than in another language");
        assert_eq!(told(&["en", "fr"], Some("ja"), Some("fr")), some("text fr"));
        assert_eq!(told(&["ja"], Some("ja"), None), some("text ja"), "a language that is not built in");
        assert_eq!(told(&["en"], Some("ja"), None), some("text en"));
        assert_eq!(told(&[], Some("ja"), None), None);
    }
}
