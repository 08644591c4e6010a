//! Fills templates in: those that are built in, which are parsed once, and a tenant's own, which are parsed once for what they say.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use handlebars::{Context, Handlebars, RenderContext, Renderable, Template as Parsed, TemplateError, html_escape, no_escape};

use super::helpers;

/// So many of the tenants' own templates are kept; then all are forgotten and parsed again when they are used.
const KEPT: usize = 10_000;

/// What a template makes, and so how values are escaped in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Markup {
    /// Text, in which nothing has a meaning.
    Plain,
    /// HTML.
    Html,
    /// Slack's mrkdwn.
    Slack,
}

impl Markup {
    fn registry(self) -> &'static Handlebars<'static> {
        match self {
            Self::Plain => &PLAIN,
            Self::Html => &HTML,
            Self::Slack => &SLACK,
        }
    }
}

macro_rules! files {
    ($($name:literal from $file:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $file, ".hbs")))),*]
    };
}

static PLAIN: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    registry(
        no_escape,
        &files!(
            "details" from "email/details.text",
            "message" from "email/message.text",
            "footer" from "email/footer.text",
            "email.agent.subject" from "email/agent.subject",
            "email.agent.text" from "email/agent.text",
            "email.acknowledged.subject" from "email/client.subject",
            "email.acknowledged.text" from "email/acknowledged.text",
            "email.closed.subject" from "email/client.subject",
            "email.closed.text" from "email/closed.text",
            "email.answer.subject" from "email/client.subject",
            "email.answer.text" from "email/answer.text",
            "email.digest.subject" from "email/digest.subject",
            "email.digest.text" from "email/digest.text",
            "slack.agent.subject" from "slack/agent.subject",
            "slack.digest.subject" from "slack/digest.subject",
            "whatsapp.agent.text" from "whatsapp/agent",
            "whatsapp.acknowledged.text" from "chat/acknowledged",
            "whatsapp.closed.text" from "chat/closed",
            "whatsapp.answer.text" from "chat/answer",
            "whatsapp.digest.text" from "whatsapp/digest",
            "sms.agent.text" from "sms/agent",
            "sms.acknowledged.text" from "sms/acknowledged",
            "sms.closed.text" from "sms/closed",
            "sms.answer.text" from "chat/answer",
            "sms.digest.text" from "sms/digest",
        ),
    )
});

static HTML: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    registry(
        html_escape,
        &files!(
            "layout" from "email/layout.html",
            "bare" from "email/bare.html",
            "details" from "email/details.html",
            "message" from "email/message.html",
            "email.of_text" from "email/of_text.html",
            "email.agent.html" from "email/agent.html",
            "email.acknowledged.html" from "email/acknowledged.html",
            "email.closed.html" from "email/closed.html",
            "email.answer.html" from "email/answer.html",
            "email.digest.html" from "email/digest.html",
        ),
    )
});

static SLACK: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    registry(
        slack_escape,
        &files!(
            "slack.agent.context" from "slack/agent.context",
            "slack.agent.text" from "slack/agent",
            "slack.acknowledged.text" from "chat/acknowledged",
            "slack.closed.text" from "chat/closed",
            "slack.answer.text" from "chat/answer",
            "slack.digest.context" from "slack/digest.context",
            "slack.digest.text" from "slack/digest",
        ),
    )
});

fn registry(escape: fn(&str) -> String, files: &[(&str, &str)]) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    helpers::register(&mut registry);
    for (name, source) in files {
        if let Err(error) = registry.register_template_string(name, source) {
            unreachable!("the embedded template {name} is tested and cannot be read: {error}");
        }
    }
    registry
}

/// Slack takes three characters for markup, and wants them so in its place (<https://docs.slack.dev/messaging/formatting-message-text>,
/// "Escaping text"): a mention such as `<!channel>` or a link then is what it looks like.
fn slack_escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether there is a built-in template of this name, such as `slack.agent.context`.
pub(super) fn is_there(markup: Markup, name: &str) -> bool {
    markup.registry().has_template(name)
}

/// Fills in a built-in template.
///
/// # Errors
/// When it asks for what is not there.
pub(super) fn built_in(markup: Markup, name: &str, context: &Context) -> Result<String, handlebars::RenderError> {
    markup.registry().render_with_context(name, context)
}

/// Fills in a tenant's own template.
///
/// # Errors
/// When it cannot be read, or asks for what is not there.
pub(super) fn own(markup: Markup, source: &str, context: &Context) -> Result<String, handlebars::RenderError> {
    parsed(source)?.renders(markup.registry(), context, &mut RenderContext::new(None))
}

static OWN: LazyLock<RwLock<HashMap<String, Arc<Parsed>>>> = LazyLock::new(RwLock::default);

/// A tenant's own template, as it was parsed when it was first used.
fn parsed(source: &str) -> Result<Arc<Parsed>, TemplateError> {
    if let Some(known) = OWN.read().unwrap_or_else(PoisonError::into_inner).get(source) {
        return Ok(Arc::clone(known));
    }
    let new = Arc::new(Parsed::compile(source)?);
    let mut kept = OWN.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(source.to_owned(), Arc::clone(&new));
    Ok(new)
}

