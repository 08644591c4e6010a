//! What the reader of the demo sees.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::Path;

use switchboard_common::db::view::MessageExplained;
use switchboard_common::domain::explanation::SenderFound;

use super::verdict::{Found, Judged, deliveries};
use crate::output::{ADDED, FAINT, REMOVED, STRONG, paint, print};

/// Says where everything is going to lie.
pub fn begin(data: &Path) -> anyhow::Result<()> {
    print(&format!("{}\n  starting `switchboard up` in {} … ", paint(STRONG, "The Corner Bookshop opens its desk"), data.display()))
}

/// Says that the desk is up.
pub fn ready() -> anyhow::Result<()> {
    print(&format!("{}\n\n{}\n", paint(ADDED, "ready"), paint(STRONG, "Its mail comes in")))
}

/// Begins the line of a mail that is on its way.
pub fn progress(number: usize, shows: &str) -> anyhow::Result<()> {
    print(&format!("  {number:>2}  {shows} … "))
}

/// Ends it.
pub fn progressed(well: bool) -> anyhow::Result<()> {
    print(&format!("{}\n", if well { paint(ADDED, "ok") } else { paint(REMOVED, "not where it should be") }))
}

/// Whether somebody is there to read on.
pub fn at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What became of each mail, at a glance.
pub fn report(judged: &[Judged], outgoing: &Path) -> anyhow::Result<()> {
    let mut text = format!("\n{}\n", paint(STRONG, "What became of each"));
    for (number, mail) in (1..).zip(judged) {
        let heading = format!("{number:>2}  {}", mail.expected.shows);
        let _ = writeln!(text, "\n{}  {}", paint(STRONG, &heading), paint(FAINT, &format!("{}.eml", mail.expected.file)));
        describe(&mut text, mail, outgoing);
        for fault in &mail.faults {
            let _ = writeln!(text, "    {}", paint(REMOVED, fault));
        }
    }
    let wrong = judged.iter().filter(|mail| !mail.faults.is_empty()).count();
    let sent: usize =
        judged.iter().map(|mail| if let Found::Routed(routed) = &mail.found { deliveries(&routed.0).count() } else { 0 }).sum();
    let verdict = match wrong {
        0 => paint(ADDED, &format!("{} mails in, {sent} out, each where it should be.", judged.len())),
        wrong => paint(REMOVED, &format!("{wrong} of {} mails did not end where they should.", judged.len())),
    };
    let _ = writeln!(text, "\n{verdict}\nThe outgoing mails lie in {}", outgoing.display());
    print(&text)
}

fn describe(text: &mut String, mail: &Judged, outgoing: &Path) {
    match &mail.found {
        Found::Routed(routed) => describe_routed(text, &routed.0, outgoing),
        Found::Duplicate(message) => {
            line(text, "ticket", &format!("#{}: it was there already, and nothing happened twice", message.ticket.unwrap_or_default()));
        }
        Found::Dead(letter) => line(text, "parked", &format!("among the dead letters: {}", letter.reason)),
        Found::Lost => line(text, "lost", "neither on a ticket nor among the dead letters"),
    }
}

fn describe_routed(text: &mut String, message: &MessageExplained, outgoing: &Path) {
    let Some(explanation) = &message.explanation else { return };
    let client = message.client.as_deref().unwrap_or("nobody");
    line(text, "client", &format!("{client}{}", sender(&explanation.sender, client)));
    line(text, "ticket", &format!("#{} {}", message.ticket.unwrap_or_default(), message.title.as_deref().unwrap_or_default()));
    line(text, "why", &explanation.decision);
    if let Some(routing) = &explanation.routing {
        let steps = [&routing.category, &routing.department, &routing.assignee].into_iter().flatten().cloned().collect::<Vec<_>>();
        line(text, "routed", &format!("{}: {}", steps.join(" → "), routing.category_why));
    }
    let mut label = "told";
    for delivery in deliveries(message) {
        let answer = delivery.last_answer.as_deref().unwrap_or(&delivery.status);
        let file = Path::new(answer).strip_prefix(outgoing).map_or(answer.to_owned(), |file| file.display().to_string());
        line(text, label, &format!("{:<29} {}", delivery.address, paint(FAINT, &file)));
        label = "";
    }
    for decision in message.events.iter().flat_map(|event| &event.told).filter(|decision| !decision.told) {
        line(text, "not told", &format!("{}: {}", decision.recipient, decision.why));
    }
}

/// Who wrote, where that is not the ticket's client under their own name.
fn sender(found: &SenderFound, client: &str) -> String {
    match found {
        SenderFound::KnownClient { key, .. } => format!(", known by {key}"),
        SenderFound::NewClient { key, .. } => format!(", new, by {key}"),
        SenderFound::User { handle, .. } => format!("; written by {handle}"),
        SenderFound::NotLookedFor { key } => format!("; written by {key}"),
        SenderFound::Unknown { key } => format!("; written by {key}, who is not {client}"),
    }
}

fn line(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "    {} {value}", paint(FAINT, &format!("{label:<8}")));
}

/// How the reader's own mail comes in.
pub fn invite(data: &Path) -> anyhow::Result<()> {
    print(&format!(
        "\nThe desk stays up until Ctrl-C. From another terminal:\n\
         \x20   cargo run -q -- --data {data} pipe --account support < mail.eml\n\
         \x20   cargo run -q -- --data {data} ticket list\n\
         \x20   cargo run -q -- --data {data} ticket show 1\n",
        data = data.display()
    ))?;
    Ok(std::io::stdout().flush()?)
}
