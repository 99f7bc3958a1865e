// Refreshes what is marked data-live, tells when the server or the session is away, keeps the reader's time zone and theme in cookies, and helps forms along. Pages work without it.
(() => {
  "use strict";

  const remember = (name, value) => { document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`; };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const isZoneKnown = document.documentElement.dataset.zone === zone;
  if (!isZoneKnown) remember("zone", zone);

  // Only on a reader's first page: the server writes times in the zone of the cookie from then on.
  const showTimes = root => {
    if (isZoneKnown) return;
    const format = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    for (const time of root.querySelectorAll("time[datetime]")) time.textContent = format.format(new Date(time.dateTime));
  };

  // What is wrong between this page and the server: "" (nothing), "away" (it does not answer), "out" (the session has ended). A bar says so, and goes when all is well again.
  const bar = document.getElementById("trouble");
  let trouble = "";
  let asking = null;
  let askedAt = -Infinity;

  const tell = now => {
    if (trouble === now || !bar) return;
    trouble = now;
    bar.hidden = !now;
    if (now) bar.setAttribute("role", "alert");
    else bar.removeAttribute("role");
    for (const text of bar.children) text.hidden = text.dataset.trouble !== now;
  };

  const ask = () => asking ??= (async () => {
    askedAt = performance.now();
    try {
      const answer = await fetch("/api/session", { cache: "no-store", signal: AbortSignal.timeout(10000) });
      tell(answer.status === 401 ? "out" : answer.status >= 500 ? "away" : "");
    } catch {
      tell("away");
    }
    asking = null;
  })();

  setInterval(() => { if (trouble) ask(); }, 3000);

  const isChanged = field => field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
    : field.options ? [...field.options].some(option => option.selected !== option.defaultSelected) && field.selectedIndex > 0
    : field.defaultValue !== undefined && field.type !== "hidden" && field.value !== field.defaultValue;

  // What a reader is at stays as it is: where the focus is, what is open, marked or filled in.
  const isBusy = section =>
    document.hidden || section.contains(document.activeElement) || section.querySelector("details[open]") !== null || String(getSelection()) !== ""
    || [...section.querySelectorAll("input, select, textarea")].some(isChanged);

  // The page is read once for all of its parts that are fresh by themselves.
  const refresh = async () => {
    const sections = [...document.querySelectorAll("[data-live]")].filter(section => !isBusy(section));
    if (sections.length > 0) {
      try {
        const response = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
        if (response.ok) {
          tell("");
          const page = new DOMParser().parseFromString(await response.text(), "text/html");
          for (const section of sections) {
            const fresh = page.getElementById(section.id);
            if (!fresh || isBusy(section)) continue;
            showTimes(fresh);
            if (section.innerHTML !== fresh.innerHTML) section.innerHTML = fresh.innerHTML;
            if (fresh.dataset.live) section.dataset.live = fresh.dataset.live;
            else delete section.dataset.live;
          }
        } else {
          await ask();
        }
      } catch {
        tell("away");
      }
    }
    live();
  };

  const live = () => {
    const intervals = [...document.querySelectorAll("[data-live]")].map(section => Number(section.dataset.live)).filter(every => every > 0);
    if (intervals.length > 0) setTimeout(refresh, Math.min(...intervals));
  };

  const showTheme = () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme === "dark" || (root.dataset.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    for (const toggle of document.querySelectorAll("[data-theme-toggle]")) toggle.setAttribute("aria-pressed", String(isDark));
    return isDark;
  };

  document.addEventListener("click", async event => {
    if (event.target.closest("[data-theme-toggle]")) {
      document.documentElement.dataset.theme = showTheme() ? "light" : "dark";
      remember("theme", document.documentElement.dataset.theme);
      showTheme();
      return;
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim());
      copy.textContent = copy.dataset.copied;
    }
  });

  // A list's first box chooses all of them.
  document.addEventListener("change", event => {
    const all = event.target.closest("[data-choose-all]");
    if (all) for (const box of document.querySelectorAll(`input[type=checkbox][name="${all.dataset.chooseAll}"]`)) box.checked = all.checked;
  });

  const draftName = "draft";
  const isText = field => field.name && !["hidden", "password", "file", "submit", "checkbox", "radio"].includes(field.type);

  // Long work shows that it goes on, and is not begun twice. What cannot be sent stays in the page.
  document.addEventListener("submit", async event => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method !== "post") return;
    if (trouble) {
      event.preventDefault();
      await ask();
      if (!trouble) form.requestSubmit(event.submitter);
      else bar.scrollIntoView({ block: "nearest" });
      return;
    }
    form.dataset.sent = "true";
    (event.submitter ?? form).setAttribute("aria-busy", "true");

    // The session may end with this very click: what was typed is there again after signing in.
    const fields = [...form.elements].filter(isText).map(field => [field.name, field.value]);
    sessionStorage.setItem(draftName, JSON.stringify({ path: location.pathname, fields }));
  });

  const restore = () => {
    const draft = JSON.parse(sessionStorage.getItem(draftName) ?? "null");
    sessionStorage.removeItem(draftName);
    if (draft?.path !== location.pathname || !document.referrer || new URL(document.referrer).pathname !== "/login") return;
    for (const [name, value] of draft.fields) {
      const fields = document.getElementsByName(name);
      if (fields.length === 1) fields[0].value = value;
    }
  };

  document.addEventListener("input", () => { if (performance.now() - askedAt > 10000) ask(); });
  addEventListener("focus", () => { if (performance.now() - askedAt > 1000) ask(); });

  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const busy of form.querySelectorAll("[aria-busy]")) busy.removeAttribute("aria-busy");
    }
  });

  showTimes(document);
  showTheme();
  restore();
  live();
})();
