//! Who wrote: clients by their keys, several who could be meant, and merging.

use serde_json::json;
use sqlx::PgPool;
use switchboard_common::broker::Failure;
use switchboard_common::db::clients::{self, MergeRow};
use switchboard_common::domain::explanation::{ClientSearch, Rank, SenderFound};
use switchboard_common::domain::inbound::{Channel, Trust};
use switchboard_common::ids::{AmbiguityId, ClientId, TenantId};
use switchboard_router::clients::command::{decide_ambiguity, merge_clients, unmerge_client};
use uuid::Uuid;

use crate::desk::{Desk, Ended, MIGRATIONS, Mail};
use crate::routers::until;

/// A message of a chat, by somebody with these keys.
pub fn chat(desk: &Desk, channel: Channel, keys: &[&str], id: &str) -> Mail {
    let mut mail = desk.mail("nobody@example.org", id);
    mail.0.channel = channel;
    mail.0.from = None;
    mail.0.identities = keys.iter().map(|key| key.parse().expect("a key")).collect();
    mail
}

/// Who was found, whether they are new, and how.
pub fn found(ended: &Ended) -> (ClientId, bool, &ClientSearch) {
    match &ended.explanation.sender {
        SenderFound::KnownClient { client_id, search, .. } => (*client_id, false, search),
        SenderFound::NewClient { client_id, search, .. } => (*client_id, true, search),
        other => panic!("no client: {other:?}"),
    }
}

/// A client on record, as `switchboard apply` writes one.
pub async fn record(desk: &Desk, name: &str, contacts: &[&str]) -> ClientId {
    let id: ClientId = desk.ambient.new_id();
    sqlx::query("insert into clients (tenant_id, id, name) values ($1, $2, $3)")
        .bind(desk.tenant.0)
        .bind(id.0)
        .bind(name)
        .execute(&desk.pool)
        .await
        .expect("a client");
    for (kind, value) in contacts.iter().map(|contact| contact.split_once(':').expect("a key")) {
        sqlx::query("insert into client_contacts (tenant_id, client_id, type, value) values ($1, $2, $3, $4)")
            .bind(desk.tenant.0)
            .bind(id.0)
            .bind(kind)
            .bind(value)
            .execute(&desk.pool)
            .await
            .expect("a contact");
    }
    id
}

/// Whose a key is: client, source, evidence and whether it is authenticated.
pub async fn key(desk: &Desk, key: &str) -> Option<(ClientId, String, String, bool)> {
    let (kind, value) = key.split_once(':').expect("a key");
    let row: Option<(Uuid, String, String, bool)> = sqlx::query_as(
        "select client_id, source, evidence, authenticated from client_external_ids where tenant_id = $1 and type = $2 and value = $3",
    )
    .bind(desk.tenant.0)
    .bind(kind)
    .bind(value)
    .fetch_optional(&desk.pool)
    .await
    .expect("an answer");
    row.map(|(client, source, evidence, authenticated)| (ClientId(client), source, evidence, authenticated))
}

pub async fn merge(desk: &Desk, from: ClientId, into: ClientId) {
    merge_clients(&desk.pool, &desk.ambient, desk.tenant, (from, into), Some("bo"), Some("a test")).await.expect("merged");
}

