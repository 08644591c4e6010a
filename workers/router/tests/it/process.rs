//! The router as its operator runs it: the program itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use switchboard_common::db::connect;

struct Process {
    child: Child,
    address: SocketAddr,
}

pub fn command(database: &str, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard-router"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SWITCHBOARD_")) {
        command.env_remove(name);
    }
    command.env_remove("AMQP_URL").env("DATABASE_URL", database).env("SWITCHBOARD_HTTP__LISTEN", listen).stderr(Stdio::piped());
    command
}

/// Runs it where it cannot start.
fn refused(command: &mut Command) -> (ExitStatus, String) {
    let Output { status, stderr, .. } = command.output().expect("it runs");
    (status, String::from_utf8(stderr).expect("UTF-8"))
}

impl Process {
    /// Starts it, and reads in its log where it says how it is.
    fn start(database: &str) -> Self {
        let mut child = command(database, "127.0.0.1:0").spawn().expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
        let said =
            log.by_ref().map_while(Result::ok).find_map(|line| line.split_once("http://")?.1.split_whitespace().next().map(str::to_owned));
        let address = said.expect("it says where it says how it is").parse().expect("an address");
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        Self { child, address }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").expect("a body").1.to_owned())
    }

    async fn until_ready(&self) {
        let mut pace = tokio::time::interval(Duration::from_millis(25));
        let ready = async {
            while self.get("/readyz").0 != 200 {
                pace.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), ready).await.unwrap_or_else(|_| panic!("never ready: {:?}", self.get("/readyz")));
    }

    fn health(&self, database: &str) -> (ExitStatus, String) {
        refused(command(database, &self.address.to_string()).arg("--health"))
    }

    fn stop(mut self) -> ExitStatus {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("small")), Signal::SIGTERM).expect("told");
        self.child.wait().expect("gone")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn url(options: &PgConnectOptions) -> String {
    let socket = options.get_socket().map(|folder| format!("?host={}", folder.display())).unwrap_or_default();
    format!(
        "postgres://{}@localhost:{}/{}{socket}",
        options.get_username(),
        options.get_port(),
        options.get_database().expect("a database")
    )
}

#[sqlx::test(migrations = false)]
async fn a_router_waits_for_its_schema_and_says_so_and_ends_in_good_order(pool: PgPool) {
    let options = pool.connect_options();
    let url = url(&options);
    let router = Process::start(&url);
    assert_eq!(router.get("/healthz").0, 200);
    let (status, said) = router.get("/readyz");
    assert_eq!(status, 503);
    assert!(said.contains("database: the database is at step 0") && said.contains("switchboard migrate"), "{said}");
    let (status, said) = router.health(&url);
    assert!(!status.success() && said.contains("switchboard migrate"), "{said}");
    assert!(router.get("/metrics").1.contains("switchboard_dependency_up{dependency=\"database\"} 0"));

    connect::migrate(&options).await.expect("migrated");
    router.until_ready().await;
    assert!(router.health(&url).0.success());
    let metrics = router.get("/metrics").1;
    for line in [
        "switchboard_dependency_up{dependency=\"database\"} 1",
        "switchboard_dependency_up{dependency=\"broker\"} 1",
        "switchboard_queue_messages{queue=\"inbound\"} 0",
        "switchboard_dead_letters{queue=\"events\"} 0",
        "switchboard_dead_letters{queue=\"mailbox\"} 0",
        "switchboard_outbox_events 0",
        "# TYPE switchboard_outbox_events gauge",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert_eq!(router.stop().code(), Some(0));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_router_is_ready_also_while_what_waits_cannot_be_counted(pool: PgPool) {
    let router = Process::start(&url(&pool.connect_options()));
    router.until_ready().await;
    let mut other = pool.begin().await.expect("a transaction");
    sqlx::query("lock table dead_letters in access exclusive mode").execute(&mut *other).await.expect("locked");
    assert_eq!(router.get("/readyz"), (200, "ready\ndatabase: ok\nbroker: ok\n".to_owned()));
    assert!(router.get("/metrics").1.contains("switchboard_dependency_up{dependency=\"database\"} 1"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_router_whose_database_takes_no_writes_is_not_ready(pool: PgPool) {
    let options = pool.connect_options();
    let name = options.get_database().expect("a database");
    let read_only = format!("alter database \"{name}\" set default_transaction_read_only = on");
    sqlx::query(sqlx::AssertSqlSafe(read_only)).execute(&pool).await.expect("altered");
    let router = Process::start(&url(&options));
    let (status, said) = router.get("/readyz");
    assert_eq!(status, 503);
    assert!(said.contains("read-only transaction"), "{said}");
}

#[sqlx::test(migrations = false)]
async fn two_routers_cannot_say_how_they_are_at_one_address(pool: PgPool) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("an address").to_string();
    let (status, said) = refused(&mut command(&url(&pool.connect_options()), &listen));
    assert_eq!(status.code(), Some(1));
    assert!(said.contains(&format!("http.listen: cannot listen at {listen}; expected an address and a port that are free")), "{said}");
}

#[test]
fn a_router_without_a_database_names_what_is_missing() {
    let (status, said) = refused(command("", "127.0.0.1:0").env_remove("DATABASE_URL"));
    assert_eq!(status.code(), Some(1));
    assert!(said.starts_with("switchboard-router: database_url: missing") && said.contains("DATABASE_URL"), "{said}");
}

#[test]
fn a_wrong_usage_says_what_is_known() {
    let (status, said) = refused(command("", "127.0.0.1:0").arg("--helth"));
    assert_eq!(status.code(), Some(2));
    assert!(said.contains("--health"), "{said}");
}
