import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createApp } from "../src/app.js";
import { Notes } from "../src/notes.js";

let server;
let base;

before(async () => {
  server = createApp(new Notes()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

const post = (body) =>
  fetch(`${base}/notes`, { method: "POST", headers: { "content-type": "application/json" }, body });

test("a note can be added, read, listed and removed", async () => {
  const created = await post(JSON.stringify({ text: " buy milk " }));
  assert.equal(created.status, 201);
  const location = base + created.headers.get("location");

  const note = await (await fetch(location)).json();
  assert.equal(note.text, "buy milk");
  assert.deepEqual(await (await fetch(`${base}/notes`)).json(), [note]);

  assert.equal((await fetch(location, { method: "DELETE" })).status, 204);
  assert.equal((await fetch(location)).status, 404);
});

test("a note without text is refused with the reason", async () => {
  for (const body of ["{}", '{"text": "  "}', '{"text": 7}']) {
    const response = await post(body);
    assert.equal(response.status, 400);
    assert.match((await response.json()).error, /text/);
  }
});

test("a body that is not JSON is the client's error", async () => {
  const response = await post("{");
  assert.equal(response.status, 400);
  assert.match(response.headers.get("content-type"), /json/);
});

test("an unknown path is 404", async () => {
  const response = await fetch(`${base}/nowhere`);
  assert.equal(response.status, 404);
  assert.match((await response.json()).error, /\/nowhere/);
});
