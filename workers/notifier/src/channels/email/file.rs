//! Mail as files in a folder.

use std::io;
use std::path::{Path, PathBuf};

use lettre::address::Envelope;
use lettre::{AsyncFileTransport, AsyncTransport, Tokio1Executor};

use super::Refusal;

/// A folder of mails. Each is written aside and moved in when it is whole, so that whoever looks into
/// the folder never reads half a mail.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    aside: PathBuf,
    writer: AsyncFileTransport<Tokio1Executor>,
}

impl Folder {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let path = std::path::absolute(folder)?;
        let aside = path.join(".writing");
        std::fs::create_dir_all(&aside)?;
        Ok(Self { path, writer: AsyncFileTransport::new(&aside), aside })
    }

    pub(super) async fn send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<String, Refusal> {
        let for_now = |error: &dyn std::error::Error| Refusal::ForNow { answer: format!("the folder of outgoing mail: {error}") };
        let id = self.writer.send_raw(envelope, bytes).await.map_err(|error| for_now(&error))?;
        let path = self.publish(&format!("{id}.eml")).await.map_err(|error| for_now(&error))?;
        Ok(path.display().to_string())
    }

    /// Moves a mail in, once it is on the disk.
    async fn publish(&self, name: &str) -> io::Result<PathBuf> {
        let aside = self.aside.join(name);
        tokio::fs::File::open(&aside).await?.sync_all().await?;
        let path = self.path.join(name);
        tokio::fs::rename(aside, &path).await?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope::new(None, vec!["ada@example.org".parse().expect("an address")]).expect("a recipient")
    }

    #[tokio::test]
    async fn a_mail_lies_in_the_folder_under_the_path_that_is_answered() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(&root.path().join("out/mail")).expect("made with its parents");
        let path = folder.send(&envelope(), b"Subject: x\r\n\r\ny").await.expect("taken");
        assert_eq!(std::fs::read(&path).expect("the mail"), b"Subject: x\r\n\r\ny");
        let files = || {
            std::fs::read_dir(root.path().join("out/mail"))
                .expect("the folder")
                .filter(|file| file.as_ref().is_ok_and(|file| file.path().is_file()))
        };
        assert_eq!(files().count(), 1);
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_refuses_for_now() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(root.path()).expect("made");
        drop(root);
        assert!(matches!(folder.send(&envelope(), b"x").await, Err(Refusal::ForNow { .. })));
    }
}
