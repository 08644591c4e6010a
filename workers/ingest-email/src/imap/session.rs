//! What is asked of a server once one is logged in. Every call has a time limit, and ends with an
//! error unless the server said in the end that it is done: an answer that was cut off is none.

use std::time::Duration;

use async_imap::imap_proto::{AttributeValue, MailboxDatum, RequestId, Response, ResponseCode, Status};
use chrono::{DateTime, Utc};

use super::connect::{Wire, capability, unreadable, within};
use super::error::{ImapError, tidy};
use super::name;
use super::plan::{Waiting, uid_set};

/// For each mail of a folder, beside the limit of a call, since some servers read it to know its size.
const LISTING: Duration = Duration::from_millis(10);
/// The slowest line on which mail is fetched, in bytes a second.
const SLOWEST: u64 = 16 * 1024;
/// How a date stands in INTERNALDATE (RFC 3501, 9, `date-time`).
const INTERNAL_DATE: &str = "%d-%b-%Y %H:%M:%S %z";

/// A folder as EXAMINE describes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Examined {
    pub uid_validity: Option<u32>,
    pub uid_next: Option<u32>,
}

/// A mail that the server listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub mail: Waiting,
    pub arrived: Option<DateTime<Utc>>,
}

/// A mail that the server handed out.
#[derive(Debug)]
pub(super) struct Fetched {
    pub uid: u32,
    pub bytes: Vec<u8>,
}

/// How IDLE ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idled {
    /// Something came, or the time was up.
    Done,
    /// The server does not want to.
    Refused,
}

/// A session that is logged in.
#[derive(Debug)]
pub(super) struct Session {
    imap: async_imap::Session<Box<dyn Wire>>,
    limit: Duration,
    /// How many mails the folder holds.
    exists: u32,
    /// The server spoke of mails since this was last asked.
    news: bool,
}

impl Session {
    pub(super) fn new(imap: async_imap::Session<Box<dyn Wire>>, limit: Duration) -> Self {
        Self { imap, limit, exists: 0, news: false }
    }

    /// Whether the server has IDLE (RFC 2177).
    pub(super) async fn has_idle(&mut self) -> Result<bool, ImapError> {
        let mut found = false;
        self.command("CAPABILITY", "CAPABILITY", self.limit, |response| {
            if let Response::Capabilities(capabilities) = response {
                found = capabilities.iter().any(|one| capability(one) == "IDLE");
            }
        })
        .await?;
        Ok(found)
    }

    /// Opens a folder for reading only: nothing that is done there changes anything.
    pub(super) async fn examine(&mut self, folder: &str) -> Result<Examined, ImapError> {
        let mut examined = Examined::default();
        let command = format!("EXAMINE {}", name::quoted(folder));
        self.command("EXAMINE", &command, self.limit, |response| {
            if let Response::Data { status: Status::Ok, outcome } = response {
                match outcome.code {
                    Some(ResponseCode::UidValidity(validity)) => examined.uid_validity = Some(validity),
                    Some(ResponseCode::UidNext(next)) => examined.uid_next = Some(next),
                    _ => {}
                }
            }
        })
        .await?;
        Ok(examined)
    }

    /// Lets the server say what is new.
    pub(super) async fn noop(&mut self) -> Result<(), ImapError> {
        self.command("NOOP", "NOOP", self.limit, |_| {}).await
    }

    /// Whether the server has spoken of mails since this was last asked.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Every mail with a UID from `from` to `to`, or to the last one, by its UID.
    pub(super) async fn list(&mut self, from: u32, to: Option<u32>) -> Result<Vec<Listed>, ImapError> {
        // Without a mail there is no `*`.
        if self.exists == 0 {
            return Ok(Vec::new());
        }
        let end = to.map_or_else(|| "*".to_owned(), |to| to.to_string());
        let command = format!("UID FETCH {from}:{end} (UID RFC822.SIZE INTERNALDATE)");
        let limit = self.limit + LISTING.saturating_mul(self.exists);
        let mut listed = Vec::new();
        self.command("UID FETCH of sizes", &command, limit, |response| listed.extend(listed_mail(response))).await?;
        // `9:*` means the last mail also when its UID is less than 9 (RFC 3501, 6.4.8).
        listed.retain(|listed: &Listed| listed.mail.uid >= from && to.is_none_or(|to| listed.mail.uid <= to));
        listed.sort_by_key(|listed| listed.mail.uid);
        listed.dedup_by_key(|listed| listed.mail.uid);
        Ok(listed)
    }

    /// The bytes of these mails, in the order of their UIDs. Those that are gone are not among them.
    pub(super) async fn fetch(&mut self, mails: &[Waiting]) -> Result<Vec<Fetched>, ImapError> {
        let bytes: u64 = mails.iter().map(|mail| u64::from(mail.size)).sum();
        let limit = self.limit + Duration::from_secs(bytes / SLOWEST);
        let command = format!("UID FETCH {} (UID BODY.PEEK[])", uid_set(mails.iter().map(|mail| mail.uid)));
        let mut fetched: Vec<Fetched> = Vec::with_capacity(mails.len());
        self.command("UID FETCH", &command, limit, |response| fetched.extend(fetched_mail(response))).await?;
        fetched.retain(|fetched| mails.iter().any(|mail| mail.uid == fetched.uid));
        fetched.sort_by_key(|fetched| fetched.uid);
        fetched.dedup_by_key(|fetched| fetched.uid);
        Ok(fetched)
    }

