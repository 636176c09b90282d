// Keeps a page up to date: asks for it again and puts the new live elements in place of the old ones.
"use strict";
(() => {
  const body = document.body;
  const stale = document.getElementById("stale");
  const isJob = document.getElementById("timeline") !== null;
  const timeline = isJob ? fanfoldTimeline() : null;
  const output = isJob ? fanfoldOutput("/api" + location.pathname) : null;
  const attempts = isJob ? fanfoldAttempts("/api" + location.pathname + "/attempts", output.choose) : null;
  // As old as what is shown may get, in milliseconds; what takes long to make is asked for less often.
  const patience = isJob ? 2000 : 1000;

  // Its log is being read, or waited for.
  const isUnread = () => body.dataset.state === "reading" || body.dataset.state === "waiting";

  const replace = fresh => {
    let changed = false;
    for (const old of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(old.id);
      if (!next || next.innerHTML === old.innerHTML) continue;
      old.replaceWith(document.adoptNode(next));
      changed = true;
    }
    body.dataset.state = fresh.body.dataset.state;
    document.title = fresh.title;
    return changed;
  };

  const showAttempts = async () => {
    const answer = await fetch("/api" + location.pathname + "/timeline");
    if (answer.ok) timeline.show(await answer.json());
    await attempts.refresh();
  };

  const refresh = async () => {
    const answer = await fetch(location.pathname);
    if (!answer.ok) throw new Error(String(answer.status));
    const changed = replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (isJob && changed && !isUnread()) await showAttempts();
  };

  const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
  const visible = () => new Promise(resolve => {
    if (!document.hidden) return resolve();
    document.addEventListener("visibilitychange", () => resolve(visible()), { once: true });
  });

  // Beside the page, which may take longer; of a job that is over, until all is there.
  const followOutput = async () => {
    for (;;) {
      await visible();
      const isLive = body.dataset.state === "live";
      if (stale.hidden && (isLive || output.isWanted())) await output.refresh();
      await wait(1000);
    }
  };

  const run = async () => {
    let first = isJob && !isUnread();
    while (first || body.dataset.state !== "over") {
      await visible();
      const began = performance.now();
      try {
        if (first) await showAttempts();
        first = false;
        if (body.dataset.state !== "over") await refresh();
        stale.hidden = true;
      } catch {
        stale.hidden = false;
      }
      if (body.dataset.state === "reading" && stale.hidden) continue;
      await wait(Math.max(patience, 10 * (performance.now() - began)));
    }
  };
  run();
  if (isJob) followOutput();
})();
