//! Whether HTML is safe to be shown, as a browser's parser understands it (WHATWG HTML, 13.2).

use html5ever::tendril::TendrilSink as _;
use html5ever::{Attribute, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// Elements that run, load, send, or reach beyond where they stand.
const FORBIDDEN_ELEMENTS: [&str; 18] = [
    "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "base", "meta", "link", "svg", "math", "template",
    "form", "input", "portal", "noscript",
];
/// The parser makes these of nothing.
const IMPLIED: [&str; 3] = ["html", "head", "body"];
const FORBIDDEN_ATTRIBUTES: [&str; 6] = ["srcdoc", "formaction", "action", "ping", "http-equiv", "autofocus"];
/// What they name is loaded at once, so it must have come with the mail.
const LOADING_ATTRIBUTES: [&str; 7] = ["src", "background", "poster", "data", "srcset", "lowsrc", "dynsrc"];
/// What they name is loaded by who follows it.
const LINKING_ATTRIBUTES: [&str; 3] = ["href", "cite", "longdesc"];
const FORBIDDEN_SCHEMES: [&str; 9] = ["data", "javascript", "vbscript", "livescript", "mocha", "file", "blob", "filesystem", "view-source"];
/// What runs or loads from within a style.
const FORBIDDEN_STYLES: [&str; 7] = ["expression(", "javascript:", "vbscript:", "behavior:", "-moz-binding", "@import", "url("];

/// What is a danger in `html`, in words.
pub(crate) fn dangers(html: &str) -> Vec<String> {
    let dom = parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(html);
    let mut found = Vec::new();
    let mut open: Vec<Handle> = vec![dom.document.clone()];
    while let Some(node) = open.pop() {
        open.extend(node.children.borrow().iter().cloned());
        let NodeData::Element { name, attrs, .. } = &node.data else { continue };
        let element = name.local.to_ascii_lowercase();
        if FORBIDDEN_ELEMENTS.contains(&&*element) {
            found.push(format!("<{element}>"));
        }
        if IMPLIED.contains(&&*element) && attrs.borrow().is_empty() {
            continue;
        }
        found.extend(attrs.borrow().iter().filter_map(|attribute| danger(&element, attribute)));
    }
    found
}

fn danger(element: &str, attribute: &Attribute) -> Option<String> {
    let name = attribute.name.local.to_ascii_lowercase();
    // A browser passes over white space and control characters in an address.
    let value: String = attribute.value.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect::<String>().to_lowercase();
    let scheme = value.split_once(':').map_or("", |(scheme, _)| scheme);
    let came_with_it = scheme == "cid" || (value.starts_with("data:image/") && !value.starts_with("data:image/svg"));
    let dangerous = name.starts_with("on")
        || FORBIDDEN_ATTRIBUTES.contains(&&*name)
        || (LOADING_ATTRIBUTES.contains(&&*name) && !came_with_it)
        || (LINKING_ATTRIBUTES.contains(&&*name) && FORBIDDEN_SCHEMES.contains(&scheme))
        || (&*name == "style" && FORBIDDEN_STYLES.iter().any(|style| value.contains(style)));
    dangerous.then(|| format!("{name}={:?} of <{element}>", attribute.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_run_or_load_is_found() {
        for html in [
            "<p><script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<a href=\"java&#10;script&colon;alert(1)\">x</a>",
            "<a href=' &#1;javascript:alert(1)'>x</a>",
            "<svg><p><style><!--</style><img src=x onerror=alert(1)>-->",
            "<p style='background: URL(https://example.org)'>x</p>",
            "<body onload=x>",
            "<a href=data:text/html,x>x</a>",
            "<img src=https://example.org/dot.gif>",
            "<img src=data:image/svg+xml,x>",
        ] {
            assert!(!dangers(html).is_empty(), "{html}");
        }
        for html in
            ["<p style=\"color: red\">Hello <a href=\"https://example.org/on=1\">javascript: &lt;script></a></p>", "<img src=\"cid:a\">"]
        {
            assert_eq!(dangers(html), [""; 0], "{html}");
        }
    }
}
