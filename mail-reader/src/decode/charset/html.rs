//! The charset that HTML names for itself.

/// A browser looks for it in the first 1,024 bytes (HTML Standard, 13.2.3.2); mail programs put
/// much into the head before it.
const HEAD: usize = 4096;

/// The label in a `<meta charset=…>`, in the content of a `<meta http-equiv=Content-Type …>` or in
/// an XML declaration near the beginning.
pub(super) fn label(markup: &[u8]) -> Option<&str> {
    let head = &markup[..markup.len().min(HEAD)];
    let declared = head.trim_ascii_start().starts_with(b"<?xml").then(|| value_after(tag(head), b"encoding")).flatten();
    declared.or_else(|| in_meta(head))
}

fn in_meta(head: &[u8]) -> Option<&str> {
    let mut rest = head;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"!--") {
            let end = rest.windows(3).position(|three| three == b"-->")?;
            rest = &rest[end..];
        } else if rest.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"meta")) {
            if let Some(label) = value_after(tag(rest), b"charset") {
                return Some(label);
            }
        } else if rest.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"body")) {
            return None;
        }
    }
    None
}

/// The beginning up to where the tag ends.
fn tag(rest: &[u8]) -> &[u8] {
    &rest[..rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len())]
}

/// What stands after a name and an equals sign.
fn value_after<'a>(tag: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let mut from = 0;
    while let Some(at) = tag[from..].windows(name.len()).position(|word| word.eq_ignore_ascii_case(name)) {
        from += at + name.len();
        let Some(value) = tag[from..].trim_ascii_start().strip_prefix(b"=") else { continue };
        let value = value.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let end = value.iter().position(|byte| byte.is_ascii_whitespace() || b"\"';/?>".contains(byte)).unwrap_or(value.len());
        return std::str::from_utf8(&value[..end]).ok().filter(|label| !label.is_empty());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charset_is_found_wherever_html_names_it() {
        for (markup, named) in [
            ("<meta charset=utf-8>", Some("utf-8")),
            ("<html><head><META Charset = 'koi8-r' />", Some("koi8-r")),
            ("<meta http-equiv=\"Content-Type\" content=\"text/html; charset=big5\">", Some("big5")),
            ("<meta content='text/html;charset=gbk' http-equiv=content-type>", Some("gbk")),
            ("<?xml version=\"1.0\" encoding=\"shift_jis\"?><html>", Some("shift_jis")),
            ("<!-- <meta charset=big5> --><meta charset=gbk>", Some("gbk")),
            ("<meta name=charset><meta charset=\"\">", None),
            ("<body><meta charset=utf-8>", None),
            ("charset=utf-8", None),
            ("", None),
        ] {
            assert_eq!(label(markup.as_bytes()), named, "{markup}");
        }
    }
}
