// What breaks the promise of the outbox from below, before the page's own code runs: each keeps one word of it no more.
// The page does not notice. The tests have to.

/** Not kept: what was written is said to be on the device, and is gone with the tab. */
export function forgets() {
  // A tab is empty at first, and may not ask then. Later this comes before the page's own asking, and goes first.
  if (origin !== "null") indexedDB.deleteDatabase("parlor");
}

/** Not once: a message has another `client_id` each time it is sent. */
export function drawsAnew() {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const drawn = () => `"client_id":"${crypto.randomUUID()}"`;
    send.call(this, typeof data === "string" ? data.replace(/"client_id":"[^"]*"/, drawn) : data);
  };
}

/** Refused: nothing is left of a message on its way. */
export function empties() {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    send.call(this, typeof data === "string" ? data.replace(/"body":"[^"]*"/, '"body":""') : data);
  };
}

/** Not in order: what was written later stands before what was written earlier in the same tab. */
export function turnsRound() {
  const add = IDBObjectStore.prototype.add;
  let place = Math.floor(performance.timeOrigin) * 1_000;
  IDBObjectStore.prototype.add = function (value, key) {
    return add.call(this, value, this.name === "outbox" ? (place -= 1) : key);
  };
}
