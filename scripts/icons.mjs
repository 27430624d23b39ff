// Draws the brand mark (an arch with an ember) as the icon files that the window and the packages need.
// Usage: node scripts/icons.mjs   Writes src-tauri/icons; run again only when the mark changes.
import { deflateSync } from 'node:zlib';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ARCH = [0x27, 0x22, 0x1d];
const EMBER = [0xe0, 0x70, 0x1a];
const BOX = 24;
const MARGIN = 1; // the mark fills 22 of 24 units; icons keep one unit around it
const SAMPLES = 8;

/** The outline of `M2.5 22V12.2C2.5 6.6 6.8 2 12 2s9.5 4.6 9.5 10.2V22Z` as its right half: x extent at a height. */
function archHalfWidth(y) {
  if (y > 22 || y < 2) return -1;
  if (y >= 12.2) return 9.5;
  // Right half of the top: the curve from (12, 2) by (17.2, 2), (21.5, 6.6) to (21.5, 12.2).
  let low = 0;
  let high = 1;
  for (let step = 0; step < 40; step++) {
    const t = (low + high) / 2;
    const u = 1 - t;
    const at = u * u * u * 2 + 3 * u * u * t * 2 + 3 * u * t * t * 6.6 + t * t * t * 12.2;
    if (at < y) low = t;
    else high = t;
  }
  const t = (low + high) / 2;
  const u = 1 - t;
  return u * u * u * 12 + 3 * u * u * t * 17.2 + 3 * u * t * t * 21.5 + t * t * t * 21.5 - 12;
}

function colourAt(x, y) {
  if (y <= 22 && (x - 12) ** 2 + (y - 22) ** 2 <= 5.4 ** 2) return EMBER;
  return Math.abs(x - 12) <= archHalfWidth(y) ? ARCH : null;
}

/** RGBA pixels of the mark, `size` by `size`, smoothed by sampling. */
function draw(size) {
  const pixels = Buffer.alloc(size * size * 4);
  const unit = BOX / (size - (2 * MARGIN * size) / BOX);
  const shift = (MARGIN * size) / BOX;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let [red, green, blue, hits] = [0, 0, 0, 0];
      for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
        const x = (column + ((sample % SAMPLES) + 0.5) / SAMPLES - shift) * unit;
        const y = (row + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES - shift) * unit;
        const colour = colourAt(x, y);
        if (!colour) continue;
        red += colour[0];
        green += colour[1];
        blue += colour[2];
        hits += 1;
      }
      const at = (row * size + column) * 4;
      if (hits > 0) {
        pixels[at] = Math.round(red / hits);
        pixels[at + 1] = Math.round(green / hits);
        pixels[at + 2] = Math.round(blue / hits);
        pixels[at + 3] = Math.round((hits / SAMPLES ** 2) * 255);
      }
    }
  }
  return pixels;
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (0xedb88320 & -(value & 1));
  }
  return ~value >>> 0;
}

function png(size) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA
  const pixels = draw(size);
  const rows = Buffer.alloc(size * (size * 4 + 1));
  for (let row = 0; row < size; row++) pixels.copy(rows, row * (size * 4 + 1) + 1, row * size * 4, (row + 1) * size * 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

function ico(sizes) {
  const images = sizes.map(png);
  const head = Buffer.alloc(6 + 16 * sizes.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(sizes.length, 4);
  let offset = head.length;
  images.forEach((image, index) => {
    const at = 6 + 16 * index;
    const side = sizes[index] === 256 ? 0 : sizes[index];
    head.set([side, side, 0, 0, 1, 0, 32, 0], at);
    head.writeUInt32LE(image.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += image.length;
  });
  return Buffer.concat([head, ...images]);
}

function icns(kinds) {
  const parts = kinds.map(([name, size]) => {
    const image = png(size);
    const head = Buffer.alloc(8);
    head.write(name, 0, 'latin1');
    head.writeUInt32BE(image.length + 8, 4);
    return Buffer.concat([head, image]);
  });
  const head = Buffer.alloc(8);
  head.write('icns', 0, 'latin1');
  head.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0), 4);
  return Buffer.concat([head, ...parts]);
}

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'src-tauri', 'icons');
mkdirSync(folder, { recursive: true });
const write = (name, bytes) => writeFileSync(join(folder, name), bytes);
write('32x32.png', png(32));
write('128x128.png', png(128));
write('128x128@2x.png', png(256));
write('icon.png', png(512));
write('icon.ico', ico([16, 24, 32, 48, 64, 256]));
write('icon.icns', icns([['icp4', 16], ['icp5', 32], ['ic07', 128], ['ic08', 256], ['ic09', 512]]));
console.log(`icons written to ${folder}`);
