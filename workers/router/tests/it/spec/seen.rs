//! What became of a step, in the words of the scripts.

use sqlx::Row;
use sqlx::postgres::PgRow;
use switchboard_common::domain::explanation::{Explanation, SenderFound};
use uuid::Uuid;

use super::play::World;
use super::script::Doing;

impl World {
    /// What became of the step at this tenant, a fact a line.
    pub async fn seen(&mut self, twin: usize, doing: &Doing) -> Vec<String> {
        match doing {
            Doing::Message(message) => self.fate(twin, &message.label, &message.from).await,
            Doing::Again { label, .. } => vec![self.counted(twin, label).await],
            _ => Vec::new(),
        }
    }

    async fn counted(&self, twin: usize, label: &str) -> String {
        let came = &self.twins[twin].came[label];
        let duplicates: i32 = sqlx::query_scalar("select duplicates from inbound_messages where tenant_id = $1 and external_id = $2")
            .bind(came.tenant_id.0)
            .bind(&came.external_id)
            .fetch_one(&self.pool)
            .await
            .expect("one logged message");
        format!("counted {duplicates}")
    }

    async fn fate(&mut self, twin: usize, label: &str, from: &str) -> Vec<String> {
        let came = &self.twins[twin].came[label];
        let row = sqlx::query(
            "select i.outcome::text, i.explanation, i.ticket_id, t.ticket_number, t.client_id, m.author_client_id, u.handle, m.notice, m.automatic,
                    s.state::text, i.duplicates, coalesce(m.kind::text || ' ' || m.direction::text, 'nowhere') as kind,
                    array(select o.payload->>'kind' from outbox o where o.payload->>'message_id' = m.id::text) as events
             from inbound_messages i
             left join messages m on m.tenant_id = i.tenant_id and m.inbound_id = i.id
             left join users u on u.tenant_id = m.tenant_id and u.id = m.author_user_id
             left join tickets t on t.tenant_id = i.tenant_id and t.id = i.ticket_id
             left join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id
             where i.tenant_id = $1 and i.external_id = $2",
        )
        .bind(came.tenant_id.0)
        .bind(&came.external_id)
        .fetch_all(&self.pool)
        .await
        .expect("an answer");
        let [row] = row.as_slice() else { return vec![format!("is {} messages", row.len())] };
        let author = match (row.get::<Option<Uuid>, _>("author_client_id"), row.get::<Option<String>, _>("handle")) {
            (Some(client), _) => self.name(twin, client, from),
            (None, Some(handle)) => handle,
            (None, None) => "nobody".to_owned(),
        };
        let explanation: Option<Explanation> =
            row.get::<Option<serde_json::Value>, _>("explanation").and_then(|json| serde_json::from_value(json).ok());
        let Some(explanation) = explanation else { return vec!["is not explained".to_owned()] };
        let mut lines = vec![self.headline(twin, row, &author)];
        lines.push(format!("why: {}", explanation.decision));
        lines.push(self.sender(twin, &explanation.sender));
        lines.extend(self.searched(twin, &explanation.sender).await);
        lines.extend(explanation.considered.iter().map(|weighed| {
            let verdict = if weighed.chosen { "yes" } else { "no" };
            format!("weighed #{} by {}: {verdict}, {}", weighed.ticket_number, weighed.evidence, weighed.why)
        }));
        lines.extend(explanation.threading.policies.iter().map(|policy| format!("policy: {policy}")));
        lines.extend(explanation.threading.looked.iter().map(|looked| format!("looked for {}: {}", looked.kind, looked.found)));
        lines.extend(explanation.flags.iter().map(|flag| format!("flag: {flag}")));
        lines.extend(row.get::<Option<String>, _>("automatic").map(|sign| format!("automatic: {sign}")));
        let notice: Option<String> = row.get("notice");
        lines.extend(notice.iter().flat_map(|notice| notice.lines()).map(|line| format!("notice: {line}")));
        if let Some(ticket) = row.get::<Option<Uuid>, _>("ticket_id") {
            lines.extend(self.of_ticket(twin, ticket).await);
        }
        let events: Vec<String> = row.get("events");
        lines.push(if events.is_empty() { "tells nobody".to_owned() } else { format!("tells of {}", events.join(" and ")) });
        if let Some(routing) = &explanation.routing {
            lines.push(format!("routed: {}", routing.category_why));
            lines.extend(routing.rules.iter().map(|rule| {
                let verdict = match (&rule.skipped, rule.matched) {
                    (Some(_), _) => "not looked at",
                    (None, true) => "yes",
                    (None, false) => "no",
                };
                format!("rule {}: {verdict}", rule.rule)
            }));
        }
        if row.get::<i32, _>("duplicates") > 0 {
            lines.push(format!("counted {}", row.get::<i32, _>("duplicates")));
        }
        lines
    }

