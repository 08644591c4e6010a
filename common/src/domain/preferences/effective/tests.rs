//! A table of cases that reads like a specification: what the layers say, and what comes of it.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::*;
use crate::domain::preferences::Whose;

fn layer(name: LayerName, document: &Json, whose: Whose) -> Layer {
    Layer { name, says: Preferences::read(document, whose).expect("preferences") }
}

/// A user's settings under what a tenant, two groups and the person say; null where one says nothing.
fn user(documents: &[Json; 4]) -> Effective {
    let names = [LayerName::Tenant, LayerName::Group("all".to_owned()), LayerName::Group("night".to_owned()), LayerName::Person];
    let said = names.into_iter().zip(documents).filter(|(_, document)| !document.is_null());
    Effective::of_user(&said.map(|(name, document)| layer(name, document, Whose::User)).collect::<Vec<_>>())
}

fn shown<T: serde::Serialize>(chosen: &Chosen<T>) -> String {
    format!("{} by {}", json!(chosen.value), chosen.by)
}

/// What holds for a setting, and by whom; for a topic, how somebody is told of it.
fn setting(effective: &Effective, name: &str) -> String {
    match name {
        "locale" => effective.locale.as_ref().map_or_else(|| "nothing".to_owned(), shown),
        "timezone" => effective.timezone.as_ref().map_or_else(|| "nothing".to_owned(), shown),
        "channels" => shown(&effective.channels),
        "quiet_hours" => shown(&effective.quiet_hours),
        "digest" => shown(&effective.digest),
        "fallback" => shown(&effective.fallback),
        "own_actions" => shown(&effective.own_actions),
        "muted_tickets" => shown(&effective.muted_tickets),
        "storm" => shown(&effective.storm),
        topic => shown(&effective.route(Topic::named(topic).expect("a topic"))),
    }
}

