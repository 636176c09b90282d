// traces.js FANFOLD FAULTY_PLUGIN DIRECTORY: what `--otlp` sends is a trace, and what becomes of it is nothing to the job.
'use strict';
const assert = require('assert');
const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');
const { spawn } = require('child_process');
const { spansOf } = require('./messages.js');

const [fanfold, faulty, directory] = process.argv.slice(2);
const kTrace = '4bf92f3577b34da6a3ce929d0e0e4736';
const kParent = '00f067aa0ba902b7';

/** A collector: keeps what it takes; the first part of the path says how it behaves. */
class Collector {
  constructor() {
    this.clear();
    this.server = http.createServer((request, response) => {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => this.answer(request, Buffer.concat(parts).toString(), response));
    });
  }
  listen() {
    return new Promise((done) => this.server.listen(0, '127.0.0.1', done));
  }
  get url() { return `http://127.0.0.1:${this.server.address().port}`; }
  clear() { this.requests = []; this.spans = []; this.errors = []; this.busy = 0; }
  answer(request, body, response) {
    this.requests.push({ url: request.url, headers: request.headers, bytes: body.length });
    const reply = (code, json) => {
      response.writeHead(code, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(json));
    };
    if (request.url.startsWith('/broken')) return reply(400, {});
    if (request.url.startsWith('/busy') && this.busy++ < 2) return reply(503, {});
    if (request.url.startsWith('/partial')) {
      return reply(200, { partialSuccess: { rejectedSpans: '3', errorMessage: 'too many' } });
    }
    try {
      assert.strictEqual(request.method, 'POST');
      assert.strictEqual(request.headers['content-type'], 'application/json');
      assert(request.url.endsWith('/v1/traces'), request.url);
      this.spans.push(...spansOf(body));
    } catch (error) {
      this.errors.push(error.message);
    }
    return reply(200, {});
  }
}

function run(words, environment = {}) {
  return new Promise((done) => {
    const child = spawn(fanfold, words, { cwd: directory, env: { ...process.env, ...environment } });
    const result = { out: '', err: '' };
    child.stdout.on('data', (text) => { result.out += text; });
    child.stderr.on('data', (text) => { result.err += text; });
    child.on('close', (code) => done({ code, ...result }));
  });
}

const write = (name, text) => fs.writeFileSync(path.join(directory, name), text);
const named = (spans, name) => spans.filter((span) => span.name === name);
const warnings = (err) => err.split('\n').filter((line) => line.startsWith('WARNING'));

/** One tree: the job at its root, and nobody outside the time of its parent. */
function checkTree(spans, parent) {
  const ids = new Map(spans.map((span) => [span.spanId, span]));
  assert.strictEqual(ids.size, spans.length, 'span ids are unique');
  assert.strictEqual(new Set(spans.map((span) => span.traceId)).size, 1, 'one trace');
  const roots = spans.filter((span) => !ids.has(span.parentSpanId));
  assert.strictEqual(roots.length, 1, 'one root');
  assert(roots[0].name.startsWith('job '), roots[0].name);
  assert.strictEqual(roots[0].parentSpanId, parent);
  for (const span of spans) {
    assert(BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano), span.name);
    const above = ids.get(span.parentSpanId);
    if (above === undefined) continue;
    assert(BigInt(above.startTimeUnixNano) <= BigInt(span.startTimeUnixNano), span.name);
    assert(BigInt(above.endTimeUnixNano) >= BigInt(span.endTimeUnixNano), span.name);
    if ('fanfold.attempt' in span.values) assert.strictEqual(above.name, span.name.split('-')[0]);
  }
  return roots[0];
}

async function traceOfAJobWithAFailure(collector) {
  write('in.txt', 'fine\nsegv once\n');
  const ran = await run(['run', faulty, 'in.txt', '-o', 'out', '--quiet', '--events', 'e.jsonl', '--otlp', collector.url,
    '--traceparent', `00-${kTrace}-${kParent}-01`]);
  assert.strictEqual(ran.code, 0, ran.err);
  assert.deepStrictEqual(warnings(ran.err), []);
  assert.deepStrictEqual(collector.errors, []);
  const root = checkTree(collector.spans, kParent);
  assert.strictEqual(root.traceId, kTrace);
  assert.strictEqual(root.status.code, 1);
  const failed = collector.spans.find((span) => span.values['fanfold.outcome'] === 'failed');
  const attempts = collector.spans.filter((span) => span.values['fanfold.task'] === failed.values['fanfold.task']);
  assert.strictEqual(failed.name, 'map-0.1');
  assert.deepStrictEqual(attempts.map((span) => span.values['fanfold.outcome']).sort(), ['committed', 'failed']);
  assert.strictEqual(failed.status.code, 2);
  assert.strictEqual(failed.events[0].name, 'exception');
  assert(failed.status.message.includes('SIGSEGV'), failed.status.message);
  assert.strictEqual(failed.values['fanfold.record.offset'], '5');
  assert.strictEqual(failed.resource['service.name'], 'fanfold-worker');
  assert.strictEqual(root.resource['service.name'], 'fanfold-master');
  assert.strictEqual(named(collector.spans, 'publication').length, 1);

  // From its log, later: the same spans.
  const before = collector.spans.map((span) => span.spanId).sort();
  collector.clear();
  const sent = await run(['trace', 'e.jsonl', '--otlp', `${collector.url}/v1/traces`]);
  assert.strictEqual(sent.code, 0, sent.err);
  assert.strictEqual(sent.out, `trace ${kTrace}\n`);
  assert.deepStrictEqual(collector.spans.map((span) => span.spanId).sort(), before);
}

