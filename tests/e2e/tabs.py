"""Browser tabs for test after test: one that has shown the console before shows it much sooner."""

from urllib.parse import urljoin

from playwright.sync_api import Error

# Of the console's origin, and without a script: the tab's process stays, with all that it has compiled
EMPTY_PLACE = "/_stcore/health"


class Tab:
    """A page in a context of its own."""

    def __init__(self, browser, options, on_error):
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: on_error(str(error)))

    def clear(self):
        """Leave the console and forget what it has kept in the browser; False where that is not possible."""
        if self.context.pages != [self.page]:
            return False
        try:
            self.page.goto(urljoin(self.page.url, EMPTY_PLACE))
            self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        except Error:  # its console has been ended
            return False
        self.context.clear_cookies()
        self.page.mouse.move(0, 0)
        return True


class Tabs:
    """Lends each tab to one test at a time."""

    def __init__(self, browser):
        self._errors = []
        self._browser = browser
        self._free = []
        self._lent = []

    def lend(self, *, width, height, scheme, fresh, **options):
        """A page that remembers nothing. A `fresh` one may be prepared: no later test gets it."""
        found = next((tab for kept, tab in self._free if kept == options and not fresh), None)
        self._free = [each for each in self._free if each[1] is not found]
        tab = found or Tab(self._browser, options, self._errors.append)
        self._lent.append((None if fresh else options, tab))
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.page.emulate_media(color_scheme=scheme)
        return tab.page

    def take_back(self):
        """End what the test has opened, so that none of it talks to a console; returns its script errors."""
        lent, self._lent = self._lent, []
        for options, tab in lent:
            if options is not None and tab.clear():
                self._free.append((options, tab))
            else:
                tab.context.close()
        errors = self._errors.copy()
        self._errors.clear()
        return errors
