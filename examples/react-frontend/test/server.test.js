import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createSite } from "../server.mjs";

const directory = mkdtempSync(join(tmpdir(), "site-"));
const root = join(directory, "dist");
let site;

before(async () => {
  mkdirSync(join(root, "assets"), { recursive: true });
  writeFileSync(join(root, "index.html"), "the page");
  writeFileSync(join(root, "assets/app-1a2b.js"), "code");
  writeFileSync(join(directory, "secret.txt"), "secret");
  site = createSite(root).listen(0, "127.0.0.1");
  await new Promise((resolve) => site.once("listening", resolve));
});

after(() => {
  site.close();
  rmSync(directory, { recursive: true });
});

// Not fetch: it would tidy up `..` before sending.
function ask(path, method = "GET") {
  return new Promise((resolve, reject) => {
    const call = request({ port: site.address().port, host: "127.0.0.1", path, method, agent: false }, async (response) => {
      let body = "";
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode, headers: response.headers, body });
    });
    call.on("error", reject).end();
  });
}

test("the page, and the application's own paths", async () => {
  for (const path of ["/", "/zones/tokyo?x=1"]) {
    const { status, body, headers } = await ask(path);
    assert.deepEqual([status, body, headers["cache-control"]], [200, "the page", "no-cache"]);
  }
});

test("assets may be kept", async () => {
  const { headers, body } = await ask("/assets/app-1a2b.js");
  assert.match(headers["cache-control"], /immutable/);
  assert.match(headers["content-type"], /javascript/);
  assert.equal(body, "code");
});

test("nothing outside the root is served", async () => {
  for (const path of ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"]) {
    assert.equal((await ask(path)).status, 404, path);
  }
});

test("what is missing, broken or not a read is refused", async () => {
  assert.equal((await ask("/assets/none.js")).status, 404);
  assert.equal((await ask("/%zz.js")).status, 400);
  assert.equal((await ask("/", "POST")).status, 405);
  assert.equal((await ask("/", "HEAD")).body, "");
});
