-- Each reason stands for itself: what a client writes lifts their own STOP, and not what a mail server or an operator said.
alter table suppressions
    drop constraint suppressions_pkey,
    add primary key (tenant_id, channel, address, scope, reason);

-- A message that was only a word such as STOP: it was heeded, and is on no ticket.
alter type inbound_outcome add value 'heeded';
