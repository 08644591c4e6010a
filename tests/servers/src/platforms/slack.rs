//! Slack's Web API: `chat.postMessage`, `files.getUploadURLExternal`, `files.completeUploadExternal`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::server::{Behaviour, Call, Platform, Reply};

/// The bot token that is accepted at first.
pub const TOKEN: &str = "xoxb-right";

/// A message that was posted.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The conversation.
    pub channel: String,
    /// Its own name there.
    pub ts: String,
    /// The message that it answers.
    pub thread_ts: Option<String>,
    /// The text.
    pub text: String,
    /// The blocks, or null.
    pub blocks: Value,
    /// All that was said.
    pub body: Value,
}

/// A file that was shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFile {
    /// The conversation.
    pub channel: String,
    /// The thread.
    pub thread_ts: Option<String>,
    /// The name.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A workspace.
#[derive(Debug)]
pub struct Workspace {
    /// The token that is accepted.
    pub token: String,
    /// The members.
    pub members: BTreeSet<String>,
    /// The conversations that the bot is in.
    pub channels: BTreeSet<String>,
    /// Those that it is not in.
    pub others: BTreeSet<String>,
    /// Those that were archived.
    pub archived: BTreeSet<String>,
    /// The permissions of the token.
    pub scopes: BTreeSet<&'static str>,
    /// So many messages are taken before it is too fast.
    pub allowance: Option<usize>,
    /// What was posted.
    pub posts: Vec<Post>,
    /// What was shared.
    pub files: Vec<SharedFile>,
    pending: BTreeMap<String, Pending>,
    /// Where files are uploaded to.
    url: String,
}

#[derive(Debug)]
struct Pending {
    name: String,
    length: usize,
    bytes: Option<Vec<u8>>,
}

/// Starts a workspace with the members `U024BE7LH` and `U024BE7LJ` and the channel `C024BE91L`.
pub async fn start() -> Platform<Workspace> {
    let platform = Platform::start(Workspace {
        token: TOKEN.to_owned(),
        members: ["U024BE7LH", "U024BE7LJ"].map(str::to_owned).into(),
        channels: ["C024BE91L".to_owned()].into(),
        others: BTreeSet::new(),
        archived: BTreeSet::new(),
        scopes: ["chat:write", "im:write", "files:write"].into(),
        allowance: None,
        posts: Vec::new(),
        files: Vec::new(),
        pending: BTreeMap::new(),
        url: String::new(),
    })
    .await;
    platform.state().url = platform.url();
    platform
}

/// An error is HTTP 200 with `ok: false` (<https://docs.slack.dev/apis/web-api/#responses>).
#[must_use]
pub fn error(name: &str) -> Reply {
    Reply::json(200, &json!({ "ok": false, "error": name }))
}

/// HTTP 429 with Retry-After in seconds (<https://docs.slack.dev/apis/web-api/rate-limits>).
#[must_use]
pub fn too_fast(seconds: u32) -> Reply {
    Reply::json(429, &json!({ "ok": false, "error": "ratelimited" })).with("retry-after", seconds.to_string())
}

impl Behaviour for Workspace {
    fn answer(&mut self, call: &Call) -> Reply {
        if let Some(id) = call.path.strip_prefix("/upload/") {
            return self.take_bytes(id, call);
        }
        let result = match call.path.as_str() {
            "/api/chat.postMessage" => self.signed_in(call, "chat:write").and_then(|()| self.post(call)),
            "/api/files.getUploadURLExternal" => self.signed_in(call, "files:write").and_then(|()| self.place_for(call)),
            "/api/files.completeUploadExternal" => self.signed_in(call, "files:write").and_then(|()| self.share(call)),
            _ => Err(error("unknown_method")),
        };
        result.map_or_else(|refused| refused, |answer| Reply::json(200, &answer))
    }
}

impl Workspace {
    /// `not_authed`, `invalid_auth`, and `missing_scope` with what is needed (<https://docs.slack.dev/reference/methods/auth.test>).
    fn signed_in(&self, call: &Call, scope: &'static str) -> Result<(), Reply> {
        match call.bearer() {
            None => Err(error("not_authed")),
            Some(token) if token != self.token => Err(error("invalid_auth")),
            Some(_) if !self.scopes.contains(scope) => {
                Err(Reply::json(200, &json!({ "ok": false, "error": "missing_scope", "needed": scope, "provided": "" })))
            }
            Some(_) => Ok(()),
        }
    }

