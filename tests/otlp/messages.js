// Requests of OTLP/HTTP in JSON, held against the official message definitions.
'use strict';
const path = require('path');

const home = path.dirname(require.resolve('@opentelemetry/otlp-transformer/package.json'));
const root = require(path.join(home, 'build/src/generated/root.js'));
const Request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

// Ids are hex in OTLP's JSON, base64 in that of protocol buffers.
function withIds(value, convert) {
  if (Array.isArray(value)) return value.map((one) => withIds(one, convert));
  if (value === null || typeof value !== 'object') return value;
  const copy = {};
  for (const [key, one] of Object.entries(value)) {
    const isId = key === 'traceId' || key === 'spanId' || key === 'parentSpanId';
    copy[key] = isId ? convert(key, one) : withIds(one, convert);
  }
  return copy;
}

function toBase64(key, id) {
  const digits = key === 'traceId' ? 32 : 16;
  if (typeof id !== 'string' || id.length !== digits || /[^0-9a-f]/.test(id) || /^0*$/.test(id)) {
    throw new Error(`${key} '${id}' is not ${digits} hex digits`);
  }
  return Buffer.from(id, 'hex').toString('base64');
}

// What is in the one and not in the other: fields that the definitions do not know are dropped silently.
function compare(sent, read, where) {
  if (Array.isArray(sent)) {
    if (!Array.isArray(read) || read.length !== sent.length) throw new Error(`${where}: other elements`);
    sent.forEach((one, i) => compare(one, read[i], `${where}[${i}]`));
    return;
  }
  if (sent !== null && typeof sent === 'object') {
    for (const key of Object.keys(sent)) {
      if (read === null || typeof read !== 'object' || !(key in read)) {
        throw new Error(`${where}.${key} is no field of the message`);
      }
      compare(sent[key], read[key], `${where}.${key}`);
    }
    return;
  }
  if (String(sent) !== String(read)) throw new Error(`${where}: sent ${sent}, read ${read}`);
}

/** Throws when `text` is no request; returns its spans, each with the attributes of its resource. */
function spansOf(text) {
  const request = withIds(JSON.parse(text), toBase64);
  const message = Request.fromObject(request);
  const wrong = Request.verify(message);
  if (wrong) throw new Error(wrong);
  const read = Request.toObject(Request.decode(Request.encode(message).finish()),
    { longs: String, bytes: String, enums: Number, arrays: true });
  compare(request, read, 'request');
  const spans = [];
  for (const resource of JSON.parse(text).resourceSpans) {
    for (const scope of resource.scopeSpans) {
      for (const span of scope.spans) {
        spans.push({ ...span, resource: values(resource.resource.attributes), values: values(span.attributes) });
      }
    }
  }
  return spans;
}

function values(attributes) {
  const all = {};
  for (const { key, value } of attributes) {
    if (key in all) throw new Error(`${key} is there twice`);
    all[key] = Object.values(value)[0];
  }
  return all;
}

module.exports = { spansOf };
