//! A private Dovecot 2.3: IMAP in the clear, with STARTTLS and with TLS, and LMTP to deliver by.
//!
//! Users have the password [`PASSWORD`] and are there once they are named to [`Dovecot::start`]. Mail lies in the
//! folder as Maildir, so that a test sees what is there without the server.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid};
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::process::{Process, find_program, folder, free_port, give, run_as};

/// The password of every user.
pub const PASSWORD: &str = "a \"pass\\word\"";

/// A Dovecot with its mailboxes, running or not.
#[derive(Debug)]
pub struct Dovecot {
    folder: TempDir,
    ports: Ports,
    certificates: Certificates,
    process: Option<Process>,
}

/// Where it listens on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// IMAP in the clear, and with STARTTLS.
    pub imap: u16,
    /// IMAP with TLS from the start.
    pub imaps: u16,
    /// LMTP.
    pub lmtp: u16,
}

impl Dovecot {
    /// Starts a new one with empty mailboxes for `users`.
    ///
    /// # Panics
    /// When it is not installed, or does not come up.
    #[must_use]
    pub fn start(users: &[&str]) -> Self {
        let mut dovecot = Self::prepare(users);
        dovecot.up();
        dovecot
    }

    /// Prepares one that is not running yet.
    ///
    /// # Panics
    /// When its files cannot be written.
    #[must_use]
    pub fn prepare(users: &[&str]) -> Self {
        let folder = folder();
        let certificates = Certificates::write(folder.path());
        let ports = Ports { imap: free_port(), imaps: free_port(), lmtp: free_port() };
        let dovecot = Self { folder, ports, certificates, process: None };
        for name in ["mail", "run", "state"] {
            let path = dovecot.path(name);
            std::fs::create_dir(&path).expect("a folder");
            give(&path);
        }
        dovecot.set_password(users, PASSWORD);
        std::fs::write(dovecot.path("dovecot.conf"), dovecot.configuration()).expect("written");
        for path in [&dovecot.certificates.certificate, &dovecot.certificates.key] {
            give(path);
        }
        dovecot
    }

