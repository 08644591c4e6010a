//! RabbitMQ, of a test's own or shared by a whole run of tests.
//!
//! It starts as whoever [`run_as`](crate::process::run_as) names, beside any other, on ports of its own
//! and with an Erlang port mapper of its own, and where no name can be resolved.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::process::{Process, find_program, folder, free_port, give};

/// Names the folder of a server that a whole run of tests shares.
pub const SHARED: &str = "SWITCHBOARD_TEST_RABBITMQ";

/// How often a server is begun anew whose port another took first.
const TRIES: usize = 3;

/// Where a server is, and how it is asked.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    ports: Ports,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    plain: u16,
    tls: u16,
    distribution: u16,
    mapper: u16,
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct RabbitMq {
    place: Place,
    server: Process,
    _mapper: Process,
    _folder: TempDir,
}

/// A server that may be shared: nobody stops it.
#[derive(Debug)]
pub enum Shared {
    /// That of the whole run.
    OfTheRun(Place),
    /// Started because the run has none.
    Own(RabbitMq),
}

impl Shared {
    /// The server that [`SHARED`] names, or a new one where it names none.
    ///
    /// # Panics
    /// When there is none and none can be started.
    #[must_use]
    pub fn find() -> Self {
        match std::env::var_os(SHARED) {
            Some(folder) => Self::OfTheRun(Place::read(Path::new(&folder))),
            None => Self::Own(RabbitMq::start()),
        }
    }
}

impl Deref for Shared {
    type Target = Place;

    fn deref(&self) -> &Place {
        match self {
            Self::OfTheRun(place) => place,
            Self::Own(server) => server,
        }
    }
}

impl Deref for RabbitMq {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl RabbitMq {
    /// Starts a server.
    ///
    /// # Panics
    /// When it is not installed or does not come up.
    #[must_use]
    pub fn start() -> Self {
        let mut tries = 0;
        loop {
            tries += 1;
            let ports = Ports { plain: free_port(), tls: free_port(), distribution: free_port(), mapper: free_port() };
            let started = std::panic::catch_unwind(|| Self::start_on(ports));
            match started {
                Ok(server) => return server,
                Err(_) if tries < TRIES => {}
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    }

    fn start_on(ports: Ports) -> Self {
        let folder = folder();
        let place = Place { folder: folder.path().to_owned(), ports };
        place.prepare();
        let mut command = Command::new(program("epmd"));
        command.args(["-address", "127.0.0.1", "-port"]).arg(ports.mapper.to_string());
        let log = place.folder.join("epmd.log");
        let mut mapper = Process::start(&mut command, &log);
        mapper.listening((Ipv4Addr::LOCALHOST, ports.mapper).into(), &log);
        let server = place.start();
        Self { place, server, _mapper: mapper, _folder: folder }
    }

    /// Stops it in good order. Everything durable stays.
    pub fn stop(&mut self) {
        self.server.signal(Signal::SIGTERM);
        self.server.wait();
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.server.signal(Signal::SIGKILL);
        self.server.wait();
    }

    /// Starts it once more, after it was stopped or killed.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_again(&mut self) {
        self.server = self.place.start();
    }

    /// Stops it in good order and starts it once more.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }
}

impl Place {
    /// Reads where a server is from its folder.
    fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("ports")).expect("the folder of a server");
        let ports: Vec<u16> = text.split_whitespace().map(|port| port.parse().expect("a port")).collect();
        let &[plain, tls, distribution, mapper] = ports.as_slice() else { panic!("not the ports of a server: {text}") };
        Self { folder: folder.to_owned(), ports: Ports { plain, tls, distribution, mapper } }
    }

