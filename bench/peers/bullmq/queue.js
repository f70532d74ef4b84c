// Fill the queue, or with 0 remove it: node queue.js VALKEY_PORT NAME COUNT
import { Queue } from "bullmq";
import { Redis } from "ioredis";

const [port, name, count] = process.argv.slice(2);
const connection = new Redis(Number(port), "127.0.0.1", { maxRetriesPerRequest: null });
const queue = new Queue(name, { connection });
if (Number(count) === 0) {
  await queue.obliterate({ force: true });
}
const jobs = Array.from({ length: Number(count) }, (_, number) => ({
  name: "letter",
  data: { to: `person${number}@example.org` },
  opts: { attempts: 5, backoff: { type: "exponential", delay: 1000 } },
}));
for (let begin = 0; begin < jobs.length; begin += 500) {
  await queue.addBulk(jobs.slice(begin, begin + 500));
}
await queue.close();
connection.disconnect();
