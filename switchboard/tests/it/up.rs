use nix::sys::signal::Signal;

use crate::world::{DESK, MAIL, World, fail, feed, on_database, servers, succeed, until};

fn desk_with_a_mail(world: &World) {
    let desk = world.write("desk.toml", DESK);
    succeed(world.command(&["apply", &desk]));
    let output = feed(world.command(&["pipe", "--account", "support"]), MAIL);
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_second_start_finds_everything_as_it_was_left() {
    let world = World::new();
    let up = world.up();
    assert!(up.banner.contains("make a desk"), "{}", up.banner);
    desk_with_a_mail(&world);
    let list = || succeed(world.command(&["ticket", "list"]));
    until("the mail is a ticket", || list().contains("The lamp is dark")).await;
    let before = list();
    assert_eq!(up.stop(Signal::SIGTERM), Some(0));
    assert_eq!(servers(&world.data()), Vec::<String>::new(), "nothing is left running");
    assert_eq!(list(), before, "a command starts the server for itself");
    assert_eq!(servers(&world.data()), Vec::<String>::new(), "and stops it again");

    let up = world.up();
    assert!(!up.banner.contains("make a desk"), "{}", up.banner);
    assert_eq!(list(), before);
    assert_eq!(up.stop(Signal::SIGINT), Some(0));
}

#[tokio::test]
async fn sigkill_leaves_no_server_behind_and_the_next_start_works() {
    let world = World::new();
    let up = world.up();
    desk_with_a_mail(&world);
    assert!(!servers(&world.data()).is_empty());
    up.stop(Signal::SIGKILL);
    // At once: the server may still be shutting down.
    let up = world.up();
    until("the mail is a ticket", || succeed(world.command(&["ticket", "list"])).contains("The lamp is dark")).await;
    up.stop(Signal::SIGKILL);
    until("the server is gone", || servers(&world.data()).is_empty()).await;
}

#[test]
fn a_folder_has_one_up() {
    let world = World::new();
    let first = world.up();
    let said = fail(world.command(&["up"]));
    assert!(said.contains("`switchboard up` runs already on") && said.contains("--data"), "{said}");
    assert_eq!(first.stop(Signal::SIGTERM), Some(0), "the first is not disturbed");
}

#[tokio::test]
async fn a_server_that_ended_by_itself_is_started_again() {
    let world = World::new();
    let up = world.up();
    let pid = || {
        std::fs::read_to_string(world.data().join("postgres/postmaster.pid")).ok().and_then(|file| file.lines().next().map(str::to_owned))
    };
    let first = pid().expect("it runs");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(first.parse().expect("a number")), Signal::SIGKILL).expect("killed");
    let ready = || std::fs::read_to_string(world.data().join("postgres/postmaster.pid")).is_ok_and(|file| file.contains("ready"));
    until("another server is there", || pid().is_some_and(|pid| pid != first) && ready()).await;
    desk_with_a_mail(&world);
    until("the mail is a ticket", || succeed(world.command(&["ticket", "list"])).contains("The lamp is dark")).await;
    assert_eq!(up.stop(Signal::SIGTERM), Some(0));
}

#[sqlx::test(migrations = false)]
async fn with_a_configured_server_none_is_started(_: sqlx::postgres::PgPoolOptions, options: sqlx::postgres::PgConnectOptions) {
    let world = World::new();
    let data = world.data();
    let up = crate::world::Up::start(on_database(world.folder.path(), &options, &["--data", data.to_str().expect("UTF-8"), "up"]));
    assert!(up.banner.contains("DATABASE_URL"), "{}", up.banner);
    let desk = world.write("desk.toml", DESK);
    let on = |arguments: &[&str]| on_database(world.folder.path(), &options, arguments);
    succeed(on(&["apply", &desk]));
    assert!(feed(on(&["pipe", "--account", "support"]), MAIL).status.success());
    until("the mail is a ticket", || succeed(on(&["ticket", "list"])).contains("The lamp is dark")).await;
    assert_eq!(up.stop(Signal::SIGTERM), Some(0));
    assert!(!data.join("postgres").exists());
}

#[tokio::test]
async fn a_ticket_is_assigned_and_closed_by_a_command_and_explained() {
    let world = World::new();
    let up = world.up();
    desk_with_a_mail(&world);
    until("the mail is a ticket", || succeed(world.command(&["ticket", "list"])).contains("The lamp is dark")).await;
    assert_eq!(succeed(world.command(&["ticket", "assign", "1", "bo"])), "#1 was assigned to bo already; nothing to do\n");
    assert!(fail(world.command(&["ticket", "assign", "1", "nobody"])).contains("there are: bo"));
    assert_eq!(succeed(world.command(&["ticket", "close", "1", "--by", "bo"])), "#1 is closed now, in version 2\n");
    assert_eq!(succeed(world.command(&["ticket", "close", "1"])), "#1 was closed already; nothing to do\n");
    assert!(succeed(world.command(&["ticket", "list", "--state", "closed"])).contains("The lamp is dark"));
    assert_eq!(succeed(world.command(&["ticket", "list", "--state", "open,waiting-for-agent"])), "no tickets\n");
    assert!(fail(world.command(&["ticket", "show", "7"])).contains("there is no ticket #7"));
    let explained = succeed(world.command(&["explain", "message", "<lamp@client.example>"]));
    assert!(explained.contains("It opened ticket #1") && explained.contains("A new client"), "{explained}");
    let json: serde_json::Value = serde_json::from_str(&succeed(world.command(&["ticket", "show", "1", "--json"]))).expect("JSON");
    assert_eq!(json["state"], "closed");
    assert_eq!(json["messages"][0]["text"], "Please help.");
    assert_eq!(up.stop(Signal::SIGTERM), Some(0));
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_what_is_in_flight() {
    let world = World::new();
    // A mail server that takes the call and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("smtp://{}", silent.local_addr().expect("an address"));
    let mut command = world.command(&["up"]);
    command.env("SWITCHBOARD_MAIL__TRANSPORT", "smtp").env("SWITCHBOARD_MAIL__SMTP_URL", url).stderr(std::process::Stdio::piped());
    let mut up = crate::world::Up::start(command);
    desk_with_a_mail(&world);
    until("a mail is being sent", || {
        succeed(world.command(&["ticket", "list"])).contains('#') && succeed(world.command(&["ticket", "show", "1"])).contains("sending")
    })
    .await;
    let mut log = std::io::BufRead::lines(std::io::BufReader::new(up.child.stderr.take().expect("its stderr")));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(up.child.id()).expect("a process"));
    nix::sys::signal::kill(pid, Signal::SIGTERM).expect("signalled");
    assert!(log.by_ref().any(|line| line.expect("UTF-8").contains("Stopping")), "it began to stop");
    assert!(up.child.try_wait().expect("asked").is_none(), "it waits for what is in flight");
    assert_eq!(up.stop(Signal::SIGTERM), Some(1));
    assert_eq!(servers(&world.data()), Vec::<String>::new());
}

#[test]
fn the_demo_ends_as_it_says_also_a_second_time() {
    let world = World::new();
    for _ in 0..2 {
        let said = succeed(world.command(&["demo"]));
        assert!(said.contains("15 mails in, 25 out, each where it should be."), "{said}");
    }
}
