// Drives a Firefox without a window over WebDriver BiDi: `node firefox.mjs FOLDER FIREFOX [SITE]`, where FOLDER has
// node_modules/puppeteer-core, and SITE is the one address that may be asked (its pages may log, but no errors).  Reads
// a list of steps as JSON, and writes what each gave, then what went wrong in the page.  After the step `end`, which ends
// the process that serves SITE, pages complain of the network, rightly: only requests to others are wrong then.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, executablePath, site] = process.argv.slice(2);
const found = createRequire(join(folder, "package.json")).resolve("puppeteer-core");
const { default: puppeteer } = await import(pathToFileURL(found).href);

// A proxy that is not there: a page reaches no host at all.
const alone = { "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9,
  "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9 };

const text = [];
for await (const part of process.stdin) text.push(part);
const steps = JSON.parse(Buffer.concat(text).toString());

const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox: alone });
const problems = [];
const gave = [];
let served = true;
async function isAnswered() {
  try {
    await fetch(site);
    return true;
  } catch {
    return false;
  }
}
try {
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (served && (!site || message.type() === "error")) problems.push(message.text());
  });
  page.on("pageerror", (error) => {
    if (served) problems.push(String(error));
  });
  page.on("request", (request) => {
    const own = site && request.url().startsWith(site);
    if (!own && !/^(file|data|blob):/.test(request.url())) problems.push(request.url());
  });
  const ways = {
    open: (url) => page.goto(url),
    size: ([width, height]) => page.setViewport({ width, height }),
    press: (key) => page.keyboard.press(key),
    click: (selector) => page.click(selector),
    ask: (script) => page.evaluate(script),
    wait: (script) => page.waitForFunction(`(${script})()`, { timeout: 240_000 }),
    end: async (server) => {
      served = false;
      process.kill(server);
      while (await isAnswered()) await new Promise((done) => setTimeout(done, 100));
    },
    picture: (path) => page.screenshot({ path }),
  };
  for (const [way, given] of steps) {
    const answer = await ways[way](given);
    gave.push(way === "ask" ? answer : null);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify({ gave, problems }));
