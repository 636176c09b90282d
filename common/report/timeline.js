// Draws the timeline: lanes of slots, an attempt a bar.  All else of the page is there without this.
"use strict";
// What show() is given, once or again and again as a job goes on: see timeline.hpp.
const fanfoldTimeline = () => {
  let data = { end: 0, lanes: [], causes: [], stages: [], outcomes: [], lane: [] };
  const canvas = document.querySelector("#timeline canvas");
  const detail = document.getElementById("detail");
  const context = canvas.getContext("2d");
  const labelWidth = 130;
  const axisHeight = 22;
  let laneHeight = 18;
  let shownLanes = 0;
  let height = axisHeight;
  // Attempts are sorted by lane, then by start: the range of each lane.
  let firstOf = [0];

  let from = 0;
  let to = 1;
  let chosen = -1;
  let width = 0;
  let colours = {};
  let pending = false;

  const timeText = us => {
    if (us < 1e3) return us + " µs";
    if (us < 1e6) return (us / 1e3).toFixed(us < 1e4 ? 2 : 1) + " ms";
    if (us < 6e7) return (us / 1e6).toFixed(2) + " s";
    return Math.floor(us / 6e7) + " min " + String(Math.round(us % 6e7 / 1e6)).padStart(2, "0") + " s";
  };
  const bytesText = bytes => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < 4) { bytes /= 1024; unit++; }
    return (unit ? bytes.toFixed(1) : bytes) + " " + units[unit];
  };

  const readColours = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["page", "ink", "faint", "line", "map", "reduce", "sample", "gather", "failed", "lost", "cancelled",
      "abandoned", "running"]) {
      colours[name] = style.getPropertyValue("--" + name).trim();
    }
  };
  const colourOf = i => {
    const outcome = data.outcomes[data.outcome[i]];
    return colours[outcome === "committed" ? data.stages[data.stage[i]] : outcome];
  };

  const plotWidth = () => Math.max(10, width - labelWidth);
  const xOf = us => labelWidth + (us - from) / (to - from) * plotWidth();
  const timeAt = x => from + (x - labelWidth) / plotWidth() * (to - from);

  // The first attempt of a lane that ends after `us`.
  const firstEndingAfter = (lane, us) => {
    let low = firstOf[lane];
    let high = firstOf[lane + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.start[middle] + data.ran[middle] < us) low = middle + 1; else high = middle;
    }
    return low;
  };

  const drawAxis = () => {
    const rough = (to - from) / Math.max(2, plotWidth() / 110);
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough) || 10 * power;
    context.fillStyle = colours.faint;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
      const x = Math.round(xOf(tick)) + .5;
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(x, axisHeight - 4);
      context.lineTo(x, height);
      context.stroke();
      context.fillText(timeText(Math.round(tick)), x + 3, axisHeight / 2);
    }
  };

  const drawLane = lane => {
    const y = axisHeight + lane * laneHeight;
    const barHeight = Math.max(2, laneHeight - (laneHeight > 8 ? 2 : 1));
    if (laneHeight >= 10 || lane % Math.ceil(12 / laneHeight) === 0) {
      context.fillStyle = colours.faint;
      context.fillText(data.lanes[lane], 4, y + laneHeight / 2, labelWidth - 10);
    }
    let drawnTo = -1;
    let drawnColour = "";
    for (let i = firstEndingAfter(lane, from); i < firstOf[lane + 1] && data.start[i] <= to; i++) {
      const left = Math.max(labelWidth, xOf(data.start[i]));
      const right = Math.min(width, Math.max(left + 1, xOf(data.start[i] + data.ran[i])));
      const colour = colourOf(i);
      // What falls into a pixel that is drawn already shows only when it went wrong.
      const wrong = data.outcome[i] === 1 || data.outcome[i] === 2;
      if (right <= drawnTo && (colour === drawnColour || !wrong)) continue;
      context.fillStyle = colour;
      const gap = right - left > 4 ? .7 : 0;
      context.fillRect(left, y + 1, right - left - gap, barHeight);
      drawnTo = right;
      drawnColour = colour;
    }
  };

  const draw = () => {
    pending = false;
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    drawAxis();
    for (let lane = 0; lane < shownLanes; lane++) drawLane(lane);
    if (chosen >= 0) {
      const left = Math.max(labelWidth, xOf(data.start[chosen]));
      const right = xOf(data.start[chosen] + data.ran[chosen]);
      if (right >= labelWidth && left <= width) {
        context.strokeStyle = colours.ink;
        context.lineWidth = 2;
        context.strokeRect(left - 1, axisHeight + data.lane[chosen] * laneHeight, Math.max(4, right - left + 1), laneHeight);
        context.lineWidth = 1;
      }
    }
  };
  const redraw = () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(draw);
  };

  const zoom = (factor, centre) => {
    const span = Math.min(Math.max(1, data.end), Math.max(50, (to - from) * factor));
    const part = (centre - from) / (to - from);
    from = Math.max(0, Math.min(centre - part * span, data.end - span));
    to = from + span;
    redraw();
  };
  const pan = part => {
    const span = to - from;
    from = Math.max(0, Math.min(from + part * span, Math.max(0, data.end - span)));
    to = from + span;
    redraw();
  };

  const attemptAt = (x, y) => {
    const lane = Math.floor((y - axisHeight) / laneHeight);
    if (lane < 0 || lane >= shownLanes || x < labelWidth) return -1;
    const slack = (to - from) / plotWidth() * 2;
    const i = firstEndingAfter(lane, timeAt(x) - slack);
    return i < firstOf[lane + 1] && data.start[i] <= timeAt(x) + slack ? i : -1;
  };
  const describe = i => {
    const stage = data.stages[data.stage[i]];
    const task = stage === "sample" ? stage : stage + "-" + data.index[i];
    let text = task + (data.number[i] ? "." + data.number[i] : "") + " on " + data.lanes[data.lane[i]] + ": " +
      data.outcomes[data.outcome[i]] + ", ran " + timeText(data.ran[i]) + " from " + timeText(data.start[i]);
    if (data.bytes[i]) text += ", read " + bytesText(data.bytes[i]);
    if (data.cause[i]) text += ", " + data.causes[data.cause[i]];
    return text;
  };
  const choose = i => {
    chosen = i;
    detail.textContent = i < 0 ? "Point at an attempt to see what it was." : describe(i);
    redraw();
  };

  let dragged = null;
  const place = event => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointermove", event => {
    const [x, y] = place(event);
    if (dragged !== null) {
      pan((dragged - x) / plotWidth());
      dragged = x;
      return;
    }
    const found = attemptAt(x, y);
    if (found !== chosen) choose(found);
  });
  canvas.addEventListener("pointerdown", event => {
    dragged = place(event)[0];
    canvas.setPointerCapture(event.pointerId);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { dragged = null; });
  canvas.addEventListener("wheel", event => {
    // Without a key the page scrolls, as everywhere.
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
    event.preventDefault();
    zoom((event.deltaY || event.deltaX) > 0 ? 1.25 : .8, timeAt(place(event)[0]));
  }, { passive: false });
  const actions = {
    in: () => zoom(.5, (from + to) / 2), out: () => zoom(2, (from + to) / 2),
    left: () => pan(-.4), right: () => pan(.4), all: () => { from = 0; to = Math.max(1, data.end); redraw(); },
  };
  for (const button of document.querySelectorAll("[data-do]")) {
    button.addEventListener("click", actions[button.dataset.do]);
  }
  canvas.addEventListener("keydown", event => {
    const action = { "+": "in", "=": "in", "-": "out", "0": "all", ArrowLeft: "left", ArrowRight: "right" }[event.key];
    if (!action) return;
    event.preventDefault();
    actions[action]();
  });
  const show = next => {
    const whole = from === 0 && to >= Math.max(1, data.end);
    data = next;
    const lanes = data.lanes.length;
    laneHeight = Math.max(4, Math.min(18, Math.floor(420 / Math.max(1, lanes))));
    // Browsers refuse canvases that are much higher.
    shownLanes = Math.min(lanes, Math.floor(16000 / laneHeight));
    height = axisHeight + shownLanes * laneHeight + 4;
    firstOf = new Array(lanes + 1).fill(0);
    for (const lane of data.lane) firstOf[lane + 1]++;
    for (let lane = 0; lane < lanes; lane++) firstOf[lane + 1] += firstOf[lane];
    if (whole) to = Math.max(1, data.end);
    document.getElementById("lanes-left-out").textContent =
      shownLanes < lanes ? "The first " + shownLanes + " of " + lanes + " slots are drawn." : "";
    canvas.style.height = height + "px";
    choose(-1);
  };

  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
  new ResizeObserver(redraw).observe(canvas);
  choose(-1);
  return { show };
};
