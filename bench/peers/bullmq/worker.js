// Send what is queued once a line comes in: node worker.js VALKEY_PORT NAME SMTP_PORT LETTER
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import nodemailer from "nodemailer";

const [valkey, name, smtp, file] = process.argv.slice(2);
const letter = JSON.parse(readFileSync(file, "utf8"));
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(smtp),
  pool: true,
  maxMessages: Infinity,
  ignoreTLS: true,
});

const worker = new Worker(
  name,
  async (job) => {
    const sent = await transport.sendMail({
      from: letter.sender,
      to: job.data.to,
      subject: letter.subject,
      text: letter.text,
      html: letter.html,
      headers: letter.headers,
    });
    return sent.messageId;
  },
  {
    autorun: false,
    concurrency: 10,
    connection: new Redis(Number(valkey), "127.0.0.1", { maxRetriesPerRequest: null }),
  },
);
await worker.waitUntilReady();
console.log("ready");
createInterface({ input: process.stdin }).once("line", () => worker.run());
process.once("SIGTERM", async () => {
  await worker.close();
  transport.close();
  process.exit(0);
});
