import { mount } from "svelte";
import App from "./views/App.svelte";
import { App as State } from "./state/app.svelte";
import { deviceStorage } from "./storage";
import "@fontsource-variable/figtree";
import "./styles/main.scss";

const target = document.getElementById("page");
if (target) mount(App, { target, props: { app: new State(deviceStorage) } });
