// The connection of one log: it resumes where it was, backs off while the server is away, asks for new tokens.

const TOKEN_REFUSED = 4401, UNKNOWN_RUN = 4404;
const FIRST_RETRY_MS = 250, LAST_RETRY_MS = 5000, ASK_AGAIN_MS = 3000;

class LogFeed {
  // onBatch(batch), onState(state, reason), askToken()
  constructor({ onBatch, onState, askToken }) {
    Object.assign(this, { onBatch, onState, askToken });
    this.socket = null;
    this.next = 0;
    this.token = "";
    this.timer = this.settle = 0;
    this.retry = FIRST_RETRY_MS;
    this.over = true;
    this.wake = () => { if (!document.hidden && this.timer) this.connect(); };
    document.addEventListener("visibilitychange", this.wake);
    window.addEventListener("online", this.wake);
  }

  // range: pairs for the server, which part of the log is wanted
  open(run, source, token, range) {
    this.drop();
    Object.assign(this, { run, source, token, range, next: 0, over: false, retry: FIRST_RETRY_MS, waiting: false });
    this.onState("connecting");
    this.connect();
  }

  // A rerun of the page brings a fresh token; it is used when the next connection is made.
  renew(token) {
    if (token === this.token) return;
    this.token = token;
    if (this.waiting) this.connect();
  }

  connect() {
    this.drop();
    if (this.over) return;
    this.waiting = false;
    const url = new URL("/live/logs", window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const own = { run: this.run, source: this.source, since: this.next, token: this.token };
    url.search = new URLSearchParams({ ...this.range, ...own });
    const socket = (this.socket = new WebSocket(url));
    // A refusal closes an open socket, so being open alone is not being live.
    socket.onopen = () => { this.settle = setTimeout(() => this.onState("live"), 300); };
    socket.onmessage = (message) => this.received(socket, JSON.parse(message.data));
    socket.onclose = (event) => { if (socket === this.socket) this.closed(event); };
  }

  received(socket, batch) {
    if (socket !== this.socket) return;
    this.retry = FIRST_RETRY_MS;
    clearTimeout(this.settle);
    if (batch.lines.length && batch.lines[0][0] < this.next) {
      batch.lines = batch.lines.filter((line) => line[0] >= this.next);
    }
    this.next = Math.max(this.next, batch.next);
    if (batch.closed) this.over = true;
    this.onBatch(batch);
    this.onState(batch.closed ? "ended" : "live");
    if (!batch.closed && socket.readyState === WebSocket.OPEN) socket.send("ok"); // through with this batch
  }

  closed(event) {
    clearTimeout(this.settle);
    this.socket = null;
    if (this.over) return;
    if (event.code === UNKNOWN_RUN) {
      this.over = true;
      this.onState("ended", event.reason);
    } else if (event.code === TOKEN_REFUSED) {
      this.waiting = true;
      this.onState("reconnecting");
      this.askUntilGiven();
    } else {
      this.onState("reconnecting");
      this.timer = setTimeout(() => this.connect(), this.retry * (0.8 + 0.4 * Math.random()));
      this.retry = Math.min(LAST_RETRY_MS, this.retry * 2);
    }
  }

  askUntilGiven() {
    this.askToken();
    // The page's own connection may be down too, and then the question is lost.
    this.timer = setTimeout(() => { if (this.waiting) this.askUntilGiven(); }, ASK_AGAIN_MS);
  }

  drop() {
    clearTimeout(this.timer);
    clearTimeout(this.settle);
    this.timer = 0;
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close(1000);
  }

  stop() {
    this.over = true;
    this.drop();
    document.removeEventListener("visibilitychange", this.wake);
    window.removeEventListener("online", this.wake);
  }
}
