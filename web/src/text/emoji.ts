/** The emoji of the picker, and their names, which may be typed as `:name:`. */

export interface Emoji {
  char: string;
  name: string;
  group: string;
}

/** Each group on a line; `name char` pairs. Names are those that people know from elsewhere. */
const TABLE = {
  Smileys: `
    smile 😄 grin 😁 joy 😂 rofl 🤣 slight_smile 🙂 upside_down 🙃 wink 😉 blush 😊 innocent 😇
    smiling_hearts 🥰 heart_eyes 😍 star_struck 🤩 kiss 😘 yum 😋 tongue 😛 zany 🤪 money_mouth 🤑 hug 🤗
    giggle 🤭 shush 🤫 thinking 🤔 salute 🫡 zipper_mouth 🤐 raised_eyebrow 🤨 neutral 😐 expressionless 😑
    no_mouth 😶 smirk 😏 unamused 😒 eye_roll 🙄 grimace 😬 relieved 😌 pensive 😔 sleepy 😪 sleeping 😴
    mask 😷 sick 🤒 sneeze 🤧 hot 🥵 cold 🥶 dizzy_face 😵 mind_blown 🤯 cowboy 🤠 party 🥳 cool 😎
    nerd 🤓 monocle 🧐 confused 😕 worried 😟 open_mouth 😮 astonished 😲 flushed 😳 pleading 🥺
    fearful 😨 sweat 😅 cry 😢 sob 😭 scream 😱 disappointed 😞 weary 😩 yawn 🥱 triumph 😤 angry 😠
    rage 😡 swearing 🤬 devil 😈 skull 💀 poop 💩 clown 🤡 ghost 👻 alien 👽 robot 🤖 cat 😺 melting 🫠`,
  People: `
    wave 👋 hand ✋ ok_hand 👌 pinch 🤏 victory ✌️ crossed_fingers 🤞 love_you 🤟 metal 🤘 call_me 🤙
    point_left 👈 point_right 👉 point_up 👆 point_down 👇 thumbsup 👍 thumbsdown 👎 fist ✊ punch 👊 clap 👏
    raised_hands 🙌 heart_hands 🫶 open_hands 👐 handshake 🤝 pray 🙏 writing ✍️ muscle 💪 eyes 👀 brain 🧠
    shrug 🤷 facepalm 🤦 raising_hand 🙋 bow 🙇 dancer 💃 runner 🏃 walking 🚶 technologist 🧑‍💻`,
  Nature: `
    dog 🐶 fox 🦊 bear 🐻 panda 🐼 monkey 🐒 see_no_evil 🙈 hear_no_evil 🙉 speak_no_evil 🙊 unicorn 🦄 bee 🐝 bug 🐛
    butterfly 🦋 turtle 🐢 octopus 🐙 crab 🦀 whale 🐳 penguin 🐧 owl 🦉 snail 🐌 rose 🌹 sunflower 🌻 seedling 🌱
    tree 🌳 leaves 🍃 sun ☀️ cloud ☁️ rain 🌧️ snowflake ❄️ rainbow 🌈 ocean 🌊 moon 🌙 earth 🌍`,
  Food: `
    apple 🍎 banana 🍌 strawberry 🍓 avocado 🥑 bread 🍞 cheese 🧀 pizza 🍕 burger 🍔 fries 🍟 ramen 🍜
    sushi 🍣 cake 🍰 birthday 🎂 cookie 🍪 chocolate 🍫 popcorn 🍿 coffee ☕ tea 🍵 beer 🍺 wine 🍷 cheers 🥂`,
  Things: `
    fire 🔥 sparkles ✨ star ⭐ zap ⚡ boom 💥 hundred 💯 tada 🎉 balloon 🎈 gift 🎁 trophy 🏆 medal 🥇
    soccer ⚽ guitar 🎸 music 🎵 art 🎨 camera 📷 phone 📱 laptop 💻 keyboard ⌨️ bulb 💡 book 📖 memo 📝 paperclip 📎
    calendar 📅 chart 📈 clock ⏰ hourglass ⏳ lock 🔒 key 🔑 hammer 🔨 wrench 🔧 gear ⚙️ package 📦 mail ✉️ bell 🔔
    speech 💬 link 🔗 search 🔍 rocket 🚀 car 🚗 bike 🚲 train 🚆 plane ✈️ house 🏠 door 🚪 couch 🛋️`,
  Signs: `
    heart ❤️ orange_heart 🧡 yellow_heart 💛 green_heart 💚 blue_heart 💙 purple_heart 💜 black_heart 🖤
    broken_heart 💔 two_hearts 💕 check ✅ cross ❌ question ❓ exclamation ❗ warning ⚠️ no_entry ⛔ recycle ♻️
    up ⬆️ down ⬇️ left ⬅️ right ➡️ plus ➕ minus ➖ red_circle 🔴 yellow_circle 🟡 green_circle 🟢 white_flag 🏳️`,
};

export const EMOJI: readonly Emoji[] = Object.entries(TABLE).flatMap(([group, table]) =>
  [...table.matchAll(/(\w+) (\S+)/g)].map(([, name = "", char = ""]) => ({ char, name, group })),
);

const byName = new Map(EMOJI.map(({ name, char }) => [name, char]));

/** The emoji with a name that holds the query, those that begin with it first. */
export function searchEmoji(query: string): Emoji[] {
  const wanted = query
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, "_");
  const found = EMOJI.filter(({ name, char }) => name.includes(wanted) || char === query.trim());
  return found.sort((a, b) => Number(b.name.startsWith(wanted)) - Number(a.name.startsWith(wanted)));
}

/** The text with each `:name:` that is known replaced by its emoji. */
export function replaceShortcodes(text: string): string {
  return text.replaceAll(/(?<![\w:]):(\w+):(?!\w)/g, (typed, name: string) => byName.get(name) ?? typed);
}
