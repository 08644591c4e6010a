insert into tenants (id, name) values (:tenant, :name);
insert into statuses (tenant_id, id, name, color, state, is_default)
select :tenant, gen_random_uuid(), s::text, '#336699', s, true from unnest(enum_range(null::ticket_state)) s;
insert into priorities (tenant_id, id, name, color, position, is_default) values (:tenant, gen_random_uuid(), 'normal', '#336699', 1, true);
insert into users (tenant_id, id, handle, name, email, is_group)
values (:tenant, gen_random_uuid(), 'bo', 'Bo Berg', 'bo@desk.example', false),
       (:tenant, gen_random_uuid(), 'cleo', 'Cleo Diaz', 'cleo@desk.example', false),
       (:tenant, gen_random_uuid(), 'dan', 'Dan Falk', 'dan@desk.example', false),
       (:tenant, gen_random_uuid(), '2nd-line', 'Second line', null, true);
insert into user_contacts (tenant_id, id, user_id, type, value, verified_at)
select :tenant, gen_random_uuid(), id, 'email', email, now() from users where tenant_id = :tenant and email is not null;
insert into group_members (tenant_id, group_id, member_id)
select :tenant, g.id, m.id from users g, users m
where g.tenant_id = :tenant and m.tenant_id = :tenant and g.handle = '2nd-line' and m.handle in ('bo', 'cleo');
insert into departments (tenant_id, id, name) values (:tenant, gen_random_uuid(), 'Technical support'), (:tenant, gen_random_uuid(), 'Sales');
insert into categories (tenant_id, id, name, department_id, assignee_id)
select :tenant, gen_random_uuid(), c.name, d.id, u.id
from (values ('Incident', 'Technical support', '2nd-line'), ('Quote', 'Sales', 'dan')) as c (name, department, assignee)
join departments d on d.tenant_id = :tenant and d.name = c.department
join users u on u.tenant_id = :tenant and u.handle = c.assignee;
insert into channel_accounts (tenant_id, id, name, channel, address, default_category_id)
select :tenant, gen_random_uuid(), 'support', 'email', :address, id from categories where tenant_id = :tenant and name = 'Incident';
insert into routing_rules (tenant_id, id, position, name, rule)
values (:tenant, gen_random_uuid(), 1, 'quotes',
        '{"version": 1, "when": [{"field": "subject", "words": ["quote", "offer"]}], "then": {"category": "Quote"}}');
