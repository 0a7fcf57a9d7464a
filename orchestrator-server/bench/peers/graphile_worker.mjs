// Graphile Worker. Its best: a local queue of 500 and completions that are gathered while one is under way.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { batches, body, counter, jobs, order, say, setup, singly, sleep, url, width } from './peer.mjs';

const logger = new Logger(() => () => {});
const pool = new pg.Pool({ connectionString: url, max: 18 });
const best = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

const work = (taskList) =>
  run({
    connectionString: url,
    taskList,
    logger,
    noHandleSignals: true,
    preset: {
      worker: { connectionString: url, concurrentJobs: 16, maxPoolSize: 18, preparedStatements: true, ...(setup === 'best' ? best : {}) },
    },
  });

const utils = await makeWorkerUtils({ pgPool: pool, logger });
if (order === 'install') {
  await utils.migrate();
  say({});
} else if (order === 'singly') {
  say({ seconds: await singly(jobs, width, (n) => utils.addJob('noop', body(n))) });
} else if (order === 'batches') {
  const seconds = await batches(jobs, width, (ns) => utils.addJobs(ns.map((n) => ({ identifier: 'noop', payload: body(n) }))));
  await pool.query('vacuum analyze');
  say({ seconds });
} else if (order === 'drain') {
  const { done, hit } = counter(jobs);
  const runner = await work({ noop: async () => hit() });
  const seconds = await done;
  await runner.stop();
  say({ seconds });
} else if (order === 'starts') {
  let started;
  const runner = await work({ noop: async () => started(performance.now()) });
  await sleep(1000);
  const ms = [];
  for (let n = 0; n < jobs; n++) {
    const start = new Promise((resolve) => (started = resolve));
    const before = performance.now();
    await utils.addJob('noop', body(n));
    ms.push((await start) - before);
    await sleep(5);
  }
  await runner.stop();
  say({ ms });
}
await utils.release();
await pool.end();
