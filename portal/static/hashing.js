/*
 * SHA-256 and CRC-32 of files, piece by piece, in a thread of its own: browsers hash only what fits into memory, and only
 * on https.
 */
"use strict";
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
const BEGIN = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
const PIECE = 8 * 1024 * 1024;
const W = new Int32Array(64);

function mix(state, bytes, at) {
  for (let i = 0; i < 16; i++, at += 4) W[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = (state[i] + word) | 0; });
}

function finish(state, tail, size) {
  const last = new Uint8Array(tail.length < 56 ? 64 : 128);
  last.set(tail);
  last[tail.length] = 0x80;
  const view = new DataView(last.buffer);
  view.setUint32(last.length - 8, Math.floor(size / 2 ** 29));
  view.setUint32(last.length - 4, (size * 8) >>> 0);
  for (let at = 0; at < last.length; at += 64) mix(state, last, at);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

async function hash(file, tell) {
  const state = Int32Array.from(BEGIN);
  let tail = new Uint8Array(0);
  // Pieces are multiples of a block, so that only the last one leaves something over.
  for (let begin = 0; begin < file.size; begin += PIECE) {
    const bytes = new Uint8Array(await file.slice(begin, begin + PIECE).arrayBuffer());
    const whole = bytes.length - (bytes.length % 64);
    for (let at = 0; at < whole; at += 64) mix(state, bytes, at);
    tail = bytes.subarray(whole);
    tell(Math.floor((100 * (begin + bytes.length)) / file.size));
  }
  return finish(state, tail, file.size);
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/* What a zip file holds of each of its members. */
async function check(file, tell) {
  let sum = -1;
  for (let begin = 0; begin < file.size; begin += PIECE) {
    const bytes = new Uint8Array(await file.slice(begin, begin + PIECE).arrayBuffer());
    for (let at = 0; at < bytes.length; at++) sum = (sum >>> 8) ^ TABLE[(sum ^ bytes[at]) & 255];
    tell(Math.floor((100 * (begin + bytes.length)) / file.size));
  }
  return ~sum >>> 0;
}

onmessage = async ({ data: { id, file, crc } }) => {
  const tell = (percent) => postMessage({ id, percent });
  try {
    postMessage({ id, result: await (crc ? check(file, tell) : hash(file, tell)) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