    fn headline(&self, twin: usize, row: &PgRow, author: &str) -> String {
        let outcome: Option<String> = row.get("outcome");
        let number: Option<i64> = row.get("ticket_number");
        let (outcome, Some(number)) = (outcome.unwrap_or_default(), number) else {
            return row.get::<Option<String>, _>("outcome").unwrap_or_default();
        };
        let state = row.get::<String, _>("state").replace('_', " ");
        let owner = row.get::<Option<Uuid>, _>("client_id").and_then(|id| self.twins[twin].clients.get(&id).cloned()).unwrap_or_default();
        let kind: String = row.get("kind");
        match (outcome.as_str(), kind.as_str()) {
            ("opened", "public in") if owner == author => format!("opens #{number} of {author}, {state}"),
            ("joined", "public in") => format!("joins #{number} as {author}, {state}"),
            ("answered", "public out") => format!("answers on #{number} as {author}, {state}"),
            ("noted", "note in") => format!("noted on #{number} as {author}, {state}"),
            _ => format!("{outcome} #{number} of {owner} as {author}, {state}, {kind}"),
        }
    }

    /// What a client is called: whoever first wrote as them.
    fn name(&mut self, twin: usize, client: Uuid, from: &str) -> String {
        let clients = &mut self.twins[twin].clients;
        if let Some(name) = clients.get(&client) {
            return name.clone();
        }
        let same = clients.values().filter(|name| *name == from || name.starts_with(&format!("{from}-"))).count();
        let name = if same == 0 { from.to_owned() } else { format!("{from}-{}", same + 1) };
        clients.insert(client, name.clone());
        name
    }

    fn sender(&self, twin: usize, sender: &SenderFound) -> String {
        let name = |id: &Uuid| self.twins[twin].clients.get(id).cloned().unwrap_or_else(|| "somebody else".to_owned());
        match sender {
            SenderFound::KnownClient { key, client_id, .. } => format!("sender: {}, known by {key}", name(&client_id.0)),
            SenderFound::NewClient { key, client_id, .. } => format!("sender: {}, new by {key}", name(&client_id.0)),
            SenderFound::User { key, handle, .. } => format!("sender: {handle} of the desk, by {key}"),
            SenderFound::NotLookedFor { key } => format!("sender: not looked for, by {key}"),
            SenderFound::Unknown { key } => format!("sender: nobody who is known, by {key}"),
        }
    }

    /// What the search for the client came to.
    async fn searched(&self, twin: usize, sender: &SenderFound) -> Vec<String> {
        let (SenderFound::KnownClient { search, .. } | SenderFound::NewClient { search, .. }) = sender else { return Vec::new() };
        let name = |id: Uuid| self.twins[twin].clients.get(&id).cloned().unwrap_or_else(|| "somebody else".to_owned());
        let mut lines: Vec<String> = search.attached.iter().map(|key| format!("learned {}", key.key)).collect();
        lines.extend(search.counts_as.map(|client| format!("counts as {}", name(client.0))));
        if let Some(ambiguity) = search.ambiguity {
            let sql = "select client_id from ambiguity_candidates where tenant_id = $1 and ambiguity_id = $2 order by position";
            let candidates = sqlx::query_scalar(sql).bind(self.twins[twin].desk.tenant.0).bind(ambiguity.0);
            let candidates: Vec<Uuid> = candidates.fetch_all(&self.pool).await.expect("the candidates");
            lines.push(format!("could be {}", candidates.into_iter().map(name).collect::<Vec<_>>().join(" or ")));
        }
        lines
    }

