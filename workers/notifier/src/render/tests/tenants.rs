//! A tenant's own words.

use switchboard_common::db::templates::{Overrides, Words};
use switchboard_common::domain::method::Method;

use super::super::sample::Sample;
use super::super::{Content, RenderError, Template};
use super::{branding, html, shown, text};

fn overrides(template: Template, method: Method, locale: &str, words: Words) -> Overrides {
    Overrides { words: [((template.as_str().to_owned(), method, locale.to_owned()), words)].into() }
}

fn told(template: Template, method: Method, locale: &str, overrides: &Overrides) -> Result<Content, RenderError> {
    let branding = branding();
    Sample { template, method, locale: Some(locale), timezone: chrono_tz::Tz::UTC, branding: &branding, overrides, bare: false }.render()
}

fn words(subject: Option<&str>, text: Option<&str>, html: Option<&str>) -> Words {
    Words { subject: subject.map(str::to_owned), text: text.map(str::to_owned), html: html.map(str::to_owned) }
}

#[test]
fn a_tenants_words_stand_in_for_a_part_and_the_others_are_as_built_in() {
    let own = overrides(Template::TicketCreatedClient, Method::Email, "", words(Some("Got it: {{title}}"), None, None));
    let Ok(Content::Mail(mail)) = told(Template::TicketCreatedClient, Method::Email, "de", &own) else { panic!("no mail") };
    let parsed = mail_parser::MessageParser::new().parse(&mail.bytes).expect("a mail");
    assert_eq!(parsed.subject(), Some("Got it: The printer on the second floor is on fire"));
    assert!(text(&mail).contains("wir haben Ihre Nachricht erhalten"));
    let other = told(Template::TicketClosedClient, Method::Email, "de", &own).expect("rendered");
    assert!(!shown(&other).contains("Got it"), "for that event alone");
}

#[test]
fn without_html_of_its_own_a_tenants_text_is_the_html_as_well() {
    let own = overrides(Template::TicketCreatedClient, Method::Email, "", words(None, Some("Hi {{reader}}!\n<b>{{title}}</b>"), None));
    let Ok(Content::Mail(mail)) = told(Template::TicketCreatedClient, Method::Email, "de", &own) else { panic!("no mail") };
    assert_eq!(text(&mail).trim(), "Hi Ada Lovelace!\n<b>The printer on the second floor is on fire</b>");
    assert!(html(&mail).contains("<div>Hi Ada Lovelace!<br>\n&lt;b&gt;The printer on the second floor is on fire&lt;/b&gt;</div>"));
    assert!(!html(&mail).contains("wir haben"));
}

#[test]
fn a_tenants_words_in_a_language_of_their_own_count_and_say_dates_by_it() {
    let text = "{{plural number one=\"{} sprawa\" few=\"{} sprawy\" many=\"{} spraw\" other=\"?\"}} {{t \"common.client\"}} {{> details}}";
    let own = overrides(Template::TicketCreatedAgent, Method::Email, "pl", words(None, Some(text), None));
    let Ok(Content::Mail(mail)) = told(Template::TicketCreatedAgent, Method::Email, "pl", &own) else { panic!("no mail") };
    assert!(
        super::text(&mail).starts_with("— Write your answer above this line —\n\n1042 sprawy Client Ticket: #1042"),
        "{}",
        super::text(&mail)
    );
    assert!(html(&mail).contains("— Write your answer above this line —"));
}

#[test]
fn every_channel_takes_a_tenants_words() {
    let own = |method| overrides(Template::TicketClosedAgent, method, "en", words(Some("Header"), Some("Own <&> {{title}}"), None));
    let Ok(Content::Slack { blocks, .. }) = told(Template::TicketClosedAgent, Method::Slack, "en", &own(Method::Slack)) else { panic!() };
    assert_eq!(blocks[0]["text"]["text"], "Header");
    assert_eq!(blocks[1]["text"]["text"], "Own <&> The printer on the second floor is on fire", "its own markup is its own");
    let Ok(Content::Whatsapp { text, .. }) = told(Template::TicketClosedAgent, Method::Whatsapp, "en", &own(Method::Whatsapp)) else {
        panic!()
    };
    assert_eq!(text, "Own <&> The printer on the second floor is on fire");
    let Ok(Content::Sms(text)) = told(Template::TicketClosedAgent, Method::Sms, "en", &own(Method::Sms)) else { panic!() };
    assert_eq!(text, "Own <&> The printer on the second floor is on fire");
    let digest = overrides(
        Template::Digest,
        Method::Email,
        "",
        words(None, Some("{{#each tickets}}{{number}} x{{count}} {{/each}}+{{more}}"), None),
    );
    let Ok(Content::Mail(mail)) = told(Template::Digest, Method::Email, "en", &digest) else { panic!() };
    assert_eq!(super::text(&mail).trim(), "1042 x4 1043 x2 +36");
}

#[test]
fn a_tenants_template_that_cannot_be_filled_in_is_an_error() {
    for source in ["{{nothing}}", "{{#if nothing}}x{{/if}}", "{{#if title}}", "{{t \"no.phrase\"}}", "{{message.nothing}}"] {
        let own = overrides(Template::TicketCreatedClient, Method::Email, "", words(None, Some(source), None));
        let told = told(Template::TicketCreatedClient, Method::Email, "en", &own);
        assert!(matches!(told, Err(RenderError::Template(_))), "{source}");
    }
}

#[test]
fn a_changed_template_is_used_at_once() {
    for said in ["one", "two", "one"] {
        let own = overrides(Template::TicketCreatedClient, Method::Sms, "", words(None, Some(said), None));
        let Ok(Content::Sms(text)) = told(Template::TicketCreatedClient, Method::Sms, "en", &own) else { panic!() };
        assert_eq!(text, said);
    }
}
