//! Which attachments the HTML shows.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;

use super::Found;

/// No reference is longer.
const LONGEST_REFERENCE: usize = 2000;

/// Marks the attachments that some HTML refers to, by Content-ID (RFC 2392) or by Content-Location
/// (RFC 2557), or against all rules by name; those are given an id, so that all are referred to in
/// one way. A picture that the HTML does not refer to is not shown by it, whatever is said of it.
pub(crate) fn place<'m>(markups: impl Iterator<Item = &'m mut String>, found: &mut [Found]) {
    name_located(found);
    let locations: HashMap<String, String> = found.iter().filter_map(Found::located).collect();
    let mut referred = HashSet::new();
    let mut has_html = false;
    for markup in markups {
        has_html = true;
        if !locations.is_empty() {
            *markup = relocated(markup, &locations);
        }
        let ids: HashSet<&str> = found.iter().map(Found::id).collect();
        if !ids.is_empty() {
            referred.extend(references(markup).filter(|id| ids.contains(id.as_str())));
        }
    }
    for found in found {
        let is_referred = referred.contains(found.id());
        if is_referred && found.attachment.content_id.is_none() {
            found.attachment.content_id = Some(found.attachment.name.clone());
        }
        found.attachment.inline = is_referred || (has_html && found.is_related);
    }
}

/// Gives what has a Content-Location alone an id made of its place among the others.
fn name_located(found: &mut [Found]) {
    for (index, found) in found.iter_mut().enumerate() {
        if found.location.is_some() && found.attachment.content_id.is_none() {
            found.attachment.content_id = Some(format!("{index}@content-location.invalid"));
        }
    }
}

impl Found {
    /// The Content-ID, or the name in its stead.
    fn id(&self) -> &str {
        self.attachment.content_id.as_deref().unwrap_or(&self.attachment.name)
    }

    fn located(&self) -> Option<(String, String)> {
        Some((self.location.clone()?, self.attachment.content_id.clone()?))
    }
}

/// The ids that `cid:` stands before, as they are in headers: without escapes and entities.
fn references(markup: &str) -> impl Iterator<Item = String> {
    let starts = memchr::memmem::find_iter(markup.as_bytes(), b":").filter(move |colon| {
        colon.checked_sub(3).and_then(|start| markup.get(start..*colon)).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid"))
    });
    starts.map(move |colon| {
        let rest = &markup[colon + 1..];
        let rest = &rest[..rest.floor_char_boundary(LONGEST_REFERENCE)];
        let end = rest.find(|c: char| c.is_whitespace() || "\"'<>()".contains(c)).unwrap_or(rest.len());
        let id = rest[..end].replace("&amp;", "&").replace("&#64;", "@").replace("&commat;", "@");
        percent_decode_str(&id).decode_utf8_lossy().into_owned()
    })
}

/// The markup with each quoted location replaced by a reference to the id of what is there.
fn relocated(markup: &str, locations: &HashMap<String, String>) -> String {
    let mut out = String::with_capacity(markup.len());
    for piece in markup.split_inclusive(['"', '\'']) {
        let value = piece.trim_end_matches(['"', '\'']);
        match locations.get(value.trim()).filter(|_| value.len() <= LONGEST_REFERENCE && ends_with_source(&out)) {
            Some(id) => {
                out.push_str("cid:");
                out.push_str(id);
                out.push_str(&piece[value.len()..]);
            }
            None => out.push_str(piece),
        }
    }
    out
}

/// Whether the value that comes next is that of an attribute that loads something.
fn ends_with_source(markup: &str) -> bool {
    let Some(name) = markup.trim_end_matches(['"', '\'']).trim_ascii_end().strip_suffix('=') else { return false };
    let name = name.trim_ascii_end().as_bytes();
    ["src", "background"].iter().any(|own| name.len() >= own.len() && name[name.len() - own.len()..].eq_ignore_ascii_case(own.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_however_they_are_written() {
        let markup = "<img src=\"cid:a%40x\"><img src=CID:b@x><td background='cid:c&#64;x'>url(cid:d@x) acid:no cid:";
        let found: Vec<String> = references(markup).collect();
        assert_eq!(found, ["a@x", "b@x", "c@x", "d@x", "no", ""]);
    }

    #[test]
    fn a_location_becomes_an_id() {
        let locations = HashMap::from([("logo.png".to_owned(), "1@x".to_owned())]);
        assert_eq!(relocated("<img src=\"logo.png\" alt='logo.png'>", &locations), "<img src=\"cid:1@x\" alt='logo.png'>");
    }
}
