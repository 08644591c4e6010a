//! An invitation in words (RFC 5545, RFC 5546).

use std::fmt::Write as _;

/// Of larger calendars the beginning is read.
const LONGEST: usize = 256 * 1024;
/// What a calendar asks for, and how that is said.
const METHODS: [(&str, &str); 5] = [
    ("REQUEST", "Invitation"),
    ("CANCEL", "Cancelled"),
    ("REPLY", "Answer to an invitation"),
    ("COUNTER", "Another time is proposed"),
    ("ADD", "Invitation"),
];
/// What a participant answers.
const ANSWERS: [(&str, &str); 4] =
    [("ACCEPTED", "accepts"), ("DECLINED", "declines"), ("TENTATIVE", "accepts tentatively"), ("DELEGATED", "delegates")];

#[derive(Default)]
struct Event<'a> {
    method: Option<&'a str>,
    summary: Option<String>,
    start: Option<String>,
    end: Option<String>,
    place: Option<String>,
    organiser: Option<String>,
    answer: Option<String>,
    description: Option<String>,
}

/// What, when, where and who, of the first event; `None` if there is none.
pub(super) fn in_words(calendar: &str) -> Option<String> {
    let calendar = &calendar[..calendar.floor_char_boundary(LONGEST)];
    let unfolded = calendar.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut event = Event::default();
    let mut inside: Vec<&str> = Vec::new();
    for line in unfolded.lines() {
        let Some((head, value)) = split(line) else { continue };
        let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
        match (name.to_ascii_uppercase().as_str(), inside.as_slice()) {
            ("BEGIN", _) if inside.len() < 8 => inside.push(value.trim()),
            ("END", ["VCALENDAR", "VEVENT"]) => return Some(event.in_words()),
            ("END", _) => drop(inside.pop()),
            ("METHOD", ["VCALENDAR"]) => event.method = Some(value.trim()),
            (name, ["VCALENDAR", "VEVENT"]) => event.add(name, parameters, value),
            _ => {}
        }
    }
    (event.summary.is_some() || event.start.is_some()).then(|| event.in_words())
}

/// The name with its parameters, and the value; a colon within quotes belongs to a parameter.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b':' && !quoted
    })?;
    Some((&line[..at], &line[at + 1..]))
}

impl Event<'_> {
    fn add(&mut self, name: &str, parameters: &str, value: &str) {
        let text = || Some(unescaped(value)).filter(|text| !text.is_empty());
        match name {
            "SUMMARY" => self.summary = text(),
            "LOCATION" => self.place = text(),
            "DESCRIPTION" => self.description = text(),
            "DTSTART" => self.start = Some(moment(value, parameters)),
            "DTEND" => self.end = Some(moment(value, parameters)),
            "ORGANIZER" => self.organiser = Some(person(value, parameters)),
            "ATTENDEE" if self.answer.is_none() => {
                let said = parameter(parameters, "PARTSTAT").unwrap_or_default();
                let answer = ANSWERS.iter().find(|(known, _)| said.eq_ignore_ascii_case(known));
                self.answer = answer.map(|(_, words)| format!("{} {words}", person(value, parameters)));
            }
            _ => {}
        }
    }

    fn in_words(self) -> String {
        let method = self.method.and_then(|method| METHODS.iter().find(|(known, _)| method.eq_ignore_ascii_case(known)));
        let kind = method.map_or("Event", |(_, words)| words);
        let when = match (self.start, self.end) {
            (Some(start), Some(end)) if start != end => Some(format!("{start} – {end}")),
            (start, end) => start.or(end),
        };
        let answer = self.answer.filter(|_| method.is_some_and(|(method, _)| ["REPLY", "COUNTER"].contains(method)));
        let fields = [(kind, self.summary), ("When", when), ("Where", self.place), ("Organiser", self.organiser), ("Answer", answer)];
        let mut text = String::new();
        for (label, value) in fields.into_iter().filter_map(|(label, value)| Some((label, value?))) {
            // A string takes everything that is written to it.
            let _ = writeln!(text, "{label}: {}", value.replace('\n', ", "));
        }
        if let Some(description) = self.description {
            let _ = write!(text, "\n{description}");
        }
        text.trim_end().to_owned()
    }
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let own = |parameter: &'a str| parameter.split_once('=').filter(|(own, _)| own.eq_ignore_ascii_case(name));
    parameters.split(';').find_map(own).map(|(_, value)| value.trim_matches('"'))
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut escaped = false;
    for c in value.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            'n' | 'N' if std::mem::take(&mut escaped) => text.push('\n'),
            c => {
                escaped = false;
                if !c.is_control() {
                    text.push(c);
                }
            }
        }
    }
    text.trim().to_owned()
}

/// `20260302T100000Z` as people write it, with its zone.
fn moment(value: &str, parameters: &str) -> String {
    let value = value.trim();
    let digits = |range: std::ops::Range<usize>| value.get(range).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(4..6), digits(6..8)) else { return unescaped(value) };
    let date = format!("{year}-{month}-{day}");
    let (Some(hour), Some(minute)) = (digits(9..11), digits(11..13)) else { return date };
    let zone = if value.ends_with('Z') { Some("UTC") } else { parameter(parameters, "TZID") };
    let zone = zone.map(|zone| format!(" ({})", unescaped(zone))).unwrap_or_default();
    format!("{date} {hour}:{minute}{zone}")
}

fn person(value: &str, parameters: &str) -> String {
    let value = value.trim();
    let address = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).map_or(value, |_| &value[7..]);
    match parameter(parameters, "CN").map(unescaped).filter(|name| !name.is_empty() && name != address) {
        Some(name) => format!("{name} <{}>", unescaped(address)),
        None => unescaped(address),
    }
}
