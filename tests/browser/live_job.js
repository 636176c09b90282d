// live_job.js FANFOLD FAULTY-PLUGIN DIRECTORY PORT PICTURES: pages of a cluster while jobs run on it.
"use strict";
const { spawnSync } = require("child_process");
const fs = require("fs");
const { Browser, assert } = require("./browser.js");

const [program, plugin, directory, port, pictures] = process.argv.slice(2);
const origin = "http://127.0.0.1:" + port;
const cluster = directory + "/c";
const hostile = "<img src=x onerror=window.broken=1>";

const fanfold = (...words) => {
  const done = spawnSync(program, words, { encoding: "utf8" });
  return { ok: done.status === 0, text: done.stdout + done.stderr };
};
const onCluster = ["--master", "ipc://" + cluster + "/master.sock"];

const writeInput = (name, lines) => {
  fs.writeFileSync(directory + "/" + name, lines.join("\n") + "\n");
  return directory + "/" + name;
};
const submit = (input, output) => {
  const asked = fanfold("submit", plugin, input, "-o", directory + "/" + output, "-r", "2", "--attempts", "2",
    "--split-bytes", "64", ...onCluster);
  assert(asked.ok, asked.text);
};

const main = async () => {
  const up = fanfold("cluster", "up", "--dir", cluster, "--workers", "2", "--slots", "2", "--http", port);
  assert(up.ok, up.text);
  const browser = await Browser.start(pictures);
  const gate = directory + "/gate";
  try {
    const overview = await browser.page(origin);
    await overview.goto(origin + "/");
    await overview.getByText("None is running.").waitFor();
    // It shows up without anybody asking, and goes on when the gate opens.
    const waiting = writeInput("waits-" + hostile.replaceAll("/", ""), ["wait for " + gate, ...Array(60).fill("some words")]);
    submit(waiting, "out1");
    await overview.getByText(/map \d+ of \d+ tasks, \d running/).waitFor();
    await browser.picture(overview, "overview");
    await overview.getByRole("link", { name: "1", exact: true }).click();
    await overview.waitForFunction(() => document.body.dataset.state === "live" &&
      [...document.querySelectorAll("#attempts .rows .row")].some(row => row.classList.contains("running")));
    await browser.picture(overview, "job-running");
    fs.writeFileSync(gate, "");
    await overview.waitForFunction(() => document.body.dataset.state === "over" &&
      document.querySelector("#summary .state.succeeded") !== null &&
      ![...document.querySelectorAll("#attempts .rows .row")].some(row => row.classList.contains("running")));

    // What fails says why, with names that are nobody's markup.
    submit(writeInput("fails-" + hostile, ["good", "throw"]), "out2");
    const failed = await browser.page(origin);
    await failed.goto(origin + "/");
    await failed.locator("#ended").getByText("failed", { exact: true }).waitFor();
    await failed.getByRole("link", { name: "2", exact: true }).click();
    await failed.getByText("this record is bad").first().waitFor();
    await failed.getByText(hostile).first().waitFor();
    await browser.picture(failed, "job-failed");
    assert(await failed.evaluate(() => window.broken) === undefined, "a name ran as a script");
    assert(await failed.locator("img").count() === 0, "a name became an element");
    for (const path of ["/jobs/99", "/jobs/x", "/jobs/1/", "/nothing"]) {
      assert((await fetch(origin + path)).status === 404, path + " is there");
    }
    assert((await fetch(origin + "/api/jobs/1/attempts?sort=x")).status === 400, "a wrong order is none");
    const jobs = (await (await fetch(origin + "/api/jobs")).json()).jobs;
    assert(jobs.length === 2 && jobs[0].state === "failed" && jobs[1].state === "succeeded", JSON.stringify(jobs));
    assert(browser.complaints.length === 0, browser.complaints.join("\n"));

    // A page whose master is gone says so, and goes on when there is one again.
    await failed.goto(origin + "/");
    const master = JSON.parse(fs.readFileSync(cluster + "/cluster.json")).master;
    process.kill(master, "SIGKILL");
    await failed.locator("#stale").waitFor({ state: "visible" });
    assert(fanfold("cluster", "up", "--dir", cluster).ok, "the master does not start again");
    await failed.locator("#stale").waitFor({ state: "hidden" });
    await failed.locator("#ended").getByText("succeeded", { exact: true }).waitFor();
  } finally {
    await browser.end();
    fs.writeFileSync(gate, "");
    fanfold("cluster", "down", "--dir", cluster);
  }
};
main().catch(error => { console.error(error); process.exit(1); });
