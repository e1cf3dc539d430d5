// A picture of every view: light and dark, on a desk and on a phone. The two of the README are among them.

import { mkdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { MOVED_CLOCK, Parlor } from "./world/parlor.js";
import { Person } from "./world/person.js";
import { Program } from "./world/program.js";
import { empties } from "./world/sabotage.js";

const ROOT = resolve(import.meta.dirname, "..");
const PICTURES = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "screenshots");
const DOCS = join(ROOT, "docs/screenshots");

const DESK = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 };
const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

const ROOMS = ["Bees", "Tool shed", "Seed swap", "Newcomers", "Watering rota", "Harvest supper"];

/** What they create there, on each device in each theme. */
const NEW_ROOMS = {
  "desk-light": "Orchard",
  "phone-light": "Compost",
  "desk-dark": "Greenhouse",
  "phone-dark": "Pond",
};

/** Who goes through all the views. */
const GUEST = "Lena";

/** A morning in the room they all like best: how many minutes later, who, and what. */
const MORNING = [
  [
    0,
    "Maya",
    "Good morning! The frost spared us. **Everything** on the south beds is up: peas, broad beans, even the dill.",
  ],
  [1, "Maya", "So we can have the supper in the garden after all 🌱"],
  [3, "Tomás", "Best news of the week. I bring the long table, and the lamps if somebody has a ladder."],
  [
    1,
    "Jonas",
    "There is one in the shed, behind the wheelbarrow. Take the tall one: the other has a step missing.",
  ],
  [
    9,
    "Noor",
    "Then here is what we have so far:\n\n- bread and two cheeses (me)\n- potato salad (Jonas)\n- lemonade, and something stronger (Tomás)\n- **still open:** a pudding",
  ],
  [1, "Ida", "> **still open:** a pudding\n\nRhubarb crumble. I have more rhubarb than sense."],
  [1, "Jonas", "😍"],
  [22, "Noor", "Ida, you are an angel. Seven o’clock on Saturday, then?"],
  [
    2,
    "Tomás",
    "Seven. I looked up the sun: it sets at 20:36, so the lamps are not for show. https://sunset.example/berlin",
  ],
  [4, "Maya", "Seven it is. I’ll put it on the board, and tell the newcomers."],
];

const ELSEWHERE = [
  ["Watering rota", "Jonas", "Beds 1 to 6 are done."],
  ["Newcomers", "Ida", "Welcome! The gate’s code is on the board in the shed."],
  ["Seed swap", "Noor", "I have twelve kinds of tomato, and no shame."],
  ["Tool shed", "Tomás", "Whoever has the good secateurs: they are missed."],
  ["Bees", "Maya", "First drones seen."],
];

test("every view has its picture", async (t) => {
  await rm(PICTURES, { recursive: true, force: true });
  await mkdir(PICTURES, { recursive: true });
  await mkdir(DOCS, { recursive: true });
  const village = await settle(t);
  for (const colorScheme of ["light", "dark"]) {
    await photograph(t, village, `desk-${colorScheme}`, { ...DESK, colorScheme });
    await photograph(t, village, `phone-${colorScheme}`, { ...PHONE, colorScheme });
  }
  await publish("desk-light-room", "room-light", 1600);
  await publish("phone-dark-room", "room-dark-phone", 720);
});

/** A server with some rooms and people in them, who have talked for a morning. */
async function settle(t) {
  const parlor = await Parlor.start(t, MOVED_CLOCK);
  const people = {};
  for (const name of ["Maya", "Jonas", "Noor", "Tomás", "Ida", "Priya", "Wil"]) {
    people[name] = await Program.register(t, parlor, name);
  }
  const rooms = {};
  for (const name of ROOMS) rooms[name] = await people.Maya.createRoom(name);
  const supper = rooms["Harvest supper"];
  for (const [room, who, text] of ELSEWHERE.toReversed()) {
    await people[who].enter(rooms[room]);
    await people[who].say(rooms[room], text);
    await parlor.wait(11);
  }
  await people.Wil.enter(supper);
  await people.Wil.leave(supper);
  await parlor.wait(65);
  await people.Priya.enter(supper);
  await people.Priya.leave(supper);
  for (const [minutes, who, text] of MORNING) {
    await parlor.wait(minutes);
    await people[who].enter(supper);
    await people[who].say(supper, text);
  }
  await parlor.wait(1);
  await people.Ida.leave(supper);
  await people.Jonas.leave(supper);
  return { parlor, people, rooms, supper };
}

