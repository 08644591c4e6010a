use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use sqlx::{ConnectOptions, Connection};
use switchboard_common::ambient::Ambient;
use switchboard_common::embedded::{self, Embedded, Settings, Shutdown};

use crate::world::{DESK, World, fail, program, said, servers, succeed, until};

fn settings(data: &Path) -> Settings {
    Settings { data: data.to_owned(), programs: None, durable: false }
}

async fn run(server: &Embedded, statement: &'static str) {
    let mut connection = server.options().connect().await.expect("connected");
    sqlx::query(statement).execute(&mut connection).await.expect("done");
    connection.close().await.expect("closed");
}

async fn notes(server: &Embedded) -> i64 {
    let mut connection = server.options().connect().await.expect("connected");
    sqlx::query_scalar("select count(*) from notes").fetch_one(&mut connection).await.expect("counted")
}

#[tokio::test]
async fn what_was_committed_outlives_every_way_to_stop() {
    let world = World::new();
    let mut server = Embedded::start(&settings(&world.data()), &Ambient::system()).await.expect("started");
    run(&server, "create table notes (id int)").await;
    for how in [Shutdown::Smart, Shutdown::Fast, Shutdown::Immediate, Shutdown::Kill] {
        run(&server, "insert into notes values (1)").await;
        server.restart(how).await.expect("started again");
    }
    assert_eq!(notes(&server).await, 4);
    server.stop(Shutdown::Fast).await;
    let server = Embedded::start(&settings(&world.data()), &Ambient::system()).await.expect("started");
    assert_eq!(notes(&server).await, 4);
    server.stop(Shutdown::Fast).await;
    assert!(embedded::running(&world.data()).expect("ours").is_none());
}

#[tokio::test]
async fn a_long_path_is_no_obstacle() {
    let world = World::new();
    let data = world.data().join("a-long-name".repeat(12));
    let server = Embedded::start(&settings(&data), &Ambient::system()).await.expect("started");
    let found = embedded::running(&data).expect("ours").expect("running");
    assert!(!found.get_socket().expect("a socket").starts_with(&data));
    let socket = found.get_socket().expect("a socket").clone();
    assert_eq!(std::fs::metadata(&socket).expect("a folder").permissions().mode() & 0o777, 0o700);
    found.connect().await.expect("connected").close().await.expect("closed");
    server.stop(Shutdown::Fast).await;
    assert!(!socket.exists());
}

#[test]
fn four_who_start_at_once_share_one_server() {
    let world = World::new();
    let desk = world.write("desk.toml", DESK);
    let started: Vec<_> = (0..4)
        .map(|_| world.command(&["apply", &desk]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"))
        .collect();
    let ended: Vec<_> = started.into_iter().map(|child| child.wait_with_output().expect("it ends")).collect();
    for output in &ended {
        assert!(output.status.success(), "{}", said(output));
    }
    let changed = ended.iter().filter(|output| String::from_utf8_lossy(&output.stdout).contains("+ user bo")).count();
    assert_eq!(changed, 1);
}

#[test]
fn missing_programs_are_named_with_what_to_install() {
    let world = World::new();
    let empty = world.folder.path().join("empty");
    std::fs::create_dir(&empty).expect("made");
    let mut command = world.command(&["up"]);
    command.env("SWITCHBOARD_POSTGRES_BIN", &empty);
    let said = fail(command);
    for hint in ["initdb", "apt-get install postgresql", "dnf install postgresql-server", "DATABASE_URL", &empty.display().to_string()] {
        assert!(said.contains(hint), "{hint}: {said}");
    }
}

#[tokio::test]
async fn an_initdb_that_was_killed_half_way_is_in_nobodys_way() {
    let world = World::new();
    let unfinished = || {
        std::fs::read_dir(world.data())
            .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains(".new-")))
    };
    let mut first = world.command(&["up"]).stdout(Stdio::null()).spawn().expect("it starts");
    until("a cluster is being made", unfinished).await;
    first.kill().expect("killed");
    first.wait().expect("gone");
    assert!(!world.data().join("postgres").exists(), "it was not whole yet");
    let desk = world.write("desk.toml", DESK);
    assert!(succeed(world.command(&["apply", &desk])).contains("+ user bo"));
    assert!(!unfinished(), "what was left is removed");
}

#[test]
fn a_folder_that_the_server_may_not_enter_is_linked_to_one_that_it_may() {
    let world = World::new();
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(world.folder.path(), private).expect("closed");
    let desk = world.write("desk.toml", DESK);
    let output = world.command(&["apply", &desk]).output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    let cluster = world.data().join("postgres").canonicalize().expect("a cluster");
    if nix::unistd::geteuid().is_root() {
        assert!(cluster.starts_with("/var/lib/switchboard"), "{}", cluster.display());
        assert!(said(&output).contains(&cluster.display().to_string()), "{}", said(&output));
        assert_eq!(succeed(world.command(&["apply", &desk])), "nothing to do\n");
        std::fs::remove_dir_all(&cluster).expect("removed");
        assert!(fail(world.command(&["apply", &desk])).contains("leads to a database that is not there"), "and not to an empty one");
    } else {
        assert!(cluster.starts_with(world.data().canonicalize().expect("there")));
    }
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(world.folder.path()), 0o700, "nothing of the user's was opened");
}

/// Root becomes `nobody` for it; anybody else is a plain user already.
#[test]
fn a_plain_user_runs_it_too() {
    let world = World::new();
    let home = world.folder.path().join("home");
    std::fs::create_dir(&home).expect("made");
    let copy = home.join("switchboard");
    std::fs::copy(env!("CARGO_BIN_EXE_switchboard"), &copy).expect("copied");
    let desk = home.join("desk.toml");
    std::fs::write(&desk, DESK).expect("written");
    let nobody = nix::unistd::User::from_name("nobody").expect("asked").expect("there");
    let is_root = nix::unistd::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(&home, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("given");
    }
    let apply = || {
        let mut command = std::process::Command::new(&copy);
        command.env_remove("DATABASE_URL").env("SWITCHBOARD_DATABASE__DURABLE", "false").current_dir(&home).arg("apply").arg(&desk);
        if is_root {
            command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        }
        command
    };
    assert!(succeed(apply()).contains("+ user bo"));
    assert_eq!(succeed(apply()), "nothing to do\n");
    if is_root {
        let mut as_root = program(&home);
        as_root.env("SWITCHBOARD_DATABASE__DURABLE", "false").arg("apply").arg(&desk);
        assert_eq!(succeed(as_root), "nothing to do\n", "root runs the server as its owner");
    }
    assert_eq!(servers(&home.join("switchboard-data")), Vec::<String>::new());
}

#[test]
fn looking_makes_no_database() {
    let world = World::new();
    assert!(fail(world.command(&["ticket", "list"])).contains("there is no database in"));
    let desk = world.write("desk.toml", DESK);
    assert!(succeed(world.command(&["apply", &desk, "--dry-run"])).contains("+ user bo"));
    assert!(!world.data().exists());
}
