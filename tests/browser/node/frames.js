// Lays out MJML files with the npm package, and fails with what it complains of.
const fs = require("node:fs");
const mjml2html = require("mjml").default ?? require("mjml");

(async () => {
  let complaints = 0;
  for (const file of process.argv.slice(2)) {
    const made = await mjml2html(fs.readFileSync(file, "utf8"), { validationLevel: "soft" });
    for (const error of made.errors) {
      complaints += 1;
      console.error(`${file}: ${error.formattedMessage ?? error.message}`);
    }
    fs.writeFileSync(file.replace(/\.mjml$/, ".html"), made.html);
  }
  process.exit(complaints ? 1 : 0);
})();
