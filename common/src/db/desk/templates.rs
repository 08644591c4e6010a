//! A tenant's own words, as a desk file has them.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::OwnTemplate;
use crate::db::templates;
use crate::ids::TenantId;

/// Reads the words of a tenant.
pub(super) async fn load(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<BTreeMap<String, OwnTemplate>> {
    let words = templates::load(connection, tenant).await?.words;
    let own = words.into_iter().map(|((template, channel, locale), words)| OwnTemplate { template, channel, locale, words });
    Ok(own.map(|own| (own.name(), own)).collect())
}

/// Makes these the words of a tenant, and no others.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_templates(connection: &mut PgConnection, tenant: TenantId, own: &BTreeMap<String, OwnTemplate>) -> sqlx::Result<()> {
    let column = |value: fn(&OwnTemplate) -> &str| own.values().map(value).collect::<Vec<_>>();
    let part = |value: fn(&OwnTemplate) -> Option<&str>| own.values().map(value).collect::<Vec<_>>();
    let (names, channels, locales) = (column(|own| &own.template), column(|own| own.channel.as_str()), column(|own| &own.locale));
    sqlx::query!(
        "delete from templates t where t.tenant_id = $1 and not exists (
             select from unnest($2::text[], $3::text[], $4::text[]) as w (template, channel, locale)
             where (w.template, w.channel, w.locale) = (t.template, t.channel, t.locale))",
        tenant.0,
        &names as &[&str],
        &channels as &[&str],
        &locales as &[&str],
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into templates (tenant_id, template, channel, locale, subject, text, html)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
         on conflict (tenant_id, template, channel, locale) do update
         set subject = excluded.subject, text = excluded.text, html = excluded.html",
        tenant.0,
        &names as &[&str],
        &channels as &[&str],
        &locales as &[&str],
        &part(|own| own.words.subject.as_deref()) as &[Option<&str>],
        &part(|own| own.words.text.as_deref()) as &[Option<&str>],
        &part(|own| own.words.html.as_deref()) as &[Option<&str>],
    )
    .execute(connection)
    .await?;
    Ok(())
}
