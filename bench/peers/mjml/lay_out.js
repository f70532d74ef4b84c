// Lays the letters on standard input out so many times; prints the seconds that took.
const fs = require("node:fs");
const mjml2html = require("mjml").default ?? require("mjml");

(async () => {
  const { sources, rounds } = JSON.parse(fs.readFileSync(0, "utf8"));
  for (const source of sources) await mjml2html(source); // warm
  const start = process.hrtime.bigint();
  for (let round = 0; round < rounds; round += 1) {
    for (const source of sources) await mjml2html(source);
  }
  console.log(Number(process.hrtime.bigint() - start) / 1e9);
})();