async function traceOfAJobThatFailed(collector) {
  write('throw.txt', 'throw\n');
  write('hang.txt', 'hang\n');
  const ran = await run(['run', faulty, 'hang.txt', 'throw.txt', '-o', 'failed', '--quiet', '--attempts', '1', '--split-bytes', '1',
    '--slots', '2', '--workers', '1', '--otlp', collector.url], { TRACEPARENT: `00-${kTrace}-${kParent}-00` });
  assert.strictEqual(ran.code, 1, ran.err);
  assert.deepStrictEqual(collector.errors, []);
  const root = checkTree(collector.spans, kParent);
  assert.strictEqual(root.status.code, 2);
  const outcomes = new Set(collector.spans.map((span) => span.values['fanfold.outcome']));
  assert(outcomes.has('cancelled') && outcomes.has('failed'), [...outcomes].join(' '));
}

async function traceOfManyAttempts(collector) {
  write('words.txt', 'some words of a line\n'.repeat(60000));
  const ran = await run(['run', 'word_count', 'words.txt', '-o', 'many', '--quiet', '--split-bytes', '1K', '-r', '2',
    '--otlp', `${collector.url}/`], { TRACEPARENT: 'none of these', OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer abc,x-team=7' });
  assert.strictEqual(ran.code, 0, ran.err);
  assert.deepStrictEqual(collector.errors, []);
  assert(collector.spans.length > 1200, `${collector.spans.length} spans`);
  assert(collector.requests.length > 1 && collector.requests.every((one) => one.bytes < 4 << 20), 'requests of a size');
  assert(collector.requests.every((one) => one.headers.authorization === 'Bearer abc' && one.headers['x-team'] === '7'));
  checkTree(collector.spans, undefined);
}

async function closedPort() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function collectorsThatDoNotTakeIt(collector) {
  const urls = [`http://127.0.0.1:${await closedPort()}`, `${collector.url}/broken`, `${collector.url}/partial`,
    'http://no-such-host.invalid'];
  for (const url of urls) {
    const ran = await run(['run', 'word_count', 'in.txt', '-o', 'again', '--on-exists', 'replace', '--quiet', '--otlp', url]);
    assert.strictEqual(ran.code, 0, ran.err);
    assert(fs.existsSync(path.join(directory, 'again/_SUCCESS')));
    assert.strictEqual(warnings(ran.err).length, 1, ran.err);
    assert(ran.err.includes(url), ran.err);
    assert.strictEqual((await run(['trace', 'e.jsonl', '--otlp', url])).code, 1);
  }
  const busy = await run(['trace', 'e.jsonl', '--otlp', `${collector.url}/busy`]);
  assert.strictEqual(busy.code, 0, busy.err);
}

async function whatIsRefused() {
  const wrong = [['run', 'word_count', 'in.txt', '-o', 'no', '--otlp', 'localhost:4318'],
    ['run', 'word_count', 'in.txt', '-o', 'no', '--traceparent', `00-${'0'.repeat(32)}-${kParent}-01`],
    ['run', 'word_count', 'in.txt', '-o', 'no', '--in-process', '--otlp', 'http://localhost:4318'],
    ['trace', 'e.jsonl', '--otlp', 'http://localhost:4318', '-o', 'trace.json']];
  for (const words of wrong) assert.strictEqual((await run(words)).code, 2, words.join(' '));
  assert(!fs.existsSync(path.join(directory, 'no')));
}

async function main() {
  const collector = new Collector();
  await collector.listen();
  for (const test of [traceOfAJobWithAFailure, traceOfAJobThatFailed, traceOfManyAttempts, collectorsThatDoNotTakeIt,
    whatIsRefused]) {
    collector.clear();
    await test(collector);
    console.log(`${test.name}: ok`);
  }
  collector.server.close();
}

main().catch((error) => { console.error(error); process.exit(1); });
