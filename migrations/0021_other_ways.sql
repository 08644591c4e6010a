-- What one address refuses for good goes to another: also by the same method, and also a digest.
alter table deliveries
    drop constraint deliveries_once,
    add constraint deliveries_once unique (tenant_id, notification_id, channel, address),
    drop constraint deliveries_digest_once,
    add constraint deliveries_digest_once unique (tenant_id, digest_id, channel, address);
