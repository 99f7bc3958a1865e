// Around the designer: puts its element into the page, and tells what the designer itself keeps quiet about: a lost session, a save that failed, where a run is.
// It must run before the designer's framework, which keeps the fetch that it finds.
(() => {
  "use strict";

  const api = `${location.origin}/elsa/api`;
  const host = document.getElementById("designer");
  const notice = document.getElementById("designer-notice");
  const dialog = document.getElementById("designer-signed-out");
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

  const place = problem => [problem.activityId, problem.property].filter(Boolean).join(" · ");

  const showProblems = (title, problems, className) => {
    const details = document.createElement("details");
    const list = document.createElement("ul");
    for (const problem of problems) {
      const at = place(problem);
      list.append(node("li", (at ? `${at}: ` : "") + (problem.message ?? problem.text ?? problem.detail ?? String(problem))));
    }
    details.append(node("summary", title, className), list);
    show(details);
  };

  const isSave = (url, method) => method === "POST" && url.pathname === "/elsa/api/workflow-definitions";

  const watchSave = async response => {
    let body = null;
    try {
      body = await response.clone().json();
    } catch {
      // An answer that is no JSON comes from a proxy; the status says enough.
    }
    unsaved = !response.ok;
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

  const original = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, document.baseURI);
    if (!url.href.startsWith(`${api}/`)) return original(input, init);

    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    let response;
    try {
      response = await original(input, init);
    } catch (error) {
      if (error?.name !== "AbortError") {
        unsaved = unsaved || isSave(url, method);
        show(node("span", "The server does not answer.", "bad"));
      }
      throw error;
    }

    if (response.status === 401) {
      unsaved = unsaved || isSave(url, method);
      if (!dialog.open) dialog.showModal();
    } else if (isSave(url, method)) {
      await watchSave(response);
    } else if (url.pathname.endsWith("/execute") || url.pathname.endsWith("/dispatch")) {
      const run = response.headers.get("x-elsa-workflow-instance-id");
      if (run) show(node("span", "Started. "), link("Show the run", `/runs/${encodeURIComponent(run)}`));
    }
    return response;
  };

  document.getElementById("designer-signed-out-close").addEventListener("click", () => dialog.close());
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
