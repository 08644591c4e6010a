use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::world::{World, fail, on_database, succeed};

#[sqlx::test(migrations = false)]
async fn four_who_migrate_at_once_all_succeed(_: PgPoolOptions, options: PgConnectOptions) {
    let world = World::new();
    let started: Vec<_> = (0..4)
        .map(|_| on_database(world.folder.path(), &options, &["migrate"]).stdout(std::process::Stdio::piped()).spawn().expect("it starts"))
        .collect();
    let said: Vec<String> = started
        .into_iter()
        .map(|child| child.wait_with_output().expect("it ends"))
        .map(|output| if output.status.success() { String::from_utf8_lossy(&output.stdout).into_owned() } else { panic!("{output:?}") })
        .collect();
    assert!(said.iter().any(|said| said.contains("steps taken")), "{said:?}");
    assert!(succeed(on_database(world.folder.path(), &options, &["migrate"])).contains("up to date already"));
}

#[sqlx::test(migrations = false)]
async fn a_database_that_is_not_migrated_or_newer_is_refused(_: PgPoolOptions, options: PgConnectOptions) {
    let world = World::new();
    let list = || on_database(world.folder.path(), &options, &["ticket", "list"]);
    assert!(fail(list()).contains("run `switchboard migrate`"));
    succeed(on_database(world.folder.path(), &options, &["migrate"]));
    assert_eq!(succeed(list()), "no tickets\n");

    let mut connection = options.connect().await.expect("connected");
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', true, '', 0)",
    )
    .execute(&mut connection)
    .await
    .expect("as a newer program would");
    connection.close().await.expect("closed");
    for arguments in [&["ticket", "list"][..], &["migrate"]] {
        let said = fail(on_database(world.folder.path(), &options, arguments));
        assert!(said.contains("older than the one that changed the database"), "{said}");
    }
}
