create table public.logins (
  login_id bigint primary key,
  account_id bigint not null,
  country text,
  succeeded boolean not null,
  login_time timestamp(3) not null default (now() at time zone 'utc')
);
alter table public.logins replica identity full;
