use crate::world::{World, fail, program, succeed};

#[test]
fn config_check_names_every_fault_at_once() {
    let world = World::new();
    let file = world.write("desk.toml", "dta = 5\n[mail]\ntransport = \"pigeon\"\n");
    let mut command = program(world.folder.path());
    command.args(["--config", &file, "config", "check"]).env("SWITCHBOARD_LOG__FORMAT", "xml").env("DATABASE_URL", "nonsense");
    let faults = fail(command);
    for (key, origin) in [
        ("dta", file.as_str()),
        ("mail.transport", file.as_str()),
        ("log.format", "SWITCHBOARD_LOG__FORMAT"),
        ("database_url", "DATABASE_URL"),
    ] {
        assert!(faults.contains(&format!("{key} (from {origin})")), "{key}: {faults}");
    }
}

#[test]
fn config_check_shows_what_holds_and_no_secret() {
    let world = World::new();
    let mut command = program(world.folder.path());
    command.args(["--data", "here", "config", "check"]).env("DATABASE_URL", "postgres://desk:hunter2@db.example/desk");
    let shown = succeed(command);
    assert!(shown.contains("data = \"here\"") && shown.contains("# --data"), "{shown}");
    assert!(shown.contains("db.example") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_usual_file_is_read_where_it_lies() {
    let world = World::new();
    world.write("switchboard.toml", "data = \"elsewhere\"");
    let mut command = program(world.folder.path());
    command.args(["config", "check"]);
    assert!(succeed(command).contains("data = \"elsewhere\""));
}

#[test]
fn every_command_refuses_a_faulty_configuration() {
    let world = World::new();
    let mut command = world.command(&["up"]);
    command.env("SWITCHBOARD_DATA_DIR", "x");
    assert!(fail(command).contains("data_dir (from SWITCHBOARD_DATA_DIR): unknown key"));
    assert!(!world.data().exists());
}
