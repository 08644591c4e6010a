//! Where nothing goes any more: addresses that bounced, whose owners complained, wrote STOP or
//! unsubscribed, and those that an operator named.
//!
//! No tenant's revision changes with them: bounces come in floods, and everybody would read the whole desk
//! anew. Whoever plans or sends reads those of the addresses in question, at that moment.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::method::Method;
use crate::domain::suppression::{Reason, Scope, normal};
use crate::ids::{DeliveryId, TenantId};

/// What is not to be sent to an address, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// Whose desk sends nothing there.
    #[serde(skip)]
    pub tenant: TenantId,
    /// By which way.
    pub method: Method,
    /// The address there: mail addresses in any case.
    pub address: String,
    /// How much is not sent.
    pub scope: Scope,
    /// Why.
    pub reason: Reason,
    /// What was answered or written.
    pub evidence: String,
    /// The delivery that showed it, if one did.
    pub delivery: Option<DeliveryId>,
}

impl Suppression {
    /// Whether it stands in the way of something that its reader may stop, or may not.
    #[must_use]
    pub fn covers(&self, is_optional: bool) -> bool {
        is_optional || self.scope == Scope::All
    }
}

/// A suppression, and since when it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What.
    #[serde(flatten)]
    pub suppression: Suppression,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Adds suppressions and returns how many are new. What stands already, for the same reason, stays as it is.
/// A `delivery` has to be there.
///
/// In the lock order they come before counters, and after all else.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add(connection: &mut PgConnection, suppressions: &[Suppression], now: DateTime<Utc>) -> sqlx::Result<u64> {
    if suppressions.is_empty() {
        return Ok(0);
    }
    let sorted: BTreeMap<_, &Suppression> = suppressions
        .iter()
        .rev()
        .map(|new| ((new.tenant, new.method, normal(new.method, &new.address), new.scope, new.reason), new))
        .collect();
    let added = sqlx::query!(
        "insert into suppressions (tenant_id, channel, address, scope, reason, evidence, delivery_id, created_at)
         select w.tenant_id, w.channel, w.address, w.scope, w.reason, w.evidence, w.delivery_id, $8
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[])
              with ordinality as w (tenant_id, channel, address, scope, reason, evidence, delivery_id, n)
         order by w.n
         on conflict do nothing",
        &sorted.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        sorted.keys().map(|key| key.1.as_str()).collect::<Vec<_>>() as _,
        sorted.keys().map(|key| key.2.as_str()).collect::<Vec<_>>() as _,
        sorted.keys().map(|key| key.3.as_str()).collect::<Vec<_>>() as _,
        sorted.keys().map(|key| key.4.as_str()).collect::<Vec<_>>() as _,
        sorted.values().map(|new| new.evidence.as_str()).collect::<Vec<_>>() as _,
        &sorted.values().map(|new| new.delivery.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        now,
    )
    .execute(connection)
    .await?;
    Ok(added.rows_affected())
}

/// Of these addresses, those that are suppressed, each as it was asked for, with the suppression that keeps most
/// away: one of everything before one of what is optional, and of these the oldest.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    asked: &[(Method, String)],
) -> sqlx::Result<HashMap<(Method, String), Standing>> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query_as!(
        Row,
        r#"select distinct on (w.n) s.tenant_id as "tenant: TenantId", s.channel, w.asked as "address!", s.scope, s.reason, s.evidence,
                  s.delivery_id as "delivery: DeliveryId", s.created_at as since
           from unnest($2::text[], $3::text[], $4::text[]) with ordinality as w (channel, address, asked, n)
           join suppressions s on s.tenant_id = $1 and s.channel = w.channel and s.address = w.address
           order by w.n, s.scope, s.created_at, s.reason"#,
        tenant.0,
        asked.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>() as _,
        &asked.iter().map(|(method, address)| normal(*method, address)).collect::<Vec<_>>(),
        asked.iter().map(|(_, address)| address.as_str()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().filter_map(Row::read);
    Ok(found.map(|found| ((found.suppression.method, found.suppression.address.clone()), found)).collect())
}

/// All suppressions of a tenant, or of every one, the latest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn list(connection: &mut PgConnection, tenant: Option<TenantId>, most: i64) -> sqlx::Result<Vec<Standing>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select tenant_id as "tenant: TenantId", channel, address, scope, reason, evidence, delivery_id as "delivery: DeliveryId",
                  created_at as since
           from suppressions where $1::uuid is null or tenant_id = $1
           order by created_at desc, channel, address, scope, reason limit $2"#,
        tenant.map(|tenant| tenant.0),
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

/// Which suppressions are lifted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifting {
    /// Whose desk.
    pub tenant: TenantId,
    /// By which way.
    pub method: Method,
    /// The address.
    pub address: String,
    /// Only those for this reason; of whatever reason where none is named.
    pub reason: Option<Reason>,
    /// Only those that stood by then: what was said later stays.
    pub stood_at: DateTime<Utc>,
}