    /// What a ticket is now.
    pub async fn of_ticket(&self, twin: usize, ticket: Uuid) -> Vec<String> {
        let row = sqlx::query(
            "select t.message_count, p.name as priority, c.name as category,
                    (select string_agg(g.name, ' and ' order by g.name) from ticket_tags x
                     join tags g on g.tenant_id = x.tenant_id and g.id = x.tag_id
                     where x.tenant_id = t.tenant_id and x.ticket_id = t.id) as tags, d.name as department,
                    (select string_agg(u.handle, ' and ' order by u.handle) from ticket_assignments a
                     join users u on u.tenant_id = a.tenant_id and u.id = a.user_id
                     where a.tenant_id = t.tenant_id and a.ticket_id = t.id) as assignees,
                    (select string_agg(u.handle, ' and ' order by u.handle) from ticket_cc a
                     join users u on u.tenant_id = a.tenant_id and u.id = a.user_id
                     where a.tenant_id = t.tenant_id and a.ticket_id = t.id) as cc,
                    array(select o.ticket_number || '|' || coalesce(to_jsonb(l)->>'kind', '') || '|' || l.reason from ticket_links l
                          join tickets o on o.tenant_id = l.tenant_id and o.id = l.linked_id
                          where l.tenant_id = t.tenant_id and l.ticket_id = t.id order by o.ticket_number) as links
             from tickets t
             join priorities p on p.tenant_id = t.tenant_id and p.id = t.priority_id
             left join categories c on c.tenant_id = t.tenant_id and c.id = t.category_id
             left join departments d on d.tenant_id = t.tenant_id and d.id = t.department_id
             where t.tenant_id = $1 and t.id = $2",
        )
        .bind(self.twins[twin].desk.tenant.0)
        .bind(ticket)
        .fetch_one(&self.pool)
        .await
        .expect("a ticket");
        let or_none = |column: &str| row.get::<Option<String>, _>(column).unwrap_or_else(|| "nobody".to_owned());
        let mut lines = vec![
            format!("assigned to {}", or_none("assignees")),
            format!("copied to {}", or_none("cc")),
            format!("category {}", row.get::<Option<String>, _>("category").unwrap_or_else(|| "none".to_owned())),
            format!("department {}", row.get::<Option<String>, _>("department").unwrap_or_else(|| "none".to_owned())),
            format!("priority {}", row.get::<String, _>("priority")),
            format!("tags {}", row.get::<Option<String>, _>("tags").unwrap_or_else(|| "none".to_owned())),
            format!("{} messages", row.get::<i32, _>("message_count")),
        ];
        for link in row.get::<Vec<String>, _>("links") {
            let mut parts = link.splitn(3, '|');
            let (number, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let word = match kind {
                "follow_up" => "follows up",
                "related" => "related to",
                "number" => "names",
                _ => "linked to",
            };
            lines.push(format!("{word} #{number}"));
        }
        lines
    }

    /// Whether a line such as `#1 is closed` or `there are 2 tickets` holds, by what holds instead.
    pub async fn state_of(&self, twin: usize, line: &str) -> Option<String> {
        let tenant = self.twins[twin].desk.tenant.0;
        if let Some(rest) = line.strip_prefix("there are ").or_else(|| line.strip_prefix("there is ")) {
            let (_, what) = rest.split_once(' ')?;
            let table = if what.starts_with("ticket") { "tickets" } else { "clients" };
            let sql = format!("select count(*) from {table} where tenant_id = $1");
            let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(tenant).fetch_one(&self.pool).await.expect("a count");
            return Some(format!("there {} {count} {what}", if line.starts_with("there is") { "is" } else { "are" }));
        }
        let number: i64 = line.strip_prefix('#')?.split_once(' ')?.0.parse().ok()?;
        let (id, state, client): (Uuid, String, Uuid) = sqlx::query_as(
            "select t.id, s.state::text, t.client_id from tickets t
             join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id
             where t.tenant_id = $1 and t.ticket_number = $2",
        )
        .bind(tenant)
        .bind(number)
        .fetch_optional(&self.pool)
        .await
        .expect("an answer")?;
        let mut facts: Vec<String> = self.of_ticket(twin, id).await.into_iter().map(|fact| format!("#{number} is {fact}")).collect();
        let client = self.twins[twin].clients.get(&client).cloned().unwrap_or_default();
        facts.push(format!("#{number} is {}", state.replace('_', " ")));
        facts.push(format!("#{number} is {client}'s"));
        Some(facts.iter().find(|fact| *fact == line).cloned().unwrap_or_else(|| facts.join("; ")))
    }
}
