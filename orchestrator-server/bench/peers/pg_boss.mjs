// pg-boss, with sixteen workers that look twice a second (by default one looks every two seconds). Its best: batches of 500 by two workers that fetch again at once while batches are full.
import * as module from 'pg-boss';
import { batches, body, counter, jobs, order, say, setup, singly, sleep, url, width } from './peer.mjs';

const PgBoss = module.PgBoss ?? module.default;
// Where it listens it hardly polls, and a backlog would wait.
const boss = new PgBoss({ connectionString: url, max: 16, useListenNotify: order === 'starts' });
boss.on('error', (error) => console.error(error.message));
boss.on('warning', () => {});
const setups = {
  default: { pollingIntervalSeconds: 0.5, localConcurrency: 16 },
  best: { pollingIntervalSeconds: 0.5, batchSize: 500, localConcurrency: 2, burstWhenBatchFull: true },
};

await boss.start();
if (order === 'install') {
  await boss.createQueue('noop', { notify: setup !== 'best', retryLimit: 2 });
  say({});
} else if (order === 'singly') {
  say({ seconds: await singly(jobs, width, (n) => boss.send('noop', body(n))) });
} else if (order === 'batches') {
  say({ seconds: await batches(jobs, width, (ns) => boss.insert('noop', ns.map((n) => ({ data: body(n) })))) });
} else if (order === 'drain') {
  const { done, hit } = counter(jobs);
  await boss.work('noop', setups[setup], async (batch) => batch.forEach(hit));
  say({ seconds: await done });
} else if (order === 'starts') {
  let started;
  await boss.work('noop', setups[setup], async () => started(performance.now()));
  await sleep(1000);
  const ms = [];
  for (let n = 0; n < jobs; n++) {
    const start = new Promise((resolve) => (started = resolve));
    const before = performance.now();
    await boss.send('noop', body(n));
    ms.push((await start) - before);
    await sleep(5);
  }
  say({ ms });
}
await boss.stop({ graceful: false });
process.exit(0);
