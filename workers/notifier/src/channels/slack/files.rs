//! Files: a URL is asked for, the bytes go there, and then the file is shared
//! (<https://docs.slack.dev/messaging/working-with-files#uploading_files>).

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{JSON, Slack};
use crate::channels::Refusal;
use crate::channels::http::{self, Deadline};
use crate::render::File;

impl Slack {
    /// Uploads a file, which nobody sees before it is shared. Returns how sharing names it.
    pub(super) async fn upload(&self, file: &File, token: &SecretString, deadline: Deadline) -> Result<Value, Refusal> {
        let length = file.bytes.len().to_string();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("filename", &file.name)
            .append_pair("length", &length)
            .finish();
        let answer = self.call("files.getUploadURLExternal", "application/x-www-form-urlencoded", form, token, deadline, false).await?;
        let (Some(url), Some(id)) = (answer["upload_url"].as_str(), answer["file_id"].as_str()) else {
            return Err(Refusal::ForNow { answer: "the answer names no place for a file".to_owned() });
        };
        // The URL is the permission: the token does not go there.
        let uploaded = http::ask(self.client.post(url).body(file.bytes.clone()), deadline, self.ambient.now()).await?;
        if uploaded.status != 200 {
            return Err(match uploaded.refusal() {
                Refusal::Away { answer, .. } => Refusal::ForNow { answer },
                other => other,
            });
        }
        Ok(json!({ "id": id, "title": file.name }))
    }

    /// Shares files in a thread.
    pub(super) async fn share(
        &self,
        files: &[Value],
        channel: &str,
        thread: &str,
        token: &SecretString,
        deadline: Deadline,
    ) -> Result<(), Refusal> {
        let body = json!({ "files": files, "channel_id": channel, "thread_ts": thread });
        self.call("files.completeUploadExternal", JSON, body.to_string(), token, deadline, false).await.map(drop)
    }
}
