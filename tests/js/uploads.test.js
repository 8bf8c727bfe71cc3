// Why an upload was not taken.
// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { refusal } from "../../assets/js/page/uploads.js";

const name = "http://127.0.0.1:7860/gradio_api/upload?upload_id=x";

test("an upload that was not taken is said, by its reason", () => {
  const keys = [413, 507, 500, 0].map((responseStatus) => refusal({ name, responseStatus }));
  assert.deepEqual(keys, ["frame.upload.much", "frame.upload.full", "frame.upload", "frame.upload"]);
});

test("nothing is said of other requests, of one that was taken, and where the browser does not tell", () => {
  assert.equal(refusal({ name: "http://127.0.0.1:7860/gradio_api/upload_progress?x", responseStatus: 500 }), "");
  assert.equal(refusal({ name, responseStatus: 200 }), "");
  assert.equal(refusal({ name }), "");
});
