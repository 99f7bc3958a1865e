// Refreshes what is marked data-live, keeps the reader's time zone and theme in cookies, and helps forms along. Pages work without it.
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

  const isBusy = section =>
    document.hidden || section.contains(document.activeElement) || section.querySelector("details[open], input:checked") !== null || String(getSelection()) !== "";

  const refresh = async section => {
    if (isBusy(section)) return;
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (!response.ok) {
        section.dataset.stale = "true";
        return;
      }
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(section.id);
      if (!fresh || isBusy(section)) return;
      showTimes(fresh);
      if (section.innerHTML !== fresh.innerHTML) section.innerHTML = fresh.innerHTML;
      delete section.dataset.stale;
      if (!fresh.dataset.live) delete section.dataset.live;
    } catch {
      // The server is away: the section says so until it answers again.
      section.dataset.stale = "true";
    }
  };

  const live = section => {
    const every = Number(section.dataset.live);
    if (every > 0) setTimeout(async () => { await refresh(section); live(section); }, every);
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

  // Long work shows that it goes on, and is not begun twice.
  document.addEventListener("submit", event => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method === "post") {
      form.dataset.sent = "true";
      (event.submitter ?? form).setAttribute("aria-busy", "true");
    }
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const busy of form.querySelectorAll("[aria-busy]")) busy.removeAttribute("aria-busy");
    }
  });

  showTimes(document);
  showTheme();
  document.querySelectorAll("[data-live]").forEach(live);
})();