/** Walks through every view and takes its picture. */
async function photograph(t, { parlor, people, rooms, supper }, look, settings) {
  const { hasTouch } = settings;
  // What one may do in a while is allowed again only as time passes.
  const now = await parlor.wait(1);
  const name = { "desk-light": "Lena", "desk-dark": "Samir", "phone-light": "Yuki", "phone-dark": "Olu" }[
    look
  ];
  const guest = await Person.arrive(t, parlor, GUEST, { timezoneId: "Europe/Berlin", now, ...settings });
  const { page } = guest;
  const take = async (view) => {
    await page.evaluate(() => document.fonts.ready);
    await page.mouse.move(0, 0);
    await page.screenshot({
      path: join(PICTURES, `${look}-${view}.png`),
      animations: "disabled",
      caret: "hide",
    });
  };
  // On a phone, Enter begins a new line.
  const say = async (text) => {
    await guest.composer.fill(text);
    await page.getByRole("button", { name: "Send" }).click();
  };

  await take("door");
  await guest.fillDoor("Maya", "a horse, a staple");
  await page.getByRole("alert").waitFor();
  await take("door-name-taken");
  if (look === "desk-light") await guest.register();
  else await guest.logIn();
  await guest.listed("Harvest supper").waitFor();
  await take("rooms");

  const here = ["Maya", "Noor", "Tomás"];
  for (const who of here) await people[who].beat(supper);
  await guest.openRoom("Harvest supper");
  await guest.reads("Seven it is.");
  await guest.seesPeople("Here now", [GUEST, ...here]);
  // What changes in the list is told by the second.
  await parlor.wait(1 / 60);
  if (!hasTouch) await guest.listed("Harvest supper").getByText("4 here").waitFor();
  await page.evaluate(() => document.activeElement?.blur());
  await take("room");
  await page.getByRole("button", { name: "Invite to this room" }).click();
  await page.getByRole("button", { name: "Copy link" }).waitFor();
  await take("invitation");
  await guest.press("Escape");
  await page.getByRole("button", { name: "Insert an emoji" }).click();
  await take("emoji");
  await guest.press("Escape");
  if (hasTouch) {
    await page.getByRole("button", { name: "People in this room" }).click();
    await take("people");
    await page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
  }
  const back = async () =>
    hasTouch && (await page.getByRole("button", { name: "Back to all rooms" }).click());
  await back();
  await guest.createRoom(NEW_ROOMS[look]);
  await page.getByText("is all yours").waitFor();
  await take("empty-room");
  await page.evaluate(empties);
  await say("Who has the good secateurs?");
  await page.getByRole("button", { name: "Retry" }).waitFor();
  await take("unsent");
  await page.getByRole("button", { name: "Delete" }).click();
  await back();
  for (const [item, dialog] of [
    ["Sessions", "Sessions"],
    ["Change password", "Change password"],
    ["Keyboard shortcuts", "Keyboard shortcuts"],
  ]) {
    await guest.chooseInAccountMenu(item);
    await guest.dialog(dialog).waitFor();
    if (item === "Sessions") await guest.dialog(dialog).getByText("This one").waitFor();
    await take(dialog.toLowerCase().replace(" ", "-"));
    await guest.press("Escape");
  }
  await guest.account.click();
  await take("account-menu");
  await guest.press("Escape");
  await guest.press("Control+K");
  await take("switcher");
  await guest.press("Escape");
  await page.getByRole("button", { name: "Create a room" }).click();
  await take("create-room");
  await guest.press("Escape");
  await page.goto(parlor.at(`/?room=${rooms.Bees.slice(0, 30)}`));
  await page.getByRole("heading", { name: "There is no room" }).waitFor();
  await take("unknown-room");

  await page.goto(parlor.at(`/?room=${supper}`));
  await guest.reads("Seven it is.");
  await guest.pageIsKept();
  await guest.hasKept("Seven it is.");
  await guest.losesNetwork();
  await say("I’ll bring the good plates.");
  await guest.pending("good plates").waitFor();
  await take("offline");
  await page.reload();
  await guest.pending("good plates").waitFor();
  await take("opened-offline");
  await back();
  await guest.chooseInAccountMenu("Log out");
  await page.getByRole("alert").waitFor();
  await take("log-out");
  await page.close();
}

/** Puts a picture where the README finds it, as small as it can be without showing it. */
async function publish(picture, name, width) {
  const bytes = await readFile(join(PICTURES, `${picture}.png`));
  const small = sharp(bytes)
    .resize({ width })
    .png({ palette: true, quality: 92, effort: 10, compressionLevel: 9 });
  await small.toFile(join(DOCS, `${name}.png`));
}
