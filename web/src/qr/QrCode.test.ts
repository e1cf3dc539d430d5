// @vitest-environment jsdom
import { mount, unmount } from "svelte";
import { encode } from "uqr";
import { expect, test, vi } from "vitest";
import { pathOfModules } from "./modules";
import QrCode from "./QrCode.svelte";

test("a path covers the dark modules and no others", () => {
  expect(
    pathOfModules([
      [true, true, false, true],
      [false, false, false, false],
      [false, true, true, true],
    ]),
  ).toBe("M0 0h2v1h-2zM3 0h1v1h-1zM1 2h3v1h-3z");
});

test("a code stands dark on light in a wide margin, and has a name", async () => {
  const text = "https://parlor.example/?room=0b8e4d4e-6f0a-4c5e-9a52-3f6f1f0c8a11";
  const mounted = mount(QrCode, { target: document.body, props: { text, label: "Link to the room Garden" } });
  const svg = await vi.waitUntil(() => document.querySelector("svg"));
  const { data, size } = encode(text, { ecc: "M", border: 4 });

  expect(svg.getAttribute("aria-label")).toBe("Link to the room Garden");
  expect(svg.getAttribute("role")).toBe("img");
  expect(svg.getAttribute("viewBox")).toBe(`0 0 ${size} ${size}`);
  expect(svg.querySelector("rect")?.getAttribute("fill")).toBe("#fff");
  expect(svg.querySelector("path")?.getAttribute("d")).toBe(pathOfModules(data));
  expect(data.slice(0, 4).flat()).not.toContain(true);
  await unmount(mounted);
});