    /// <https://docs.slack.dev/reference/methods/chat.postMessage>: JSON with `application/json`, a channel, and text or blocks. A
    /// member's id stands for the direct messages with them.
    fn post(&mut self, call: &Call) -> Result<Value, Reply> {
        if !call.is_of("application/json") {
            return Err(error("invalid_form_data"));
        }
        if self.allowance == Some(0) {
            return Err(too_fast(30));
        }
        let body = call.json();
        let channel = self.conversation(body["channel"].as_str().unwrap_or_default())?;
        let text = body["text"].as_str().unwrap_or_default().to_owned();
        let blocks = body["blocks"].clone();
        if text.is_empty() && blocks.is_null() {
            return Err(error("no_text"));
        }
        check_blocks(&blocks)?;
        // https://docs.slack.dev/changelog/2018-truncating-really-long-messages: 40,000 characters.
        if text.chars().count() > 40_000 {
            return Err(error("msg_too_long"));
        }
        if let Some(allowance) = &mut self.allowance {
            *allowance -= 1;
        }
        let ts = format!("17123456{:02}.000100", self.posts.len());
        let thread_ts = body["thread_ts"].as_str().map(str::to_owned);
        self.posts.push(Post { channel: channel.clone(), ts: ts.clone(), thread_ts, text, blocks, body });
        Ok(json!({ "ok": true, "channel": channel, "ts": ts, "message": { "type": "message", "ts": ts } }))
    }

    fn conversation(&self, named: &str) -> Result<String, Reply> {
        if self.members.contains(named) {
            return Ok(format!("D{}", &named[1..]));
        }
        if self.archived.contains(named) {
            return Err(error("is_archived"));
        }
        if self.others.contains(named) {
            return Err(error("not_in_channel"));
        }
        let is_direct = named.strip_prefix('D').is_some_and(|id| self.members.contains(&format!("U{id}")));
        if is_direct || self.channels.contains(named) { Ok(named.to_owned()) } else { Err(error("channel_not_found")) }
    }

    /// <https://docs.slack.dev/reference/methods/files.getUploadURLExternal>: a name and a length, as a form.
    fn place_for(&mut self, call: &Call) -> Result<Value, Reply> {
        let form = call.form();
        let length = form.get("length").and_then(|length| length.parse::<usize>().ok()).filter(|length| *length > 0);
        let name = form.get("filename").filter(|name| !name.is_empty());
        let (Some(length), Some(name)) = (length, name) else { return Err(error("invalid_arguments")) };
        let id = format!("F{:03}", self.pending.len());
        self.pending.insert(id.clone(), Pending { name: name.clone(), length, bytes: None });
        Ok(json!({ "ok": true, "upload_url": format!("{}/upload/{id}", self.url), "file_id": id }))
    }

    /// 200 if the whole file came, else another status (<https://docs.slack.dev/messaging/working-with-files#step-2>).
    fn take_bytes(&mut self, id: &str, call: &Call) -> Reply {
        match self.pending.get_mut(id) {
            Some(pending) if pending.length == call.body.len() && call.header("authorization").is_empty() => {
                pending.bytes = Some(call.body.clone());
                Reply { body: format!("OK - {}", pending.length), ..Reply::status(200) }
            }
            _ => Reply::status(400),
        }
    }

    /// <https://docs.slack.dev/reference/methods/files.completeUploadExternal>: `thread_ts` is that of a parent, in one conversation,
    /// named by the id of a conversation and not of a member.
    fn share(&mut self, call: &Call) -> Result<Value, Reply> {
        let body = call.json();
        let channel = body["channel_id"].as_str().unwrap_or_default().to_owned();
        if channel.starts_with('U') {
            return Err(error("invalid_channel"));
        }
        self.conversation(&channel)?;
        let files = body["files"].as_array().cloned().unwrap_or_default();
        let thread_ts = body["thread_ts"].as_str().map(str::to_owned);
        for file in &files {
            let pending = self.pending.remove(file["id"].as_str().unwrap_or_default()).ok_or_else(|| error("file_not_found"))?;
            let bytes = pending.bytes.ok_or_else(|| error("file_not_found"))?;
            self.files.push(SharedFile { channel: channel.clone(), thread_ts: thread_ts.clone(), name: pending.name, bytes });
        }
        Ok(json!({ "ok": true, "files": files }))
    }
}

/// At most 50 blocks, and 3000 characters in a section's text (<https://docs.slack.dev/reference/block-kit/blocks/section-block>).
fn check_blocks(blocks: &Value) -> Result<(), Reply> {
    let Some(blocks) = blocks.as_array() else {
        return if blocks.is_null() { Ok(()) } else { Err(error("invalid_blocks_format")) };
    };
    let is_long = |block: &Value| block["text"]["text"].as_str().is_some_and(|text| text.chars().count() > 3000 || text.is_empty());
    if blocks.len() > 50 || blocks.iter().any(|block| is_long(block) || !block["type"].is_string()) {
        return Err(error("invalid_blocks"));
    }
    Ok(())
}
