//! A tenant's own words in place of the built-in ones.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::domain::method::Method;
use crate::ids::TenantId;

/// What a tenant says in place of a built-in template; what is not said is as built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// The subject of a mail.
    pub subject: Option<String>,
    /// The text.
    pub text: Option<String>,
    /// The HTML of a mail.
    pub html: Option<String>,
}

/// A tenant's words by template, such as `ticket.created.client`, method, and locale (empty for every one).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The words.
    pub words: HashMap<(String, Method, String), Words>,
}

/// Reads a tenant's words.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Overrides> {
    let rows = sqlx::query!("select template, channel, locale, subject, text, html from templates where tenant_id = $1", tenant.0)
        .fetch_all(connection)
        .await?;
    let words = rows.into_iter().filter_map(|row| {
        let words = Words { subject: row.subject, text: row.text, html: row.html };
        Some(((row.template, Method::named(&row.channel)?, row.locale), words))
    });
    Ok(Overrides { words: words.collect() })
}
