//! The templates of a desk file: a tenant's own words in place of those that are built in.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use switchboard_common::config::nearest;
use switchboard_common::db::desk::OwnTemplate;
use switchboard_common::db::templates::Words;
use switchboard_common::domain::method::Method;
use switchboard_notifier::render::{Template, check::check};
use toml::Table;

use super::diff::Described;
use super::fields::{Faults, Fields};
use super::file::Desks;
use super::values;

/// What stands before the path of a file that holds the text.
const FILE: &str = "file:";
/// So much of a text is shown, in letters.
const SHOWN: usize = 40;

/// Reads `[[tenant.templates]]`.
pub fn read(tables: Vec<Table>, owner: &str, faults: &mut Faults) -> BTreeMap<String, OwnTemplate> {
    let mut read = BTreeMap::new();
    for (number, table) in (1..).zip(tables) {
        let name = table.get("template").and_then(|name| name.as_str()).map_or_else(|| number.to_string(), |name| name.trim().to_owned());
        let mut fields = Fields::new(format!("{owner}template {name}"), table, faults);
        let template = fields.required("template", template_name);
        let own = OwnTemplate {
            template: template.clone().unwrap_or_default(),
            channel: fields.choice("channel", &Method::ALL.map(|method| (method.as_str(), method)), Method::Email),
            locale: fields.parsed("locale", values::locale).unwrap_or_default(),
            words: Words { subject: fields.long_text("subject"), text: fields.long_text("text"), html: fields.long_text("html") },
        };
        if own.words == Words::default() {
            fields.fault("says nothing: subject, text or html should be there");
        }
        if template.is_some() && read.insert(own.name(), own).is_some() {
            fields.fault("stands there twice for one channel and locale");
        }
        fields.finish();
    }
    read
}

fn template_name(text: &str) -> Result<String, String> {
    if Template::parse(text).is_some() {
        return Ok(text.to_owned());
    }
    let known = Template::ALL.map(Template::as_str);
    Err(match nearest(text, known.into_iter()) {
        Some(near) => format!("there is no template {text}; did you mean {near}?"),
        None => format!("there is no template {text}; the templates are {}", known.join(", ")),
    })
}

/// Reads the files that texts stand in, below `folder`, and tries every template.
pub fn complete(desks: &mut Desks, folder: &Path, faults: &mut Faults) {
    for (tenant, desk) in desks {
        for (name, own) in &mut desk.templates {
            let place = format!("tenant {tenant}: template {name}");
            let before = faults.len();
            for (part, text) in [("subject", &mut own.words.subject), ("text", &mut own.words.text), ("html", &mut own.words.html)] {
                let Some(path) = text.as_deref().and_then(|text| text.strip_prefix(FILE)).map(|path| folder.join(path.trim())) else {
                    continue;
                };
                match std::fs::read_to_string(&path) {
                    Ok(content) => *text = Some(content.replace("\r\n", "\n").trim_end().to_owned()),
                    Err(error) => faults.push(format!("{place}: {part}: cannot read {}: {error}", path.display())),
                }
            }
            if let Some(template) = Template::parse(&own.template).filter(|_| faults.len() == before) {
                faults.extend(check(template, own.channel, &own.locale, &own.words).iter().map(|fault| format!("{place}: {fault}")));
            }
        }
    }
}

impl Described for OwnTemplate {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Words { subject, text, html } = &self.words;
        [("subject", subject), ("text", text), ("html", html)].map(|(part, text)| (part, text.as_deref().map_or_else(none, shown))).into()
    }
}

fn none() -> String {
    super::diff::NONE.to_owned()
}

/// The beginning of a text, and what tells it from others that begin like it.
fn shown(text: &str) -> String {
    let line = crate::output::shorten(text, SHOWN);
    if line == text {
        return format!("{line:?}");
    }
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{line:?} ({} characters, {:08x})", text.chars().count(), hasher.finish() >> 32)
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn faults(templates: &str, files: &[(&str, &str)]) -> (Vec<String>, Desks) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).expect("written");
        }
        let mut faults = Faults::new();
        let mut desks = file::read(&format!("[[tenant]]\nname = \"acme\"\n{templates}"), &mut faults);
        complete(&mut desks, folder.path(), &mut faults);
        let place = folder.path().display().to_string();
        (faults.into_iter().map(|fault| fault.replace(&place, "FOLDER")).collect(), desks)
    }

    #[test]
    fn a_template_is_tried_and_its_fault_named_with_its_place() {
        let faults = |more: &str| {
            let (faults, _) = faults(&format!("[[tenant.templates]]\ntemplate = \"ticket.created.client\"\n{more}"), &[]);
            faults.join("; ")
        };
        assert_eq!(faults("text = \"Hi {{reader}}\""), "");
        assert_eq!(
            faults("text = \"Hi\\n  {{nmber}}\""),
            "tenant acme: template ticket.created.client email: text: line 2, column 3: there is no nmber; did you mean number?"
        );
        assert!(faults("").contains("says nothing: subject, text or html should be there"));
        assert!(faults("txt = 'a'\nsubject = 'b'").contains("unknown key txt; did you mean text?"));
        assert!(faults("channel = 'webhook'\ntext = 'a'").contains("what a webhook posts is a contract"));
        assert!(faults("locale = 'english'\ntext = 'a'").contains("is not a language"));
        assert!(faults("text = 'a'\n[[tenant.templates]]\ntemplate = 'ticket.created.client'\ntext = 'b'").contains("stands there twice"));
        assert!(
            faults("text = 'a'\n[[tenant.templates]]\ntemplate = 'ticket.craeted.client'\ntext = 'b'")
                .contains("did you mean ticket.created.client?")
        );
        assert_eq!(faults("text = 'a'\n[[tenant.templates]]\ntemplate = 'ticket.created.client'\nlocale = 'de'\ntext = 'b'"), "");
    }

    #[test]
    fn a_text_may_stand_in_a_file_beside_the_desk() {
        let wanted = "[[tenant.templates]]\ntemplate = \"ticket.created.client\"\ntext = \"file:a.txt\"\n";
        let (none, desks) = faults(wanted, &[("a.txt", "Hi {{reader}}\r\nBye\n")]);
        assert_eq!(none, Vec::<String>::new());
        assert_eq!(desks["acme"].templates["ticket.created.client email"].words.text.as_deref(), Some("Hi {{reader}}\nBye"));
        let (missing, _) = faults(wanted, &[]);
        assert!(
            missing[0].starts_with("tenant acme: template ticket.created.client email: text: cannot read FOLDER/a.txt: "),
            "{missing:?}"
        );
    }

    #[test]
    fn texts_that_begin_alike_are_told_apart() {
        let long = |end: &str| shown(&format!("{} {end}", "word ".repeat(20)));
        assert_ne!(long("a"), long("b"));
        assert_eq!(long("a"), long("a"));
        assert_eq!(shown("short"), "\"short\"");
    }
}
