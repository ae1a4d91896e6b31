"""What the tests of the live log share: files that are its sources, and looks at the rows on a page."""

STARTED = (
    "2026-11-23T07:10:47.123456Z INFO loader Loading LLaVa model event=started boot=3f9c1a seq=1 load=1 "
    "model=demo pid=7 thread=variant-3 attempt=1"
)
ERROR = (
    "2026-11-23T07:10:48.123456Z ERROR loader Model load failed event=meta_tensor_error boot=3f9c1a seq=2 "
    "load=1 model=demo pid=7 thread=variant-3 error=MetaTensorError"
)


class LogFile:
    """The file behind one source of the test's console."""

    def __init__(self, folder, name):
        self.name = name
        self.path = folder / f"{name}.log"
        self.path.touch()

    def write(self, *lines, at=None, step=1.0):
        """Add lines; with `at`, the first is of that time and each other one `step` seconds later."""
        marks = [f"[at={at + step * index:.6f}]" if at is not None else "" for index in range(len(lines))]
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{mark}{line}\n" for mark, line in zip(marks, lines, strict=True)))

    def numbered(self, first, end):
        self.write(*(f"INFO line {number:06d}" for number in range(first, end)))

    def finish(self):
        self.path.with_suffix(".end").touch()


def row(page, text):
    return page.locator(".row", has_text=text)


def texts(page):
    return page.locator(".row .text")


def scroll_up(page, pixels=600):
    page.locator(".view").hover()
    page.mouse.wheel(0, -pixels)


def wait_for_rows(page, count):
    """Wait until the list has room for so many lines: they are counted a moment before they are merged."""
    height = page.locator(".row").first.evaluate("row => row.offsetHeight")
    view = page.locator(".view").element_handle()
    page.wait_for_function("([view, least]) => view.scrollHeight >= least", arg=[view, count * height])


def numbers_seen(page):
    """Scroll through the whole list and return the number of each row that was shown, once and in order."""
    return [number for _, number in rows_seen(page)]


def rows_seen(page):
    """Scroll through the whole list and return source and number of each row, once and in order."""
    return page.locator(".view").evaluate(
        """async (view) => {
            const seen = new Map(), shown = () => view.querySelectorAll(".row[data-number]");
            view.scrollTop = 0;
            // Lines are counted a moment before they are merged: look only when nothing moves any more
            for (let still = 0, before = ""; still < 20; ) {
                await new Promise(requestAnimationFrame);
                const now = [...shown()].map((row) => row.textContent).join();
                still = now === before ? still + 1 : 0;
                before = now;
            }
            for (let last = -1; view.scrollTop !== last; ) {
                for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
                for (const row of shown()) {
                    const of = row.querySelector(".source")?.textContent ?? "";
                    const number = Number(row.dataset.number);
                    seen.set(`${of} ${number}`, [of, number]);
                }
                last = view.scrollTop;
                view.scrollTop += view.clientHeight * 1.3;
            }
            return [...seen.values()];
        }"""
    )


CONTRAST = """(texts) => {
    const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
        for (; node; node = node.parentNode || node.host) {
            if (!(node instanceof Element)) continue;
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    return texts.filter((node) => node.textContent.trim() && node.checkVisibility()).map((node) => {
        const a = light(parse(getComputedStyle(node).color)), b = light(behind(node));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return [ratio, node.className, node.textContent.slice(0, 30)];
    }).sort((x, y) => x[0] - y[0])[0];
}"""
"""JavaScript for `evaluate_all`: the worst contrast of these elements' texts, [ratio, class, text]."""
