//! Mails that cannot be accepted, for their own fault: they go to the dead letters with their reason,
//! and the rest of the mailbox goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::dead_letters::{self, DeadLetter};
use switchboard_common::db::mailboxes::Folder;
use switchboard_common::db::media;
use uuid::Uuid;

/// A mail that is set aside. It stays in the mailbox.
#[derive(Debug, Clone)]
pub(super) struct Aside {
    pub uid: u32,
    /// Its size, as the server says.
    pub size: u32,
    /// Its bytes, where they were had and may be of use.
    pub raw: Option<Arc<[u8]>>,
    pub reason: String,
}

/// Keeps them in the dead letters, within the transaction that moves the cursor past them.
pub(super) async fn keep(
    connection: &mut PgConnection,
    ambient: &Ambient,
    folder: &Folder,
    uid_validity: Option<u32>,
    mails: &[Aside],
) -> sqlx::Result<()> {
    let mut letters = Vec::with_capacity(mails.len());
    for mail in mails {
        let raw = match &mail.raw {
            Some(raw) => media::store(connection, folder.account.tenant_id, ambient, &[raw]).await?.pop(),
            None => None,
        };
        let id: Uuid = ambient.new_id();
        let body = json!({
            "tenant_id": folder.account.tenant_id, "account_id": folder.account.account_id,
            "tenant": folder.account.tenant_name, "account": folder.account.name,
            "folder": folder.folder, "uid_validity": uid_validity, "uid": mail.uid, "size": mail.size, "raw": raw,
        });
        let payload = json!({ "kind": "mailbox_mail", "version": 1, "id": id, "body": body });
        letters.push(DeadLetter {
            id,
            queue: dead_letters::MAILBOX.to_owned(),
            payload: payload.to_string().into_bytes(),
            headers: BTreeMap::new(),
            reason: mail.reason.clone(),
            died_at: ambient.now(),
        });
    }
    dead_letters::store(connection, &letters).await
}

/// Says so in the log.
pub(super) fn log(folder: &Folder, mails: &[Aside]) {
    for mail in mails {
        tracing::error!(
            account.id = %folder.account.account_id,
            mail.uid = mail.uid,
            mail.size = mail.size,
            "The mail with UID {} in {} of {}/{} goes to the dead letters, and stays in the mailbox: {}",
            mail.uid,
            folder.folder,
            folder.account.tenant_name,
            folder.account.name,
            mail.reason,
        );
    }
}
