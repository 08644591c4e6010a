//! Where links and pictures lead.

/// Longer ones are not shown in text.
const LONGEST_SHOWN: usize = 2000;
/// A picture within the markup itself may be so large.
const LARGEST_DATA: usize = 256 * 1024;

/// A place as a browser reads it: without the characters that it leaves out (WHATWG URL, 4.4).
fn cleaned(target: &str) -> String {
    let target = target.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    target.chars().filter(|c| !c.is_control()).map(|c| if c.is_whitespace() { '\u{20}' } else { c }).collect()
}

fn has_scheme(target: &str, schemes: &[&str]) -> bool {
    schemes.iter().any(|scheme| {
        let (start, rest) = target.split_at(target.floor_char_boundary(scheme.len()));
        start.eq_ignore_ascii_case(scheme) && rest.starts_with(':')
    })
}

fn on_the_web(target: String) -> Option<String> {
    if target.starts_with("//") {
        return Some(format!("https:{target}"));
    }
    let rest = has_scheme(&target, &["http", "https"]).then(|| target.split_once(':'))??.1;
    (!rest.trim_start_matches(['/', '\\']).is_empty()).then_some(target)
}

/// Where a link leads, if a person may be led there.
pub(super) fn link(href: &str) -> Option<String> {
    let target = cleaned(href);
    if has_scheme(&target, &["mailto", "tel"]) { Some(target) } else { on_the_web(target) }
}

/// Where a picture is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Picture {
    /// With the mail, by a Content-ID or within the markup itself.
    Here(String),
    /// With somebody who would learn that the mail is read.
    Remote(String),
}

pub(super) fn picture(src: &str) -> Option<Picture> {
    let target = cleaned(src);
    if has_scheme(&target, &["cid"]) {
        return Some(Picture::Here(target));
    }
    if has_scheme(&target, &["data"]) {
        return is_raster(&target).then_some(Picture::Here(target));
    }
    on_the_web(target).map(Picture::Remote)
}

/// Whether data is a picture made of dots, which cannot hold scripts.
fn is_raster(data: &str) -> bool {
    let Some((head, encoded)) = data.split_once(',') else { return false };
    let head = head.to_ascii_lowercase();
    let types = ["png", "jpeg", "jpg", "gif", "webp", "bmp"];
    let known = types.iter().any(|kind| head == format!("data:image/{kind};base64"));
    known && encoded.len() <= LARGEST_DATA && encoded.bytes().all(|c| c.is_ascii_alphanumeric() || b"+/=".contains(&c))
}

/// What is written of a link after its text: nothing, if the text says it already.
pub(super) fn shown(target: &str, text: &str) -> Option<String> {
    let lower = target.to_ascii_lowercase();
    let start = ["mailto:", "tel:"].iter().find(|scheme| lower.starts_with(**scheme)).map_or(0, |scheme| scheme.len());
    let written = if lower.starts_with("mailto:") { target[start..].split('?').next().unwrap_or_default() } else { &target[start..] };
    let written = written.trim();
    if written.is_empty() || written.len() > LONGEST_SHOWN {
        return None;
    }
    let said = if lower.starts_with("tel:") {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        // A number is written in many ways, the foremost with or without the country's.
        let (number, text) = (digits(written), digits(text));
        text.contains(&number) || (text.len() >= 5 && number.ends_with(text.trim_start_matches('0')))
    } else {
        let text = text.to_lowercase();
        let place = lower[start..].split('?').next().unwrap_or_default();
        let place = if start > 0 { place } else { &lower };
        let place = place.strip_prefix("https://").or_else(|| place.strip_prefix("http://")).unwrap_or(place);
        text.contains(place.trim_start_matches("www.").trim_end_matches('/'))
    };
    (!said).then(|| written.replace(['<', '>'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_that_are_safe_to_go_to_are_links() {
        for (href, target) in [
            (" https://example.org/a b ", Some("https://example.org/a b")),
            ("HTTP://example.org", Some("HTTP://example.org")),
            ("ht\ntps://example.org", Some("https://example.org")),
            ("//example.org/x", Some("https://example.org/x")),
            ("mailto:ada@example.org", Some("mailto:ada@example.org")),
            ("tel:+43 1", Some("tel:+43 1")),
            ("http://", None),
            ("javascript:alert(1)", None),
            ("java\tscript:alert(1)", None),
            ("\u{1}javascript:alert(1)", None),
            ("vbscript:x", None),
            ("data:text/html,x", None),
            ("file:///etc/passwd", None),
            ("#part", None),
            ("page.html", None),
            ("", None),
        ] {
            assert_eq!(link(href).as_deref(), target, "{href}");
        }
    }

    #[test]
    fn pictures_are_here_or_remote_or_none() {
        assert_eq!(picture("cid:a@b"), Some(Picture::Here("cid:a@b".to_owned())));
        assert!(matches!(picture("data:image/png;base64,AAAA"), Some(Picture::Here(_))));
        assert!(matches!(picture("https://example.org/x.png"), Some(Picture::Remote(_))));
        for src in ["data:image/svg+xml;base64,AAAA", "data:text/html;base64,AAAA", "data:image/png,<svg>", "javascript:x", "x.png"] {
            assert_eq!(picture(src), None, "{src}");
        }
        assert_eq!(picture(&format!("data:image/png;base64,{}", "A".repeat(LARGEST_DATA + 1))), None);
    }

    #[test]
    fn a_link_is_written_out_unless_its_text_says_it() {
        for (target, text, written) in [
            ("https://example.org/x", "here", Some("https://example.org/x")),
            ("https://www.example.org/", "Example.org", None),
            ("http://example.org/x", "see example.org/x.", None),
            ("mailto:ada@example.org?subject=x", "write", Some("ada@example.org")),
            ("mailto:Ada@example.org?subject=x", "ada@example.org", None),
            ("tel:+43123456", "+43 123 456", None),
            ("tel:+43123456", "0123 456", None),
            ("tel:+43123456", "call", Some("+43123456")),
            ("https://evil.example/", "https://bank.example", Some("https://evil.example/")),
        ] {
            assert_eq!(shown(target, text).as_deref(), written, "{target} {text}");
        }
    }
}
