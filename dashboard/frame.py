"""The frame around every page: its name, the way about, and the console's state at the sidebar's foot."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import session
from dashboard.components.keyboard import keyboard
from dashboard.language import _
from dashboard.printable import as_it_is
from dashboard.retold import told
from dashboard.viewer import language_switch, settle
from dashboard.wording import settings_title

settle()
_STATIC = Path(__file__).parent / "static"
st.html(_STATIC / "frame.css")  # first of all: it keeps room for what comes in late
_GUIDE = st.Page("app_pages/guide.py", title=_("Guide"), icon=":material/route:", url_path="guide")
_LAUNCH = st.Page("app_pages/launch.py", title=_("Launch"), icon=":material/rocket_launch:", default=True)
_RUN = st.Page("app_pages/run.py", title=_("Live run"), icon=":material/monitor_heart:", url_path="run")
_SWEEP = st.Page("app_pages/sweep.py", title=_("Sweep"), icon=":material/grid_on:", url_path="sweep")
_TARGETS = st.Page("app_pages/targets.py", title=_("Targets"), icon=":material/dns:", url_path="targets")
_PROBE = st.Page("app_pages/probe.py", title=_("Probe"), icon=":material/science:", url_path="probe")
_LOGS = st.Page("app_pages/logs.py", title=_("Live logs"), icon=":material/article:", url_path="logs")
_WATCH = st.Page("app_pages/watch.py", title=_("Watch"), icon=":material/visibility:", url_path="watch")
_TIMELINE = st.Page(
    "app_pages/timeline.py", title=_("Timeline"), icon=":material/timeline:", url_path="timeline"
)
_HISTORY = st.Page("app_pages/history.py", title=_("History"), icon=":material/history:", url_path="history")
_COMPARE = st.Page(
    "app_pages/compare.py", title=_("Compare"), icon=":material/compare_arrows:", url_path="compare"
)


@st.fragment(run_every=2)
def foot() -> None:
    """Say how warm the console is, and which run is under way."""
    warmth, active = session.console().runner.warmth(), session.console().runner.active()
    icon, colour = {
        "importing": (":material/hourglass_top:", "orange"),
        "ready": (":material/check_circle:", "green"),
        "failed": (":material/error:", "red"),
    }[warmth.state]
    st.markdown(f":small[:{colour}[{icon} {told(warmth.text)}]]")
    for alarm in session.console().alarming():
        st.markdown(f":small[:red[:material/notification_important: {as_it_is(alarm)}]]")
    if active is None:
        st.markdown(f":small[:gray[{_('No run under way')}]]")
        return
    what = _("Under way: {run}", run=told(settings_title(active.settings)))
    st.markdown(f":small[{what}]")
    st.page_link(_RUN, label=_("Watch the run"), query_params={"run": active.run_id})


st.logo(str(_STATIC / "logo.svg"), size="large", icon_image=str(_STATIC / "icon.svg"))
page = st.navigation(
    {
        _("Operate"): [_LAUNCH, _GUIDE, _RUN, _SWEEP, _LOGS, _WATCH, _TARGETS, _PROBE],
        _("Review"): [_TIMELINE, _HISTORY, _COMPARE],
    }
)
# Named by its page, so that several tabs can be told apart; imported outside a server, a page has no title.
st.set_page_config(
    f"{getattr(page, 'title', 'Console')} · Loadonce", str(_STATIC / "icon.svg"), layout="wide"
)
with st.sidebar:
    foot()
    language_switch()
    keyboard()
page.run()
