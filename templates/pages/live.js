"use strict";
// What the preview adds: newer data when a file was saved, and a calendar for anybody.
(() => {
  const { at, el } = gallery;
  let version = null; // what the page shows
  let asked = 0; // how often somebody else's calendar was asked for
  let asking = Promise.resolve();

  function say(text, away = false) {
    at("news").textContent = text;
    at("news").classList.toggle("away", away);
  }

  async function fetched(path) {
    const answer = await fetch(path, { cache: "no-store" });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  async function renew() {
    const state = await fetched("course.json");
    const first = version === null;
    version = state.version;
    if (state.gallery) {
      const { calendar, ...rest } = state.gallery;
      if (!at("person").children.length) form(calendar);
      gallery.show(asked ? rest : state.gallery);
      if (asked) await person();
    }
    gallery.fault(state.fault);
    say(state.fault.length ? "Waiting for a mended file" : first ? "Live: save, and look here" : `Updated ${new Date().toLocaleTimeString()}`);
  }

  // Somebody's zone and start, and when they would get what

  function form(calendar) {
    const zones = el("datalist", { id: "zones" }, ...calendar.zones.map((zone) => el("option", { value: zone })));
    at("person").append(
      el("label", {}, "Lives in", el("input", { name: "zone", list: "zones", value: calendar.zone, autocomplete: "off", spellcheck: "false" })),
      el("label", {}, "Joins, by the clock there", el("input", { name: "start", type: "datetime-local", value: calendar.start })),
      zones);
    at("person").hidden = false;
    at("person").addEventListener("submit", (event) => event.preventDefault());
    at("person").addEventListener("change", person);
  }

  async function person() {
    const mine = asked += 1;
    const { zone, start } = Object.fromEntries(new FormData(at("person")));
    const answer = await fetch(`calendar.json?${new URLSearchParams({ zone, start })}`, { cache: "no-store" });
    const told = answer.ok ? await answer.json() : await answer.text();
    if (mine !== asked) return; // somebody has asked for another calendar since
    at("person").elements.zone.setAttribute("aria-invalid", String(!answer.ok));
    if (answer.ok) gallery.show({ calendar: told });
    else at("calendar").lastElementChild.replaceChildren(el("p", { role: "alert" }, told));
  }

  const news = new EventSource("events");
  news.addEventListener("message", (event) => {
    if (event.data !== version) asking = asking.then(renew).catch(() => say("The preview cannot be reached", true));
    else say("Live: save, and look here");
  });
  news.addEventListener("error", () => say("The preview has stopped", true));
})();