    /// Gives all users a password.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn set_password(&self, users: &[&str], password: &str) {
        let mut lines = String::new();
        for user in users {
            writeln!(lines, "{user}:{{PLAIN}}{password}::::::").expect("a string takes everything");
        }
        std::fs::write(self.path("users"), lines).expect("written");
        give(&self.path("users"));
    }

    /// Starts it, again with the mailboxes and at the ports that it had.
    ///
    /// # Panics
    /// When it is not installed, runs already, or does not come up.
    pub fn up(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let program = find_program(&["dovecot"]).expect("Dovecot is installed: dovecot-imapd and dovecot-lmtpd");
        let log = self.path("output.log");
        let mut command = Command::new(program);
        command.arg("-F").arg("-c").arg(self.path("dovecot.conf"));
        let mut process = Process::start(&mut command, &log);
        for port in [self.ports.imap, self.ports.imaps, self.ports.lmtp] {
            process.listening(SocketAddr::from(([127, 0, 0, 1], port)), &log);
        }
        self.process = Some(process);
    }

    /// Stops it in good order: those who are connected are told.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        if let Some(process) = &mut self.process {
            process.signal(Signal::SIGTERM);
            let begun = Instant::now();
            // Now and then it waits some seconds for nothing.
            while process.has_ended().is_none() && begun.elapsed() < Duration::from_secs(2) {
                std::thread::park_timeout(Duration::from_millis(5));
            }
        }
        self.kill();
    }

    /// Ends it at once.
    ///
    /// # Panics
    /// When it does not end.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::SIGKILL);
            process.wait();
            self.end_children();
        }
    }

    /// The processes of a master that was killed end when they notice; the ports are free only then.
    fn end_children(&self) {
        let begun = Instant::now();
        while self.children().iter().any(|pid| nix::sys::signal::kill(*pid, Signal::SIGKILL).is_ok()) {
            assert!(begun.elapsed() < crate::process::PATIENCE, "a process of Dovecot does not end");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Its processes are those whose working folder lies in its own folder: where it runs, or a mailbox.
    fn children(&self) -> Vec<nix::unistd::Pid> {
        let folder = self.folder.path();
        let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
        let own = processes.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)));
        own.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(nix::unistd::Pid::from_raw).collect()
    }

    /// Where it listens.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Its certificate authority and certificate.
    #[must_use]
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("dovecot.log")).unwrap_or_default()
    }

    /// Delivers mails to a user by LMTP (RFC 2033), all by one connection.
    ///
    /// # Panics
    /// When one is not taken.
    pub fn deliver_all<M: AsRef<[u8]>>(&self, user: &str, mails: &[M]) {
        let stream = TcpStream::connect(("127.0.0.1", self.ports.lmtp)).expect("connected");
        stream.set_read_timeout(Some(crate::process::PATIENCE)).expect("a time limit");
        let mut lmtp = Lmtp { reader: BufReader::new(stream.try_clone().expect("a second handle")), stream };
        lmtp.answer();
        lmtp.say("LHLO test");
        for mail in mails {
            lmtp.say("MAIL FROM:<sender@client.example>");
            lmtp.say(&format!("RCPT TO:<{user}>"));
            lmtp.say("DATA");
            lmtp.data(mail.as_ref());
        }
        lmtp.say("QUIT");
    }

    /// Delivers a mail to a user.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn deliver(&self, user: &str, mail: impl AsRef<[u8]>) {
        self.deliver_all(user, &[mail]);
    }

    /// The mails in a user's INBOX: the name of the file, whose end holds the flags (`:2,S` for one that was
    /// seen), and the bytes.
    #[must_use]
    pub fn mails(&self, user: &str) -> Vec<(String, Vec<u8>)> {
        let folders = ["new", "cur"].map(|name| self.maildir(user).join(name));
        let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
        // A file may be renamed in this moment; the next look has it.
        let read = |entry: std::fs::DirEntry| Some((entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).ok()?));
        let mut mails: Vec<_> = files.filter_map(read).collect();
        mails.sort();
        mails
    }

    /// The folder of a user's INBOX.
    #[must_use]
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.path("mail").join(user)
    }

    /// Puts a file into a user's INBOX as it is, which no mail server would deliver.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn plant(&self, user: &str, name: &str, bytes: &[u8]) {
        let path = self.maildir(user).join("new").join(name);
        std::fs::write(&path, bytes).expect("written");
        give(&path);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self) -> String {
        let (uid, gid) = run_as().unwrap_or((geteuid(), getegid()));
        let user = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
        let group = Group::from_gid(gid).ok().flatten().map_or_else(|| gid.to_string(), |group| group.name);
        configuration(self.folder.path(), self.ports, &self.certificates, (&user, uid), (&group, gid))
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Everything runs as one user and in no other root, so that it needs no power.
fn configuration(folder: &Path, ports: Ports, certificates: &Certificates, (user, uid): (&str, Uid), (group, gid): (&str, Gid)) -> String {
    let folder = folder.display();
    let Ports { imap, imaps, lmtp } = ports;
    let (certificate, key) = (certificates.certificate.display(), certificates.key.display());
    format!(
        "protocols = imap lmtp
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = {uid}
last_valid_uid = {uid}
first_valid_gid = {gid}
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
imap_idle_notify_interval = 2 mins
# How long a mailbox is looked at before those who wait are told.
mailbox_idle_check_interval = 1 secs
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
auth_cache_size = 0
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
# Those who give a wrong password are not made to wait.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service ipc {{
  chroot =
}}
"
    )
}

struct Lmtp {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Lmtp {
    fn say(&mut self, line: &str) {
        write!(self.stream, "{line}\r\n").expect("sent");
        self.answer();
    }

    /// The mail with its dots doubled (RFC 5321, 4.5.2) and its lines ended as they should be.
    fn data(&mut self, mail: &[u8]) {
        let mut lines = Vec::with_capacity(mail.len() + mail.len() / 40);
        for line in mail.strip_suffix(b"\n").unwrap_or(mail).split(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                lines.push(b'.');
            }
            lines.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            lines.extend_from_slice(b"\r\n");
        }
        lines.extend_from_slice(b".\r\n");
        self.stream.write_all(&lines).expect("sent");
        self.answer();
    }

    fn answer(&mut self) {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).expect("an answer");
            assert!(line.starts_with(['2', '3']), "Dovecot says {line:?}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivered_mail_lies_in_its_mailbox_also_after_a_restart() {
        let mut dovecot = Dovecot::start(&["ada", "bo"]);
        dovecot.deliver("ada", "Subject: one\n\n.dot\n");
        dovecot.stop();
        dovecot.up();
        dovecot.deliver("ada", "Subject: two\n\n");
        dovecot.kill();
        let mails = dovecot.mails("ada");
        assert_eq!(mails.len(), 2, "{}", dovecot.log());
        assert!(mails.iter().any(|(_, bytes)| bytes.ends_with(b"Subject: one\n\n.dot\n")), "{mails:?}");
        assert!(dovecot.mails("bo").is_empty());
        dovecot.up();
    }
}
