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
const submit = (input, output, job = plugin) => {
  const asked = fanfold("submit", job, input, "-o", directory + "/" + output, "-r", "2", "--attempts", "2",
    "--split-bytes", "256",
    // A backup of the attempt that waits would end it, and what it wrote with it.
    "--no-speculation", ...onCluster);
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
    const waiting = writeInput("waits-" + hostile.replaceAll("/", ""), ["print " + hostile, "wait for " + gate,
      "print after the gate", ...Array(60).fill(hostile)]);
    submit(waiting, "out1");
    await overview.getByText(/map \d+ of \d+ tasks, \d running/).waitFor();
    await browser.picture(overview, "overview");
    await overview.getByRole("link", { name: "1", exact: true }).click();
    await overview.waitForFunction(() => document.body.dataset.state === "live" &&
      [...document.querySelectorAll("#attempts .rows .row")].some(row => row.classList.contains("running")));
    // What it prints is there while it waits, as text.
    const output = overview.locator("#output");
    await output.getByText("map-0.1 | " + hostile).waitFor();
    assert(await overview.locator("#graph .node.map.is-running").count() === 1, "the map stage does not run");
    await browser.picture(overview, "job-running");
    // One attempt alone, whose lines need no name.
    await overview.locator("#attempts .rows button", { hasText: "map-0.1" }).click();
    await overview.waitForFunction(text => document.getElementById("output").textContent.startsWith(text), hostile);
    assert(!(await output.textContent()).includes("after the gate"), "it did not wait");
    fs.writeFileSync(gate, "");
    await output.getByText("after the gate").waitFor();
    await overview.waitForFunction(() => document.body.dataset.state === "over" &&
      document.querySelector("#summary .state.succeeded") !== null &&
      ![...document.querySelectorAll("#attempts .rows .row")].some(row => row.classList.contains("running")));

    // The key that all lines are of, by its name.
    await overview.locator("#keys").getByText('"' + hostile + '"').first().waitFor();
    assert(await overview.locator("#graph .node.is-done").count() === 5, "not all of the stages are done");
    assert(await overview.evaluate(() => window.broken) === undefined, "what was printed ran as a script");
    assert(await overview.locator("img").count() === 0, "what was printed became an element");
    await browser.picture(overview, "job-over");

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
    // A job that reads what another wrote leads there, and back; its page may be opened before the master lists it.
    submit(directory + "/out1", "out3", "word_count");
    const reader = await browser.page(origin);
    await reader.goto(origin + "/jobs/3");
    await reader.locator("#graph").getByText("made by").waitFor();
    await reader.locator("#graph a").first().click();
    await reader.waitForURL(origin + "/jobs/1");
    await reader.locator("#graph").getByText("read by").waitFor();
    await reader.close();
    await failed.locator("#graph .bad").waitFor();
    const jobs = (await (await fetch(origin + "/api/jobs")).json()).jobs;
    assert(jobs.map(job => job.state).join() === "succeeded,failed,succeeded", JSON.stringify(jobs.map(job => job.state)));
    assert(browser.complaints.length === 0, browser.complaints.join("\n"));

    // A page whose master is gone says so, and goes on when there is one again.
    await failed.goto(origin + "/");
    const master = JSON.parse(fs.readFileSync(cluster + "/cluster.json")).master;
    process.kill(master, "SIGKILL");
    await failed.locator("#stale").waitFor({ state: "visible" });
    assert(fanfold("cluster", "up", "--dir", cluster).ok, "the master does not start again");
    await failed.locator("#stale").waitFor({ state: "hidden" });
    await failed.locator("#ended").getByText("succeeded", { exact: true }).first().waitFor();
  } finally {
    await browser.end();
    fs.writeFileSync(gate, "");
    fanfold("cluster", "down", "--dir", cluster);
  }
};
main().catch(error => { console.error(error); process.exit(1); });
