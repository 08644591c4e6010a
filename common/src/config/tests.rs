use secrecy::ExposeSecret;

use super::*;

fn read(file: &str, environment: &[(&str, &str)]) -> Result<(Config, String), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("desk.toml");
    std::fs::write(&path, file).expect("written");
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let hide = |text: String| text.replace(&path.display().to_string(), "FILE");
    match Config::read(Sources::read(Some(&path), environment, None)) {
        Ok((config, effective)) => Ok((config, hide(effective.to_string()))),
        Err(faults) => Err(hide(faults.to_string())),
    }
}

#[test]
fn nothing_at_all_is_a_whole_configuration() {
    let (config, effective) = read("", &[]).expect("no faults");
    assert_eq!(config.data, Path::new("./switchboard-data"));
    assert_eq!(config.mail.folder, Path::new("./switchboard-data/outgoing"));
    assert_eq!(config.mail.transport, MailTransport::File);
    assert!(config.database_url.is_none());
    assert!(config.database.durable);
    assert!(effective.lines().any(|line| line.starts_with("mail.transport = \"file\"") && line.ends_with("# default")), "{effective}");
}

#[test]
fn every_fault_is_named_at_once_with_its_key_and_where_it_came_from() {
    let file = r#"
        dta = "/srv/desk"
        database_url = "mysql://root:hunter2@db/x"
        postgres_bin = "/nonexistent/bin"
        [mail]
        transport = "pigeon"
        folder = 5
        [http]
        listen = "9464"
        public_url = "http://desk.example.org"
        [trace]
        endpoint = "collector:4318"
        [log]
        filter = "router=lound"
        colour = true
    "#;
    let environment = [("SWITCHBOARD_MAIL__SMTP_URL", "file:/nonexistent/url"), ("SWITCHBOARD_DATABASE__MAX_CONNECTIONS", "many")];
    let faults = read(file, &environment).expect_err("faults");
    let mut lines: Vec<&str> = faults.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "database.max_connections (from SWITCHBOARD_DATABASE__MAX_CONNECTIONS): \"many\" does not fit; expected a number from 5 to 200",
            "database_url (from FILE): the scheme is mysql, not postgres or postgresql; expected a URL like postgres://user:password@host:5432/database",
            "dta (from FILE): unknown key; did you mean data?",
            "http.listen (from FILE): \"9464\" does not fit; expected an address and a port like 127.0.0.1:9464",
            "http.public_url (from FILE): the scheme is http, not https; expected a URL like https://desk.example.org",
            "log.colour (from FILE): unknown key; the keys are data, database_url, database.max_connections, postgres_bin, database.durable, broker.lease, \
             amqp.url, amqp.prefix, tls.ca_file, mail.transport, mail.folder, mail.smtp_url, mail.smtp_connections, mail.largest_attachment, delivery.lease, imap.lease, \
             log.filter, log.format, http.listen, http.public_url, trace.endpoint",
            "log.filter (from FILE): error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", \
             or a number 0-5; expected directives like info or switchboard_router=debug,info",
            "mail.folder (from FILE): 5 is a number, not a string; expected a folder",
            "mail.smtp_url (from SWITCHBOARD_MAIL__SMTP_URL): /nonexistent/url cannot be read: No such file or directory (os error 2); \
             expected a URL like smtps://user:password@host:465 or smtp://host:587?tls=required",
            "mail.transport (from FILE): \"pigeon\" is none of them; expected file, smtp or memory",
            "postgres_bin (from FILE): there is no folder /nonexistent/bin; expected a folder with the programs initdb and postgres",
            "trace.endpoint (from FILE): the scheme is collector, not http or https; expected a URL like http://collector:4318",
        ]
    );
    assert!(!faults.contains("hunter2"));
}

#[test]
fn a_variable_wins_over_the_file_and_the_longer_name_over_the_usual_one() {
    let environment =
        [("DATABASE_URL", "postgres://usual/x"), ("SWITCHBOARD_DATABASE_URL", "postgres://own/x"), ("SWITCHBOARD_LOG__FORMAT", "json")];
    let (config, effective) = read("database_url = \"postgres://file/x\"\n[log]\nformat = \"text\"", &environment).expect("no faults");
    assert_eq!(config.database_url.expect("set").expose_secret(), "postgres://own/x");
    assert_eq!(config.log.format, LogFormat::Json);
    assert!(effective.contains("# SWITCHBOARD_DATABASE_URL"), "{effective}");
    let (config, _) = read("", &environment[..1]).expect("no faults");
    assert_eq!(config.database_url.expect("set").expose_secret(), "postgres://usual/x");
}

