// A real browser that looks at our pages, and minds everything that goes wrong in them.
"use strict";
const fs = require("fs");
const { chromium } = require("playwright-core");

const settings = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

class Browser {
  static async start(pictures) {
    const browser = new Browser();
    // Chromium's own sandbox is not for root.
    const args = process.getuid() === 0 ? ["--no-sandbox", ...settings] : settings;
    browser.chromium = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args });
    browser.pictures = pictures;
    browser.complaints = [];
    fs.mkdirSync(pictures, { recursive: true });
    return browser;
  }

  // `origin` is all that the page may talk to.
  async page(origin, colorScheme = "light") {
    const page = await this.chromium.newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
    const complain = text => this.complaints.push(page.url() + ": " + text);
    page.on("console", message => { if (["error", "warning"].includes(message.type())) complain(message.text()); });
    page.on("pageerror", error => complain(error.message));
    page.on("request", request => { if (!request.url().startsWith(origin)) complain("asks for " + request.url()); });
    return page;
  }

  async picture(page, name) {
    await page.screenshot({ path: this.pictures + "/" + name + ".png", fullPage: true });
  }

  async end() { await this.chromium.close(); }
}

const assert = (holds, what) => { if (!holds) throw new Error(what); };

module.exports = { Browser, assert };
