//! `switchboard template`: shows the messages that people are sent, made of sample data.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, bail};
use mail_parser::MessageParser;
use sqlx::ConnectOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::{Config, nearest};
use switchboard_common::db::desk;
use switchboard_common::db::letters::Branding;
use switchboard_common::db::templates::{self, Overrides};
use switchboard_common::domain::method::Method;
use switchboard_notifier::render::sample::Sample;
use switchboard_notifier::render::{Content, Template};

use crate::cli::{TemplateCommand, TemplateRender};
use crate::database::{Database, Need};
use crate::output::{self, FAINT, pad, paint};

/// Lists the templates, or shows one.
pub async fn run(config: &Config, ambient: &Ambient, command: TemplateCommand) -> anyhow::Result<()> {
    match command {
        TemplateCommand::List { tenant } => {
            let (_, overrides) = words(config, ambient, tenant.as_deref()).await?;
            output::print(&listed(&overrides))
        }
        TemplateCommand::Render(wanted) => {
            let template = find(&wanted.event, wanted.audience.as_deref())?;
            let method = method(&wanted.channel)?;
            let (branding, overrides) = words(config, ambient, wanted.tenant.as_deref()).await?;
            let sample = Sample {
                template,
                method,
                locale: wanted.locale.as_deref(),
                timezone: wanted.timezone,
                branding: &branding,
                overrides: &overrides,
                bare: false,
            };
            show(&sample.render()?, &wanted)
        }
    }
}

/// How a tenant presents itself, and its own words.
async fn words(config: &Config, ambient: &Ambient, tenant: Option<&str>) -> anyhow::Result<(Branding, Overrides)> {
    let Some(name) = tenant else {
        return Ok((Branding { brand: "Example Desk".to_owned(), ..Branding::default() }, Overrides::default()));
    };
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = async {
        let mut connection = database.options().connect().await?;
        let id = desk::find_tenant(&mut connection, name).await?.with_context(|| format!("there is no tenant {name}"))?;
        let branding = templates::branding(&mut connection, id, None, None).await?;
        Ok((branding, templates::load(&mut connection, id).await?))
    };
    let outcome = outcome.await;
    database.close().await;
    outcome
}

/// The template that is meant by an event and who is told of it.
fn find(event: &str, audience: Option<&str>) -> anyhow::Result<Template> {
    let of = |audience: &str| Template::parse(&format!("{event}.{audience}"));
    let found = match audience {
        Some(audience) => Template::parse(event).filter(|template| template.as_str().ends_with(audience)).or_else(|| of(audience)),
        None => Template::parse(event).or_else(|| of("agent")).or_else(|| of("client")),
    };
    if let Some(template) = found {
        return Ok(template);
    }
    let asked =
        audience.filter(|audience| !event.ends_with(&format!(".{audience}"))).map_or_else(|| event.to_owned(), |a| format!("{event}.{a}"));
    let names = Template::ALL.iter().flat_map(|template| [template.as_str(), template.event()]);
    match nearest(&asked, names.clone()).or_else(|| nearest(event, names)) {
        Some(near) => bail!("there is no template {asked}; did you mean {near}?"),
        None => bail!("there is no template {asked}; the templates are {}", Template::ALL.map(Template::as_str).join(", ")),
    }
}

fn method(name: &str) -> anyhow::Result<Method> {
    if let Some(method) = Method::named(name) {
        return Ok(method);
    }
    let known = Method::ALL.map(Method::as_str);
    match nearest(name, known.into_iter()) {
        Some(near) => bail!("there is no channel {name}; did you mean {near}?"),
        None => bail!("there is no channel {name}; the channels are {}", known.join(", ")),
    }
}

fn listed(overrides: &Overrides) -> String {
    let mut text = String::new();
    for template in Template::ALL {
        let whom = if template.is_for_client() { "for the client" } else { "for agents" };
        let _ = writeln!(text, "{} {}", pad(template.as_str(), 24), paint(FAINT, whom));
        let mut own: Vec<_> = overrides.words.keys().filter(|(name, ..)| name == template.as_str()).collect();
        own.sort();
        for (_, method, locale) in own {
            let locale = if locale.is_empty() { "every language" } else { locale };
            let _ = writeln!(text, "  own words: {method}, {locale}");
        }
    }
    text
}

fn show(content: &Content, wanted: &TemplateRender) -> anyhow::Result<()> {
    let Some(path) = &wanted.out else { return output::print(&readable(content)?) };
    let bytes = match content {
        Content::Mail(mail) => part(&mail.bytes, path)?,
        other => readable(other)?.into_bytes(),
    };
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The part of a mail that a file of this name is for.
fn part(mail: &[u8], path: &Path) -> anyhow::Result<Vec<u8>> {
    let parsed = MessageParser::new().parse(mail).context("the mail cannot be read again")?;
    let body = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => parsed.body_html(0),
        Some("txt") => parsed.body_text(0),
        _ => return Ok(mail.to_vec()),
    };
    Ok(body.context("the mail has no such part")?.replace("\r\n", "\n").into_bytes())
}

/// What is handed over, for people to read.
fn readable(content: &Content) -> anyhow::Result<String> {
    Ok(match content {
        Content::Mail(mail) => {
            let parsed = MessageParser::new().parse(&mail.bytes).context("the mail cannot be read again")?;
            let text = parsed.body_text(0).unwrap_or_default().replace("\r\n", "\n");
            format!("Subject: {}\n\n{text}", parsed.subject().unwrap_or_default())
        }
        Content::Slack { text, blocks, .. } => serde_json::to_string_pretty(&serde_json::json!({ "text": text, "blocks": blocks }))? + "\n",
        Content::Whatsapp { text, .. } | Content::Sms(text) => format!("{text}\n"),
        Content::WhatsappTemplate { parameters, .. } => format!("{}\n", parameters.join("\n")),
        Content::Webhook(body) => serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(body)?)? + "\n",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_found_by_its_event_and_a_wrong_name_is_told_the_right_one() {
        let name = |event, audience| find(event, audience).map(Template::as_str).map_err(|error| error.to_string());
        assert_eq!(name("ticket.created", None).as_deref(), Ok("ticket.created.agent"));
        assert_eq!(name("ticket.created", Some("client")).as_deref(), Ok("ticket.created.client"));
        assert_eq!(name("ticket.created.client", None).as_deref(), Ok("ticket.created.client"));
        assert_eq!(name("digest", None).as_deref(), Ok("digest.agent"));
        assert_eq!(name("tiket.created", None), Err("there is no template tiket.created; did you mean ticket.created?".to_owned()));
        assert_eq!(
            name("ticket.assigned", Some("client")),
            Err("there is no template ticket.assigned.client; did you mean ticket.assigned.agent?".to_owned())
        );
        assert!(name("nonsense", None).is_err_and(|error| error.contains("the templates are ticket.created.agent, ")));
        assert!(method("emial").is_err_and(|error| error.to_string() == "there is no channel emial; did you mean email?"));
        assert!(method("fax").is_err_and(|error| error.to_string().contains("the channels are email, slack")));
    }
}