/// Lifts suppressions, and returns those that stood.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn remove(connection: &mut PgConnection, liftings: &[Lifting]) -> sqlx::Result<Vec<Standing>> {
    if liftings.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Row,
        r#"with lifted as materialized (
               select s.tenant_id, s.channel, s.address, s.scope, s.reason
               from suppressions s
               where exists (
                   select from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) as w (tenant_id, channel, address, reason, stood_at)
                   where s.tenant_id = w.tenant_id and s.channel = w.channel and s.address = w.address
                     and (w.reason is null or s.reason = w.reason) and s.created_at <= w.stood_at)
               order by s.tenant_id, s.channel, s.address, s.scope, s.reason
               for update
           )
           delete from suppressions s using lifted l
           where (s.tenant_id, s.channel, s.address, s.scope, s.reason) = (l.tenant_id, l.channel, l.address, l.scope, l.reason)
           returning s.tenant_id as "tenant: TenantId", s.channel, s.address, s.scope, s.reason, s.evidence,
                     s.delivery_id as "delivery: DeliveryId", s.created_at as since"#,
        &liftings.iter().map(|lifting| lifting.tenant.0).collect::<Vec<_>>(),
        liftings.iter().map(|lifting| lifting.method.as_str()).collect::<Vec<_>>() as _,
        &liftings.iter().map(|lifting| normal(lifting.method, &lifting.address)).collect::<Vec<_>>(),
        liftings.iter().map(|lifting| lifting.reason.map(Reason::as_str)).collect::<Vec<_>>() as _,
        &liftings.iter().map(|lifting| lifting.stood_at).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

/// A row as the database has it.
struct Row {
    tenant: TenantId,
    channel: String,
    address: String,
    scope: String,
    reason: String,
    evidence: String,
    delivery: Option<DeliveryId>,
    since: DateTime<Utc>,
}

impl Row {
    /// The row as it is meant. The database's checks name the same words as the types.
    fn read(self) -> Option<Standing> {
        let suppression = Suppression {
            tenant: self.tenant,
            method: Method::named(&self.channel)?,
            address: self.address,
            scope: Scope::named(&self.scope)?,
            reason: Reason::named(&self.reason)?,
            evidence: self.evidence,
            delivery: self.delivery,
        };
        Some(Standing { suppression, since: self.since })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::db::MIGRATIONS;

    #[sqlx::test(migrator = "MIGRATIONS")]
    async fn each_reason_stands_until_it_is_lifted_and_only_in_its_tenant(pool: PgPool) {
        let mut connection = pool.acquire().await.expect("a connection");
        let [acme, other] = [1, 2].map(|number| TenantId(Uuid::from_u128(number)));
        sqlx::query("insert into tenants (id, name) values ($1, 'acme'), ($2, 'other')")
            .bind(acme)
            .bind(other)
            .execute(&mut *connection)
            .await
            .expect("tenants");
        let at = |second: i64| DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time");
        let new = |tenant, method, address: &str, scope, reason| Suppression {
            tenant,
            method,
            address: address.to_owned(),
            scope,
            reason,
            evidence: format!("{reason} it was"),
            delivery: None,
        };
        let number = "+15550100";
        let first = [
            new(acme, Method::Sms, number, Scope::All, Reason::Stop),
            new(acme, Method::Email, "Bo@Acme.Example", Scope::Optional, Reason::Unsubscribed),
            new(acme, Method::Sms, number, Scope::All, Reason::Stop),
            new(other, Method::Sms, number, Scope::All, Reason::Operator),
        ];
        let optional = new(acme, Method::Sms, number, Scope::Optional, Reason::Unsubscribed);
        assert_eq!(add(&mut connection, &[optional], at(0)).await.expect("added"), 1);
        assert_eq!(add(&mut connection, &first, at(1)).await.expect("added"), 3);
        let again = [first[0].clone(), new(acme, Method::Sms, number, Scope::All, Reason::Bounce)];
        assert_eq!(add(&mut connection, &again, at(2)).await.expect("added"), 1, "the same once, for another reason once more");
        assert_eq!(add(&mut connection, &[], at(2)).await.expect("nothing"), 0);

        let asked =
            [(Method::Email, "BO@acme.example".to_owned()), (Method::Sms, number.to_owned()), (Method::Whatsapp, number.to_owned())];
        let found = find(&mut connection, acme, &asked).await.expect("found");
        assert_eq!(found.len(), 2);
        let (mail, sms) = (&found[&asked[0]], &found[&asked[1]]);
        assert_eq!((mail.suppression.covers(true), mail.suppression.covers(false)), (true, false));
        assert_eq!((sms.suppression.reason, sms.since, sms.suppression.covers(false)), (Reason::Stop, at(1), true), "what keeps most away");
        let elsewhere = find(&mut connection, other, &asked).await.expect("found");
        assert_eq!((elsewhere.len(), elsewhere[&asked[1]].suppression.reason), (1, Reason::Operator));

        let lift = |reason, stood_at| Lifting { tenant: acme, method: Method::Sms, address: number.to_owned(), reason, stood_at };
        assert_eq!(remove(&mut connection, &[lift(Some(Reason::Stop), at(0))]).await.expect("none"), [], "it was said later");
        let lifted = remove(&mut connection, &[lift(Some(Reason::Stop), at(1))]).await.expect("lifted");
        assert_eq!(lifted.iter().map(|lifted| lifted.suppression.evidence.as_str()).collect::<Vec<_>>(), ["stop it was"]);
        let found = find(&mut connection, acme, &asked).await.expect("found");
        assert_eq!(found[&asked[1]].suppression.reason, Reason::Bounce, "what a client says lifts no bounce");
        assert_eq!(remove(&mut connection, &[lift(None, at(9))]).await.expect("lifted").len(), 2);
        let listed = list(&mut connection, None, 10).await.expect("listed");
        let listed: Vec<_> = listed.iter().map(|standing| (standing.suppression.tenant, standing.suppression.address.as_str())).collect();
        assert_eq!(listed, [(acme, "bo@acme.example"), (other, number)]);
        assert_eq!(list(&mut connection, Some(other), 10).await.expect("listed").len(), 1);
    }
}
