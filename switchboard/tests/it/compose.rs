//! `docker-compose.yml` and the `Dockerfile`, as far as they can be checked where no image is to be had:
//! everything that they name is there, and every program takes what it is given.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_yaml_ng::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::world::{World, fail, on_database, program, succeed};

const WORKERS: [&str; 3] = ["ingest-email", "router", "notifier"];
/// How long a worker has to finish what is in flight.
const DRAIN: Duration = Duration::from_secs(30);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn compose() -> Value {
    let mut file: Value = serde_yaml_ng::from_str(&read("docker-compose.yml")).expect("YAML");
    // What is merged may merge in turn; one step at a time.
    for _ in 0..3 {
        file.apply_merge().expect("merged");
    }
    file
}

/// A map's entries, by name; none where there is no map.
fn entries(map: &Value) -> Vec<(&str, &Value)> {
    let entries = map.as_mapping().into_iter().flatten();
    entries.map(|(name, value)| (name.as_str().expect("a name"), value)).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_sequence().into_iter().flatten().map(|text| text.as_str().expect("a text")).collect()
}

/// The services that run a program of ours, by name.
fn programs(file: &Value) -> Vec<(&str, &Value)> {
    let ours = |service: &Value| service["image"].as_str().is_some_and(|image| image.starts_with("switchboard:"));
    entries(&file["services"]).into_iter().filter(|(_, service)| ours(service)).collect()
}

/// A text with its variables as they are where nobody has set them.
fn filled(text: &str) -> String {
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').expect("an end of the variable");
        filled.push_str(variable.split_once(":-").expect("a default").1);
        filled.push_str(rest);
    }
    filled
}

