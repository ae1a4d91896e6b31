// The live connection of a run: a WebSocket that comes back by itself. Knows nothing of what it carries.
//
// Close codes: 1000 the run has ended; 4401 the token has ended; 4404 refused, do not try again.

function openRunLink({ url, onMessage, onToken, onState }) {
  const FIRST_WAIT_MS = 250;
  const LONGEST_WAIT_MS = 5000;
  let socket = null;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  let closed = false;
  let ended = false;

  function connect() {
    timer = 0;
    socket = new WebSocket(url);
    socket.onopen = () => onState("live");
    socket.onmessage = (event) => {
      wait = FIRST_WAIT_MS;
      const message = JSON.parse(event.data);
      ended = ended || message.type === "end";
      onMessage(message);
    };
    socket.onclose = (event) => {
      if (closed || ended) return;
      if (event.code === 4401) {
        onState("token");
        onToken();
      } else if (event.code === 4404) {
        onState("refused");
      } else {
        onState("lost");
        timer = setTimeout(connect, wait);
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      }
    };
  }

  connect();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      if (socket) socket.close();
    },
  };
}
