// Around the designer: puts its element into the page, and tells what the designer itself keeps quiet about: a lost session, a save that failed, where a run is.
// It must run before the designer's framework, which keeps the fetch that it finds.
(() => {
  "use strict";

  const api = `${location.origin}/elsa/api`;
  const host = document.getElementById("designer");
  const notice = document.getElementById("designer-notice");
  const dialog = document.getElementById("designer-signed-out");
  const original = window.fetch.bind(window);
  let unsaved = false;

  const node = (tag, text, className) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const link = (text, href) => {
    const made = node("a", text);
    made.href = href;
    return made;
  };

  const show = (...nodes) => notice.replaceChildren(...nodes);

  // Names of the flow's activities by id, as last loaded or saved: problems name ids.
  const names = new Map();

  const learnNames = part => {
    if (Array.isArray(part)) part.forEach(learnNames);
    else if (part && typeof part === "object") {
      if (part.id && part.type && (part.metadata?.displayText || part.name)) names.set(part.id, part.metadata?.displayText || part.name);
      Object.values(part).forEach(learnNames);
    }
  };

  const place = problem => [names.get(problem.activityId) ?? problem.activityId, problem.property, problem.line && `line ${problem.line}`].filter(Boolean).join(" · ");

  const showProblems = (title, problems, className) => {
    const details = document.createElement("details");
    const list = document.createElement("ul");
    for (const problem of problems) {
      const at = place(problem);
      list.append(node("li", (at ? `${at}: ` : "") + problem.message));
    }
    details.append(node("summary", title, className), list);
    show(details);
  };

  let waiting = null;

  // Resolves when there is a session again.
  const signedIn = () => waiting ??= new Promise(resolve => {
    const state = document.getElementById("designer-signed-out-state");
    const check = async () => {
      const answer = await original(`${api}/features/installed`).catch(() => null);
      if (!answer?.ok) {
        state.textContent = answer ? "Still signed out." : "The server does not answer.";
        return;
      }
      removeEventListener("focus", check);
      dialog.close();
      waiting = null;
      resolve();
    };
    state.textContent = "";
    document.getElementById("designer-signed-out-check").onclick = check;
    addEventListener("focus", check);
    dialog.showModal();
  });

  // What a flow was when it was read or saved here last: a save says what it was made from, and is refused when somebody else has saved meanwhile.
  const tags = new Map();
  const learnTag = (definition, response) => {
    const tag = response.headers.get("etag");
    if (definition?.definitionId && definition.isLatest && tag) tags.set(definition.definitionId, tag);
  };

  const changed = document.getElementById("designer-changed");
  const mayOverwrite = () => new Promise(resolve => {
    document.getElementById("designer-changed-reload").onclick = () => { unsaved = false; location.reload(); };
    document.getElementById("designer-changed-overwrite").onclick = () => { changed.close(); resolve(); };
    changed.showModal();
  });

  let lastSave = Promise.resolve();

  // One save after the other: the second is made from what the first one was answered with.
  const save = (input, init) => lastSave = lastSave.catch(() => {}).then(async () => {
    while (true) {
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
      const tag = tags.get(host.dataset.id);
      if (tag) headers.set("if-match", tag);
      const response = await original(input instanceof Request ? input.clone() : input, { ...init, headers });
      if (response.ok) learnTag((await response.clone().json()).workflowDefinition, response);
      if (response.status !== 412) return response;
      show(node("span", "Not saved: somebody else has saved this flow.", "bad"));
      unsaved = true;
      await mayOverwrite();
      const now = response.headers.get("etag");
      if (now) tags.set(host.dataset.id, now);
      else tags.delete(host.dataset.id);
    }
  });

  const isSave = (url, method) => method === "POST" && url.pathname === "/elsa/api/workflow-definitions";

  const watchSave = async response => {
    let body = null;
    try {
      body = await response.clone().json();
    } catch {
      // An answer that is no JSON comes from a proxy; the status says enough.
    }
    unsaved = !response.ok;
    learnNames(body?.workflowDefinition?.root);
    if (!response.ok) {
      const problems = body?.problems ?? [];
      const detail = body?.detail ?? body?.title ?? `The server answered ${response.status}.`;
      if (problems.length > 0) showProblems(`Not published: ${problems.length} to mend`, problems, "bad");
      else show(node("span", detail, "bad"));
    } else if (body?.problems?.length > 0) {
      showProblems(`Saved; ${body.problems.length} to look at`, body.problems);
    } else {
      show(node("span", "Saved"));
    }
  };

  window.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, document.baseURI);
    if (!url.href.startsWith(`${api}/`)) return original(input, init);

    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    const send = isSave(url, method) && host.dataset.id ? save : original;
    let response;
    try {
      response = await send(input, init);
      // A 401 would end the designer's program in places. It waits instead, and the request is made again with the new session.
      while (response.status === 401) {
        unsaved = unsaved || isSave(url, method);
        await signedIn();
        response = await send(input, init);
      }
    } catch (error) {
      if (error?.name !== "AbortError") {
        unsaved = unsaved || isSave(url, method);
        show(node("span", "The server does not answer.", "bad"));
      }
      throw error;
    }

    if (isSave(url, method)) {
      await watchSave(response);
    } else if (response.ok && url.pathname.startsWith("/elsa/api/workflow-definitions/by-definition-id/")) {
      const definition = await response.clone().json();
      learnTag(definition, response);
      learnNames(definition.root);
    } else if (url.pathname.endsWith("/execute") || url.pathname.endsWith("/dispatch")) {
      const run = response.headers.get("x-elsa-workflow-instance-id");
      if (run) show(node("span", response.ok ? "Started. " : "The run failed. ", response.ok ? "" : "bad"), link("Show the run", `/runs/${encodeURIComponent(run)}`));
    } else if (method !== "GET" && url.pathname.includes("workflow-definition")) {
      // Published, retracted, reverted or deleted here: what there is now tells its tag, or is not known.
      const answer = response.headers.has("etag") ? await response.clone().json() : null;
      tags.delete(host.dataset.id);
      learnTag(answer?.workflowDefinition ?? answer, response);
    }
    return response;
  };

  // Scripts run on the server, where there is no browser: the editor then does not offer its names, nor take 'event' for the browser's.
  addEventListener("load", () => window.require?.(["vs/editor/editor.main"], () => {
    const { javascriptDefaults, ScriptTarget } = window.monaco.languages.typescript;
    javascriptDefaults.setCompilerOptions({ target: ScriptTarget.ES2020, lib: ["es2020"], allowJs: true, allowNonTsExtensions: true });
  }));

  // The package's buttons of pictures alone have no names; their pictures tell which they are.
  const pictures = [
    ["M6,16h12V8H6V16z", "Zoom to fit the screen"], ["M5 15H3v4c0 1.1", "Center"], ["M13,21h6c1.1,0,2-0.9", "Auto layout"], ["M17 3H5c-1.11", "Save"],
    ["M19.35 10.04", "Publish"], ["M7 10l5 5 5-5z", "More ways to publish, import and export"], ["M8 5v14l11-7z", "Run"], ["M12 8c1.1 0 2-.9", "More choices"],
    ["M15.41 7.41", "Earlier tabs"], ["M10 6L8.59", "Later tabs"], ["M7,9H2V7", "Show it"], ["M16 1H4c-1.1", "Copy"], ["M10 3v6", "Test value"], ["M19 6.41", "Close"], ["M15.5 14h-.79", "Search"],
  ];

  // What the package's markup leaves unsaid to those who do not see the page.
  const nameParts = () => {
    for (const button of document.querySelectorAll("#designer button:not([aria-label], [title])")) {
      if (button.textContent.trim()) continue;
      const drawn = [...button.querySelectorAll("path")].map(path => path.getAttribute("d") ?? "");
      button.setAttribute("aria-label", pictures.find(([begin]) => drawn.some(d => d.startsWith(begin)))?.[1] ?? "Action");
    }
    for (const input of document.querySelectorAll("#designer input[placeholder]:not([aria-label])")) input.setAttribute("aria-label", input.placeholder);
    // A label that points at a field which is no more: the one beside it is meant.
    for (const input of document.querySelectorAll("#designer .mud-input-control :is(input, textarea):not([type=hidden], [hidden], [aria-label], [aria-hidden])")) {
      const label = input.labels?.length ? "" : input.closest(".mud-input-control").querySelector("label")?.textContent.trim();
      if (label) input.setAttribute("aria-label", label);
    }
    for (const bar of document.querySelectorAll("#designer [role=progressbar]:not([aria-label])")) bar.setAttribute("aria-label", "Loading");
    for (const box of document.querySelectorAll("[role=dialog]:not([aria-label], [aria-labelledby])")) {
      const title = box.querySelector(".mud-dialog-title")?.textContent.trim();
      if (title) box.setAttribute("aria-label", title);
    }
    for (const item of document.querySelectorAll("[role=option]")) {
      if (!item.closest("[role=listbox]")) item.parentElement.setAttribute("role", "listbox");
    }
    for (const list of document.querySelectorAll("[role=listbox]:not([aria-label], [aria-labelledby])")) list.setAttribute("aria-label", "Choices");
    // A drop-down's label points at a hidden field; what is focused and pressed gets its name.
    for (const face of document.querySelectorAll("#designer div.mud-input-slot[tabindex]")) {
      const label = face.closest(".mud-input-control")?.querySelector("label")?.textContent.trim();
      if (!label || face.getAttribute("aria-label") === label) continue;
      face.setAttribute("aria-label", label);
      face.setAttribute("role", "combobox");
      face.setAttribute("aria-haspopup", "listbox");
      face.setAttribute("aria-expanded", "false");
    }
  };

  // What was searched for in the palette shows itself: its category opens, also when a click meant to open it has just closed it again.
  const few = 6;
  const keepOpen = 8000;
  const patience = 2500;
  const pressed = new WeakMap();
  let searchedAt = -Infinity;
  const openFound = () => {
    const search = document.querySelector("#designer input[placeholder=Search]");
    if (performance.now() - searchedAt > keepOpen || !search?.value.trim()) return;
    const panels = [...search.closest(".rz-splitter-pane, body").querySelectorAll(".mud-expand-panel")];
    // Many: the list is not searched yet.
    if (panels.length > few) return;
    for (const panel of panels) {
      if (panel.classList.contains("mud-panel-expanded") || performance.now() - (pressed.get(panel) ?? -Infinity) < patience) continue;
      pressed.set(panel, performance.now());
      panel.querySelector(".mud-expand-panel-header")?.click();
    }
  };

  addEventListener("click", event => {
    const panel = event.isTrusted && event.target.closest?.("#designer .mud-expand-panel");
    if (panel) pressed.set(panel, performance.now());
  }, true);

  let opening = 0;
  addEventListener("input", event => {
    if (!event.target.matches?.("#designer input[placeholder=Search]")) return;
    searchedAt = performance.now();
    clearInterval(opening);
    opening = setInterval(() => {
      openFound();
      if (performance.now() - searchedAt > keepOpen) clearInterval(opening);
    }, 700);
  });

  let naming = 0;
  new MutationObserver(() => naming ||= setTimeout(() => { naming = 0; nameParts(); }, 200)).observe(host, { childList: true, subtree: true });

  // The editor of scripts has colours of its own; all else follows the page's styles.
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => {
    const theme = document.documentElement.dataset.theme;
    return theme === "dark" || (theme === "system" && systemDark.matches);
  };

  const paint = () => {
    document.documentElement.dataset.shade = isDark() ? "dark" : "light";
    document.getElementById("designer-theme").setAttribute("aria-pressed", String(isDark()));
    if (window.monaco?.editor) window.monaco.editor.setTheme(isDark() ? "vs-dark" : "vs");
  };

  document.getElementById("designer-theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    document.cookie = `theme=${document.documentElement.dataset.theme};path=/;max-age=31536000;samesite=lax`;
    paint();
  });
  systemDark.addEventListener("change", paint);
  paint();
  addEventListener("load", () => window.require?.(["vs/editor/editor.main"], () => {
    paint();
    window.monaco.editor.onDidCreateEditor(paint);
  }));

  for (const asked of [dialog, changed]) asked.addEventListener("cancel", event => event.preventDefault());
  addEventListener("beforeunload", event => { if (unsaved) event.preventDefault(); });

  const element = document.createElement(host.dataset.element);
  // Absolute, and of the page's own origin: the session's cookie goes along, and a proxy's name holds.
  element.setAttribute("remote-endpoint", api);
  if (host.dataset.idAttribute) element.setAttribute(host.dataset.idAttribute, host.dataset.id);
  host.append(element);
  customElements.whenDefined(host.dataset.element).then(() => {
    document.getElementById("designer-loading")?.remove();
    element.editWorkflowDefinition = id => location.assign(`/designer/edit?id=${encodeURIComponent(id)}`);
    element.viewWorkflowInstance = id => location.assign(`/designer/instance?id=${encodeURIComponent(id)}`);
  });
})();
