//! A tenant's own words in place of the built-in ones.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::letters::Branding;
use crate::domain::method::Method;
use crate::ids::{AccountId, DepartmentId, TenantId};

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

/// How a desk presents itself in what an account sends about a ticket of a department.
///
/// # Errors
/// When the database refuses or cannot be reached, or there is no such tenant.
pub async fn branding(
    connection: &mut PgConnection,
    tenant: TenantId,
    account: Option<AccountId>,
    department: Option<DepartmentId>,
) -> sqlx::Result<Branding> {
    sqlx::query_as!(
        Branding,
        r#"select coalesce(z.data->>'brand', o.name) as "brand!", coalesce(d.from_name, a.from_name, z.data->>'from_name') as from_name,
                  z.data->>'logo' as logo, z.data->>'color' as color, z.data->>'footer' as footer, z.data->>'locale' as locale
           from tenants o
           left join customize z on z.tenant_id = o.id
           left join channel_accounts a on a.tenant_id = o.id and a.id = $2
           left join departments d on d.tenant_id = o.id and d.id = $3
           where o.id = $1"#,
        tenant.0,
        account.map(|id| id.0),
        department.map(|id| id.0),
    )
    .fetch_one(connection)
    .await
}
