// What the peers' scripts share. Each is called as `node SCRIPT ORDER SETUP JOBS WIDTH`, does one thing, and says in one
// line of JSON how long it took.
export const [order, setup, jobs, width] = [process.argv[2], process.argv[3], Number(process.argv[4]), Number(process.argv[5])];
export const url = process.env.DATABASE_URL;

// The same 200 bytes as every other queue gets.
export const body = (n) => ({ number: String(n).padStart(10, '0'), kind: 'noop', agent: 'bench', text: 'x'.repeat(137) });

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function say(answer) {
  console.log(JSON.stringify(answer));
}

// Seconds until `total` calls are answered, `callers` of them at a time.
export async function singly(total, callers, call) {
  let next = 0;
  const began = performance.now();
  const caller = async () => {
    while (next < total) await call(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (performance.now() - began) / 1000;
}

// Seconds for all of them in calls of `size`, two at a time.
export async function batches(total, size, call) {
  const firsts = Array.from({ length: Math.ceil(total / size) }, (_, n) => n * size);
  return singly(firsts.length, 2, (n) => call(Array.from({ length: Math.min(size, total - firsts[n]) }, (_, k) => firsts[n] + k)));
}

// Counts handlers: `hit` is called by each, `done` ends with the seconds from `began` to the last.
export function counter(total) {
  let hits = 0;
  let finish;
  const done = new Promise((resolve) => (finish = resolve));
  const began = performance.now();
  return {
    done,
    hit() {
      if (++hits === total) finish((performance.now() - began) / 1000);
    },
  };
}