/// Why a tenant's own template is not taken, whatever it is filled in with.
pub(super) fn forbidden(markup: Markup, source: &str) -> Option<(usize, &'static str)> {
    let expressions = source.match_indices("{{").map(|(at, _)| (at, source[at + 2..].trim_start_matches(['~', '#', '>', '!'])));
    for (at, inside) in expressions {
        if markup != Markup::Plain && (inside.starts_with(['{', '&'])) {
            return Some((at, "values are always escaped here: write {{value}}, not {{{value}}} or {{&value}}"));
        }
        if inside.starts_with('*') {
            return Some((at, "partials cannot be defined here"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(markup: Markup, source: &str) -> Result<String, String> {
        let context =
            Context::wraps(json!({ "evil": "<!channel> & <b>\"x\"</b>", "none": null, "list": ["a", "<b>"], "at": "2026-03-01T12:00:00Z",
            "language": "de", "locale": "pl", "timezone": "Europe/Berlin", "count": 3, "number": 7, "text": "a<\nb" }));
        own(markup, source, &context.expect("a context")).map_err(|error| error.to_string())
    }

    #[test]
    fn values_and_what_helpers_make_of_them_are_escaped_as_the_channel_needs_it() {
        let all = "{{evil}}|{{truncate evil 9}}|{{join list}}|{{lines text}}|{{t \"ticket_created.headline\" number=evil}}";
        assert_eq!(
            filled(Markup::Plain, all).as_deref(),
            Ok("<!channel> & <b>\"x\"</b>|<!channe…|a, <b>|a<\nb|Neues Ticket #<!channel> & <b>\"x\"</b>")
        );
        assert_eq!(
            filled(Markup::Slack, all).as_deref(),
            Ok(
                "&lt;!channel&gt; &amp; &lt;b&gt;\"x\"&lt;/b&gt;|&lt;!channe…|a, &lt;b&gt;|a&lt;\nb|Neues Ticket #&lt;!channel&gt; &amp; &lt;b&gt;\"x\"&lt;/b&gt;"
            )
        );
        let html = filled(Markup::Html, all).expect("HTML");
        assert!(!html.replace("<br>", "").contains(['<', '"']) && html.contains("a&lt;<br>\nb"), "{html}");
    }

    #[test]
    fn helpers_know_the_readers_language_zone_and_plurals() {
        assert_eq!(filled(Markup::Plain, "{{date at}}").as_deref(), Ok("1. März 2026, 13:00 Uhr (CET)"));
        assert_eq!(filled(Markup::Plain, "{{plural count one=\"{} a\" few=\"{} b\" many=\"{} c\" other=\"d\"}}").as_deref(), Ok("3 b"));
        assert_eq!(filled(Markup::Plain, "{{quote text}}").as_deref(), Ok("> a<\n> b"));
        assert_eq!(filled(Markup::Plain, "{{t \"digest.more\" count=1}}").as_deref(), Ok("und 1 weitere"));
    }

    #[test]
    fn what_is_not_there_is_an_error_also_as_a_condition() {
        for source in [
            "{{nothing}}",
            "{{#if nothing}}x{{/if}}",
            "{{#if nothing}}x{{else}}y{{/if}}",
            "{{#unless nothing}}x{{/unless}}",
            "{{#each nothing}}x{{/each}}",
            "{{#with nothing}}x{{/with}}",
            "{{date nothing}}",
            "{{truncate nothing 3}}",
            "{{truncate evil}}",
            "{{plural count one=\"x\"}}",
            "{{join evil}}",
            "{{t nothing}}",
            "{{t \"no.such\"}}",
            "{{t \"common.greeting\"}}",
            "{{t \"common.notice\" notice=none}}",
            "{{> nothing}}",
            "{{log evil}}",
            "{{nohelper evil}}",
            "{{#if evil}}",
        ] {
            assert!(filled(Markup::Plain, source).is_err(), "{source}: {:?}", filled(Markup::Plain, source));
        }
        assert_eq!(filled(Markup::Plain, "{{#if none}}x{{else}}y{{/if}}{{#unless evil}}x{{/unless}}").as_deref(), Ok("y"));
    }

    #[test]
    fn a_tenant_cannot_leave_values_unescaped_or_define_partials() {
        for source in [
            "{{{evil}}}",
            "{{&evil}}",
            "{{~{evil}~}}",
            "a {{~& evil}}",
            "{{{{raw}}}}x{{{{/raw}}}}",
            "{{#*inline \"a\"}}{{> a}}{{/inline}}",
            "{{* x}}",
        ] {
            assert!(forbidden(Markup::Html, source).is_some(), "{source}");
        }
        assert_eq!(forbidden(Markup::Html, "{{evil}} {{#if evil}}{{/if}} {{!-- {x} --}} {x}"), None);
        assert!(forbidden(Markup::Plain, "{{{evil}}}").is_none() && forbidden(Markup::Plain, "{{#*inline \"a\"}}{{/inline}}").is_some());
    }
}
