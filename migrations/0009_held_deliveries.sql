-- How many deliveries are held is asked often, by whoever watches the notifier.
create index deliveries_held on deliveries (channel) where status = 'held';