    /// Waits until the server speaks of mails, or `enough` is done.
    pub(super) async fn idle(&mut self, enough: impl Future<Output = ()>) -> Result<Idled, ImapError> {
        const CALL: &str = "IDLE";
        let id = self.send(CALL, "IDLE", self.limit).await?;
        let limit = self.limit;
        match within(CALL, limit, self.until(CALL, &id, true, &mut |_| {})).await {
            Err(ImapError::Refused { .. }) => return Ok(Idled::Refused),
            begun => begun?,
        }
        tokio::pin!(enough);
        while !self.news {
            tokio::select! {
                response = self.imap.read_response() => {
                    let response = response.map_err(|error| unreadable(CALL, &error))?;
                    let response = response.ok_or(ImapError::Closed { call: CALL, answer: None })?;
                    self.note(response.parsed());
                    match response.parsed() {
                        Response::Data { status: Status::Bye, outcome } => {
                            return Err(ImapError::Closed { call: CALL, answer: outcome.information.as_deref().map(|text| tidy(text, None)) });
                        }
                        // It has enough of it by itself.
                        Response::Done { tag, .. } if *tag == id => return Ok(Idled::Done),
                        _ => {}
                    }
                }
                () = &mut enough => break,
            }
        }
        within(CALL, limit, async {
            self.imap.run_command_untagged("DONE").await.map_err(|_| ImapError::Closed { call: CALL, answer: None })?;
            self.until(CALL, &id, false, &mut |_| {}).await
        })
        .await?;
        Ok(Idled::Done)
    }

    /// Takes leave, without waiting for an answer.
    pub(super) async fn leave(mut self) {
        // Whoever does not read it will see that the connection is closed.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.imap.run_command("LOGOUT")).await;
    }

    async fn command(
        &mut self,
        call: &'static str,
        command: &str,
        limit: Duration,
        mut each: impl FnMut(&Response<'_>),
    ) -> Result<(), ImapError> {
        within(call, limit, async {
            let id = self.send(call, command, limit).await?;
            self.until(call, &id, false, &mut each).await
        })
        .await
    }

    async fn send(&mut self, call: &'static str, command: &str, limit: Duration) -> Result<RequestId, ImapError> {
        let sent = async { self.imap.run_command(command).await.map_err(|_| ImapError::Closed { call, answer: None }) };
        within(call, limit, sent).await
    }

    /// Reads until the server is done with a command, or with `go_on` until it says that one may go on.
    async fn until(
        &mut self,
        call: &'static str,
        id: &RequestId,
        go_on: bool,
        each: &mut impl FnMut(&Response<'_>),
    ) -> Result<(), ImapError> {
        let mut farewell = None;
        loop {
            let response = match self.imap.read_response().await {
                Ok(Some(response)) => response,
                // What the server said before it hung up says more than that it did.
                Err(error) if farewell.is_none() => return Err(unreadable(call, &error)),
                Ok(None) | Err(_) => return Err(ImapError::Closed { call, answer: farewell }),
            };
            let parsed = response.parsed();
            self.note(parsed);
            match parsed {
                Response::Done { tag, status, outcome } if tag == id => {
                    let answer = outcome.information.as_deref().map_or_else(|| "it gives no reason".to_owned(), |text| tidy(text, None));
                    return if *status == Status::Ok { Ok(()) } else { Err(ImapError::Refused { call, answer }) };
                }
                Response::Continue(_) if go_on => return Ok(()),
                Response::Data { status: Status::Bye, outcome } => farewell = outcome.information.as_deref().map(|text| tidy(text, None)),
                other => each(other),
            }
        }
    }

    /// Keeps in mind what a server may say at any time.
    fn note(&mut self, response: &Response<'_>) {
        match response {
            Response::MailboxData(MailboxDatum::Exists(exists)) => {
                self.news |= *exists > self.exists;
                self.exists = *exists;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Response::Vanished { earlier: false, uids } => {
                let gone: u32 =
                    uids.iter().map(|range| range.end().saturating_sub(*range.start()).saturating_add(1)).fold(0, u32::saturating_add);
                self.exists = self.exists.saturating_sub(gone);
            }
            _ => {}
        }
    }
}

fn listed_mail(response: &Response<'_>) -> Option<Listed> {
    let Response::Fetch(_, attributes) = response else { return None };
    let (mut uid, mut size, mut arrived) = (None, None, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(value) => uid = Some(*value),
            AttributeValue::Rfc822Size(value) => size = Some(*value),
            AttributeValue::InternalDate(value) => arrived = DateTime::parse_from_str(value.trim(), INTERNAL_DATE).ok(),
            _ => {}
        }
    }
    // One without a size speaks of something else, such as flags that changed.
    Some(Listed { mail: Waiting { uid: uid?, size: size? }, arrived: arrived.map(|date| date.to_utc()) })
}

fn fetched_mail(response: &Response<'_>) -> Option<Fetched> {
    let Response::Fetch(_, attributes) = response else { return None };
    let (mut uid, mut body) = (None, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(value) => uid = Some(*value),
            // NIL stands for a mail that is gone (Dovecot), or cannot be read.
            AttributeValue::BodySection { section: None, data, .. } => body = data.as_ref().map(|data| data.to_vec()),
            _ => {}
        }
    }
    Some(Fetched { uid: uid?, bytes: body? })
}
