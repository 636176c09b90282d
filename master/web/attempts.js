// The table of attempts: shows the rows that are in view and asks for no others, however many there are.
"use strict";
const fanfoldAttempts = (address, choose) => {
  const rowHeight = 26;
  const pageRows = 100;
  const box = document.getElementById("attempts");
  const form = document.getElementById("filter");
  const matches = document.getElementById("matches");

  const timeText = us => us < 1e3 ? us + " µs" : us < 1e6 ? (us / 1e3).toFixed(1) + " ms" : (us / 1e6).toFixed(2) + " s";
  const bytesText = bytes => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < 4) { bytes /= 1024; unit++; }
    return (unit ? bytes.toFixed(1) : bytes) + " " + units[unit];
  };
  const whatHappened = row => {
    if (!row.cause) return row.speculative ? "second attempt" : "";
    return row.cause + ": " + row.message + (row.key ? ", key " + row.key : "") +
      (row.record_file ? ", " + row.record_file + ", byte " + row.record_offset : "");
  };
  // Heading, order that it sorts by, whether it is a number, text of a row.
  const columns = [
    ["task", "task", false, row => row.task + "." + row.attempt],
    ["outcome", null, false, row => row.outcome],
    ["worker", null, false, row => row.worker],
    ["started at", "started", true, row => timeText(row.started_us)],
    ["ran", "ran", true, row => timeText(row.ran_us)],
    ["bytes in", "bytes_in", true, row => bytesText(row.bytes_in)],
    ["records in", "records_in", true, row => row.records_in.toLocaleString("en")],
    ["bytes out", null, true, row => bytesText(row.bytes_out)],
    ["memory", "memory", true, row => bytesText(row.peak_rss_bytes)],
    ["", null, false, whatHappened],
  ];

  let sort = "started";
  let total = 0;
  // Answers belong to a question; those of an earlier one are dropped.
  let question = 0;
  const pages = new Map();

  const head = document.createElement("div");
  head.className = "row head";
  const rows = document.createElement("div");
  rows.className = "rows";
  box.replaceChildren(head, rows);

  const question_of = from => {
    const parameters = new URLSearchParams(new FormData(form));
    parameters.set("sort", sort);
    parameters.set("from", from);
    parameters.set("count", pageRows);
    return address + "?" + parameters;
  };

  const fetchPage = async number => {
    const asked = question;
    const answer = await fetch(question_of(number * pageRows));
    if (!answer.ok) throw new Error(String(answer.status));
    const page = await answer.json();
    if (asked !== question) return false;
    pages.set(number, page.attempts);
    total = page.total;
    return true;
  };

  const drawRow = (index, attempt) => {
    const line = document.createElement("div");
    line.className = "row " + attempt.outcome;
    line.style.top = index * rowHeight + "px";
    for (const [, , isNumber, text] of columns) {
      const item = document.createElement("span");
      if (isNumber) item.className = "n";
      item.textContent = text(attempt);
      item.title = item.textContent;
      if (!line.firstChild && attempt.id !== "0") {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = item.textContent;
        button.title = "show what it wrote";
        button.addEventListener("click", () => choose(attempt.id, button.textContent));
        item.replaceChildren(button);
      }
      line.append(item);
    }
    return line;
  };

  const pending = new Set();
  const draw = () => {
    matches.textContent = total.toLocaleString("en") + (total === 1 ? " attempt" : " attempts");
    rows.style.height = total * rowHeight + "px";
    box.style.height = Math.min(480, (Math.max(1, total) + 1) * rowHeight + 16) + "px";
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - 10);
    const last = Math.min(total, Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + 10);
    const lines = [];
    for (let index = first; index < last; index++) {
      const number = Math.floor(index / pageRows);
      const page = pages.get(number);
      if (page) {
        if (page[index % pageRows]) lines.push(drawRow(index, page[index % pageRows]));
      } else if (!pending.has(number)) {
        pending.add(number);
        fetchPage(number).then(isNew => { if (isNew) redraw(); }).catch(() => {}).finally(() => pending.delete(number));
      }
    }
    rows.replaceChildren(...lines);
  };
  let scheduled = false;
  const redraw = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; draw(); });
  };

  // The same question, to be answered anew: what is shown stays until the answer is there.
  const refresh = async () => {
    question++;
    const number = Math.floor(box.scrollTop / rowHeight / pageRows);
    const old = new Map(pages);
    pages.clear();
    pending.clear();
    try {
      if (await fetchPage(number)) draw();
    } catch {
      for (const [key, page] of old) pages.set(key, page);
    }
  };

  const drawHead = () => {
    head.replaceChildren(...columns.map(([heading, order, isNumber]) => {
      const item = document.createElement("span");
      if (isNumber) item.className = "n";
      if (!order) {
        item.textContent = heading;
        return item;
      }
      const button = document.createElement("button");
      const isSorted = sort === order || sort === "-" + order;
      button.type = "button";
      button.textContent = heading + (isSorted ? (sort === order ? " ↑" : " ↓") : "");
      button.setAttribute("aria-pressed", String(isSorted));
      button.addEventListener("click", () => {
        // The largest first, at first.
        sort = sort === "-" + order ? order : isSorted || order === "task" ? (sort === order ? "-" + order : order) : "-" + order;
        box.scrollTop = 0;
        drawHead();
        refresh();
      });
      item.append(button);
      return item;
    }));
  };

  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", () => { box.scrollTop = 0; refresh(); });
  box.addEventListener("scroll", redraw, { passive: true });
  drawHead();
  return { refresh };
};
