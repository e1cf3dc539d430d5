// Draws Parlor's mark in every size that browsers and home screens ask for: `node scripts/icons.js`.
// The pictures are committed; run it again only to change the mark. It needs a Chromium, named by CHROMIUM.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const folder = new URL("../public/", import.meta.url).pathname;

// A speech bubble that is a room by night: its door stands open, and the light that falls out is its tail.
const ROOM = "M7 44V29a25 25 0 0 1 50 0v15a8 8 0 0 1-8 8H15a8 8 0 0 1-8-8z";
const LIGHT = "M23 52V33a9 9 0 0 1 18 0v19L23 63z";

const DAY = { room: "#10695a", light: "#e3a93c" };
const NIGHT = { room: "#2f9c86", light: "#ffdf9a" };
const ON_GREEN = { room: "#fdfcf9", light: "#e3a93c" };
const GREEN = "#10695a";

/** The square around the mark. */
const FRAME = "2 3.5 60 60";

/** The mark in its square; `scale` leaves a margin, `ground` fills it. */
function draw({ room, light }, { scale = 1, ground = "none" } = {}) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${FRAME}">
  <rect x="2" y="3.5" width="60" height="60" fill="${ground}"/>
  <g transform="translate(32 33.5) scale(${scale}) translate(-32 -33.5)">
    <path fill="${room}" d="${ROOM}"/>
    <path fill="${light}" d="${LIGHT}"/>
  </g>
</svg>
`;
}

/** For tabs: the browser takes the colours that suit its own theme. */
const adaptive = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${FRAME}">
  <style>
    .room { fill: ${DAY.room} }
    .light { fill: ${DAY.light} }
    @media (prefers-color-scheme: dark) {
      .room { fill: ${NIGHT.room} }
      .light { fill: ${NIGHT.light} }
    }
  </style>
  <path class="room" d="${ROOM}"/>
  <path class="light" d="${LIGHT}"/>
</svg>
`;

function png(svg, size) {
  const scratch = mkdtempSync(join(tmpdir(), "parlor-icons-"));
  const page = join(scratch, "icon.html");
  const picture = join(scratch, "icon.png");
  writeFileSync(
    page,
    `<!doctype html><style>body { margin: 0 } svg { display: block; width: ${size}px }</style>${svg}`,
  );
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"];
  const output = [
    "--default-background-color=00000000",
    `--window-size=${size},${size}`,
    `--screenshot=${picture}`,
  ];
  execFileSync(chromium, [...options, ...output, `--user-data-dir=${scratch}/profile`, page], {
    stdio: "ignore",
  });
  const bytes = readFileSync(picture);
  rmSync(scratch, { recursive: true });
  return bytes;
}

/** An .ico file with one picture: for whoever asks for /favicon.ico without reading the page. */
function ico(picture, size) {
  const header = Buffer.alloc(22);
  header.writeUInt16LE(1, 2); // an icon
  header.writeUInt16LE(1, 4); // with one picture
  header.writeUInt8(size, 6);
  header.writeUInt8(size, 7);
  header.writeUInt16LE(1, 10); // planes
  header.writeUInt16LE(32, 12); // bits per pixel
  header.writeUInt32LE(picture.length, 14);
  header.writeUInt32LE(header.length, 18);
  return Buffer.concat([header, picture]);
}

const write = (name, content) => writeFileSync(join(folder, name), content);

write("icon.svg", adaptive);
write("favicon.ico", ico(png(draw(DAY), 32), 32));
write("icon-192.png", png(draw(DAY), 192));
write("icon-512.png", png(draw(DAY), 512));
// Home screens cut their own shape out of these; what matters stays within the middle four fifths.
write("icon-maskable-512.png", png(draw(ON_GREEN, { scale: 0.62, ground: GREEN }), 512));
write("apple-touch-icon.png", png(draw(ON_GREEN, { scale: 0.7, ground: GREEN }), 180));
