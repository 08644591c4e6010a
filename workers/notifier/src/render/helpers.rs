//! What templates can do beside showing a value. What a helper gives is escaped as any value is.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonRender, JsonTruthy, Output, RenderContext, RenderError, RenderErrorReason,
    Renderable, ScopedJson,
};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::phrases::{self, Catalogue};

/// Adds the helpers to a registry.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    // What people wrote does not belong into the log.
    registry.unregister_helper("log");
    registry.register_helper("if", Box::new(Condition { when: true }));
    registry.register_helper("unless", Box::new(Condition { when: false }));
    registry.register_helper("t", Box::new(Said(phrase)));
    registry.register_helper("date", Box::new(Said(date)));
    registry.register_helper("plural", Box::new(Said(plural)));
    registry.register_helper("truncate", Box::new(Said(truncated)));
    registry.register_helper("join", Box::new(Said(join)));
    registry.register_helper("quote", Box::new(Said(quote)));
    registry.register_helper("lines", Box::new(lines));
}

/// `{{#if value}}`: as built in, but what is not there at all is an error here too.
struct Condition {
    when: bool,
}

impl HelperDef for Condition {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rendered: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = present(helper, "if")?;
        let branch = if value.is_truthy(false) == self.when { helper.template() } else { helper.inverse() };
        branch.map_or(Ok(()), |branch| branch.render(registry, context, rendered, out))
    }
}

/// A helper that says something.
struct Said<F>(F);

impl<F> HelperDef for Said<F>
where
    F: Fn(&Helper<'_>, &Value) -> Result<String, RenderError> + Send + Sync,
{
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived(Value::String((self.0)(helper, context.data())?)))
    }
}

/// The first parameter, which has to be there.
fn present<'h>(helper: &'h Helper<'_>, name: &'static str) -> Result<&'h Value, RenderError> {
    let parameter = helper.param(0).ok_or(RenderErrorReason::ParamNotFoundForIndex(name, 0))?;
    if parameter.is_value_missing() {
        return Err(RenderErrorReason::MissingVariable(parameter.relative_path().cloned()).into());
    }
    Ok(parameter.value())
}

fn text<'h>(helper: &'h Helper<'_>, name: &'static str) -> Result<&'h str, RenderError> {
    present(helper, name)?.as_str().ok_or_else(|| RenderErrorReason::InvalidParamType("a text").into())
}

fn error(what: impl Into<String>) -> RenderError {
    RenderErrorReason::Other(what.into()).into()
}

/// `{{t "digest.more" count=3}}`: a phrase in the reader's language. What it takes is what is passed, or else what every template sees.
fn phrase(helper: &Helper<'_>, root: &Value) -> Result<String, RenderError> {
    let key = text(helper, "t")?;
    let value = |name: &str| match helper.hash_get(name) {
        Some(passed) => shown(passed.value()),
        None => name.split('.').try_fold(root, |value, key| value.get(key)).and_then(shown),
    };
    language(root).say(key, value).map_err(|speechless| error(speechless.to_string()))
}

fn shown(value: &Value) -> Option<String> {
    matches!(value, Value::String(_) | Value::Number(_)).then(|| value.render())
}

/// `{{date message.at}}`: a point in time in the reader's zone and language.
fn date(helper: &Helper<'_>, root: &Value) -> Result<String, RenderError> {
    let at: DateTime<Utc> = text(helper, "date")?.parse().map_err(|_| RenderErrorReason::InvalidParamType("a time"))?;
    let zone: Tz = setting(root, "timezone").parse().unwrap_or(Tz::UTC);
    Ok(language(root).date(at, zone))
}

/// `{{plural count one="{} day" other="{} days"}}`: the form for a number, by the plural categories of the language (CLDR).
fn plural(helper: &Helper<'_>, root: &Value) -> Result<String, RenderError> {
    let number = present(helper, "plural")?.as_number().ok_or(RenderErrorReason::InvalidParamType("a number"))?.to_string();
    let form = |category| helper.hash_get(category).and_then(|form| form.value().as_str());
    let form = form(phrases::plural(setting(root, "locale"), &number)).or_else(|| form("other"));
    let form = form.ok_or_else(|| RenderErrorReason::ParamNotFoundForName("plural", "other".to_owned()))?;
    Ok(form.replace("{}", &number))
}

/// `{{truncate text 80}}`: at most so many letters, with an ellipsis where something is left out.
fn truncated(helper: &Helper<'_>, _: &Value) -> Result<String, RenderError> {
    let most = helper.param(1).and_then(|most| most.value().as_u64()).ok_or(RenderErrorReason::ParamNotFoundForIndex("truncate", 1))?;
    Ok(truncate(text(helper, "truncate")?, usize::try_from(most).unwrap_or(usize::MAX)))
}

/// `{{join list}}`: the texts of a list, with commas between them.
fn join(helper: &Helper<'_>, _: &Value) -> Result<String, RenderError> {
    let list = present(helper, "join")?.as_array().ok_or(RenderErrorReason::InvalidParamType("a list"))?;
    Ok(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
}

/// `{{quote text}}`: the text with `> ` before each line.
fn quote(helper: &Helper<'_>, _: &Value) -> Result<String, RenderError> {
    Ok(text(helper, "quote")?.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n"))
}

/// `{{lines text}}`: the text escaped, its line breaks kept: in HTML as `<br>`.
fn lines(helper: &Helper<'_>, registry: &Handlebars<'_>, _: &Context, _: &mut RenderContext<'_, '_>, out: &mut dyn Output) -> HelperResult {
    let escaped = registry.get_escape_fn()(text(helper, "lines")?);
    let is_html = registry.has_template("layout");
    out.write(&if is_html { escaped.replace('\n', "<br>\n") } else { escaped })?;
    Ok(())
}

fn setting<'v>(root: &'v Value, key: &str) -> &'v str {
    root.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn language(root: &Value) -> &'static Catalogue {
    phrases::find(setting(root, "language")).unwrap_or_else(phrases::english)
}

/// At most `most` letters of a text, as people count them (grapheme clusters), with an ellipsis for what is left out; between words
/// where there is a space in the last third.
pub(super) fn truncate(text: &str, most: usize) -> String {
    let Some((end, _)) = text.grapheme_indices(true).nth(most) else { return text.to_owned() };
    let last = text[..end].grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
    let kept = &text[..last];
    let word = kept.rfind(char::is_whitespace).filter(|at| text[*at..].starts_with(char::is_whitespace) && *at * 3 >= kept.len() * 2);
    let is_between = text[last..].starts_with(char::is_whitespace);
    let kept = if is_between { kept } else { word.map_or(kept, |at| &kept[..at]) };
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_words_and_never_within_a_letter() {
        assert_eq!(truncate("short", 5), "short");
        assert_eq!(truncate("the printer is on fire", 16), "the printer is…");
        assert_eq!(truncate("the printer is on fire", 12), "the printer…");
        assert_eq!(truncate("Donaudampfschifffahrt", 10), "Donaudamp…");
        assert_eq!(truncate("a Donaudampfschifffahrt", 10), "a Donauda…");
        let family = "👩‍👩‍👧‍👦";
        assert_eq!(truncate(&family.repeat(5), 3), format!("{family}{family}…"));
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(truncate("x", 0), "…");
        assert_eq!(truncate("", 0), "");
    }
}
