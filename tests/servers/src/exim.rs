//! Exim as a private mail server: it takes mail by SMTP, with STARTTLS or TLS from the start, and puts it
//! into a Maildir, or hands it on by LMTP.
//!
//! It runs wholly as the user that [`run_as`](crate::process::run_as) names, looks no name up, and
//! writes nowhere but into its folder. `scripts/lib.sh` (`need_exim`) says where the program comes from.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::process::{PATIENCE, Process, find_program, folder, free_port, give, run_as};

/// Where mail goes that Exim took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Into a Maildir in Exim's folder, whoever it is to.
    Maildir,
    /// By LMTP to this port of the loopback.
    Lmtp(u16),
}

/// What Exim is to do.
#[derive(Debug, Clone)]
pub struct EximSettings {
    /// Who may send mail, by name and password: letters, digits, dots, hyphens and at signs. Without
    /// one, everybody may. It is offered over TLS only.
    pub sign_in: Option<(String, String)>,
    /// The ways to sign in that it offers, of `PLAIN` and `LOGIN`.
    pub mechanisms: Vec<&'static str>,
    /// Whether it offers STARTTLS.
    pub starttls: bool,
    /// The largest mail that it takes, in bytes.
    pub size_limit: u64,
    /// Where mail goes.
    pub delivery: Delivery,
}

impl Default for EximSettings {
    fn default() -> Self {
        Self { sign_in: None, mechanisms: vec!["PLAIN", "LOGIN"], starttls: true, size_limit: 50_000_000, delivery: Delivery::Maildir }
    }
}

/// A running Exim.
#[derive(Debug)]
pub struct Exim {
    /// The authority that signed its certificate, and the certificate.
    pub certificates: Certificates,
    /// Where it listens in the clear, with STARTTLS.
    pub port: u16,
    /// Where it listens with TLS from the start.
    pub tls_port: u16,
    folder: TempDir,
    process: Option<Process>,
}

impl Exim {
    /// Starts one.
    ///
    /// # Panics
    /// When there is none to be had, or it does not start.
    #[must_use]
    pub fn start(settings: &EximSettings) -> Self {
        let folder = folder();
        let certificates = Certificates::write(folder.path());
        give(&certificates.key);
        let mut exim = Self { certificates, port: free_port(), tls_port: free_port(), folder, process: None };
        exim.write("exim.conf", &exim.configuration(settings));
        exim.up();
        exim
    }

