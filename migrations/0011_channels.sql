-- Messages of every channel are routed, whoever brings them.

alter table channel_accounts
    drop constraint channel_accounts_channel_check,
    add constraint channel_accounts_channel_check check (channel in ('email', 'whatsapp', 'slack', 'sms', 'voice', 'form'));
