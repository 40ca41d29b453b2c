"""CAP's values in plain words, for authors who do not have the standard at hand. The console is in English: its readers are staff."""

from __future__ import annotations

from hub.delivery.forecast import Forecast
from hub.delivery.outcome_check import Stalled
from hub.web.residents.choices import CHANNEL_WORDS, TOPIC_WORDS
from hub.web.when import CITY_TIME

KINDS = (
    ("Actual", "Real alert", "It is happening or will. Goes to everyone it concerns."),
    ("Exercise", "Drill", "Marked as not real. Goes only to people who take drills."),
    ("Test", "Test", "Marked as not real. Goes only to people who take drills."),
)
SEVERITIES = (
    ("Extreme", "Extreme", "Lives are in danger here and now", "now"),
    ("Severe", "Severe", "People or homes may come to harm", "ready"),
    ("Moderate", "Moderate", "May harm some, or disturbs a day", "aware"),
    ("Minor", "Minor", "An inconvenience, or good to know", "aware"),
)
URGENCIES = (
    ("Immediate", "Now: act at once"),
    ("Expected", "Soon: within the hour"),
    ("Future", "Later: time to prepare"),
    ("Past", "Over: no need to act"),
    ("Unknown", "Not known"),
)
CERTAINTIES = (
    ("Observed", "It is happening or happened"),
    ("Likely", "Likely: more than even odds"),
    ("Possible", "Possible: less than even odds"),
    ("Unlikely", "Unlikely"),
    ("Unknown", "Not known"),
)
CATEGORIES = (
    ("Met", "Weather"),
    ("Fire", "Fire"),
    ("Safety", "Public safety"),
    ("Security", "Police and security"),
    ("Rescue", "Rescue"),
    ("Geo", "Earthquake, landslide"),
    ("CBRNE", "Hazardous material"),
    ("Env", "Environment, air, water"),
    ("Health", "Health"),
    ("Transport", "Streets and transit"),
    ("Infra", "Power, gas, water supply"),
    ("Other", "Other"),
)
TIME_ZONE = f"{CITY_TIME.key.rpartition('/')[2].replace('_', ' ')} time"
"""Whose clock a form means, for staff who may be elsewhere."""
DURATIONS = ((1, "1 hour"), (2, "2 hours"), (4, "4 hours"), (8, "8 hours"), (24, "24 hours"))
"""Hours from the preview on."""
STATUSES = {
    "draft": "Draft",
    "awaiting_approval": "Waits for approval",
    "scheduled": "Scheduled",
    "live": "Live",
    "ended": "Ended",
    "stopped": "Stopped",
}
TOPICS = [(key, name) for key, (name, _) in TOPIC_WORDS.items()] + [("test", "Tests")]
TOPIC_NAMES = dict(TOPICS)
CHANNELS = {key: name for key, (name, _) in CHANNEL_WORDS.items()} | {"web_push": "Browser notification", "apprise": "Other services"}
"""Channel → what staff call it."""
OUTCOMES = (
    ("handed_over", "Handed over"),
    ("simulated", "To the outbox"),
    ("delivered", "Delivered"),
    ("confirmed", "Confirmed"),
    ("uncertain", "Uncertain"),
    ("failed", "Failed"),
    ("held", "Held"),
    ("expired", "Expired"),
    ("withheld", "Not sent"),
)
"""Field of `hub.delivery.progress.Progress` → column. Handed over, delivered and confirmed are three numbers, never one (S16)."""
BY_CHANNEL = (("handed_over", "Handed over"), ("simulated", "Outbox"), ("uncertain", "Uncertain"), ("failed", "Failed"))
"""The same for each channel: fewer, so that the table fits a phone."""


def time_to_last(forecast: Forecast) -> str:
    """How long until the last recipient has it, in a sentence or two for staff."""
    if forecast.seconds is None and forecast.unprovided:
        return ""
    if forecast.seconds is None:
        return "No sender runs: nothing goes out until one does."
    if forecast.slowest is None:
        return ""
    slowest = forecast.by_channel[forecast.slowest]
    time = f"{_span(forecast.seconds)} until the last of them has it."
    if slowest.basis == "limit":
        return f"{time} {CHANNELS.get(forecast.slowest, forecast.slowest)} is the slowest, at {slowest.per_second:,.0f} a second."
    return time


def _span(seconds: float) -> str:
    if seconds < 10:
        return "A few seconds"
    if seconds < 90:
        return f"About {round(seconds, -1):.0f} seconds"
    return f"About {seconds / 60:.0f} minutes" if seconds < 5400 else f"About {seconds / 3600:.1f} hours"


def standing_still(stalled: Stalled) -> str:
    """The alarm of the outcome check, for staff."""
    where = " and ".join(CHANNELS.get(channel, channel) for channel in stalled.channels)
    on = f" by {where}" if where else ": its list of recipients was not made"
    return f"Nobody was reached{on} for {stalled.quiet_s:.0f} seconds, and {stalled.left:,} messages are left. Tell whoever runs the hub."