#[test]
fn the_later_layer_wins_and_each_setting_knows_its_layer() {
    const NOTHING: Json = Json::Null;
    let nights = || json!({ "quiet_hours": { "from": "19:00", "to": "08:00" } });
    for (promise, documents, holds) in [
        (
            "where nobody said anything, mail comes at once, digests once an hour, and nothing of one's own",
            [NOTHING, NOTHING, NOTHING, NOTHING],
            vec![
                ("channels", r#"["email"] by built-in"#),
                ("fallback", r#"["email"] by built-in"#),
                ("message.added", r#"["email"] by built-in"#),
                ("mention", r#"["email"] by built-in"#),
                ("quiet_hours", "null by built-in"),
                ("digest", r#"{"every":"1h"} by built-in"#),
                ("own_actions", "false by built-in"),
                ("muted_tickets", "[] by built-in"),
                ("storm", r#"{"most":20,"within":"10m"} by built-in"#),
                ("locale", "nothing"),
                ("timezone", "nothing"),
            ],
        ),
        (
            "a tenant speaks for all of its people",
            [json!({ "channels": ["slack", "email"], "locale": "pt-br" }), NOTHING, NOTHING, NOTHING],
            vec![
                ("channels", r#"["slack","email"] by tenant"#),
                ("locale", r#""pt-BR" by tenant"#),
                ("fallback", r#"["email"] by built-in"#),
            ],
        ),
        (
            "a group speaks over the tenant, the inner group over the outer, the person over all",
            [
                json!({ "locale": "en", "own_actions": true, "timezone": "UTC", "fallback": ["sms"] }),
                json!({ "locale": "de", "timezone": "Europe/Berlin", "fallback": [] }),
                json!({ "locale": "fr", "timezone": "Europe/Paris" }),
                json!({ "locale": "pt" }),
            ],
            vec![
                ("own_actions", "true by tenant"),
                ("fallback", "[] by group all"),
                ("timezone", r#""Europe/Paris" by group night"#),
                ("locale", r#""pt" by own"#),
            ],
        ),
        (
            "topics are decided one by one: a layer that speaks of one leaves the others alone",
            [
                json!({ "events": { "message.added": "digest", "ticket.closed": [] } }),
                json!({ "events": { "ticket.assigned": ["sms"] } }),
                NOTHING,
                json!({ "events": { "message.added": ["slack"] } }),
            ],
            vec![
                ("message.added", r#"["slack"] by own"#),
                ("ticket.assigned", r#"["sms"] by group all"#),
                ("ticket.closed", "[] by tenant"),
                ("ticket.created", r#"["email"] by built-in"#),
            ],
        ),
        (
            "a topic of which nothing is said goes by the channels, whoever chose those; one of which something is said does not",
            [json!({ "events": { "ticket.closed": ["email"] } }), NOTHING, NOTHING, json!({ "channels": ["slack"] })],
            vec![("mention", r#"["slack"] by own"#), ("ticket.closed", r#"["email"] by tenant"#)],
        ),
        (
            "a digest of messages does not hold a mention back",
            [NOTHING, NOTHING, NOTHING, json!({ "events": { "message.added": "digest" } })],
            vec![("message.added", r#""digest" by own"#), ("mention", r#"["email"] by built-in"#)],
        ),
        (
            "an empty list is to be told of nothing, and is something that was said",
            [NOTHING, NOTHING, NOTHING, json!({ "channels": [], "events": { "delivery.failed": ["sms"] } })],
            vec![("channels", "[] by own"), ("ticket.created", "[] by own"), ("delivery.failed", r#"["sms"] by own"#)],
        ),
        (
            "quiet hours are one setting: a later layer's replace an earlier one's, days and all",
            [
                json!({ "quiet_hours": { "from": "19:00", "to": "08:00", "days": ["mon"], "except_priority": "high" } }),
                NOTHING,
                NOTHING,
                json!({ "quiet_hours": { "from": "22:00", "to": "06:00" } }),
            ],
            vec![("quiet_hours", r#"{"from":"22:00","to":"06:00"} by own"#)],
        ),
        (
            "\"none\" lifts quiet hours, and what is said above that sets them again",
            [nights(), json!({ "quiet_hours": "none" }), NOTHING, NOTHING],
            vec![("quiet_hours", "null by group all")],
        ),
        (
            "quiet hours that were lifted can be set again",
            [nights(), json!({ "quiet_hours": "none" }), NOTHING, nights()],
            vec![("quiet_hours", r#"{"from":"19:00","to":"08:00"} by own"#)],
        ),
        (
            "muted tickets and storms are replaced as a whole",
            [
                json!({ "muted_tickets": [7, 9], "storm": { "most": 5, "within": "1h" } }),
                NOTHING,
                NOTHING,
                json!({ "muted_tickets": [12], "digest": { "at": ["08:00"] } }),
            ],
            vec![
                ("muted_tickets", "[12] by own"),
                ("storm", r#"{"most":5,"within":"1h"} by tenant"#),
                ("digest", r#"{"at":["08:00"]} by own"#),
            ],
        ),
        (
            "one who says what held already has said it all the same",
            [json!({ "channels": ["email"] }), NOTHING, NOTHING, json!({ "channels": ["email"], "own_actions": false })],
            vec![("channels", r#"["email"] by own"#), ("own_actions", "false by own")],
        ),
    ] {
        let effective = user(&documents);
        for (name, expected) in holds {
            let found = setting(&effective, name);
            assert_eq!(found, expected, "{promise}: {name}");
        }
    }
}

#[test]
fn a_client_who_chose_nothing_is_answered_where_they_wrote() {
    let own = |document| Effective::of_client(&[layer(LayerName::Person, &document, Whose::Client)]);
    let nothing = Effective::of_client(&[]);
    assert_eq!((setting(&nothing, "channels"), setting(&nothing, "fallback")), ("[] by built-in".to_owned(), "[] by built-in".to_owned()));
    let chosen = own(json!({ "channels": ["whatsapp"], "events": { "ticket.created": [] } }));
    assert_eq!(setting(&chosen, "message.added"), r#"["whatsapp"] by own"#);
    assert_eq!(setting(&chosen, "ticket.created"), "[] by own");
}

#[test]
fn times_are_those_of_the_readers_zone_and_a_digest_waits_for_the_end_of_quiet_hours() {
    let now: DateTime<Utc> = "2026-01-14T21:30:00Z".parse().expect("a time");
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
    let in_zone = |document: Json| user(&[json!({ "quiet_hours": { "from": "19:00", "to": "08:00" } }), Json::Null, Json::Null, document]);
    let utc = in_zone(json!({}));
    assert_eq!(
        (utc.zone(), utc.quiet_until(now), utc.next_digest(now)),
        (Tz::UTC, Some(at("2026-01-15T08:00:00Z")), at("2026-01-15T08:00:00Z"))
    );
    let there = in_zone(json!({ "timezone": "America/Sao_Paulo", "digest": { "every": "30m" } }));
    assert_eq!(
        (there.quiet_until(now), there.next_digest(now)),
        (None, at("2026-01-15T11:00:00Z")),
        "it is 18:30 there, and at 19:00 it is quiet"
    );
    let lifted = in_zone(json!({ "quiet_hours": "none" }));
    assert_eq!((lifted.quiet_until(now), lifted.next_digest(now)), (None, at("2026-01-14T22:00:00Z")));
}
