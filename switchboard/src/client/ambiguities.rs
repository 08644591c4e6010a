//! The messages whose sender could be several clients.

use switchboard_common::db::view::AmbiguityView;

use crate::output::{FAINT, Page, paint, shorten, time};

/// The list as people read it, with the tenants' names where there are several.
pub fn render(open: &[AmbiguityView], with_tenant: bool) -> String {
    if open.is_empty() {
        return "nothing to decide\n".to_owned();
    }
    let mut page = Page::default();
    for ambiguity in open {
        let tenant = if with_tenant { format!(" of {}", ambiguity.tenant) } else { String::new() };
        page.heading(&format!("{}{tenant}", ambiguity.id));
        let since = paint(FAINT, &time(ambiguity.created_at));
        page.line(1, &format!("#{} \"{}\", from {}  {since}", ambiguity.ticket, shorten(&ambiguity.title, 60), ambiguity.client));
        for candidate in &ambiguity.candidates {
            page.line(1, &format!("perhaps {}  {}  {}", candidate.name, candidate.why, paint(FAINT, &candidate.client_id.to_string())));
        }
        page.line(1, &format!("switchboard client decide {} CLIENT|new --by HANDLE", ambiguity.id));
    }
    page.finish()
}