    /// The folder that it lies in, by which [`SHARED`] names it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens, without TLS.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.plain).into()
    }

    /// The URL to connect to, without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}/%2F", self.address())
    }

    /// The URL to connect to by TLS.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("amqps://guest:guest@localhost:{}/%2F", self.ports.tls)
    }

    /// The certificate of the authority that its own certificate is of.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// What `rabbitmqctl` says to these arguments.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn control(&self, arguments: &[&str]) -> String {
        let log = self.folder.join(format!("control.{}.log", free_port()));
        let mut command = Command::new(program("rabbitmqctl"));
        self.surround(&mut command);
        command.arg("--quiet").args(arguments);
        let mut control = Process::start(&mut command, &log);
        let ended = control.wait();
        let said = std::fs::read_to_string(&log).expect("what it said");
        assert!(ended.success(), "rabbitmqctl {arguments:?}: {said}");
        said
    }

    /// Writes what the server reads.
    fn prepare(&self) {
        let Ports { plain, tls, distribution, mapper } = self.ports;
        let folder = self.folder.display();
        let Certificates { authority, certificate, key } = Certificates::write(&self.folder);
        give(&key);
        let (authority, certificate, key) = (authority.display(), certificate.display(), key.display());
        let files = [
            ("ports", format!("{plain} {tls} {distribution} {mapper}")),
            // Erlang's own resolver, which knows its own host also where the system knows no name.
            ("inetrc", "{host,{127,0,0,1},[\"localhost\"]}.\n{lookup,[file,native]}.\n".to_owned()),
            (
                "rabbitmq.conf",
                format!(
                    "listeners.tcp.1 = 127.0.0.1:{plain}\nlisteners.ssl.1 = 127.0.0.1:{tls}\n\
                     ssl_options.cacertfile = {authority}\nssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
                     ssl_options.verify = verify_none\ndisk_free_limit.absolute = 1MB\nlog.console.level = warning\n"
                ),
            ),
            ("plugins", "[].\n".to_owned()),
            ("environment", format!("# In the place of the system's own, for {folder}.\n")),
        ];
        for (name, text) in files {
            std::fs::write(self.folder.join(name), text).expect("written");
        }
    }

    fn start(&self) -> Process {
        let mut command = Command::new(program("rabbitmq-server"));
        self.surround(&mut command);
        // With input allowed the script becomes the server, instead of staying beside it.
        command.env("RABBITMQ_ALLOW_INPUT", "yes").arg("-noinput").current_dir(&self.folder);
        let log = self.folder.join("server.log");
        let mut server = Process::start(&mut command, &log);
        server.until(&log, || self.speaks());
        server
    }

    /// Whether it answers to the words that AMQP begins with.
    fn speaks(&self) -> bool {
        let second = Duration::from_secs(1);
        let Ok(mut stream) = TcpStream::connect_timeout(&self.address(), second) else { return false };
        let mut answer = [0; 8];
        let asked = stream.set_read_timeout(Some(second)).and_then(|()| stream.write_all(b"AMQP\0\0\x09\x01"));
        asked.and_then(|()| stream.read_exact(&mut answer)).is_ok()
    }

    /// Everything that it would else look for in the system's folders.
    fn surround(&self, command: &mut Command) {
        let Ports { plain, distribution, mapper, .. } = self.ports;
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", &self.folder).env("LANG", "C.UTF-8");
        command.env("RABBITMQ_NODENAME", "switchboard@localhost").env("RABBITMQ_LOGS", "-");
        let ports = [("RABBITMQ_NODE_PORT", plain), ("RABBITMQ_DIST_PORT", distribution), ("ERL_EPMD_PORT", mapper)];
        command.envs(ports.map(|(name, port)| (name, port.to_string())));
        command.env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}");
        command.env("RABBITMQ_CTL_ERL_ARGS", "-start_epmd false");
        let files = [
            ("RABBITMQ_MNESIA_BASE", "data"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_PID_FILE", "pid"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "plugins"),
            ("RABBITMQ_CONF_ENV_FILE", "environment"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", "advanced.config"),
            ("ERL_INETRC", "inetrc"),
            ("ERL_CRASH_DUMP", "crash.dump"),
        ];
        command.envs(files.map(|(name, file)| (name, self.folder.join(file))));
    }
}

/// A program of RabbitMQ or Erlang. Those of Debian in `/usr/sbin` insist on a user of their own, so the
/// ones that they run are looked for first.
fn program(name: &str) -> PathBuf {
    let inner = Path::new("/usr/lib/rabbitmq/bin").join(name);
    let found = if inner.is_file() { Some(inner) } else { find_program(&[name]) };
    found.unwrap_or_else(|| panic!("{name} is missing: install rabbitmq-server"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_again_after_any_end_and_leaves_nothing_behind() {
        let mut server = RabbitMq::start();
        assert_eq!(server.control(&["add_vhost", "kept"]), "");
        server.restart();
        server.kill();
        assert!(!server.speaks());
        server.start_again();
        assert!(server.control(&["list_vhosts"]).contains("kept"));
        let marks = [server.folder().display().to_string(), format!("-port {}", server.ports.mapper)];
        drop(server);
        let processes = Command::new("ps").args(["-eo", "stat,args"]).output().expect("a list");
        let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
        assert!(!processes.lines().any(|line| marks.iter().any(|mark| line.contains(mark)) && !line.starts_with('Z')), "{processes}");
    }
}
