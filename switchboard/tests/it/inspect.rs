//! `switchboard inspect email`: any bytes give JSON, without a configuration or a database.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use switchboard_test_mails::promise::KEYS;

use crate::world::{World, feed, program, said};

fn mail(subject: &str) -> String {
    format!("From: Ada <ada@example.org>\nSubject: {subject}\n\nHello.\n")
}

fn inspect(world: &World, arguments: &[&str]) -> Command {
    let mut command = program(world.folder.path());
    command.args(["inspect", "email"]).args(arguments);
    command
}

/// The documents printed, a line each.
fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn subjects(output: &Output) -> Vec<Value> {
    lines(output).into_iter().map(|mut mail| mail["subject"].take()).collect()
}

#[test]
fn any_bytes_give_every_key_and_success() {
    let world = World::new();
    for raw in ["", "\0\u{ff}\r\r", "Content-Type: multipart/mixed; boundary=b\n\n--b", &mail("x")] {
        let output = feed(inspect(&world, &["-"]), raw);
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""), "{raw:?}");
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let keys = document.as_object().expect("an object");
        assert_eq!(keys.len(), KEYS.len(), "{keys:?}");
        assert!(KEYS.iter().all(|key| keys.contains_key(*key)) && document["flags"].is_array(), "{document}");
        assert_eq!(document["trust"], "unverified");
    }
    let empty: Value = serde_json::from_slice(&feed(inspect(&world, &["-"]), "").stdout).expect("JSON");
    assert_eq!(
        (&empty["from"], &empty["text"], &empty["date"], &empty["attachments"]),
        (&json!(null), &json!(""), &json!(null), &json!([]))
    );
}

#[test]
fn the_example_of_the_documentation_is_what_is_printed() {
    let docs = include_str!("../../../docs/mail.md");
    let block = |language: &str| {
        let (_, after) = docs.split_once(&format!("```{language}\n")).expect("a block");
        after.split_once("```").expect("its end").0.to_owned()
    };
    let output = feed(inspect(&World::new(), &["-"]), &block("eml"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), block("json"));
}

#[test]
fn one_mail_is_printed_for_people_and_several_a_line_each() {
    let world = World::new();
    let (one, two) = (world.write("one.eml", &mail("one")), world.write("two.eml", &mail("two")));
    let pretty = inspect(&world, &[&one]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&pretty.stdout).contains("\n  \"subject\": \"one\",\n"), "{pretty:?}");
    let several = inspect(&world, &[&one, &two]).output().expect("it runs");
    assert_eq!(subjects(&several), ["one", "two"]);
    assert_eq!(lines(&several)[0], serde_json::from_slice::<Value>(&pretty.stdout).expect("JSON"));
}

#[test]
fn the_mails_of_an_mbox_are_a_line_each() {
    let world = World::new();
    let mbox = format!("From a@b.c 10:00:00\n{}\nFrom a@b.c 10:00:01\n{}>From me\n", mail("one"), mail("two"));
    let file = world.write("inbox", &mbox);
    for output in [inspect(&world, &["--mbox", &file]).output().expect("it runs"), feed(inspect(&world, &["--mbox", "-"]), &mbox)] {
        assert_eq!(subjects(&output), ["one", "two"]);
        assert_eq!(lines(&output)[1]["text"], "Hello.\nFrom me");
    }
    let single = world.write("single", &format!("From a@b.c 10:00:00\n{}", mail("single")));
    assert_eq!(subjects(&inspect(&world, &["--mbox", &single]).output().expect("it runs")), ["single"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_printed() {
    let world = World::new();
    let there = world.write("there.eml", &mail("there"));
    let output = inspect(&world, &["gone.eml", ".", &there]).output().expect("it runs");
    assert_eq!((output.status.code(), subjects(&output)), (Some(1), vec![json!("there")]));
    let said = said(&output);
    assert!(said.contains("gone.eml cannot be read: No such file") && said.contains("switchboard: . cannot be read: Is a dir"), "{said}");
}

#[test]
fn it_needs_no_configuration_and_takes_any_path() {
    let world = World::new();
    world.write("switchboard.toml", "this is = not TOML");
    let name = OsStr::from_bytes(b"mail-\xff.eml");
    std::fs::write(world.folder.path().join(name), mail("odd name")).expect("written");
    let output = inspect(&world, &[]).arg(name).env("SWITCHBOARD_LOG__FORMAT", "xml").output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["subject"], "odd name");
    assert!(!world.data().exists());
}

#[test]
fn a_mail_that_is_too_large_to_be_taken_is_still_shown() {
    let world = World::new();
    let file = "x".repeat(65 * 1024 * 1024);
    let large = world.write("large.eml", &format!("Content-Type: application/octet-stream\n{}{file}", mail("large")));
    let output = inspect(&world, &[&large]).output().expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["subject"], "large");
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let world = World::new();
    let file = world.write("inbox", &format!("From a@b.c 10:00:00\n{}\n", mail(&"long".repeat(200))).repeat(2_000));
    let mut child = inspect(&world, &["--mbox", &file]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut beginning = [0; 10];
    child.stdout.take().expect("a pipe").read_exact(&mut beginning).expect("it prints");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
}
