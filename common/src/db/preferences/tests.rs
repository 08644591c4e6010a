use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::domain::method::Method;

const SETUP: &str = "
    insert into tenants (id, name) values ('00000000-0000-0000-0000-00000000000a', 'acme'), ('00000000-0000-0000-0000-00000000000b', 'other');
    insert into customize (tenant_id, data) values ('00000000-0000-0000-0000-00000000000a', '{\"locale\": \"de\", \"timezone\": \"Europe/Berlin\"}');
    insert into users (tenant_id, id, handle, name, is_group, archived_at)
    select '00000000-0000-0000-0000-00000000000a', ('00000000-0000-0000-0000-0000000001' || lpad(n::text, 2, '0'))::uuid, h, h, n > 2, a
    from (values (1, 'bo', null), (2, 'cy', null), (3, 'night', null), (4, 'sales', null), (5, 'all', null), (6, 'gone', now()))
        as u (n, h, a);
    insert into group_members (tenant_id, group_id, member_id, created_at)
    select '00000000-0000-0000-0000-00000000000a', ('00000000-0000-0000-0000-0000000001' || g)::uuid, ('00000000-0000-0000-0000-0000000001' || m)::uuid, at::timestamptz
    from (values ('03', '01', '2026-01-02'), ('04', '01', '2026-01-01'), ('05', '03', '2026-01-03'), ('06', '01', '2025-01-01'), ('05', '02', '2026-01-01'))
        as m (g, m, at);
    insert into clients (tenant_id, id, name, merged_into)
    select '00000000-0000-0000-0000-00000000000a', ('00000000-0000-0000-0000-0000000002' || n)::uuid, 'Ada', ('00000000-0000-0000-0000-0000000002' || i)::uuid
    from (values ('01', null), ('02', '01'), ('03', '02'), ('04', null)) as c (n, i);";

fn id<I: From<Uuid>>(n: u128) -> I {
    Uuid::from_u128(n).into()
}

fn said(layers: &[Layer]) -> Vec<(String, Option<String>)> {
    layers.iter().map(|layer| (layer.name.to_string(), layer.says.locale.clone())).collect()
}

fn own(name: &str, locale: &str) -> (String, Option<String>) {
    (name.to_owned(), Some(locale.to_owned()))
}

#[sqlx::test(migrations = "../migrations")]
async fn the_layers_of_everybody_are_found_at_once_and_in_their_order(pool: PgPool) {
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::raw_sql(SETUP).execute(&mut *connection).await.expect("a desk");
    let (tenant, ambient): (TenantId, _) = (id(10), Ambient::system());
    let [bo, cy, night, sales, all, gone] = [0x101, 0x102, 0x103, 0x104, 0x105, 0x106].map(id::<UserId>);
    let [ada, merged, twice_merged, stranger] = [0x201, 0x202, 0x203, 0x204].map(id::<ClientId>);
    let write = async |connection: &mut PgConnection, owner: Owner, document: Json| {
        let preferences = Preferences::read(&document, owner.whose()).expect("preferences");
        put(connection, tenant, owner, &preferences, &ambient).await.expect("written")
    };
    for (owner, locale) in [
        (Owner::Tenant, "en"),
        (Owner::Clients, "fr"),
        (Owner::User(bo), "pt-BR"),
        (Owner::User(night), "es"),
        (Owner::User(sales), "it"),
        (Owner::User(all), "nl"),
        (Owner::User(gone), "ja"),
        (Owner::Client(ada), "sv"),
        (Owner::Client(twice_merged), "da"),
    ] {
        assert!(write(&mut connection, owner, json!({ "locale": locale })).await, "{owner:?}");
        assert!(!write(&mut connection, owner, json!({ "locale": locale })).await, "the second time it is there already: {owner:?}");
    }
    let load = async |connection: &mut PgConnection| {
        let found = load(connection, &[tenant.0, Uuid::from_u128(11)], &[(tenant, ada), (tenant, stranger)]).await.expect("layers");
        assert_eq!(found[&id(11)].user(bo), [], "another tenant's people have layers of their own");
        found[&tenant].clone()
    };
    let layers = load(&mut connection).await;
    // Sales holds bo for longer than night does, and all holds night; the archived group counts for nothing.
    let of_bo = [
        own("customize", "de"),
        own("tenant", "en"),
        own("group sales", "it"),
        own("group all", "nl"),
        own("group night", "es"),
        own("own", "pt-BR"),
    ];
    assert_eq!(said(&layers.user(bo)), of_bo);
    assert_eq!(said(&layers.user(cy)), [own("customize", "de"), own("tenant", "en"), own("group all", "nl")]);
    assert_eq!(layers.of_user(cy).zone(), chrono_tz::Europe::Berlin);
    // What Ada said before she was merged holds under what is said for the one whom she counts as.
    assert_eq!(said(&layers.client(ada)), [own("customize", "de"), own("tenant", "fr"), own("own", "da"), own("own", "sv")]);
    assert_eq!(said(&layers.client(stranger)), [own("customize", "de"), own("tenant", "fr")]);
    assert_eq!(said(&layers.client(merged)), said(&layers.client(stranger)), "one who was not asked for");

    let break_it =
        "update preferences set data = '{\"locale\": \"klingon\", \"quiet\": 1}' where layer in ('tenant', 'client') or user_id = $1";
    sqlx::query(break_it).bind(night.0).execute(&mut *connection).await.expect("broken");
    let layers = load(&mut connection).await;
    assert_eq!(said(&layers.user(bo)), [own("customize", "de"), own("group sales", "it"), own("group all", "nl"), own("own", "pt-BR")]);
    let broken: BTreeSet<Owner> = layers.broken.iter().map(|broken| broken.owner).collect();
    assert_eq!(broken, [Owner::Tenant, Owner::User(night), Owner::Client(ada), Owner::Client(twice_merged)].into());
    assert!(
        layers.broken.iter().all(|broken| broken.faults.iter().any(|fault| fault.starts_with("quiet: there is no such key"))),
        "{:?}",
        layers.broken
    );

    assert!(remove(&mut connection, tenant, Owner::User(bo)).await.expect("removed"));
    assert!(!remove(&mut connection, tenant, Owner::User(bo)).await.expect("looked for"));
    assert_eq!(document(&mut connection, tenant, Owner::User(bo)).await.expect("looked for"), None);
    assert_eq!(document(&mut connection, tenant, Owner::User(all)).await.expect("read"), Some(json!({ "locale": "nl" })));
    assert!(write(&mut connection, Owner::User(all), json!({ "channels": ["slack", "email"] })).await);
    let slack = load(&mut connection).await.of_user(bo);
    assert_eq!((slack.channels.value, slack.channels.by), (vec![Method::Slack, Method::Email], LayerName::Group("all".to_owned())));
}

#[test]
fn groups_that_hold_each_other_are_put_in_some_order_and_nobody_waits() {
    let at = |day: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::days(day);
    let [bo, a, b, c] = [1, 2, 3, 4].map(id::<UserId>);
    let groups = Groups {
        handles: HashMap::from([(a, "a".to_owned()), (b, "b".to_owned()), (c, "c".to_owned())]),
        holders: HashMap::from([(bo, vec![(a, at(1)), (b, at(1))]), (a, vec![(b, at(2))]), (b, vec![(a, at(3)), (c, at(9))]), (c, vec![])]),
    };
    let order: Vec<String> = groups.of(bo).into_iter().map(|(_, handle)| handle).collect();
    assert_eq!(order, ["c", "a", "b"]);
}
