//! Deals new tickets out to the people of groups, one after the other, under the locks of the groups'
//! turns: whoever deals at the same time waits, and sees what was dealt here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::turns;
use switchboard_common::domain::rules::Strategy;
use switchboard_common::ids::{TenantId, TicketId, UserId};

use super::decide::Decided;
use super::gather::Known;
use crate::rules::assign::{self, Candidates, Deal};

/// A new ticket that its group deals out.
pub(super) struct ToDeal {
    pub tenant_id: TenantId,
    pub ticket_id: TicketId,
    pub deal: Deal,
    pub now: DateTime<Utc>,
}

/// Deals all of them, in the order in which they were opened.
pub(super) async fn all(connection: &mut PgConnection, known: &mut Known<'_>, decided: &mut Decided) -> Result<(), Failure> {
    let deals = std::mem::take(&mut decided.deals);
    if deals.is_empty() {
        return Ok(());
    }
    let groups: BTreeSet<_> = deals.iter().map(|to_deal| (to_deal.tenant_id, to_deal.deal.group)).collect();
    let mut turns = turns::lock(connection, &groups).await?;
    let candidates: Vec<Candidates> =
        deals.iter().map(|to_deal| assign::candidates(&known.desks[&to_deal.tenant_id], to_deal.deal, to_deal.now)).collect();
    let mut open = open_tickets(connection, known, &deals, &candidates).await?;
    for (to_deal, people) in deals.iter().zip(&candidates) {
        let ToDeal { tenant_id, ticket_id, deal, .. } = to_deal;
        let desk = &known.desks[tenant_id];
        let own = turns.entry((*tenant_id, deal.group)).or_default();
        let chosen = assign::deal(desk, *deal, people, own, open.entry(*tenant_id).or_default());
        let assignee = chosen.person.unwrap_or(deal.group);
        let handle = desk.users.get(&assignee).map(|user| user.handle.clone());
        if let Some(draft) = known.tickets.get_mut(&(*tenant_id, *ticket_id)) {
            draft.deal_to(assignee, format!("assigned: {} ({})", handle.as_deref().unwrap_or("somebody"), chosen.why));
        }
        let conclusions = decided.conclusions.iter_mut().filter(|conclusion| conclusion.ticket_id == Some(*ticket_id));
        for routing in conclusions.filter_map(|conclusion| conclusion.routing.as_mut()) {
            let from = std::mem::take(&mut routing.assignee_why);
            routing.assignee_why = format!("{from}, by {}; {}", deal.by.as_str(), chosen.why);
            routing.assignee.clone_from(&handle);
        }
    }
    turns::write(connection, &turns).await?;
    Ok(())
}

/// How many open tickets the candidates have, if it matters: those of the database, and those of this
/// batch that were not dealt.
async fn open_tickets(
    connection: &mut PgConnection,
    known: &Known<'_>,
    deals: &[ToDeal],
    candidates: &[Candidates],
) -> Result<HashMap<TenantId, BTreeMap<UserId, i64>>, Failure> {
    let counted = deals.iter().zip(candidates).filter(|(to_deal, _)| to_deal.deal.by == Strategy::FewestOpen);
    let people: BTreeSet<(TenantId, UserId)> =
        counted.flat_map(|(to_deal, candidates)| candidates.ready.iter().map(|id| (to_deal.tenant_id, *id))).collect();
    let mut open: HashMap<TenantId, BTreeMap<UserId, i64>> = HashMap::new();
    for ((tenant, user), count) in turns::open_tickets(connection, &people).await? {
        open.entry(tenant).or_default().insert(user, count);
    }
    for draft in known.tickets.values().filter(|draft| draft.is_new) {
        for user in draft.state.assignees.iter().filter(|user| people.contains(&(draft.tenant_id, **user))) {
            *open.entry(draft.tenant_id).or_default().entry(*user).or_default() += 1;
        }
    }
    Ok(open)
}
