use std::process::Output;
use std::time::Duration;

use switchboard_common::ambient::Ambient;
use switchboard_common::broker::rabbitmq::{Limits, RabbitBroker};
use switchboard_common::broker::{Broker, Queue};
use switchboard_test_servers::rabbitmq;

use crate::world::{DESK, MAIL, World, feed, program, said, succeed};

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_pipe_without_up_keeps_the_mail_with_the_mail_server() {
    let world = World::new();
    let output = feed(world.command(&["pipe", "--account", "support"]), MAIL);
    assert_eq!(code(&output), Some(75), "{}", said(&output));
    assert!(said(&output).contains("`switchboard up` is not running"), "{}", said(&output));
    assert!(!world.data().join("postgres").exists(), "a pipe starts no server");
}

#[test]
fn a_pipe_with_a_faulty_configuration_keeps_the_mail_with_the_mail_server() {
    let world = World::new();
    let mut command = world.command(&["pipe", "--account", "support"]);
    command.env("SWITCHBOARD_LOG__FORMAT", "xml");
    let output = feed(command, MAIL);
    assert_eq!(code(&output), Some(75), "{}", said(&output));
}

#[test]
fn a_pipe_that_is_called_wrongly_says_so_by_its_own_code() {
    let world = World::new();
    for arguments in [&["pipe"][..], &["pipe", "--acount", "x"], &["--data", "d", "pipe", "--account"]] {
        let output = feed(command(&world, arguments), "");
        assert_eq!(code(&output), Some(64), "{arguments:?}: {}", said(&output));
    }
    let output = feed(command(&world, &["ticket", "nonsense"]), "");
    assert_eq!(code(&output), Some(2), "other commands keep the shells' code");
    assert_eq!(code(&feed(command(&world, &["pipe", "--help"]), "")), Some(0));
}

fn command(world: &World, arguments: &[&str]) -> std::process::Command {
    let mut command = program(world.folder.path());
    command.args(arguments);
    command
}

#[test]
fn a_pipe_that_took_a_mail_says_nothing_at_all() {
    let world = World::new();
    let up = world.up();
    let desk = world.write("desk.toml", DESK);
    succeed(world.command(&["apply", &desk]));
    let output =
        feed(world.command(&["pipe", "--account", "support", "--sender", "ada@client.example", "--recipient", "help@acme.example"]), MAIL);
    assert_eq!(
        (code(&output), output.stdout.as_slice(), said(&output).as_str()),
        (Some(0), &b""[..], ""),
        "Exim takes any output for a failure"
    );
    let output = feed(world.command(&["pipe", "--account", "support"]), "");
    assert_eq!(code(&output), Some(65), "an empty mail is the mail's own fault: {}", said(&output));
    let output = feed(world.command(&["pipe", "--account", "nobody"]), MAIL);
    assert_eq!(code(&output), Some(75), "an account may be applied later: {}", said(&output));
    drop(up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_publishes_to_rabbitmq_and_keeps_the_mail_with_the_mail_server_while_that_is_away() {
    let server = tokio::task::block_in_place(rabbitmq::Shared::find);
    let ambient = Ambient::system();
    let prefix = format!("test-{}", ambient.new_id::<uuid::Uuid>().simple());
    let world = World::new();
    // `up` without RabbitMQ, so that nobody takes what is published there.
    let up = world.up();
    succeed(world.command(&["apply", &world.write("desk.toml", DESK)]));
    let piped = |url: &str| {
        let mut command = world.command(&["pipe", "--account", "support", "--sender", "ada@client.example"]);
        command.env("AMQP_URL", url).env("SWITCHBOARD_AMQP__PREFIX", &prefix);
        tokio::task::block_in_place(|| feed(command, MAIL))
    };
    let output = piped(&server.url());
    assert_eq!((code(&output), said(&output).as_str()), (Some(0), ""));
    let broker = RabbitBroker::new(&server.url(), &prefix, None, ambient, Limits::default()).expect("a broker");
    let counted = async { while broker.waiting(Queue::Inbound).await.expect("a number") != 1 {} };
    tokio::time::timeout(Duration::from_secs(20), counted).await.expect("the mail waits there");
    // Taken, and nobody listens there.
    let port = tokio::net::TcpSocket::new_v4().expect("a socket");
    port.bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let output = piped(&format!("amqp://desk:hunter2@{}", port.local_addr().expect("an address")));
    assert_eq!(code(&output), Some(75), "{}", said(&output));
    assert!(said(&output).contains("could not connect") && !said(&output).contains("hunter2"), "{}", said(&output));
    drop(up);
}
