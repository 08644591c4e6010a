//! Tries a tenant's own words before they are used: each part is filled in with sample data.

use std::collections::BTreeSet;
use std::fmt;

use chrono_tz::Tz;
use handlebars::{RenderErrorReason, TemplateErrorReason};
use serde_json::Value;
use switchboard_common::config::nearest;
use switchboard_common::db::letters::Branding;
use switchboard_common::db::templates::{Overrides, Words};
use switchboard_common::domain::method::Method;

use super::sample::Sample;
use super::words::{self, Markup};
use super::{RenderError, Template};

/// What is wrong with a tenant's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which part: `subject`, `text` or `html`.
    pub part: &'static str,
    /// Line and column, from 1, where they are known.
    pub at: Option<(usize, usize)>,
    /// What it is.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}: line {line}, column {column}: {}", self.part, self.what),
            None => write!(f, "{}: {}", self.part, self.what),
        }
    }
}

/// Finds what is wrong with a tenant's words for a template on a channel.
#[must_use]
pub fn check(template: Template, method: Method, locale: &str, words: &Words) -> Vec<Fault> {
    let fault = |part, what: &str| Fault { part, at: None, what: what.to_owned() };
    if method == Method::Webhook {
        return vec![fault("channel", "what a webhook posts is a contract, and no template changes it")];
    }
    let mut faults = Vec::new();
    if template.is_answer() {
        let what = "an answer goes out as its author wrote it; brand and footer are set in [tenant.customize]";
        faults.extend((method != Method::Email || words.text.is_some() || words.html.is_some()).then(|| fault("text", what)));
    }
    if matches!(method, Method::Whatsapp | Method::Sms) && words.subject.is_some() {
        faults.push(fault("subject", "messages on this channel have none"));
    }
    if method != Method::Email && words.html.is_some() {
        faults.push(fault("html", "only mail has it"));
    }
    if words.html.is_some() && words.text.is_none() {
        faults.push(fault("html", "needs a text beside it, for readers who see no HTML"));
    }
    if !faults.is_empty() {
        return faults;
    }
    let text_markup = if method == Method::Slack { Markup::Slack } else { Markup::Plain };
    let parts = [
        ("subject", Markup::Plain, &words.subject, Words { subject: words.subject.clone(), ..Words::default() }),
        ("text", text_markup, &words.text, Words { text: words.text.clone(), ..Words::default() }),
        ("html", Markup::Html, &words.html, Words { html: words.html.clone(), ..Words::default() }),
    ];
    let found = parts.into_iter().filter_map(|(part, markup, source, alone)| {
        let (at, what) = part_fault(template, method, locale, markup, source.as_deref()?, alone)?;
        Some(Fault { part, at, what })
    });
    found.collect()
}

type Wrong = (Option<(usize, usize)>, String);

fn part_fault(template: Template, method: Method, locale: &str, markup: Markup, source: &str, alone: Words) -> Option<Wrong> {
    if let Some((at, what)) = words::forbidden(markup, source) {
        let before = &source[..at];
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        return Some((Some((before.matches('\n').count() + 1, column)), what.to_owned()));
    }
    if let Err(error) = handlebars::Template::compile(source) {
        let what = match error.reason() {
            // The parser lists every token that could have followed.
            TemplateErrorReason::InvalidSyntax(_) => "what began is not ended: look for {{ without }}, or {{#…}} without {{/…}}".to_owned(),
            reason => reason.to_string(),
        };
        return Some((error.pos(), what));
    }
    let overrides = Overrides { words: [((template.as_str().to_owned(), method, locale.to_owned()), alone)].into() };
    let branding = Branding { brand: "Example Desk".to_owned(), ..Branding::default() };
    let locale = Some(locale).filter(|locale| !locale.is_empty());
    let tried = |bare| {
        let sample = Sample { template, method, locale, timezone: Tz::UTC, branding: &branding, overrides: &overrides, bare };
        (sample.render().err(), sample)
    };
    if let (Some(error), sample) = tried(false) {
        return Some(wrong(&error, &sample, ""));
    }
    let (error, sample) = tried(true);
    error.map(|error| wrong(&error, &sample, ", or not always: ask for it with {{#if …}} first"))
}