#[test]
fn every_service_runs_a_program_that_the_image_holds() {
    let (file, dockerfile) = (compose(), read("Dockerfile"));
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("members");
    let has_program = |name: &str| {
        members.iter().filter_map(toml::Value::as_str).any(|member| {
            let of_member: toml::Table = read(&format!("{member}/Cargo.toml")).parse().expect("TOML");
            of_member["package"]["name"].as_str() == Some(name) && root().join(member).join("src/main.rs").exists()
        })
    };
    let mut wanted = BTreeSet::new();
    for (name, service) in programs(&file) {
        assert_eq!(service["image"].as_str(), Some(concat!("switchboard:", env!("CARGO_PKG_VERSION"))), "{name}");
        let command = texts(&service["command"])[0];
        let asked = texts(&service["healthcheck"]["test"]);
        wanted.extend([Some(command), asked.get(1).copied()].into_iter().flatten().filter(|program| *program != "bash"));
        let wait = entries(&service["depends_on"]).iter().any(|(on, _)| *on == "migrate");
        assert!(wait || !service["build"].is_null(), "{name} waits for whoever builds the image");
    }
    assert!(wanted.len() > WORKERS.len(), "{wanted:?}");
    for program in wanted {
        assert!(has_program(program), "{program} is no program of this workspace");
        assert!(dockerfile.contains(&format!("--package {program}")), "{program} is not built");
        assert!(dockerfile.contains(&format!("target/release/{program}")), "{program} is not installed");
    }
    assert!(dockerfile.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")), "the label has another version");
    assert!(dockerfile.contains(&format!("FROM rust:{}-", manifest["workspace"]["package"]["rust-version"].as_str().expect("a version"))));
}

#[test]
fn any_number_of_each_worker_may_run_and_each_has_time_to_finish() {
    let file = compose();
    for worker in WORKERS {
        let service = &file["services"][worker];
        assert!(service["container_name"].is_null() && service["ports"].is_null(), "{worker} can run only once");
        assert!(!service["healthcheck"]["test"].is_null(), "{worker} is not asked how it is");
        let grace = service["stop_grace_period"].as_str().and_then(|grace| grace.strip_suffix('s')).expect("a time in seconds");
        assert!(Duration::from_secs(grace.parse().expect("a number")) > DRAIN, "{worker} is killed before it has finished");
        assert_eq!(service["read_only"].as_bool(), Some(true), "{worker}");
    }
}

#[test]
fn every_file_volume_and_service_that_is_named_is_there() {
    let file = compose();
    for (name, service) in entries(&file["services"]) {
        for volume in texts(&service["volumes"]) {
            let volume = filled(volume);
            let (source, _) = volume.split_once(':').expect("a source and a target");
            let there = if source.starts_with('.') { root().join(source).exists() } else { file["volumes"].get(source).is_some() };
            assert!(there, "{name}: there is no {source}");
        }
        for (on, condition) in entries(&service["depends_on"]) {
            let condition = condition["condition"].as_str().expect("a condition");
            let other = &file["services"][on];
            assert!(!other.is_null(), "{name} waits for {on}, which is not there");
            assert_eq!(condition == "service_healthy", !other["healthcheck"].is_null(), "{name} waits for {on}");
        }
    }
    let ignored = read(".dockerignore");
    let needed = [".sqlx", "Cargo.lock", "Cargo.toml", "common", "deploy", "migrations", "switchboard", "tests", "workers"];
    assert!(!ignored.lines().any(|line| needed.contains(&line.trim_matches('/'))), "the build needs what is ignored");
}

#[test]
fn every_variable_that_a_service_is_given_is_a_key_of_the_configuration() {
    let (file, world) = (compose(), World::new());
    let certificates = world.folder.path().join("certificates");
    std::fs::create_dir(&certificates).expect("a folder");
    std::fs::write(certificates.join("ca.pem"), "").expect("a file");
    let check = |service: &Value| {
        let mut command = program(world.folder.path());
        command.args(["config", "check"]);
        for (name, value) in entries(&service["environment"]) {
            let value = filled(value.as_str().unwrap_or_else(|| panic!("{name} is no text")));
            command.env(name, value.replace("/certificates", &certificates.display().to_string()));
        }
        command
    };
    for (name, service) in programs(&file) {
        let shown = succeed(check(service));
        for worker in WORKERS.iter().filter(|worker| **worker == name) {
            assert!(shown.contains("amqp.url = \"amqp://switchboard:hidden@rabbitmq:5672"), "{worker}: {shown}");
            assert!(shown.contains("http.listen = \"0.0.0.0:9464\"") && shown.contains("/certificates/ca.pem"), "{worker}: {shown}");
        }
    }
    let mut misspelt = check(&file["services"]["notifier"]);
    misspelt.env("SWITCHBOARD_MAIL__SMTP_URI", "smtps://mail");
    assert!(fail(misspelt).contains("did you mean mail.smtp_url?"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn the_sample_desk_applies_and_reads_a_mailbox_of_the_server_to_play_with(_: PgPoolOptions, options: PgConnectOptions) {
    let (file, world) = (compose(), World::new());
    let path = root().join("deploy/desk.toml").display().to_string();
    let changes = succeed(on_database(world.folder.path(), &options, &["apply", &path, "--dry-run"]));
    assert!(changes.contains("support@desk.example"), "{changes}");

    let desk: toml::Table = read("deploy/desk.toml").parse().expect("TOML");
    let tenant = &desk["tenant"][0];
    let mailbox = &tenant["accounts"][0]["imap"];
    let password = mailbox["password"].as_str().and_then(|password| password.strip_prefix("env:")).expect("a variable");
    assert!(!file["services"]["ingest-email"]["environment"][password].is_null(), "ingest-email is not given {password}");
    assert!(!file["services"][mailbox["host"].as_str().expect("a host")].is_null(), "there is no such server");
    let accounts = read("deploy/mail/postfix-accounts.cf");
    for address in [&mailbox["user"], &tenant["accounts"][0]["address"], &tenant["users"][0]["email"]] {
        let address = address.as_str().expect("an address");
        assert!(accounts.lines().any(|line| line.starts_with(&format!("{address}|"))), "{address} has no mailbox");
    }
}
