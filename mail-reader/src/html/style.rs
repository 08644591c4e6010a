//! What stands in a style attribute (CSS Style Attributes, CSS Syntax 3).

use super::token::Attributes;

/// What an element's attributes say of how it looks, as far as it matters to who reads text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// It and all in it is hidden.
    pub(super) hidden: bool,
    /// Whether its text is of no height; `None` if it is as high as that around it.
    pub(super) sizeless: Option<bool>,
    /// Whether it keeps its white space; `None` if as what is around it.
    pub(super) preformatted: Option<bool>,
    /// It is set to have no space above or below it.
    pub(super) marginless: bool,
    /// It is set to have neither border nor padding.
    pub(super) frameless: bool,
}

/// The properties of a style attribute with their values, in the order in which they stand.
pub(super) fn declarations(style: &str) -> impl Iterator<Item = (&str, &str)> {
    style.split(';').filter_map(|declaration| {
        let (property, value) = declaration.split_once(':')?;
        let value = value.trim();
        let value = match value.rsplit_once('!') {
            Some((before, important)) if important.trim().eq_ignore_ascii_case("important") => before.trim_end(),
            _ => value,
        };
        Some((property.trim(), value))
    })
}

/// Whether a length is nothing.
fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.parse::<f32>().is_ok_and(|number| number.abs() < 0.005)
}

/// How an element looks, by its attributes.
pub(super) fn look(attributes: Attributes<'_>) -> Look {
    if attributes.is_empty() {
        return Look::default();
    }
    let mut look = Look { hidden: attributes.has("hidden"), ..Look::default() };
    let Some(style) = attributes.get("style") else { return look };
    let (mut clipped, mut flat) = (false, false);
    let (mut borderless, mut unpadded) = (false, false);
    for (property, value) in declarations(&style) {
        let is = |name: &str| property.eq_ignore_ascii_case(name);
        let says = |word: &str| value.eq_ignore_ascii_case(word);
        if is("display") {
            look.hidden |= says("none");
        } else if is("visibility") {
            look.hidden |= says("hidden") || says("collapse");
        } else if is("opacity") {
            look.hidden |= is_zero(value);
        } else if is("font-size") {
            look.sizeless = Some(is_zero(value));
        } else if is("overflow") {
            clipped |= says("hidden");
        } else if is("max-height") || is("height") || is("max-width") {
            flat |= is_zero(value);
        } else if is("white-space") {
            let kept = ["pre", "pre-wrap", "pre-line", "break-spaces"];
            look.preformatted = Some(kept.iter().any(|word| says(word)));
        } else if is("margin") {
            let mut sides = value.split_ascii_whitespace();
            let (top, _, bottom) = (sides.next(), sides.next(), sides.next());
            look.marginless = top.is_some_and(is_zero) && bottom.is_none_or(is_zero);
        } else if is("margin-bottom") || is("margin-block-end") {
            look.marginless = is_zero(value);
        } else if is("border") {
            borderless |= says("none") || is_zero(value.split_ascii_whitespace().next().unwrap_or_default());
        } else if is("padding") {
            unpadded |= value.split_ascii_whitespace().all(is_zero);
        }
    }
    look.hidden |= clipped && flat;
    look.frameless = borderless && unpadded;
    look
}

/// Properties that change how text looks where it stands, and nothing else: none places an element,
/// lays it over another, hides it or loads anything.
const SAFE_PROPERTIES: [&str; 60] = [
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-width",
    "color",
    "direction",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "min-width",
    "overflow-wrap",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-decoration-line",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
];

/// No value that is meant well is longer.
const LONGEST_VALUE: usize = 200;

