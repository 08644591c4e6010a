//! `switchboard template`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// List all templates
    List {
        /// With the words of this tenant's own
        #[arg(long, value_name = "NAME")]
        tenant: Option<String>,
    },
    /// Show a message made of sample data; needs no database, but for --tenant
    Render(TemplateRender),
}

#[derive(Debug, Args)]
pub struct TemplateRender {
    /// The event, such as ticket.created, or the template, such as ticket.created.client
    #[arg(value_name = "EVENT")]
    pub event: String,
    /// For whom
    #[arg(long, value_parser = ["agent", "client"])]
    pub audience: Option<String>,
    /// On which channel: email, slack, whatsapp, sms or webhook
    #[arg(long, default_value = "email", value_name = "CHANNEL")]
    pub channel: String,
    /// In which language, such as pt-BR [default: the tenant's, or en]
    #[arg(long, value_name = "LOCALE")]
    pub locale: Option<String>,
    /// In which time zone
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    pub timezone: chrono_tz::Tz,
    /// With the words and the branding of this tenant's own
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// Write to this file: of a mail .html or .txt are the part, anything else all of it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
