//! Clients who are one: how they are found, and how that is decided, undone and recorded.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use switchboard_common::domain::inbound::{Channel, Trust};
use switchboard_router::clients::command::{decide_ambiguity, merge_clients, unmerge_client};

use crate::clients::{chat, found, key, merge, shared_address, unmerge};
use crate::desk::{Desk, MIGRATIONS};

#[sqlx::test(migrator = "MIGRATIONS")]
async fn keys_of_clients_who_are_one_are_no_ambiguity_and_no_hint(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = found(&desk.take(desk.mail("ada@example.org", "a1")).await).0;
    let home = found(&desk.take(desk.mail("ada@home.example", "h1")).await).0;
    merge(&desk, home, ada).await;
    let both = ["email:ada@home.example", "email:ada@example.org"];
    let told = desk.take(chat(&desk, Channel::Whatsapp, &["whatsapp:US.1", both[0], both[1]], "w1")).await;
    let (client, is_new, search) = found(&told);
    assert_eq!((client, is_new, search.counts_as, search.ambiguity), (home, false, Some(ada), None));
    assert_eq!(desk.count("ambiguities").await, 0);
    let known = desk.take(chat(&desk, Channel::Form, &both, "f1")).await;
    assert_eq!((found(&known).0, &found(&known).2.doubles[..]), (home, &[][..]), "they are not perhaps the same, they are");
    unmerge(&desk, home).await;
    let apart = desk.take(chat(&desk, Channel::Form, &both, "f2")).await;
    let doubles: Vec<_> = found(&apart).2.doubles.iter().map(|double| double.client_id).collect();
    assert_eq!((found(&apart).0, doubles), (home, vec![ada]));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_key_that_no_verified_message_of_its_owner_showed_is_not_authenticated(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let again = desk.take(desk.mail("ada@example.org", "a2")).await;
    assert_eq!(found(&again).2.authenticated, []);
    assert!(!key(&desk, "email:ada@example.org").await.expect("hers").3, "however often it is claimed");
    // Somebody else's channel says that theirs it is: it stays hers, and as little vouched for as before.
    let other = chat(&desk, Channel::Whatsapp, &["whatsapp:US.1"], "w1").trust(Trust::Verified);
    let eve = found(&desk.take(other).await).0;
    let both = chat(&desk, Channel::Whatsapp, &["whatsapp:US.1", "email:ada@example.org"], "w2").trust(Trust::Verified);
    let both = desk.take(both).await;
    assert_eq!((found(&both).0, &found(&both).2.authenticated[..]), (eve, &[][..]));
    let (_, _, evidence, authenticated) = key(&desk, "email:ada@example.org").await.expect("hers");
    assert_eq!((evidence.as_str(), authenticated), ("sender of <a1>", false));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_decision_for_somebody_who_counts_as_another_is_for_that_other(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (ada, bea, ended) = shared_address(&desk).await;
    merge(&desk, ada, bea).await;
    let (client, id) = (found(&ended).0, found(&ended).2.ambiguity.expect("it is to be decided"));
    decide_ambiguity(&desk.pool, &desk.ambient, desk.tenant, id, Some(ada), Some("bo")).await.expect("decided");
    let again = desk.take(desk.mail("office@example.org", "o2")).await;
    assert_eq!((found(&again).0, found(&again).2.counts_as), (client, Some(bea)));
    assert_eq!(desk.count("clients where merged_into is not null").await, 2);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn each_merge_keeps_when_and_by_whom_it_was_made_and_undone(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ada = found(&desk.take(desk.mail("ada@example.org", "a1")).await).0;
    let bea = found(&desk.take(desk.mail("bea@example.org", "b1")).await).0;
    let mut expected = Vec::new();
    for (merger, undoer) in [("bo", "cleo"), ("dan", "bo")] {
        let made = desk.ambient.now();
        merge_clients(&desk.pool, &desk.ambient, desk.tenant, (ada, bea), Some(merger), None).await.expect("merged");
        desk.later(10);
        unmerge_client(&desk.pool, &desk.ambient, desk.tenant, ada, Some(undoer)).await.expect("un-merged");
        expected.push((merger.to_owned(), made, undoer.to_owned(), desk.ambient.now()));
        desk.later(10);
    }
    let kept: Vec<(String, DateTime<Utc>, String, DateTime<Utc>)> = sqlx::query_as(
        "select b.handle, m.merged_at, u.handle, m.undone_at
         from client_merges m join users b on b.id = m.merged_by join users u on u.id = m.undone_by order by m.merged_at",
    )
    .fetch_all(&desk.pool)
    .await
    .expect("two");
    assert_eq!(kept, expected);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_merge_that_waited_for_another_one_knows_of_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ids = Vec::new();
    for name in ["ada", "bea", "cy"] {
        ids.push(found(&desk.take(desk.mail(&format!("{name}@example.org"), name)).await).0);
    }
    let (ada, bea, cy) = (ids[0], ids[1], ids[2]);
    let mut other = desk.pool.begin().await.expect("a transaction");
    sqlx::query("update clients set merged_into = $2 where id = $1").bind(ada.0).bind(bea.0).execute(&mut *other).await.expect("merged");
    let merging = merge_clients(&desk.pool, &desk.ambient, desk.tenant, (cy, ada), None, None);
    let committing = async {
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        crate::routers::until(&desk, "the merge waits", waits).await;
        other.commit().await.expect("committed");
    };
    let (merged, ()) = tokio::join!(merging, committing);
    assert_eq!(
        merged.expect_err("refused").to_string(),
        format!("ada@example.org is merged into bea@example.org: merge into bea@example.org (`{bea}`) instead")
    );
}