/// What a template asked for in vain, as its author understands it.
fn wrong(error: &RenderError, sample: &Sample<'_>, or: &str) -> Wrong {
    let RenderError::Template(error) = error else { return (None, error.to_string()) };
    let at = error.line_no.zip(error.column_no);
    let what = match error.reason() {
        RenderErrorReason::MissingVariable(Some(path)) => {
            let full = Sample { bare: false, ..*sample };
            let known = full.data().map(|data| paths(&data)).unwrap_or_default();
            match nearest(path, known.iter().map(String::as_str)).filter(|near| *near != path) {
                Some(near) if or.is_empty() => format!("there is no {path}; did you mean {near}?"),
                _ => format!("there is no {path}{or}"),
            }
        }
        other => other.to_string(),
    };
    (at, what)
}

/// All that a template can ask for, as it asks for it.
fn paths(data: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut left: Vec<(String, &Value)> = vec![(String::new(), data)];
    while let Some((path, value)) = left.pop() {
        match value {
            Value::Object(fields) => {
                let name = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                left.extend(fields.iter().map(|(key, value)| (name(key), value)));
            }
            // Within {{#each}} its fields are asked for by their own names.
            Value::Array(items) => left.extend(items.first().map(|item| (String::new(), item))),
            _ => {}
        }
        paths.extend((!path.is_empty()).then_some(path));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: Template, method: Method, subject: Option<&str>, text: Option<&str>, html: Option<&str>) -> Vec<String> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let words = Words { subject: own(subject), text: own(text), html: own(html) };
        check(template, method, "", &words).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        let text = |text: &str| found(Template::TicketCreatedClient, Method::Email, None, Some(text), None).join("; ");
        assert_eq!(text("Hello {{reader}},\nyour {{#if title}}{{title}}{{/if}}"), "");
        assert_eq!(text("Hello\n  {{nmber}}"), "text: line 2, column 3: there is no nmber; did you mean number?");
        assert_eq!(text("{{client.nam}}"), "text: line 1, column 1: there is no client.nam; did you mean client.name?");
        assert_eq!(text("a\n{{#if zzzzzzzz}}x{{/if}}"), "text: line 2, column 1: there is no zzzzzzzz");
        assert_eq!(text("{{actor}}"), "", "what is empty is there");
        assert!(text("{{message.text}}").contains("there is no message.text, or not always: ask for it with {{#if …}} first"));
        assert_eq!(text("{{#if message}}{{message.text}}{{/if}}"), "");
        for unended in ["a\n{{#if title}}", "a\n{{title", "a\n{{#if title}} b {{else}}"] {
            let said = text(unended);
            assert!(said.starts_with("text: line 2") && said.contains("{{#…}} without {{/…}}"), "{unended}: {said}");
        }
        assert!(text("{{t \"common.no_such\"}}").ends_with("there is no phrase common.no_such"), "{}", text("{{t \"common.no_such\"}}"));
        assert!(text("x\n y{{* a}}").starts_with("text: line 2, column 3: partials cannot be defined here"));
        let html = found(Template::TicketCreatedClient, Method::Email, None, Some("x"), Some("<p>\n{{{title}}}</p>"));
        assert!(html[0].starts_with("html: line 2, column 1: values are always escaped here"), "{html:?}");
    }

    #[test]
    fn what_a_channel_does_not_have_cannot_be_said() {
        assert!(found(Template::TicketCreatedAgent, Method::Webhook, None, Some("x"), None)[0].contains("contract"));
        assert!(found(Template::MessageAddedClient, Method::Email, None, Some("x"), None)[0].contains("as its author wrote it"));
        assert!(found(Template::MessageAddedClient, Method::Sms, None, Some("x"), None)[0].contains("as its author wrote it"));
        assert!(found(Template::MessageAddedClient, Method::Email, Some("Re: {{title}}"), None, None).is_empty());
        assert!(found(Template::TicketCreatedAgent, Method::Sms, Some("x"), Some("x"), None)[0].contains("subject"));
        assert!(found(Template::TicketCreatedAgent, Method::Slack, Some("x"), Some("x"), None).is_empty());
        assert!(found(Template::TicketCreatedAgent, Method::Slack, None, Some("x"), Some("x"))[0].contains("only mail"));
        assert!(found(Template::TicketCreatedAgent, Method::Email, None, None, Some("x"))[0].contains("needs a text"));
        assert!(
            found(
                Template::Digest,
                Method::Email,
                None,
                Some("{{#each tickets}}{{number}}{{#each items}}{{what}}{{/each}}{{/each}}"),
                None
            )
            .is_empty()
        );
    }
}
