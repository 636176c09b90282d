// large_job.js FANFOLD-MASTER DIRECTORY PICTURES: pages of a job of 100,000 tasks with hostile names.
// DIRECTORY/events/job-1.jsonl is its log (large_log.py).
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");
const { Browser, assert } = require("./browser.js");

const [program, directory, pictures] = process.argv.slice(2);
const tasks = 100000;
const slowestMs = 200;

const started = master => new Promise((resolve, reject) => {
  let log = "";
  master.stderr.on("data", bytes => {
    log += bytes;
    const port = /http.listening .*port=(\d+)/.exec(log);
    if (port) resolve("http://127.0.0.1:" + port[1]);
  });
  master.on("exit", code => reject(new Error("the master ended with " + code + "\n" + log)));
});

// Of many answers of each kind, most take less than this long.
const measure = async (what, address_of) => {
  const times = [];
  for (let i = 0; i < 60; i++) {
    const began = performance.now();
    const answer = await fetch(address_of(i));
    await answer.arrayBuffer();
    assert(answer.ok, address_of(i) + ": " + answer.status);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const p95 = times[Math.floor(times.length * .95)];
  console.log(what + ": median " + times[30].toFixed(1) + " ms, p95 " + p95.toFixed(1) + " ms");
  assert(p95 <= slowestMs, what + " takes " + p95 + " ms");
};

const checkTable = async page => {
  const rows = () => page.locator("#attempts .rows .row");
  const matches = text => page.waitForFunction(wanted => document.getElementById("matches").textContent === wanted, text);
  const total = await page.locator("#matches").textContent();
  assert(Number(total.replace(/\D/g, "")) > tasks, "the table knows of " + total);
  assert(await rows().count() < 200, "rows that nobody sees are made");
  // Far down there are other rows, at once.
  const before = await rows().first().textContent();
  await page.evaluate(() => { const box = document.getElementById("attempts"); box.scrollTop = box.scrollHeight; });
  await page.waitForFunction(old => {
    const first = document.querySelector("#attempts .rows .row");
    return first && first.textContent !== old;
  }, before);
  assert(/reduce-/.test(await rows().last().textContent()), "the last attempts are not those of reduces");
  // The longest first.
  await page.getByRole("button", { name: "ran" }).click();
  await page.waitForFunction(() => document.querySelector("#attempts button[aria-pressed=true]").textContent === "ran ↓");
  await page.waitForFunction(() => {
    const shown = [...document.querySelectorAll("#attempts .rows .row")].map(row => row.children[4].textContent);
    return shown.length > 20 && shown.every(text => text.endsWith(" s")) && parseFloat(shown[0]) >= parseFloat(shown[1]);
  });
  await page.selectOption("#filter select[name=outcome]", "failed");
  await page.waitForFunction(() => {
    const shown = [...document.querySelectorAll("#attempts .rows .row")];
    return shown.length > 5 && shown.every(row => row.classList.contains("failed"));
  });
  await page.selectOption("#filter select[name=outcome]", "");
  await page.fill("#filter input", "map-99999");
  await matches("1 attempt");
  await page.fill("#filter input", "nothing is called so");
  await matches("0 attempts");
};

// The timeline answers to keys and the pointer.
const checkTimeline = async page => {
  const canvas = page.locator("#timeline canvas");
  await canvas.scrollIntoViewIfNeeded();
  await page.evaluate(() => document.getElementById("timeline").scrollIntoView());
  const box = await canvas.boundingBox();
  const colours = await canvas.evaluate(element => {
    const { data } = element.getContext("2d").getImageData(0, 0, element.width, element.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert(colours > 3, "the timeline is empty");
  await page.mouse.move(box.x + box.width / 2, box.y + 100);
  await page.waitForFunction(() => /^map-\d+\.1 on host/.test(document.getElementById("detail").textContent));
};

const main = async () => {
  const master = spawn(program, ["--listen", "ipc://" + fs.realpathSync(directory) + "/m.sock", "--ephemeral", "--events",
    directory + "/events", "--http", "0"], { stdio: ["ignore", "ignore", "pipe"] });
  const address = started(master);
  const browser = await Browser.start(pictures);
  try {
    const origin = await address;
    const job = origin + "/jobs/1";
    for (const scheme of ["light", "dark"]) {
      const page = await browser.page(origin, scheme);
      await page.goto(job);
      await page.waitForFunction(() => document.body.dataset.state === "over" &&
        document.querySelectorAll("#attempts .rows .row").length > 5);
      if (scheme === "light") {
        await checkTimeline(page);
        await checkTable(page);
        await page.fill("#filter input", "");
      }
      await page.waitForFunction(() => document.querySelectorAll("#attempts .rows .row").length > 5);
      assert(await page.locator("#keys td:first-child code").count() === 16, "the hot keys are not there");
      assert(/^"0 <\/script><img src=x/.test(await page.locator("#keys td code").first().textContent()), "a key is not as it is");
      assert((await page.locator("#graph .node > b").allTextContents()).join() === "input,map,shuffle,reduce,output",
        "the stages are not in their order");
      await browser.picture(page, "large-job-" + scheme);
      assert(await page.evaluate(() => window.broken) === undefined, "a name ran as a script");
      assert(await page.locator("main img, body img").count() === 0, "a name became an element");
      assert((await page.title()).length < 200, "the title has no end");
      await page.close();
    }
    assert(browser.complaints.length === 0, browser.complaints.join("\n"));
    await measure("page", () => job);
    await measure("analysis", () => origin + "/api/jobs/1");
    await measure("timeline", () => origin + "/api/jobs/1/timeline");
    await measure("attempts", i => origin + "/api/jobs/1/attempts?count=100&from=" + i * 1500 + "&sort=" +
      ["task", "-ran", "started", "-bytes_in", "memory"][i % 5]);
    await measure("attempts found", i => origin + "/api/jobs/1/attempts?find=map-" + i + "7");

    // Were a name to become markup after all, the policy of the page would stop it.
    const page = await browser.page(origin);
    await page.goto(job);
    await page.evaluate(() => { document.body.innerHTML += "<img src=x onerror='window.broken=1'>"; });
    const refused = () => browser.complaints.some(text => text.includes("Content Security Policy"));
    for (let i = 0; i < 100 && !refused(); i++) await page.evaluate(() => new Promise(requestAnimationFrame));
    assert(refused(), "the browser knows of no policy: " + browser.complaints);
    assert(await page.evaluate(() => window.broken) === undefined, "the policy lets handlers run");
  } finally {
    await browser.end();
    master.removeAllListeners("exit");
    master.kill();
  }
};
main().catch(error => { console.error(error); process.exit(1); });