    /// Stops it, with all connections that it has.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::SIGTERM);
            process.wait();
            // A child for each connection outlives it; there may be none.
            let _ = killpg(process.id(), Signal::SIGKILL);
        }
    }

    /// Starts it again, on the same ports, with the mail that it had.
    ///
    /// # Panics
    /// When it does not end or start.
    pub fn restart(&mut self) {
        self.stop();
        self.up();
    }

    /// The mails in its Maildir, in the order in which they came, with `Return-path` and `Envelope-to`.
    ///
    /// # Panics
    /// When they cannot be read.
    #[must_use]
    pub fn mails(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("mail/new")) else { return Vec::new() };
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .map(|entry| entry.expect("an entry"))
            .map(|entry| (entry.metadata().and_then(|file| file.modified()).expect("a time"), entry.path()))
            .collect();
        files.sort();
        files.into_iter().map(|(_, path)| String::from_utf8_lossy(&std::fs::read(path).expect("a mail")).into_owned()).collect()
    }

    /// Waits until there are so many mails.
    ///
    /// # Panics
    /// When they do not come within [`PATIENCE`].
    #[must_use]
    pub fn wait_for(&self, count: usize) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let mails = self.mails();
            if mails.len() >= count {
                return mails;
            }
            assert!(begun.elapsed() < PATIENCE, "{} of {count} mails came:\n{}", mails.len(), self.log());
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// What it logged: connections, mails taken and delivered, sign-ins refused.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("mainlog")).unwrap_or_default()
    }

    /// By how many connections mail came so far. Each has a port of its own at the other end.
    #[must_use]
    pub fn connections(&self) -> usize {
        let log = self.log();
        let arrivals = log.lines().filter(|line| line.contains(" <= "));
        let ports = arrivals.filter_map(|line| line.split_once("[127.0.0.1]:")?.1.split_whitespace().next());
        ports.collect::<HashSet<_>>().len()
    }

    fn up(&mut self) {
        let output = self.path("output");
        let mut command = self.command();
        command.arg("-C").arg(self.path("exim.conf")).args(["-bdf", "-q2s"]).current_dir(self.folder.path());
        let mut process = Process::start(&mut command, &output);
        process.listening(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)), &output);
        self.process = Some(process);
    }

    /// The program that is installed, or else the one that is unpacked. That one is copied, because
    /// whom it runs as may not enter the folder where it lies.
    fn command(&self) -> Command {
        if let Some(installed) = find_program(&["exim4", "exim"]) {
            return Command::new(installed);
        }
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/exim");
        assert!(unpacked.join("exim").is_file(), "Exim is neither installed nor unpacked: scripts/test unpacks it");
        let program = self.copy(&unpacked.join("exim"), "exim");
        std::fs::create_dir_all(self.path("lib")).expect("a folder");
        for library in std::fs::read_dir(unpacked.join("lib")).expect("its libraries") {
            let library = library.expect("an entry");
            self.copy(&library.path(), &format!("lib/{}", library.file_name().to_string_lossy()));
        }
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", self.path("lib")).env("LD_PRELOAD", self.path("lib/libnss_wrapper.so"));
        // It looks the user up that it was built for, and does not run without.
        let (user, group) = ids();
        self.write("passwd", &format!("Debian-exim:x:{user}:{group}::/:/bin/false\nroot:x:0:0::/:/bin/false\n"));
        self.write("group", &format!("Debian-exim:x:{group}:\nmail:x:8:\nroot:x:0:\n"));
        command.env("NSS_WRAPPER_PASSWD", self.path("passwd")).env("NSS_WRAPPER_GROUP", self.path("group"));
        command
    }

    fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.path(name);
        // A copy from an earlier start may still be running.
        if !to.exists() {
            std::fs::copy(from, &to).expect("copied");
            std::fs::set_permissions(&to, Permissions::from_mode(0o755)).expect("permitted");
        }
        to
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
        give(&self.path(name));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self, settings: &EximSettings) -> String {
        let folder = self.folder.path().display();
        let (user, group) = ids();
        let Certificates { certificate, key, .. } = &self.certificates;
        let (port, tls_port, size) = (self.port, self.tls_port, settings.size_limit);
        let offered_tls = if settings.starttls { "*" } else { "" };
        let who = if settings.sign_in.is_some() { "accept authenticated = *\n  deny message = sign in first" } else { "accept" };
        let mut text = format!(
            "primary_hostname = mail.example\nqualify_domain = mail.example\ndisable_ipv6\nhost_lookup =\nrfc1413_hosts =\nkeep_environment =\n\
             spool_directory = {folder}/spool\nlog_file_path = {folder}/%slog\npid_file_path = {folder}/pid\n\
             log_selector = +smtp_connection +incoming_port\nexim_user = {user}\nexim_group = {group}\nnever_users =\ndeliver_drop_privilege\n\
             local_interfaces = 127.0.0.1\ndaemon_smtp_ports = {port} : {tls_port}\ntls_on_connect_ports = {tls_port}\n\
             tls_advertise_hosts = {offered_tls}\ntls_certificate = {}\ntls_privatekey = {}\n\
             auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}{{}}}}\n\
             message_size_limit = {size}\nsmtp_accept_max = 100\nsmtp_accept_queue_per_connection = 0\n\
             acl_smtp_rcpt = who\nbegin acl\nwho:\n  {who}\nbegin routers\n",
            certificate.display(),
            key.display(),
        );
        match settings.delivery {
            Delivery::Maildir => write!(
                text,
                "all:\n  driver = accept\n  transport = maildir\nbegin transports\n\
                 maildir:\n  driver = appendfile\n  directory = {folder}/mail\n  maildir_format\n  envelope_to_add\n  return_path_add\n"
            ),
            Delivery::Lmtp(port) => write!(
                text,
                "all:\n  driver = manualroute\n  route_list = * 127.0.0.1 byname\n  self = send\n  transport = lmtp\nbegin transports\n\
                 lmtp:\n  driver = smtp\n  protocol = lmtp\n  port = {port}\n  allow_localhost\n  hosts_avoid_tls = *\n"
            ),
        }
        .expect("strings take everything");
        text += "begin retry\n* * F,1h,1s\nbegin authenticators\n";
        text += &authenticators(settings);
        text
    }
}

fn authenticators(settings: &EximSettings) -> String {
    let mut text = String::new();
    let Some((user, password)) = &settings.sign_in else { return text };
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-@".contains(&byte));
    assert!(is_plain(user) && is_plain(password), "a name and a password that mean nothing to Exim");
    for mechanism in &settings.mechanisms {
        let (prompts, name, secret) = match *mechanism {
            "PLAIN" => (":", "$auth2", "$auth3"),
            "LOGIN" => ("Username:: : Password::", "$auth1", "$auth2"),
            other => panic!("there is no mechanism {other}"),
        };
        write!(
            text,
            "{}:\n  driver = plaintext\n  public_name = {mechanism}\n  server_prompts = {prompts}\n  server_set_id = {name}\n  \
             server_condition = ${{if and {{{{eq {{{name}}}{{{user}}}}}{{eq {{{secret}}}{{{password}}}}}}}}}\n",
            mechanism.to_lowercase()
        )
        .expect("strings take everything");
    }
    text
}

/// Whom it runs as.
fn ids() -> (u32, u32) {
    run_as().map_or_else(|| (geteuid().as_raw(), nix::unistd::getegid().as_raw()), |(user, group)| (user.as_raw(), group.as_raw()))
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.stop();
    }
}