pub async fn unmerge(desk: &Desk, from: ClientId) {
    unmerge_client(&desk.pool, &desk.ambient, desk.tenant, from, None).await.expect("un-merged");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_same_address_at_two_tenants_is_two_clients(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let other: TenantId = Desk::add_tenant(&desk.pool, &desk.ambient, "other", "help@other.example").await;
    let ours = desk.take(desk.mail("ada@example.org", "a1")).await;
    let mut mail = desk.mail("ada@example.org", "a2");
    mail.0.tenant_id = other;
    mail.0.account_id.0 = sqlx::query_scalar("select id from channel_accounts where tenant_id = $1")
        .bind(other.0)
        .fetch_one(&desk.pool)
        .await
        .expect("an account");
    let theirs = desk.take(mail).await;
    assert!(found(&ours).1 && found(&theirs).1, "new at each");
    assert_eq!(desk.count("clients").await, 2);
    let error = merge_clients(&desk.pool, &desk.ambient, desk.tenant, (found(&ours).0, found(&theirs).0), None, None).await;
    assert_eq!(error.expect_err("they never meet").to_string(), format!("there is no client {}", found(&theirs).0));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_channels_own_key_goes_before_all_others_and_new_ones_are_attached(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:15550001111"], "w1")).await;
    let eve = desk.take(chat(&desk, Channel::Sms, &["phone:+15550002222"], "s1")).await;
    let both =
        desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:15550001111", "phone:+15550002222", "email:ada@example.org"], "w2")).await;
    let (client, is_new, search) = found(&both);
    assert_eq!((client, is_new), (found(&ada).0, false));
    assert_eq!(search.ranks.len(), 1);
    assert_eq!((search.ranks[0].rank, search.ranks[0].keys.as_slice()), (Rank::Identity, &["whatsapp:15550001111".to_owned()][..]));
    assert_eq!(search.ranks[0].found[0].why, "their key");
    assert_eq!((search.doubles[0].client_id, search.doubles[0].key.as_str()), (found(&eve).0, "phone:+15550002222"));
    assert_eq!((search.attached[0].key.as_str(), search.attached[0].evidence.as_str()), ("email:ada@example.org", "sender of <w2>"));
    let attached = key(&desk, "email:ada@example.org").await.expect("attached");
    assert_eq!(attached, (client, "whatsapp".to_owned(), "sender of <w2>".to_owned(), false));
    assert_eq!(key(&desk, "phone:+15550002222").await.expect("hers").0, found(&eve).0, "nobody's key is taken away");
    assert_eq!(found(&desk.take(desk.mail("ada@example.org", "a1")).await).0, client, "known by it on another channel");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn another_key_finds_the_client_where_the_channels_own_is_new(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = desk.take(chat(&desk, Channel::Sms, &["phone:+15550001111"], "s1")).await;
    let told = desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:US.4711", "phone:+15550001111"], "w1")).await;
    let (client, is_new, search) = found(&told);
    assert_eq!((client, is_new), (found(&ada).0, false));
    assert_eq!(search.ranks.iter().map(|rank| rank.rank).collect::<Vec<_>>(), [Rank::Identity, Rank::OtherKeys]);
    assert_eq!(search.ranks[0].found, []);
    let evidence = "sender of <w1>, known by phone:+15550001111 (their key)";
    assert_eq!(key(&desk, "whatsapp:US.4711").await, Some((client, "whatsapp".to_owned(), evidence.to_owned(), false)));
    // The same number on another channel, where the channel does not name it.
    let silent = desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:15550001111"], "w2")).await;
    assert_eq!((found(&silent).0, found(&silent).2.ranks[1].found[0].why.as_str()), (client, "their key, the same number"));
    assert_eq!(desk.count("clients").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn brazils_ninth_digit_doubles_nobody(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let long = desk.take(chat(&desk, Channel::Sms, &["phone:+5511987654321"], "s1")).await;
    let short = desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:551187654321"], "w1")).await;
    let (client, is_new, search) = found(&short);
    assert_eq!((client, is_new), (found(&long).0, false));
    let last = search.ranks.last().expect("ranks");
    assert_eq!((last.rank, last.found[0].key.as_str()), (Rank::Variants, "phone:+5511987654321"));
    assert_eq!(last.found[0].why, "their key, Brazil's ninth digit");
    assert_eq!(key(&desk, "whatsapp:551187654321").await.expect("attached").0, client);
    // And the other way round, also by what is on record.
    let bea = record(&desk, "Bea", &["phone:+558588887777"]).await;
    assert_eq!(found(&desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:5585988887777"], "w2")).await).0, bea);
    assert_eq!(desk.count("clients").await, 2);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_contact_on_record_finds_its_client_when_they_first_write(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = record(&desk, "Ada", &["email:ada@example.org"]).await;
    let first = desk.take(desk.mail("ada@example.org", "a1")).await;
    let (client, is_new, search) = found(&first);
    assert_eq!((client, is_new), (ada, false));
    assert_eq!(search.ranks[1].found[0].why, "contact on record of Ada");
    let evidence = "contact on record of Ada; sender of <a1>";
    assert_eq!(key(&desk, "email:ada@example.org").await, Some((ada, "record".to_owned(), evidence.to_owned(), false)));
    let second = desk.take(desk.mail("ada@example.org", "a2")).await;
    assert_eq!((found(&second).0, found(&second).2.ranks.len()), (ada, 1), "their own key from then on");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn who_failed_the_check_is_looked_for_by_the_channels_own_key_alone_and_gets_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = record(&desk, "Ada", &["email:ada@example.org"]).await;
    let sms = desk.take(chat(&desk, Channel::Sms, &["phone:+15550001111"], "s1")).await;
    let forged = desk.take(desk.mail("ada@example.org", "a1").trust(Trust::Failed)).await;
    assert!(found(&forged).1 && found(&forged).0 != ada, "what is on record helps no forger");
    let chat_keys = ["whatsapp:US.1", "phone:+15550001111", "email:eve@example.org"];
    let forged = desk.take(chat(&desk, Channel::Whatsapp, &chat_keys, "w1").trust(Trust::Failed)).await;
    assert!(found(&forged).1 && found(&forged).0 != found(&sms).0);
    assert_eq!(found(&forged).2.ranks.len(), 1);
    assert!(key(&desk, "whatsapp:US.1").await.is_some() && key(&desk, "email:eve@example.org").await.is_none());
    let known = chat(&desk, Channel::Sms, &["phone:+15550001111", "email:eve@example.org"], "s2").trust(Trust::Failed);
    assert_eq!(found(&desk.take(known).await).0, found(&sms).0, "they are who the key says");
    assert!(key(&desk, "email:eve@example.org").await.is_none(), "and are given nothing");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_was_merely_typed_matches_nobody_and_becomes_nobodys(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = desk.take(desk.mail("ada@example.org", "a1")).await;
    let mut typed = chat(&desk, Channel::Form, &["email:eve@example.org"], "f1");
    typed.0.claims = ["email:ada@example.org", "phone:+15550001111"].iter().map(|key| key.parse().expect("a key")).collect();
    let typed = desk.take(typed).await;
    assert!(found(&typed).1 && found(&typed).0 != found(&ada).0);
    assert_eq!(found(&typed).2.claims, ["email:ada@example.org", "phone:+15550001111"]);
    assert!(key(&desk, "phone:+15550001111").await.is_none());
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_key_is_authenticated_by_the_first_verified_message_and_stays_so(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let verified = desk.take(desk.mail("ada@example.org", "a2").trust(Trust::Verified)).await;
    assert_eq!(found(&verified).2.authenticated[0].key, "email:ada@example.org");
    let (_, _, evidence, authenticated) = key(&desk, "email:ada@example.org").await.expect("hers");
    assert_eq!((evidence.as_str(), authenticated), ("sender of <a1>; authenticated as sender of <a2>", true));
    let later = desk.take(desk.mail("ada@example.org", "a3").trust(Trust::Failed)).await;
    assert_eq!(found(&later).2.authenticated, []);
    desk.take(desk.mail("ada@example.org", "a4").trust(Trust::Verified)).await;
    let (_, _, after, authenticated) = key(&desk, "email:ada@example.org").await.expect("hers");
    assert_eq!((after, authenticated), (evidence, true), "never back, and noted once");
    // Within one batch too.
    desk.route(&[desk.mail("bea@example.org", "b1"), desk.mail("bea@example.org", "b2").trust(Trust::Verified)]).await.expect("routed");
    let (_, _, evidence, authenticated) = key(&desk, "email:bea@example.org").await.expect("hers");
    assert_eq!((evidence.as_str(), authenticated), ("sender of <b1>; authenticated as sender of <b2>", true));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn in_one_batch_a_message_sees_whom_the_one_before_it_made(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let batch = [
        chat(&desk, Channel::Whatsapp, &["whatsapp:US.1", "phone:+15550001111"], "w1"),
        chat(&desk, Channel::Sms, &["phone:+15550001111", "email:ada@example.org"], "s1"),
        desk.mail("ada@example.org", "a1"),
    ];
    desk.route(&batch).await.expect("routed");
    assert_eq!(desk.count("clients").await, 1);
    assert_eq!(desk.count("client_external_ids").await, 3);
    let mut found_there = Vec::new();
    for id in ["w1", "s1", "a1"] {
        found_there.push(found(&desk.ended(&format!("{id}#1")).await).0);
    }
    assert!(found_there.iter().all(|client| *client == found_there[0]), "{found_there:?}");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_agents_note_leaves_its_keys_to_whoever_comes_with_them(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await.ticket_id;
    let bo = desk.agent_address(opened, "bo").await;
    desk.take(desk.mail("zoe@example.org", "z1").to(&[&bo])).await;
    assert_eq!(key(&desk, "email:zoe@example.org").await, None, "nobody has a key by a note");
    // The first is a note and makes no client; the second opens a ticket of a client with the same key.
    desk.route(&[desk.mail("mary@example.org", "m1").to(&[&bo]), desk.mail("mary@example.org", "m2")]).await.expect("routed");
    assert_eq!(desk.ended("m1#1").await.line(), "noted #1 waiting_for_agent note in");
    let second = desk.ended("m2#1").await;
    let (client, is_new, _) = found(&second);
    assert!(is_new);
    let (owner, _, evidence, _) = key(&desk, "email:mary@example.org").await.expect("hers");
    assert_eq!((owner, evidence.as_str()), (client, "sender of <m2>"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_number_on_record_is_known_on_every_channel_of_that_number(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = record(&desk, "Ada", &["phone:+15550001111"]).await;
    let first = desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:15550001111"], "w1")).await;
    let (client, is_new, search) = found(&first);
    assert_eq!((client, is_new), (ada, false));
    let rank = search.ranks.last().expect("a rank");
    assert_eq!((rank.rank, rank.found[0].key.as_str()), (Rank::OtherKeys, "phone:+15550001111"));
    assert_eq!(rank.found[0].why, "contact on record of Ada, the same number");
    assert_eq!(desk.count("clients").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_batch_tells_of_its_senders_what_the_same_messages_one_by_one_would(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.rules(&[("ada", json!([{ "field": "client.name", "is": "Ada Lovelace" }]), json!({ "tags": ["ada"] }))]).await;
    let mail = |id: &str, name: &str| {
        let mut mail = desk.mail("ada@example.org", id);
        mail.0.from.as_mut().expect("a sender").name = Some(name.to_owned());
        mail
    };
    desk.route(&[mail("a1", "Ada Lovelace"), mail("a2", "A. L.")]).await.expect("routed");
    for id in ["a1", "a2"] {
        let routing = desk.ended(&format!("{id}#1")).await.explanation.routing.expect("routed");
        assert_eq!((routing.seen("client.name"), routing.rules[0].matched), ("Ada Lovelace", true), "{id}: as the first one called her");
    }
    // And of two that show whose the key is, the first does.
    let verified = |id: &str| mail(id, "Ada").trust(Trust::Verified);
    desk.route(&[verified("a3"), verified("a4")]).await.expect("routed");
    let (third, fourth) = (desk.ended("a3#1").await, desk.ended("a4#1").await);
    assert_eq!((found(&third).2.authenticated.len(), found(&fourth).2.authenticated.len()), (1, 0));
    let (_, _, evidence, _) = key(&desk, "email:ada@example.org").await.expect("hers");
    assert_eq!(evidence, "sender of <a1>; authenticated as sender of <a3>");
}

/// Two clients on record who share an address, and a mail from it.
pub async fn shared_address(desk: &Desk) -> (ClientId, ClientId, Ended) {
    let ada = record(desk, "Ada", &["email:office@example.org", "email:ada@example.org"]).await;
    let bea = record(desk, "Bea", &["email:office@example.org"]).await;
    let ended = desk.take(desk.mail("office@example.org", "o1")).await;
    (ada, bea, ended)
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_shared_address_hits_no_random_client_but_waits_for_a_decision_on_a_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (ada, bea, ended) = shared_address(&desk).await;
    let (client, is_new, search) = found(&ended);
    assert!(is_new && client != ada && client != bea);
    assert_eq!(ended.line(), "opened #1 waiting_for_agent public in", "the message is on a ticket meanwhile");
    let id = search.ambiguity.expect("it is to be decided");
    let notice = ended.notice.expect("the agent is told");
    let reason = |name| format!("{name} (email:office@example.org: contact on record of {name})");
    assert!(notice.contains(&format!("several clients: {}, or {}", reason("Ada"), reason("Bea"))), "{notice}");
    assert!(notice.contains(&format!("switchboard client decide {id} CLIENT --by HANDLE")), "{notice}");
    let candidates: Vec<Uuid> =
        sqlx::query_scalar("select client_id from ambiguity_candidates order by position").fetch_all(&desk.pool).await.expect("two");
    assert_eq!(candidates, [ada.0, bea.0]);
    // More of the same adds nothing, and joins none of the candidates' tickets.
    let again = desk.take(desk.mail("office@example.org", "o2").refers_to(&["o1"])).await;
    assert_eq!((again.line().as_str(), again.notice), ("joined #1 waiting_for_agent public in", None));
    assert_eq!((desk.count("ambiguities").await, desk.count("clients").await), (1, 3));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_decision_is_a_merge_and_can_be_made_once_until_it_is_undone(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (ada, bea, ended) = shared_address(&desk).await;
    let (client, _, search) = found(&ended);
    let id = search.ambiguity.expect("it is to be decided");
    let decide = async |choice| decide_ambiguity(&desk.pool, &desk.ambient, desk.tenant, id, choice, Some("bo")).await;
    let unknown: AmbiguityId = desk.ambient.new_id();
    let error = decide_ambiguity(&desk.pool, &desk.ambient, desk.tenant, unknown, None, None).await.expect_err("none such");
    assert_eq!(error.to_string(), format!("there is no ambiguity {unknown}"));
    decide(Some(ada)).await.expect("decided");
    let other = desk.take(desk.mail("ada@example.org", "a1").refers_to(&["o1"])).await;
    assert_eq!(other.line(), "joined #1 waiting_for_agent public in", "Ada goes on with it from her own address");
    let error = decide(Some(bea)).await.expect_err("it is decided").to_string();
    assert!(error.contains("decided already") && error.contains(&format!("client unmerge {client}")), "{error}");
    unmerge(&desk, client).await;
    decide(None).await.expect("decided anew");
    let error = decide(Some(bea)).await.expect_err("it is decided").to_string();
    assert!(error.contains("was kept as a client of their own"), "{error}");
    merge(&desk, client, bea).await;
    let decisions: (Option<Uuid>, bool) =
        sqlx::query_as("select merge_id, decided_by is not null from ambiguities").fetch_one(&desk.pool).await.expect("one");
    assert!(decisions.0.is_some() && decisions.1, "merging by hand decides it as well");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn merged_clients_go_on_with_each_others_tickets_and_no_longer_when_un_merged(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = desk.take(desk.mail("ada@example.org", "a1")).await;
    let home = desk.take(desk.mail("ada@home.example", "h1")).await;
    let (ada_id, home_id) = (found(&ada).0, found(&home).0);
    let stranger = desk.take(desk.mail("ada@home.example", "h2").refers_to(&["a1"])).await;
    assert_eq!(stranger.line(), "opened #3 waiting_for_agent public in");
    merge(&desk, home_id, ada_id).await;
    let merged = desk.take(desk.mail("ada@home.example", "h3").refers_to(&["a1"])).await;
    assert_eq!(merged.line(), "joined #1 waiting_for_agent public in");
    assert_eq!((found(&merged).0, found(&merged).2.counts_as), (home_id, Some(ada_id)), "it stays with the key that it came by");
    let back = desk.take(desk.mail("ada@example.org", "a2").refers_to(&["h1"])).await;
    assert_eq!(back.line(), "joined #2 waiting_for_agent public in", "and the other way round");
    let new = desk.take(desk.mail("ada@home.example", "h4")).await;
    unmerge(&desk, home_id).await;
    let owner: Uuid =
        sqlx::query_scalar("select client_id from tickets where id = $1").bind(new.ticket_id.0).fetch_one(&desk.pool).await.expect("one");
    assert_eq!(owner, home_id.0, "a ticket that was opened meanwhile goes with its key too");
    assert_eq!(desk.take(desk.mail("ada@home.example", "h5").refers_to(&["a1"])).await.number, 5);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_cannot_be_merged_is_refused_with_what_to_do(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ids = Vec::new();
    for name in ["ada", "bea", "cy"] {
        ids.push(found(&desk.take(desk.mail(&format!("{name}@example.org"), name)).await).0);
    }
    let (ada, bea, cy) = (ids[0], ids[1], ids[2]);
    let refused = async |from, into| {
        let done = merge_clients(&desk.pool, &desk.ambient, desk.tenant, (from, into), None, None).await;
        done.expect_err("refused").to_string()
    };
    assert_eq!(refused(ada, ada).await, "ada@example.org cannot be merged into themselves");
    merge(&desk, ada, bea).await;
    assert_eq!(
        refused(ada, cy).await,
        format!("ada@example.org is merged into bea@example.org already: undo that first (`switchboard client unmerge {ada}`)")
    );
    assert_eq!(
        refused(bea, ada).await,
        format!(
            "ada@example.org counts as bea@example.org, so that would be a circle: undo that first (`switchboard client unmerge {ada}`)"
        )
    );
    assert_eq!(
        refused(cy, ada).await,
        format!("ada@example.org is merged into bea@example.org: merge into bea@example.org (`{bea}`) instead")
    );
    let error = unmerge_client(&desk.pool, &desk.ambient, desk.tenant, bea, None).await.expect_err("refused");
    assert_eq!(error.to_string(), "bea@example.org is not merged into anybody");
    let error = unmerge_client(&desk.pool, &desk.ambient, desk.tenant, ada, Some("zed")).await.expect_err("refused");
    assert!(error.to_string().contains("no user or group with the handle zed"), "{error}");
    assert_eq!(desk.count("client_merges").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_batch_that_waited_for_a_merge_is_run_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = found(&desk.take(desk.mail("ada@example.org", "a1")).await).0;
    let bea = found(&desk.take(desk.mail("bea@example.org", "b1")).await).0;
    let mut merging = desk.pool.begin().await.expect("a transaction");
    sqlx::query("update clients set merged_into = $2 where id = $1").bind(ada.0).bind(bea.0).execute(&mut *merging).await.expect("merged");
    let mails = [desk.mail("ada@example.org", "a2").refers_to(&["b1"])];
    let routing = desk.route(&mails);
    let committing = async {
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        crate::routers::until(&desk, "the router waits", waits).await;
        merging.commit().await.expect("committed");
    };
    let (routed, ()) = tokio::join!(routing, committing);
    assert!(matches!(routed, Err(Failure::Retry(_))), "{routed:?}");
    assert_eq!(desk.take(mails[0].clone()).await.line(), "joined #2 waiting_for_agent public in");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn two_routers_with_the_first_messages_of_one_sender_make_one_client(pool: PgPool) {
    let desk = Desk::new(pool).await;
    for round in 0..20 {
        let phone = format!("phone:+1555000{round:04}");
        let one = chat(&desk, Channel::Whatsapp, &[&format!("whatsapp:US.{round}"), &phone], &format!("w{round}"));
        let two = chat(&desk, Channel::Sms, &[&phone], &format!("s{round}"));
        let (one, two) = ([one], [two]);
        let (first, second) = tokio::join!(desk.route(&one), desk.route(&two));
        first.and(second).expect("routed");
    }
    assert_eq!(desk.count("clients").await, 20);
    assert_eq!(desk.count("client_external_ids").await, 40);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn who_was_merged_while_a_router_waited_is_known_to_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.route(&[desk.mail("ada@example.org", "a1"), desk.mail("eve@example.com", "e1")]).await.expect("routed");
    let client = async |name: &str| -> ClientId {
        ClientId(sqlx::query_scalar("select id from clients where name = $1").bind(name).fetch_one(&desk.pool).await.expect("a client"))
    };
    let (ada, eve) = (client("ada@example.org").await, client("eve@example.com").await);
    let mut merging = desk.pool.begin().await.expect("a transaction");
    clients::lock(&mut merging, desk.tenant, &[ada, eve]).await.expect("locked");
    let merge = MergeRow {
        tenant_id: desk.tenant,
        id: desk.ambient.new_id(),
        client_id: ada,
        into_id: eve,
        reason: None,
        by: None,
        at: desk.ambient.now(),
    };
    clients::add_merge(&mut merging, &merge).await.expect("merged");
    let mail = [desk.mail("eve@example.com", "e2").refers_to(&["a1"])];
    let routes = async {
        let mut tries = 0;
        while let Err(failure) = desk.route(&mail).await {
            assert!(matches!(failure, Failure::Retry(_)) && tries < 3, "{failure:?}");
            tries += 1;
        }
    };
    let commits = async {
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        until(&desk, "the router waits", waits).await;
        merging.commit().await.expect("committed");
    };
    tokio::join!(routes, commits);
    assert_eq!(desk.ended("e2#1").await.line(), "joined #1 waiting_for_agent public in");
}
