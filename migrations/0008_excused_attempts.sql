-- Attempts that ended before anything of the mail was said, because the server could not be used at all:
-- they are on record, and do not count towards giving up.
alter table deliveries add column excused integer not null default 0;
