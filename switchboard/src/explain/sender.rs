//! How the sender of a message was found, as people read it.

use switchboard_common::domain::explanation::{ClientFound, ClientSearch, Rank, RankTried, SenderFound};

use crate::output::{ADDED, CHANGED, FAINT, Page, paint};

/// Who wrote, and each rank of the search.
pub fn render(page: &mut Page, sender: &SenderFound) {
    let (said, search) = match sender {
        SenderFound::KnownClient { key, search, .. } => (known(key, search), Some(search)),
        SenderFound::NewClient { key, search, .. } => (made(key, search), Some(search)),
        SenderFound::User { key, handle, .. } => (format!("The user {handle}, by their verified contact {key}."), None),
        SenderFound::Unknown { key } => (format!("Nobody whom the desk knows: {key}."), None),
        SenderFound::NotLookedFor { key } => (format!("Nobody was looked for: {key}."), None),
    };
    page.line(1, &said);
    if let Some(search) = search {
        details(page, search);
    }
}

fn known(key: &str, search: &ClientSearch) -> String {
    match search.ranks.last().and_then(|last| Some((last.rank, last.found.first()?))) {
        Some((Rank::Identity, found)) => format!("{}, who is known by {key}.", found.name),
        Some((_, found)) if found.key == key => format!("{}, who wrote by {key} for the first time: {}.", found.name, found.why),
        Some((_, found)) => {
            format!("{}, who wrote by {key} for the first time, and is known by {} ({}).", found.name, found.key, found.why)
        }
        None => format!("A client who is known by {key}."),
    }
}

fn made(key: &str, search: &ClientSearch) -> String {
    let names = || search.ranks.last().into_iter().flat_map(|last| &last.found).map(|found| found.name.as_str());
    match search.ambiguity {
        Some(_) => {
            format!("Somebody who could be {}: until that is decided, a new client for {key}.", names().collect::<Vec<_>>().join(" or "))
        }
        None => format!("A new client, who was made for {key}."),
    }
}

fn details(page: &mut Page, search: &ClientSearch) {
    for (n, RankTried { rank, keys, found }) in (1..).zip(&search.ranks) {
        let by = match rank {
            Rank::Identity => "the channel's own key",
            Rank::OtherKeys => "their other keys, and what is on record",
            Rank::Variants => "other forms of their number",
        };
        let end = if found.is_empty() { paint(CHANGED, "nobody") } else { String::new() };
        page.line(2, format!("{n}. by {by}, {}: {end}", keys.join(", ")).trim_end());
        for ClientFound { client_id, name, key, why } in found {
            page.line(4, &format!("{} {name}, {key}: {why}  {}", paint(ADDED, "found"), paint(FAINT, &client_id.to_string())));
        }
    }
    if let Some(root) = search.counts_as {
        page.line(2, &format!("merged: counts as {root}"));
    }
    for attached in &search.attached {
        page.line(2, &format!("{} {}: {}", paint(ADDED, "now theirs"), attached.key, attached.evidence));
    }
    for authenticated in &search.authenticated {
        page.line(2, &format!("{} {}: {}", paint(ADDED, "now authenticated"), authenticated.key, authenticated.evidence));
    }
    for double in &search.doubles {
        page.line(2, &format!("{} {}, {}: {}", paint(CHANGED, "perhaps also"), double.name, double.key, double.why));
    }
    for claim in &search.claims {
        page.line(2, &format!("{claim} was only claimed, and looked for nowhere"));
    }
    if let Some(id) = search.ambiguity {
        page.line(2, &format!("to be decided: `switchboard client decide {id} CLIENT|new --by HANDLE`"));
    }
}

#[cfg(test)]
mod tests {
    use switchboard_common::domain::explanation::KeyEvidence;
    use switchboard_common::ids::{AmbiguityId, ClientId};

    use super::*;

