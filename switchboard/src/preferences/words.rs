//! Settings in plain words.

use std::collections::BTreeSet;

use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::{Day, Hours, QuietHours, Rhythm, Route, Storm, Topic};

/// What a topic is about.
pub fn topic(topic: Topic) -> &'static str {
    match topic {
        Topic::TicketCreated => "a new ticket",
        Topic::MessageAdded => "a message on a ticket",
        Topic::Mention => "being mentioned",
        Topic::TicketAssigned => "being assigned",
        Topic::TicketClosed => "a ticket's closing",
        Topic::DeliveryFailed => "an answer that did not arrive",
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Email => "mail",
        Method::Slack => "Slack",
        Method::Whatsapp => "WhatsApp",
        Method::Sms => "SMS",
        Method::Webhook => "webhook",
    }
}

/// The methods, each of which is used.
pub fn methods(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(|one| method(*one)).collect();
    joined(&names)
}

/// The methods, of which the first that can is used.
pub fn fallback(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(|one| method(*one)).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", else ") }
}

pub fn route(route: &Route) -> String {
    match route {
        Route::Methods(list) if list.is_empty() => "not at all".to_owned(),
        Route::Methods(list) => format!("at once, by {}", methods(list)),
        Route::Digest(_) => "in the digest".to_owned(),
    }
}

pub fn quiet(quiet: Option<&QuietHours>) -> String {
    let Some(quiet) = quiet else { return "none".to_owned() };
    let all: Vec<String> = quiet.all().map(hours).collect();
    let except = quiet.except_priority.as_ref().map(|priority| {
        let or_more = if priority == "urgent" { "" } else { " or more urgent" };
        format!("; but for what is {priority}{or_more}")
    });
    joined(&all.iter().map(String::as_str).collect::<Vec<_>>()) + &except.unwrap_or_default()
}

fn hours(hours: &Hours) -> String {
    let next = if hours.to <= hours.from { " the next day" } else { "" };
    let days = hours.days.as_ref().map(|days| format!(" on {}", self::days(days)));
    format!("from {} to {}{next}{}", hours.from, hours.to, days.unwrap_or_default())
}

fn days(days: &BTreeSet<Day>) -> String {
    let name = |day: &Day| match day {
        Day::Mon => "Mondays",
        Day::Tue => "Tuesdays",
        Day::Wed => "Wednesdays",
        Day::Thu => "Thursdays",
        Day::Fri => "Fridays",
        Day::Sat => "Saturdays",
        Day::Sun => "Sundays",
    };
    let names: Vec<&str> = days.iter().map(name).collect();
    joined(&names)
}

pub fn rhythm(rhythm: &Rhythm) -> String {
    match rhythm {
        Rhythm::Every(every) => format!("every {every}"),
        Rhythm::At(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            format!("at {}", joined(&times.iter().map(String::as_str).collect::<Vec<_>>()))
        }
    }
}

pub fn storm(storm: Storm) -> String {
    format!("more than {} within {} are collected", storm.most, storm.within)
}

pub fn muted(tickets: &BTreeSet<i64>) -> String {
    let numbers: Vec<String> = tickets.iter().map(|number| format!("#{number}")).collect();
    if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") }
}

fn joined(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use switchboard_common::domain::preferences::{Preferences, Quiet, Whose};

    use super::*;

    #[test]
    fn settings_read_as_people_would_say_them() {
        let document = json!({
            "quiet_hours": { "from": "19:00", "to": "08:00", "days": ["mon", "tue", "fri"], "except_priority": "high",
                             "also": [{ "from": "00:00", "to": "24:00", "days": ["sun"] }] },
            "digest": { "at": ["16:00", "08:00"] }, "muted_tickets": [12, 7], "storm": { "most": 5, "within": "90m" },
        });
        let read = Preferences::read(&document, Whose::User).expect("preferences");
        let Some(Quiet::Hours(hours)) = &read.quiet_hours else { panic!("no hours") };
        assert_eq!(
            quiet(Some(hours)),
            "from 19:00 to 08:00 the next day on Mondays, Tuesdays and Fridays and from 00:00 to 24:00 on Sundays; but for what is high or more urgent"
        );
        assert_eq!(quiet(None), "none");
        assert_eq!(rhythm(&read.digest.expect("a rhythm")), "at 08:00 and 16:00");
        assert_eq!(muted(&read.muted_tickets.expect("tickets")), "#7, #12");
        assert_eq!(storm(read.storm.expect("a storm")), "more than 5 within 90m are collected");
        assert_eq!(methods(&[Method::Slack, Method::Email, Method::Sms]), "Slack, mail and SMS");
        assert_eq!((fallback(&[]), fallback(&[Method::Email, Method::Sms])), ("nothing".to_owned(), "mail, else SMS".to_owned()));
        assert_eq!(route(&Route::Methods(Vec::new())), "not at all");
    }
}
