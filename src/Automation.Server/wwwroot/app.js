// Refreshes what is marked data-live, shows times in the reader's zone, and remembers the theme. Pages work without it.
(() => {
  "use strict";

  const showTimes = root => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      time.title = time.dateTime;
      time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
    }
  };

  const isBusy = section =>
    document.hidden || section.contains(document.activeElement) || section.querySelector("details[open]") !== null || String(getSelection()) !== "";

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
      section.innerHTML = fresh.innerHTML;
      delete section.dataset.stale;
    } catch {
      // The server is away: the section says so until it answers again.
      section.dataset.stale = "true";
    }
  };

  const live = section => {
    const every = Number(section.dataset.live);
    if (every > 0) setTimeout(async () => { await refresh(section); live(section); }, every);
  };

  document.addEventListener("click", event => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const root = document.documentElement;
    const isDark = root.dataset.theme === "dark" || (root.dataset.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
  });

  showTimes(document);
  document.querySelectorAll("[data-live]").forEach(live);
})();
