"use strict";
// The page is a function of the course (data) and of the place somebody looks at (in the address
// behind #: letter/view/width), so that neither a reload nor newer data loses that place.
const gallery = (() => {
  const WIDTHS = { desktop: "Desktop", phone: "Phone", both: "Both" };
  const LOOKS = { light: "Light", dark: "Dark", bare: "Images off", text: "Text", source: "Source" };
  const frames = ["desktop", "phone"].map((id) => document.getElementById(id));
  const at = (id) => document.getElementById(id);
  const scrolled = new Map();
  let data = JSON.parse(at("data").textContent);
  let shown = {};
  let waiting = frames.length;

  function el(name, attributes = {}, ...inside) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...inside.filter((each) => each != null && each !== "" && each !== false));
    return made;
  }

  const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  // Where somebody looks

  function place() {
    const [page, look, width] = decodeURIComponent(location.hash.slice(1)).split("/");
    const room = document.documentElement.clientWidth;
    const usual = room >= 1400 ? "both" : room >= 700 ? "desktop" : "phone";
    const pages = ["findings", ...(data && data.calendar ? ["calendar"] : []), ...(data ? data.letters.map((each) => each.key) : [])];
    return {
      page: pages.includes(page) ? page : data && data.letters.length ? data.letters[0].key : "findings",
      look: look in LOOKS ? look : "light",
      width: width in WIDTHS ? width : usual,
    };
  }

  function address(changed) {
    const { page, look, width } = { ...place(), ...changed };
    return `#${encodeURIComponent(page)}/${look}/${width}`;
  }

  // The rail

  function rail(where) {
    const focused = document.activeElement?.dataset?.page;
    const link = (page, mark, title, note, found) => el("a",
      { href: address({ page }), "data-page": page, "aria-current": page === where.page && "page" },
      el("i", {}, mark), el("span", {}, title, el("small", {}, note)), badge(found));
    const lessons = data.letters.filter((each) => !each.reminder);
    at("course").replaceChildren(
      el("strong", { lang: data.language, dir: data.direction }, data.title),
      el("span", {}, `${counted(lessons.length, "letter")}, ${counted(data.minutes, "minute")} in all, from ${data.sender}`));
    at("letters").replaceChildren(...data.letters.map((letter) => el("li", { class: letter.reminder && "reminder" },
      link(letter.key, letter.reminder ? "↻" : String(letter.number), el("b", { lang: data.language, dir: "auto" }, letter.title),
        letter.reminder ? "reminder" : letter.kind === "lesson" ? `${letter.minutes} min` : `${letter.kind} · ${letter.minutes} min`, concerning(letter.key)))));
    const all = data.findings;
    at("more").replaceChildren(
      el("li", {}, link("findings", all.length ? "!" : "✓", "Findings", all.length ? "" : "nothing to mend", all)),
      ...(data.calendar ? [el("li", {}, link("calendar", "◷", "Calendar", "who gets what when", []))] : []));
    if (focused) document.querySelector(`.rail [data-page="${CSS.escape(focused)}"]`)?.focus();
    const current = document.querySelector("#letters [aria-current]");
    if (current) for (const box of [at("letters"), document.querySelector(".rail")]) reveal(current, box);
  }

  // Like scrollIntoView, but the window itself stays where it is

  function reveal(inner, box) {
    const [a, b] = [inner.getBoundingClientRect(), box.getBoundingClientRect()];
    if (box.scrollWidth > box.clientWidth) box.scrollLeft += Math.min(0, a.left - b.left) + Math.max(0, a.right - b.right);
    if (box.scrollHeight > box.clientHeight) box.scrollTop += Math.min(0, a.top - b.top) + Math.max(0, a.bottom - b.bottom);
  }

  const concerning = (key) => data.findings.filter((each) => each.letter === key);

  function badge(found) {
    if (!found.length) return null;
    const gravest = found[0].level;
    return el("span", { class: `count ${gravest}`, title: counted(found.length, "finding") }, String(found.length));
  }

  // Findings, each beside the lines that it is about

  function finding(each) {
    const where = each.line ? `${each.file}:${each.line}` : each.file;
    return el("div", { class: "finding" },
      el("div", {},
        el("p", {}, el("span", { class: `level ${each.level}` }, each.level), each.message),
        each.remedy ? el("p", { class: "remedy" }, each.remedy) : null,
        el("p", { class: "where" }, `${where} · ${each.rule}`,
          ...(each.letter ? [" · ", el("a", { href: address({ page: each.letter }) }, "its letter")] : []))),
      each.lines.length ? el("ol", { class: "excerpt" }, ...each.lines.map(([line, text]) =>
        el("li", { "data-line": line, class: line === each.line && "meant" }, text || " "))) : null);
  }

  function findings() {
    const all = data.findings;
    at("findings").lastElementChild.replaceChildren(...(all.length ? all.map(finding)
      : [el("p", { class: "calm" }, "Nothing to mend.")]));
  }

  function concerns(letter) {
    const mine = concerning(letter.key);
    at("concerns").hidden = !mine.length;
    at("concerns").firstElementChild.replaceChildren(`${mine.length} to look at in this letter`);
    at("concerns").lastElementChild.replaceChildren(...mine.map(finding));
  }

  function fault(found) {
    at("fault").replaceChildren(...(found && found.length ? [el("div", {},
      el("p", {}, data ? "This cannot be compiled. Below are the letters as they were before." : "This cannot be compiled."),
      ...found.map(finding))] : []));
  }

  // The calendar of one person

  function calendar(told) {
    const elsewhere = told.zone !== "UTC";
    const rows = told.stops.map((stop) => el("tr", { class: stop.reminder && "reminder" },
      el("td", {}, stop.date), el("td", {}, stop.time),
      el("td", { class: "words" }, el("a", { href: address({ page: stop.key }) }, stop.title), stop.note ? el("small", {}, stop.note) : null),
      elsewhere && el("td", {}, stop.utc)));
    at("calendar").lastElementChild.replaceChildren(
      el("p", { class: "calm" }, told.summary),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Calendar" }, el("table", {},
        el("thead", {}, el("tr", {}, ...["Date", `In ${told.zone}`, "Letter", ...(elsewhere ? ["UTC"] : [])].map((each) => el("th", { scope: "col" }, each)))),
        el("tbody", {}, ...rows))));
  }

  // A letter, dressed as the view wants it, put into a frame without scripts

  function dressed(html, look) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const scheme = look === "dark" ? "dark" : "light";
    for (const style of page.querySelectorAll("style")) {
      style.textContent = style.textContent
        .replace(/\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)/g, (_, asked) => asked === scheme ? "(min-width: 0px)" : "(max-width: 0px)")
        .replace(/color-schemes?\s*:\s*light dark/g, (found) => found.replace("light dark", scheme));
    }
    for (const meta of page.querySelectorAll("meta[name$=color-scheme], meta[name$=color-schemes]")) meta.content = scheme;
    if (look === "bare") {
      for (const picture of page.querySelectorAll("img")) {
        picture.removeAttribute("srcset");
        picture.src = "data:,";
      }
    }
    return page.documentElement;
  }

  function put(frame, root, top) {
    const inside = frame.contentDocument;
    inside.replaceChild(inside.adoptNode(root), inside.documentElement);
    inside.scrollingElement.scrollTop = top;
  }

  function letter(where) {
    const found = data.letters.find((each) => each.key === where.page);
    const known = shown.letter;
    const size = (found.size / 1024).toFixed(0);
    at("subject").replaceChildren(found.subject);
    at("preheader").replaceChildren(found.preheader || "");
    at("facts").replaceChildren(`${found.label} · ${found.minutes} min · `,
      found.size > 92160 ? el("b", {}, `${size} KB of the 102 that Gmail shows`) : `${size} KB`,
      ...Object.entries({ page: "html", text: "text", message: "eml" }).flatMap(([name, file]) =>
        [" · ", el("a", { href: found.files[file], target: "_blank", rel: "noopener" }, name)]));
    for (const id of ["subject", "preheader"]) at(id).lang = data.language, at(id).dir = "auto";
    concerns(found);
    const words = where.look === "text" || where.look === "source";
    at("stage").className = `at-${where.width} ${where.look} ${words ? "as-words" : ""}`;
    if (words) {
      const text = found[where.look];
      if (at("words").textContent !== text) at("words").textContent = text;
      at("words").setAttribute("aria-label", LOOKS[where.look]);
    } else {
      const same = known && known.html === found.html && shown.where.look === where.look && known.key === found.key;
      for (const frame of frames) {
        if (same && frame.dataset.filled) continue;
        frame.dataset.filled = "yes";
        put(frame, dressed(found.html, where.look), scrolled.get(`${found.key} ${frame.id}`) || 0);
      }
    }
    shown = { letter: words ? null : found, where };
    if (words) for (const frame of frames) delete frame.dataset.filled;
  }

  function choices(id, names, chosen, key) {
    if (!at(id).children.length) {
      at(id).append(...Object.entries(names).map(([value, name]) => {
        const button = el("button", { type: "button", "data-value": value }, name);
        button.addEventListener("click", () => { location.hash = address({ [key]: value }); });
        return button;
      }));
    }
    for (const button of at(id).children) button.setAttribute("aria-pressed", String(button.dataset.value === chosen));
  }

  function draw() {
    if (!data || waiting) return;
    const where = place();
    document.title = `${data.title}: the letters`;
    rail(where);
    choices("widths", WIDTHS, where.width, "width");
    choices("looks", LOOKS, where.look, "look");
    for (const id of ["findings", "calendar"]) at(id).hidden = where.page !== id;
    at("letter").hidden = where.page === "findings" || where.page === "calendar";
    if (where.page === "findings") findings();
    else if (where.page === "calendar") calendar(data.calendar);
    else letter(where);
  }

  function show(newer) {
    const before = data ? place().page : "";
    const index = data ? data.letters.findIndex((each) => each.key === before) : -1;
    data = { ...data, ...newer };
    if (index >= 0 && !data.letters.some((each) => each.key === before)) {
      // The letter is called otherwise now: a heading was reworded, or a key
      const { key } = data.letters[Math.min(index, data.letters.length - 1)];
      for (const { id } of frames) scrolled.set(`${key} ${id}`, scrolled.get(`${before} ${id}`) || 0);
      history.replaceState(null, "", address({ page: key }));
    }
    draw();
  }

  function step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || !data || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.("input, pre, .scroll")) return;
    const pages = [...document.querySelectorAll(".rail a")].map((each) => each.dataset.page);
    const next = pages[pages.indexOf(place().page) + by];
    if (next) location.hash = address({ page: next });
  }

  // In a frame: links within the letter scroll, those to other letters open them here

  function follow(event) {
    const link = event.target.closest?.("a[href]");
    if (!link) return;
    const href = link.getAttribute("href");
    event.preventDefault();
    if (href.startsWith("#")) {
      link.ownerDocument.getElementById(decodeURIComponent(href.slice(1)))?.scrollIntoView();
    } else if (href.startsWith(data.views)) {
      location.hash = address({ page: decodeURIComponent(href.slice(data.views.length)) });
    } else if (!href.startsWith(data.sample)) {
      window.open(href, "_blank", "noopener");
    }
  }

  function ready(frame) {
    const inside = frame.contentDocument;
    inside.addEventListener("click", follow);
    inside.addEventListener("keydown", step);
    inside.addEventListener("scroll", () => {
      if (shown.letter) scrolled.set(`${shown.letter.key} ${frame.id}`, inside.scrollingElement.scrollTop);
    }, { passive: true });
  }

  addEventListener("hashchange", draw);
  addEventListener("keydown", step);
  for (const frame of frames) {
    frame.addEventListener("load", () => {
      ready(frame);
      waiting -= 1;
      if (!waiting) draw();
    }, { once: true });
    frame.srcdoc = "<!doctype html><title>A letter</title>";
  }
  return { show, fault, el, at };
})();
