"""Which test files begin first: a worker takes one file after another, and nobody should be left with a long one at the end."""

from __future__ import annotations

LONGEST = (
    "end_to_end/test_every_page.py",
    "faults/test_points.py",
    "hub/delivery/test_coordinator.py",
    "end_to_end/test_behind_links.py",
    "end_to_end/test_staff.py",
    "end_to_end/test_without_colour.py",
    "hub/backup/test_schedule.py",
    "end_to_end/test_residents.py",
    "faults/test_cluster.py",
    "subscriptions/test_matching.py",
    "hub/web/test_mirror.py",
    "end_to_end/test_every_channel.py",
    "hub/test_nodes.py",
    "hub/backup/test_backup.py",
    "end_to_end/test_app.py",
    "hub/delivery/test_sender.py",
    "end_to_end/test_sign_up.py",
    "hub/backup/test_commands.py",
    "hub/bot/test_alerts_in_chat.py",
    "subscriptions/test_kept_city.py",
    "hub/backup/test_unfinished.py",
    "docs/test_readme_path.py",
    "subscriptions/test_audience.py",
    "hub/sms/test_inbox.py",
    "hub/publishing/test_publishing.py",
    "end_to_end/test_weight.py",
    "end_to_end/test_firefox.py",
    "architecture/test_ci.py",
    "subscriptions/test_sign_up.py",
    "hub/delivery/test_second_provider.py",
    "hub/publishing/test_videos.py",
    "hub/publishing/test_what_follows.py",
    "faults/test_disk_full.py",
    "faults/test_clock.py",
    "faults/test_stalled_database.py",
    "hub/test_what_nodes_share.py",
    "hub/test_settings.py",
)
"""Below ``tests``, whatever takes ten seconds or more; those that wait stand between those that compute."""


def turn(nodeid: str) -> int:
    """When a test's file has its turn: those not named share the last."""
    file = nodeid.partition("::")[0].removeprefix("tests/")
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)
