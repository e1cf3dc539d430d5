import { mount } from "svelte";
import App from "./views/App.svelte";
import { App as State } from "./state/app.svelte";
import { Kept } from "./kept/kept";
import { keepPage } from "./offline";
import { SocketLink } from "./socket";
import { deviceStorage } from "./storage";
import { browserTabs } from "./tabs";
// Figtree (SIL Open Font License): warm, and clear where it is small. It is ours to serve, so that the page looks the same
// everywhere, asks nobody else for a font, and needs no exception in its security policy.
import "@fontsource-variable/figtree";
import "./styles/main.scss";

const app = new State({
  storage: deviceStorage,
  kept: Kept.open(),
  tabs: browserTabs(),
  connect: (listener, admit) => new SocketLink(listener, admit),
});
const target = document.getElementById("page");
if (target) mount(App, { target, props: { app } });
void keepPage(() => (app.newer = true));