#[test]
fn a_secret_may_be_a_reference_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("url");
    std::fs::write(&path, "smtps://desk:hunter2@mail.example.org:465\n").expect("written");
    let file = format!(
        "database_url = \"postgres://desk:hunter2@db.example.org/desk?sslkey=hunter2\"\n[mail]\ntransport = \"smtp\"\nsmtp_url = \"file:{}\"",
        path.display()
    );
    let (config, effective) = read(&file, &[]).expect("no faults");
    assert_eq!(config.mail.smtp_url.as_ref().expect("set").expose_secret(), "smtps://desk:hunter2@mail.example.org:465");
    assert!(effective.contains("postgres://desk:hidden@db.example.org/desk?hidden"), "{effective}");
    assert!(effective.contains(&format!("file:{}", path.display())), "{effective}");
    assert!(!effective.contains("hunter2") && !format!("{config:?}").contains("hunter2"));
}

#[test]
fn rabbitmq_is_named_by_its_url_and_a_prefix() {
    let environment = [("AMQP_URL", "amqps://desk:hunter2@mq.example.org/%2F"), ("SWITCHBOARD_AMQP__PREFIX", "support-2.test")];
    let (config, effective) = read("", &environment).expect("no faults");
    assert_eq!(config.amqp.url.expect("set").expose_secret(), "amqps://desk:hunter2@mq.example.org/%2F");
    assert_eq!(config.amqp.prefix, "support-2.test");
    assert!(effective.contains("amqps://desk:hidden@mq.example.org/%2F") && !effective.contains("hunter2"), "{effective}");
    let faults = read("[amqp]\nurl = \"http://desk:hunter2@mq\"\nprefix = \"a b\"\n[tls]\nca_file = \"/nonexistent\"", &[]);
    let faults = faults.expect_err("faults");
    for fault in [
        "amqp.url (from FILE): the scheme is http, not amqp or amqps; expected a URL like amqps://user:password@host:5671/vhost",
        "amqp.prefix (from FILE): \"a b\" does not fit; expected letters, digits, dots, underscores and hyphens, 64 at most",
        "tls.ca_file (from FILE): there is no file /nonexistent; expected a file with certificates in PEM",
    ] {
        assert!(faults.contains(fault), "{faults}");
    }
    assert!(!faults.contains("hunter2"));
    assert_eq!(read("", &[]).expect("no faults").0.amqp.prefix, "switchboard");
}

#[test]
fn smtp_without_its_server_is_a_fault() {
    let faults = read("mail.transport = \"smtp\"", &[]).expect_err("a fault");
    assert_eq!(
        faults,
        "mail.smtp_url: missing: expected a URL like smtps://user:password@host:465 or smtp://host:587?tls=required, because mail.transport is smtp"
    );
}

#[test]
fn a_file_that_is_not_there_or_not_toml_is_a_fault_beside_the_others() {
    let sources = Sources::read(
        Some(Path::new("/nonexistent/desk.toml")),
        [("SWITCHBOARD_LOG__FORMAT".to_owned(), "xml".to_owned())].into_iter(),
        None,
    );
    let faults = Config::read(sources).expect_err("faults").to_string();
    assert!(faults.contains("/nonexistent/desk.toml cannot be read") && faults.contains("log.format"), "{faults}");
    let faults = read("[mail", &[]).expect_err("not TOML");
    assert!(faults.starts_with("FILE is not TOML"), "{faults}");
}

#[test]
fn variables_of_others_and_empty_ones_are_no_faults() {
    let environment = [
        ("SWITCHBOARD_PORT", "tcp://10.0.0.1:80"),
        ("SWITCHBOARD_SERVICE_HOST", "10.0.0.1"),
        ("SWITCHBOARD_TEST_SEED", "7"),
        ("DATABASE_URL", ""),
        ("HOME", "/root"),
    ];
    assert!(read("", &environment).expect("no faults").0.database_url.is_none());
}
