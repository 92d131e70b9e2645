import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, known } from "../src/zones.js";

const MONDAY_NOON = new Date("2026-01-05T12:00:00Z");

test("a clock shows the zone's own time and day", () => {
  assert.deepEqual(clock("Asia/Tokyo", MONDAY_NOON), {
    zone: "Asia/Tokyo", time: "21:00", day: "Mon", working: false,
  });
  assert.equal(clock("Pacific/Auckland", MONDAY_NOON).day, "Tue");
});

test("working hours are nine to seventeen, Monday to Friday", () => {
  assert.equal(clock("Europe/Berlin", MONDAY_NOON).working, true);
  assert.equal(clock("Europe/Berlin", new Date("2026-01-05T16:00:00Z")).working, false);
  assert.equal(clock("Europe/Berlin", new Date("2026-01-04T12:00:00Z")).working, false);
});

test("midnight is 00, not 24", () => {
  assert.equal(clock("UTC", new Date("2026-01-05T00:05:00Z")).time, "00:05");
});

test("only real zones are known", () => {
  assert.equal(known("Africa/Nairobi"), true);
  assert.equal(known("Middle/Earth"), false);
  assert.equal(known(""), false);
});
