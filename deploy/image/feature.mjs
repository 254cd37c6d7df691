// One row into a running `millrace dev`, and the feature out of it.
const base = 'http://127.0.0.1:8080';
const now_us = Date.now() * 1000;
const after = {
  transaction_id: 1,
  user_id: 42,
  amount: '9.99',
  status: 'ok',
  location: null,
  merchant: 'kiosk',
  transaction_time: now_us,
};
const source = {
  version: '3.6.1.Final',
  connector: 'postgresql',
  ts_ms: Date.now(),
  ts_us: now_us,
  ts_ns: now_us * 1000,
  snapshot: 'false',
  sequence: '[null,"1"]',
  lsn: 1,
  xmin: null,
};
const envelope = { before: null, after, source, transaction: null, op: 'c', ts_ms: Date.now() };
const posted = await fetch(`${base}/topics/dbserver.public.transactions`, {
  method: 'POST',
  body: JSON.stringify(envelope),
});
console.log(posted.status, await posted.text());
for (let i = 0; i < 200; i++) {
  const answer = await (await fetch(`${base}/features/user_features/42`)).json();
  if (answer.features?.transaction_count_last_5_min === '1') process.exit(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
process.exit(1);
