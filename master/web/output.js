// What attempts write, as they write it: asks for the next piece of each that is followed.
"use strict";
const fanfoldOutput = address => {
  const box = document.getElementById("output");
  const form = document.getElementById("output-of");
  const note = document.getElementById("output-note");
  const choice = form.elements.what;
  const linesMost = 5000;
  const followedMost = 16;
  // Of one attempt before the next one is asked about.
  const piecesMost = 8;
  const attemptsChosenMost = 20;

  // By id: name, where to go on, what has no end of line yet.
  let followed = new Map();
  // Answers belong to a choice; those of an earlier one are dropped.
  let chosen = 0;

  const follow = (id, name) => {
    if (id && id !== "0" && !followed.has(id) && followed.size < followedMost) {
      followed.set(id, { name, from: 0, begun: "", over: false });
    }
  };

  const show = text => {
    if (!text) return;
    box.append(text);
    box.normalize();
    const lines = box.textContent.split("\n");
    if (lines.length > linesMost) box.textContent = lines.slice(lines.length - linesMost).join("\n");
    if (form.elements.follow.checked) box.scrollTop = box.scrollHeight;
  };

  // Lines of several attempts come one after the other, each with its name.
  const take = (one, text, isEnd) => {
    one.begun += text;
    const end = isEnd ? one.begun.length : one.begun.lastIndexOf("\n") + 1;
    if (end === 0) return;
    let lines = one.begun.slice(0, end);
    one.begun = one.begun.slice(end);
    if (!lines.endsWith("\n")) lines += "\n";
    show(choice.value ? lines : lines.slice(0, -1).split("\n").map(line => one.name + " | " + line + "\n").join(""));
  };

  const askFor = async (id, one) => {
    const asked = chosen;
    for (let pieces = 0; pieces < piecesMost; pieces++) {
      const answer = await fetch(address + "/output?" + new URLSearchParams({ attempt: id, from: one.from }));
      if (asked !== chosen || !answer.ok) return;
      const part = await answer.json();
      if (asked !== chosen || part.later) return;
      if (part.gone) {
        one.over = true;
        if (choice.value) note.textContent = "not kept any more";
        return;
      }
      if (part.left_out > 0) take(one, "[... " + part.left_out + " bytes left out ...]\n", false);
      take(one, part.text, part.ended);
      one.over = part.ended;
      const isNews = part.next > one.from;
      one.from = part.next;
      if (part.ended || !isNews) return;
    }
  };

  const findRunning = async () => {
    const asked = chosen;
    const answer = await fetch(address + "/attempts?outcome=running&count=" + followedMost);
    if (asked !== chosen || !answer.ok) return;
    const running = await answer.json();
    if (asked !== chosen) return;
    for (const [id, one] of followed) if (one.over) followed.delete(id);
    for (const row of running.attempts) follow(row.id, row.task + "." + row.attempt);
    note.textContent = running.total > followed.size
      ? followed.size + " of " + running.total.toLocaleString("en") + " that run" : followed.size + " that run";
  };

  const begin = () => {
    chosen++;
    followed = new Map();
    box.replaceChildren();
    note.textContent = "";
    if (choice.value) follow(choice.value, choice.selectedOptions[0].textContent);
  };

  // An attempt that somebody wants to read; it stays in the list of choices.
  const choose = (id, name) => {
    if (!id || id === "0") return;
    if (![...choice.options].some(option => option.value === id)) {
      choice.append(new Option(name, id));
      if (choice.options.length > attemptsChosenMost) choice.options[1].remove();
    }
    choice.value = id;
    begin();
    refresh();
    form.scrollIntoView({ block: "nearest" });
  };

  let busy = false;
  const refresh = async () => {
    if (busy) return;
    busy = true;
    try {
      if (!choice.value) await findRunning();
      // One after the other: a master lets one page wait for workers at a time.
      const asked = chosen;
      for (const [id, one] of [...followed]) {
        if (asked !== chosen) break;
        if (!one.over) await askFor(id, one);
      }
    } catch {
      // The page says by itself when its master is gone.
    } finally {
      busy = false;
    }
  };
  // Somebody waits for what is chosen now, perhaps while an answer to what was chosen before is due.
  const isWanted = () => [...followed.values()].some(one => !one.over);

  form.addEventListener("submit", event => event.preventDefault());
  choice.addEventListener("change", () => { begin(); refresh(); });
  return { refresh, choose, isWanted };
};
