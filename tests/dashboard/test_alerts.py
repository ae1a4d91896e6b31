"""Alerts, sent to a real server on the loopback: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dashboard.alert_desk import AlertDesk, open_alerts
from dashboard.alerts import Alerts, message_of, message_of_alarm
from dashboard.evidence import Reason
from dashboard.store import Store
from dashboard.vigil import Alarm
from dashboard.webhook import AlertError, Webhook, webhook
from tests.chat import SECRET, Chat, open_chat
from tests.dashboard import sample_records as sample
from tests.dashboard.targets.processes import until

AT_ONCE = (0.0, 0.0, 0.0)


@pytest.fixture
def chat() -> Iterator[Chat]:
    with open_chat() as chat:
        yield chat


def outcome(store: Store, url: str, *colours: str) -> str | None:
    """What the history says has become of the alert about a run; None where there was none."""
    alerts = Alerts(Webhook(url), store, waits=AT_ONCE)
    alerts.run_ended(sample.run(*colours))  # type: ignore[arg-type]  # colours
    assert alerts.close(60)
    kept = store.actions()
    assert all(SECRET not in str(action) for action in kept)
    return kept[0].outcome if kept else None


def test_a_red_run_is_told_with_its_reasons_and_its_place(chat: Chat, store: Store) -> None:
    assert outcome(store, chat.url, "red") == "sent"
    (message,) = chat.seen
    assert message["text"].startswith(
        "*✕ The load broke: 2 meta tensor errors, 0 is right*\n3 variants, guard on"
    )
    (attachment,) = message["attachments"]
    assert "Two loads &lt;overlapped&gt; &amp; failed." in attachment["text"]
    assert "python -m dashboard history show 20261123-084512-3f9c1a" in attachment["text"]
    assert store.actions()[0].run_id == "20261123-084512-3f9c1a"


def test_a_run_without_proof_is_told_and_a_green_one_is_not(chat: Chat, store: Store) -> None:
    assert outcome(store, chat.url, "green") is None
    assert chat.seen == []
    assert outcome(store, chat.url, "inconclusive") == "sent"
    assert chat.seen[0]["text"].startswith("*? No proof either way: the variants did not meet")


def test_a_red_run_that_a_sweep_makes_without_the_guard_alarms_nobody_and_with_it_does() -> None:
    red = replace(sample.run("red"), sweep="20261123-084500-aaaaaa")
    assert message_of(replace(red, settings=replace(red.settings, guard="off"))) is None
    assert message_of(red) is not None


def test_the_address_of_the_console_becomes_a_link() -> None:
    message = message_of(sample.run("red"), "https://ops.example.org")
    assert message is not None
    link = "<https://ops.example.org/run?run=20261123-084512-3f9c1a|Open the run>"
    assert message["attachments"][0]["text"].endswith(link)
    alarm = Alarm(1000.0, "yh", "loaded_twice", "The model was loaded 2 times in <yh>.")
    told = message_of_alarm(alarm, "https://ops.example.org")["attachments"][0]["text"]
    assert told == (
        "The model was loaded 2 times in &lt;yh&gt;.\n<https://ops.example.org/watch|Open the watches>"
    )
    assert "dashboard verdict --container yh" in message_of_alarm(alarm)["attachments"][0]["text"]


def test_words_of_a_worker_call_no_channel() -> None:
    red = replace(sample.RED, reasons=(Reason("load_failed", "<!channel> \x1b[31mhelp\nnow"),))
    message = message_of(replace(sample.run("red"), verdict=red))
    assert message is not None
    assert "• &lt;!channel&gt; help\\nnow\n" in message["attachments"][0]["text"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_asked_again(status: int, chat: Chat, store: Store) -> None:
    chat.answers = [status, status]
    assert outcome(store, chat.url, "red") == "sent"
    assert len(chat.seen) == 3
    assert chat.seen[0] == chat.seen[2]


def test_a_server_that_stays_busy_is_given_up(chat: Chat, store: Store) -> None:
    chat.answers = [503] * 10
    assert outcome(store, chat.url, "red") == "not sent: HTTP 503"
    assert len(chat.seen) == 4


@pytest.mark.parametrize("status", [302, 307, 400, 404])
def test_a_refusal_is_final_and_a_redirect_is_not_followed(status: int, chat: Chat, store: Store) -> None:
    chat.answers = [status]
    assert outcome(store, chat.url, "red") == f"not sent: HTTP {status}"
    assert len(chat.seen) == 1


def test_nobody_there_is_kept_as_such(chat: Chat, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    chat.close()
    assert outcome(store, chat.url, "red") == "not sent: NewConnectionError"
    assert "The alert about run 20261123-084512-3f9c1a" in caplog.text
    assert SECRET not in caplog.text


def test_a_history_that_cannot_be_written_stops_no_alert(chat: Chat, store: Store) -> None:
    store.close()
    alerts = Alerts(Webhook(chat.url), store, waits=AT_ONCE)
    for _ in range(2):
        alerts.run_ended(sample.run("red"))
    assert alerts.close(60)
    assert len(chat.seen) == 2


def test_a_server_that_hangs_does_not_hold_up_the_end() -> None:
    free = threading.Event()

    class Stuck(Alerts):
        def _send(self, message: object) -> str:
            free.wait(60)
            return "sent"

    class Nothing:
        def note_action(self, **values: object) -> None:
            pass

    alerts = Stuck(Webhook("https://chat.example.org/x"), Nothing())
    alerts.run_ended(sample.run("red"))
    assert not alerts.close(0.01)
    free.set()
    assert alerts.close(60)


def test_the_environment_names_the_webhook() -> None:
    assert webhook({}) is None
    assert webhook({"LOADONCE_WEBHOOK_URL": " "}) is None
    env = {
        "LOADONCE_WEBHOOK_URL": "https://chat.example.org/x",
        "LOADONCE_PUBLIC_URL": "https://ops.example.org/",
    }
    assert webhook(env) == Webhook("https://chat.example.org/x", "https://ops.example.org")


@pytest.mark.parametrize("name", ["LOADONCE_WEBHOOK_URL", "LOADONCE_PUBLIC_URL"])
@pytest.mark.parametrize("value", ["chat.example.org/x", "ftp://chat.example.org", "https:///secret"])
def test_what_is_no_address_is_named_without_its_secret(name: str, value: str) -> None:
    with pytest.raises(AlertError, match=name) as caught:
        webhook({"LOADONCE_WEBHOOK_URL": "https://chat.example.org/x", name: value})
    assert value not in str(caught.value)


# -- as a console knows them --------------------------------------------------------------------------------


def told(desk: AlertDesk) -> str:
    return desk.state().trouble


def test_a_console_says_what_did_not_arrive_until_something_does(chat: Chat, store: Store) -> None:
    alerts = Alerts(Webhook(chat.url), store, waits=AT_ONCE)
    desk, chat.answers = AlertDesk(alerts), [404]
    assert told(desk) == ""
    desk.run_ended(sample.run("red"))
    until(lambda: len(desk.state().deliveries) == 1)
    assert told(desk) == ("The alert about run 20261123-084512-3f9c1a did not reach 127.0.0.1: HTTP 404.")
    desk.run_ended(sample.run("red"))
    until(lambda: len(desk.state().deliveries) == 2)
    assert (told(desk), [each.sent for each in desk.state().deliveries]) == ("", [True, False])
    desk.close(60)


def test_a_console_without_a_webhook_sends_nothing_and_says_nothing(store: Store) -> None:
    desk = open_alerts(store, {})
    desk.run_ended(sample.run("red"))
    desk.close(60)
    assert (desk.state().host, told(desk)) == ("", "")


def test_a_console_with_a_wrong_address_starts_and_says_so(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    desk = open_alerts(store, {"LOADONCE_WEBHOOK_URL": f"chat.example.org/{SECRET}"})
    desk.run_ended(sample.run("red"))
    assert told(desk).startswith("No alert is sent. LOADONCE_WEBHOOK_URL is no address.")
    assert "LOADONCE_WEBHOOK_URL is no address" in caplog.text
    assert SECRET not in caplog.text + told(desk)