    #[test]
    fn each_rank_says_what_was_looked_for_and_whom_it_found() {
        let client_id = ClientId(uuid::Uuid::from_u128(0xada));
        let found =
            |name: &str, key: &str, why: &str| ClientFound { client_id, name: name.to_owned(), key: key.to_owned(), why: why.to_owned() };
        let search = ClientSearch {
            ranks: vec![
                RankTried { rank: Rank::Identity, keys: vec!["whatsapp:551187654321".to_owned()], found: Vec::new() },
                RankTried {
                    rank: Rank::Variants,
                    keys: vec!["phone:+5511987654321".to_owned()],
                    found: vec![found("Ada", "phone:+5511987654321", "their key, Brazil's ninth digit")],
                },
            ],
            attached: vec![KeyEvidence { key: "whatsapp:551187654321".to_owned(), evidence: "sender of <w1>".to_owned() }],
            doubles: vec![found("Eve", "email:eve@example.org", "their key")],
            claims: vec!["email:bob@example.org".to_owned()],
            counts_as: Some(ClientId(uuid::Uuid::from_u128(0xb0b))),
            authenticated: vec![KeyEvidence {
                key: "phone:+5511987654321".to_owned(),
                evidence: "authenticated as sender of <w1>".to_owned(),
            }],
            ambiguity: Some(AmbiguityId(uuid::Uuid::from_u128(0xa))),
        };
        let mut page = Page::default();
        render(&mut page, &SenderFound::KnownClient { key: "whatsapp:551187654321".to_owned(), client_id, search });
        let said = anstream::adapter::strip_str(&page.finish()).to_string();
        let id = client_id.to_string();
        let expected = format!(
            "  Ada, who wrote by whatsapp:551187654321 for the first time, and is known by phone:+5511987654321 (their key, Brazil's ninth digit).
    1. by the channel's own key, whatsapp:551187654321: nobody
    2. by other forms of their number, phone:+5511987654321:
        found Ada, phone:+5511987654321: their key, Brazil's ninth digit  {id}
    merged: counts as 00000000-0000-0000-0000-000000000b0b
    now theirs whatsapp:551187654321: sender of <w1>
    now authenticated phone:+5511987654321: authenticated as sender of <w1>
    perhaps also Eve, email:eve@example.org: their key
    email:bob@example.org was only claimed, and looked for nowhere
    to be decided: `switchboard client decide 00000000-0000-0000-0000-00000000000a CLIENT|new --by HANDLE`
"
        );
        assert_eq!(said, expected);
    }

    #[test]
    fn the_first_sentence_names_who_it_is_or_could_be() {
        let found = |name: &str, key: &str, why: &str| ClientFound {
            client_id: ClientId(uuid::Uuid::from_u128(1)),
            name: name.to_owned(),
            key: key.to_owned(),
            why: why.to_owned(),
        };
        let search = |rank, found| ClientSearch { ranks: vec![RankTried { rank, keys: Vec::new(), found }], ..ClientSearch::default() };
        let key = "email:office@x.example";
        assert_eq!(known(key, &search(Rank::Identity, vec![found("Ada", key, "their key")])), format!("Ada, who is known by {key}."));
        assert_eq!(
            known(key, &search(Rank::OtherKeys, vec![found("Ada", key, "contact on record of Ada")])),
            format!("Ada, who wrote by {key} for the first time: contact on record of Ada.")
        );
        assert_eq!(made(key, &search(Rank::OtherKeys, Vec::new())), format!("A new client, who was made for {key}."));
        let several = ClientSearch {
            ambiguity: Some(AmbiguityId(uuid::Uuid::from_u128(2))),
            ..search(Rank::OtherKeys, vec![found("Eva", key, "contact on record of Eva"), found("Finn", key, "contact on record of Finn")])
        };
        assert_eq!(made(key, &several), format!("Somebody who could be Eva or Finn: until that is decided, a new client for {key}."));
    }
}