/// A style attribute with nothing in it that is not known to be harmless.
pub(super) fn sanitised(style: &str) -> String {
    let mut safe = String::new();
    for (property, value) in declarations(style) {
        let property = property.to_ascii_lowercase();
        if SAFE_PROPERTIES.binary_search(&property.as_str()).is_ok() && is_safe(value) {
            if !safe.is_empty() {
                safe.push(';');
            }
            safe.push_str(&property);
            safe.push(':');
            safe.extend(value.split_ascii_whitespace().enumerate().flat_map(|(index, word)| [if index > 0 { " " } else { "" }, word]));
        }
    }
    safe
}

/// Whether a value is made of words, names in quotes, lengths and colours alone: no escapes, no
/// functions but those of colours, nothing negative, which would lead out of its place.
fn is_safe(value: &str) -> bool {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '\t' | '\n' | '#' | '.' | ',' | '%' | '-' | '_' | '/');
    if value.is_empty() || value.len() > LONGEST_VALUE || value.contains("/*") {
        return false;
    }
    let mut rest = value;
    while let Some(at) = rest.find(|c| !harmless(c)) {
        let (before, after) = rest.split_at(at);
        let close = match after.as_bytes()[0] {
            b'(' if is_colour_function(before) => ')',
            b'"' => '"',
            b'\'' => '\'',
            _ => return false,
        };
        let Some((inner, after)) = after[1..].split_once(close) else { return false };
        if !inner.chars().all(harmless) {
            return false;
        }
        rest = after;
    }
    !value
        .split(|c: char| c.is_whitespace() || c == ',')
        .any(|word| word.strip_prefix('-').is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit() || c == '.')))
}

fn is_colour_function(before: &str) -> bool {
    let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
    ["rgb", "rgba", "hsl", "hsla"].iter().any(|function| name.eq_ignore_ascii_case(function))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::token::{Token, Tokens};

    fn look_of(style: &str) -> Look {
        let markup = format!("<p style=\"{style}\">");
        match Tokens::new(&markup).next() {
            Some(Token::Start(_, attributes)) => look(attributes),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_only_looks_is_kept_and_what_does_more_is_not() {
        assert!(SAFE_PROPERTIES.is_sorted());
        let kept = [
            ("COLOR : Red ; font-family: 'Segoe UI', Arial", "color:Red;font-family:'Segoe UI', Arial"),
            ("background:rgb(1, 2, 3) ;margin:0  auto !important", "background:rgb(1, 2, 3);margin:0 auto"),
            ("border-left:1px solid rgba(0,0,0,.5)", "border-left:1px solid rgba(0,0,0,.5)"),
        ];
        for (style, safe) in kept {
            assert_eq!(sanitised(style), safe);
        }
        for style in [
            "background:url(https://track.example/x)",
            r"background:\75rl(https://track.example/x)",
            "background:u/**/rl(x)",
            "width:expression(alert(1))",
            "position:fixed",
            "z-index:9",
            "behavior:url(x.htc)",
            "-moz-binding:url(x)",
            "content:'x'",
            "display:block",
            "margin-left:-9999px",
            "text-indent:-1em",
            "color:rgb(url(x))",
            "font-family:'a;b",
            "font-family:'a\\'b'",
            "color:red}body{color:blue",
            "width:calc(100% + 1px)",
            "@import 'x'",
            "color",
            "background-image:image-set('x' 1x)",
        ] {
            assert_eq!(sanitised(style), "", "{style}");
        }
    }

    #[test]
    fn what_is_hidden_is_known_by_its_style() {
        for style in ["display:none", "DISPLAY : NONE !important", "visibility:hidden", "max-height:0;overflow:hidden", "opacity:0"] {
            assert!(look_of(style).hidden, "{style}");
        }
        for style in ["display:block", "mso-hide:all", "max-height:0", "overflow:hidden", "opacity:0.5", "line-height:0"] {
            assert!(!look_of(style).hidden, "{style}");
        }
        assert_eq!(look_of("font-size:0px").sizeless, Some(true));
        assert_eq!(look_of("font-size:0.9em").sizeless, Some(false));
        assert!(look_of("margin:0 0 0 .8ex").marginless && !look_of("margin:0 0 1em").marginless);
    }
}
