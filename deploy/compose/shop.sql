create table public.transactions (
  transaction_id bigint generated always as identity primary key,
  user_id bigint not null,
  amount numeric(12, 2) not null,
  status text not null,
  location text,
  transaction_time timestamp(3) not null default now()
);
alter table public.transactions replica identity full;
insert into public.transactions (user_id, amount, status) values (1, 9.99, 'ok');
