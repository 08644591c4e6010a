//! The command line.

use std::path::PathBuf;

use clap::Subcommand;

use super::Who;
use crate::cli::Of;

/// What is asked for.
#[derive(Debug, Subcommand)]
pub enum Preferences {
    /// Show what holds for somebody: each setting with the layer that decided it
    Show {
        /// A user's or a group's handle, client:KEY (as for `client show`), tenant (for its users) or clients (for all of them)
        who: Who,
        #[command(flatten)]
        of: Of,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write what somebody chose, in place of what they chose before
    Set {
        /// As for `preferences show`
        who: Who,
        /// A JSON document of the schema that `preferences schema` prints; - is stdin
        file: PathBuf,
        #[command(flatten)]
        of: Of,
    },
    /// Forget what somebody chose, so that the layers below hold
    Reset {
        /// As for `preferences show`
        who: Who,
        #[command(flatten)]
        of: Of,
    },
    /// Print the JSON Schema of preferences; needs no server
    Schema,
}
