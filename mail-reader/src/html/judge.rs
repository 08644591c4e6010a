//! Judges sanitised HTML by what a parser that conforms to the standard reads in it; by lists of its
//! own, so that a slip in those of the sanitiser shows.

use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;

const ELEMENTS: &str = " html head body a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn \
                        div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q rp rt ruby \
                        s samp section small span strike strong sub sup table tbody td tfoot th thead time tr tt u ul var wbr ";
const ATTRIBUTES: &str = " align alt bgcolor border cellpadding cellspacing color cols colspan data-remote-src dir face height href hspace lang \
                          nowrap rel rowspan size span src start style target title type valign value vspace width ";

/// Whether there is nothing in it that should not be.
pub(super) fn check(html: &str) -> Result<(), String> {
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html);
    let mut open: Vec<Handle> = vec![dom.document.clone()];
    while let Some(node) = open.pop() {
        open.extend(node.children.borrow().iter().cloned());
        match &node.data {
            NodeData::Element { name, attrs, .. } => {
                if &*name.ns != "http://www.w3.org/1999/xhtml" || !ELEMENTS.contains(&format!(" {} ", name.local)) {
                    return Err(format!("element {}", name.local));
                }
                for attribute in attrs.borrow().iter() {
                    check_attribute(&name.local, &attribute.name.local, &attribute.value)?;
                }
            }
            NodeData::Text { contents } => {
                if contents.borrow().contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
                    return Err("control character".to_owned());
                }
            }
            NodeData::Document => {}
            NodeData::Comment { .. } | NodeData::Doctype { .. } | NodeData::ProcessingInstruction { .. } => {
                return Err("comment or instruction".to_owned());
            }
        }
    }
    Ok(())
}

fn check_attribute(element: &str, name: &str, value: &str) -> Result<(), String> {
    let starts = |schemes: &[&str]| schemes.iter().any(|scheme| value.to_ascii_lowercase().starts_with(scheme));
    let fits = match name {
        "href" => element == "a" && starts(&["http:", "https:", "mailto:", "tel:"]),
        "src" => element == "img" && starts(&["cid:", "data:image/png;", "data:image/gif;", "data:image/jpeg;"]),
        "data-remote-src" => element == "img" && starts(&["http:", "https:"]),
        "style" => {
            let value = value.to_ascii_lowercase();
            let bad = ["url", "expression", "\\", "import", "position", "binding", "behavior", "content", "<", "@", "/*", "{", "display"];
            !bad.iter().any(|bad| value.contains(bad))
        }
        _ => ATTRIBUTES.contains(&format!(" {name} ")),
    };
    if fits { Ok(()) } else { Err(format!("{element} {name}={value}")) }
}

/// Markup put together from what parsers stumble over.
pub(super) fn markup() -> impl Strategy<Value = String> {
    let names = "a b p i div span font table tbody tr td th caption colgroup col ul ol li dl dd dt blockquote pre h1 svg math mtext mglyph style \
                 script title textarea xmp noscript template select option form button input img br hr body html head iframe object \
                 foreignObject desc annotation-xml plaintext nobr center o:p frameset image signature ruby rt listing";
    let names: Vec<&'static str> = names.split_whitespace().collect();
    let attributes = vec![
        " href=javascript:alert(1)",
        " href='https://a.example/\"<>'",
        " href=\"mailto:x`y\"",
        " src=x onerror=alert(1)",
        " src=cid:x",
        " src=https://b.example/",
        " src=data:image/png;base64,AA",
        " style='color:red;background:url(x)'",
        " style=\"font-family:'<b>'\"",
        " style=display:none",
        " hidden",
        " title='</p><img src=x>'",
        " alt=\"-->\"",
        " class=gmail_quote",
        " id=divRplyFwdMsg",
        " type=cite",
        " =x",
        " \"",
        " '",
        " a=\"",
        " b='",
        "/",
        "\n",
        " title=&quot;&#96;&#1;",
        " type=text/html",
        " encoding=text/html",
        " width=1",
        " colspan=99999",
        " dir=rtl",
        " style='border-top:solid;padding:3.0pt 0'",
        " style='font-size:0'",
    ];
    let texts = vec![
        "text",
        " ",
        "\n",
        "&lt;",
        "&amp;lt;",
        "&#60;script&#62;",
        "&",
        "<",
        ">",
        "\"",
        "'",
        "`",
        "-->",
        "<!--",
        "<!-->",
        "<![CDATA[",
        "]]>",
        "<?x",
        "<!x>",
        "</",
        "--!>",
        "&#0;",
        "&nbsp;",
        "From: x\nTo: y\nDate: z",
        "\u{202e}",
        "&zwj;",
        "\u{1f600}",
    ];
    let start = (
        prop::sample::select(names.clone()),
        prop::collection::vec(prop::sample::select(attributes), 0..3),
        prop::sample::select(vec![">", "/>", ""]),
    );
    let piece = prop_oneof![
        4 => start.prop_map(|(name, attributes, end)| format!("<{name}{}{end}", attributes.concat())),
        3 => prop::sample::select(names).prop_map(|name| format!("</{name}>")),
        3 => prop::sample::select(texts).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}
